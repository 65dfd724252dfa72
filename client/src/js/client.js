// Rooms: `connect`, and what it returns. What they do is in `core.js`.

import { Core, pack } from "./core.js";
import { failure } from "./error.js";
import { encode } from "./text.js";
import * as module from "./tidewire.js";

export const connect = (url, options) => new Client(url, options);

class Client {
  #core;

  constructor(url, options = {}) {
    this.#core = new Core(url, options);
  }

  get state() {
    return this.#core.state.state;
  }

  get transport() {
    return this.#core.state.transport;
  }

  get member() {
    return this.#core.member;
  }

  on(type, listener) {
    return this.#core.on(type, listener);
  }

  room(name) {
    return new Room(this.#core, name);
  }

  roundTrip() {
    return this.#core.roundTrip();
  }

  setToken(token) {
    this.#core.setToken(token);
  }

  close() {
    this.#core.close();
  }
}

for (const [symbol, result] of [[Symbol.dispose], [Symbol.asyncDispose, Promise.resolve()]]) {
  if (symbol) {
    Client.prototype[symbol] = function () {
      this.close();
      return result;
    };
  }
}

class Room {
  #core;
  #name;

  constructor(core, name) {
    if (typeof name !== "string" || !module.names(encode(name))) {
      throw failure("invalid-room", "the name of a room is 1 to 128 bytes without control characters");
    }
    this.#core = core;
    this.#name = name;
  }

  get name() {
    return this.#name;
  }

  get presence() {
    return this.#core.subscriptions.get(this.#name)?.presence ?? [];
  }

  subscribe(options = {}) {
    return this.#core.subscribe(this.#name, options);
  }

  publish(value, options = {}) {
    return new Promise((resolve, reject) => this.#core.publish(this.#name, value, options, resolve, reject));
  }

  signal(value) {
    return module.signal(this.#core.id, encode(this.#name), ...pack(value));
  }
}
