// What the module calls, as `host.rs` says: each is a method of the client with that number.

export const clients = new Map();

const method =
  (name) =>
  (client, ...rest) =>
    clients.get(client)[name](...rest);

export const wait = method("wait");
export const soon = method("soon");
export const opens = method("opens");
export const send = method("send");
export const unsent = method("unsent");
export const shut = method("shut");
export const asks = method("asks");
export const welcomed = method("welcomed");
export const settled = method("settled");
export const turned = method("turned");
export const unpack = method("unpack");
export const keep = method("keep");
