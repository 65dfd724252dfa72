// What a client and its rooms share. The session is the module's; what comes of it crosses once a batch.

import { Batch, halves, position } from "./batch.js";
import { call, failure } from "./error.js";
import { clients } from "./host.js";
import { CLOSE, CONNECT, RING, follow } from "./life.js";
import { open } from "./link.js";
import { TRANSPORTS, recall, remember } from "./remembered.js";
import { Store } from "./store.js";
import { Subscription } from "./subscription.js";
import { decode, encode } from "./text.js";
import * as module from "./tidewire.js";

const STATES = ["connecting", "open", "waiting", "offline", "unauthorized", "closed"];
const UNPUBLISHED = {
  1: ["refused", "the server refused it"],
  2: ["unconfirmed", "the session ended before the answer came"],
  3: ["expired", "its time to live passed before it could be sent"],
  4: ["closed", "the client has ended"],
  5: ["full", "too many publishes wait for their answers"],
};
const UNAUTHORIZED = [
  ["failed", "the token could not be had"],
  ["timed-out", "the token did not come in time"],
  ["expired", "the token has expired, and no other is to be had"],
];
const EVENTS = ["state", "restored", "unsaved"];
let lastId = 0;

export class Core {
  // Nothing, which no client has, once it has ended.
  id = ++lastId;
  state = { type: "state", state: "connecting" };
  member;
  // By room.
  subscriptions = new Map();
  #listeners = [];
  #publishes = new Map();
  #roundTrips = [];
  #batch;
  #url;
  #hasChoice;
  // By attempt.
  #lines = new Map();
  #timer;
  #store;
  #source;
  // What was asked last, and why it came to nothing.
  #asked;
  #cause;
  #page = new AbortController();

  constructor(url, options) {
    const { maxQueuedBytes = 1048576, maxPublishes = 1024, transports = TRANSPORTS, persist, signal } = options;
    const { token, tokenTimeout = 10000 } = options;
    signal?.throwIfAborted();
    const kinds = Array.from(transports ?? [], (name) => TRANSPORTS.indexOf(name)).join("");
    if (!/^(0|1|01|10)$/.test(kinds)) {
      throw failure("invalid-transports", 'one or both of "websocket" and "polling", in any order', { cause: transports });
    }
    const asks = typeof token === "function";
    const given = token === undefined || asks ? undefined : secret(token);
    const id = this.id;
    this.#source = token;
    this.#url = String(url);
    this.#hasChoice = kinds.length > 1;
    clients.set(id, this);
    module.create(id, maxQueuedBytes, maxPublishes, kinds[0], kinds.length, recall(url), asks ? tokenTimeout : -1);
    if (given) module.token(id, given, true);
    const save = () => this.#store && this.#save();
    follow(id, save, () => this.#store?.take(), this.#page.signal);
    if (persist === "tab") {
      this.#store = new Store(url, (code) => this.#tell({ type: "unsaved", code }));
      module.restore(id, Date.now(), this.#store.take());
      for (let event; (event = this.#batch.next()); ) this.#expect(event);
    }
    module.turn(id, CONNECT);
    if (!this.id) {
      throw isAddress(url)
        ? failure("refused", "the browser does not allow this connection")
        : failure("invalid-url", "not the address of a WebSocket");
    }
    signal?.addEventListener("abort", () => this.close(), { once: true });
  }

  setToken(token) {
    module.token(this.id, secret(token), true);
  }

  close() {
    module.turn(this.id, CLOSE);
  }

  // What the module calls: see `host.rs`.

  wait(milliseconds) {
    clearTimeout(this.#timer);
    if (milliseconds >= 0) this.#timer = setTimeout(() => this.#ring(), milliseconds);
  }

  soon() {
    queueMicrotask(() => this.#ring());
  }

  opens(attempt, isPoll) {
    const line = open(this.#url, isPoll, ({ code = 0, data = [] }) => module.heard(this.id, attempt, code, data));
    if (line) this.#lines.set(attempt, line);
    return !!line;
  }

  send(attempt, batch, isFarewell) {
    this.#lines.get(attempt).send(batch, isFarewell);
  }

  unsent(attempt) {
    return this.#lines.get(attempt).bufferedAmount;
  }

  shut(attempt) {
    this.#lines.get(attempt).shut();
    this.#lines.delete(attempt);
  }

  async asks() {
    const asked = (this.#asked = {});
    let token, cause;
    try {
      // Not while it is what calls.
      await undefined;
      token = secret(await this.#source());
    } catch (error) {
      cause = error;
    }
    if (asked !== this.#asked) return;
    this.#cause = cause;
    module.token(this.id, token ?? [], !!token);
  }

  welcomed(member) {
    this.member = decode(member);
  }

  settled(id, kind, ...details) {
    if (id === 0) return this.#roundTripped(details[0]);
    const publish = this.#publishes.get(id);
    this.#publishes.delete(id);
    if (kind === 0) publish?.resolve(position(...details));
    else publish?.reject(unpublished(kind, publish.value, details[0]));
  }

  turned(state, events) {
    if (state >= 0) this.#update(state);
    if (events) for (const subscription of this.subscriptions.values()) subscription.wake();
  }

  unpack(...packed) {
    this.#batch = new Batch(...packed);
  }

  keep(saved) {
    return this.#store.put(saved);
  }

  #ring() {
    module.turn(this.id, RING);
  }

  #save() {
    for (const { id, position } of this.subscriptions.values()) {
      if (position) module.took(this.id, id, ...halves(position.epoch), position.offset);
    }
    return module.save(this.id, Date.now());
  }

  // Something that the page before has published comes as a message: by its number, and from its room.
  #expect({ offset, sender: room, value }) {
    const tell = (outcome) => this.#tell({ type: "restored", room, value, ...outcome });
    const [resolve, reject] = [(position) => tell({ position }), (error) => tell({ error })];
    this.#publishes.set(offset, { resolve, reject, value });
  }

  on(type, listener) {
    if (!EVENTS.includes(type) || typeof listener !== "function") {
      throw failure("invalid-listener", "no such event, or the listener is not a function", { cause: listener });
    }
    const entry = { type, listener };
    this.#listeners.push(entry);
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== entry);
      entry.listener = undefined;
    };
  }

  roundTrip() {
    return new Promise((resolve) => {
      // Who asks while an answer is on its way shares it.
      if (this.#roundTrips.length > 0 || module.ping(this.id)) this.#roundTrips.push(resolve);
      else resolve(undefined);
    });
  }

  subscribe(room, { history = 0, after, presence = false, signal }) {
    signal?.throwIfAborted();
    if (!this.id) throw failure("closed", "the client has ended");
    const flags = (after ? 2 : history > 0 ? 1 : 0) + (presence ? 4 : 0);
    const [high, low] = after ? halves(after.epoch) : [0, 0];
    const id = module.subscribe(this.id, encode(room), flags, after ? after.offset : history, high, low);
    if (id === 0) throw failure("already-subscribed", "the client is subscribed to this room already");
    const take = () => {
      this.#batch = undefined;
      return module.take(this.id, id) === 2 ? null : this.#batch;
    };
    const subscription = new Subscription(take, () => {
      this.subscriptions.delete(room);
      module.unsubscribe(this.id, id);
    });
    subscription.id = id;
    this.subscriptions.set(room, subscription);
    signal?.addEventListener("abort", () => subscription.abort(signal.reason), { once: true });
    return subscription;
  }

  publish(room, value, { ttl = -1, signal }, resolve, reject) {
    signal?.throwIfAborted();
    const payload = pack(value);
    if (!this.id) return reject(unpublished(4, value));
    const id = module.publish(this.id, encode(room), ...payload, ttl);
    if (id === 0) return reject(unpublished(5, value));
    this.#publishes.set(id, { resolve, reject, value });
    signal?.addEventListener("abort", () => this.#publishes.delete(id) && reject(signal.reason), { once: true });
  }

  #update(code) {
    const [state, detail] = [STATES[code % 8], Math.floor(code / 8)];
    this.state = { type: "state", state };
    if (state === "waiting") this.state.retryIn = detail;
    if (state === "unauthorized") {
      // Only of one that failed it is known why.
      this.state.error = failure(...UNAUTHORIZED[detail], detail === 0 && { cause: this.#cause });
    }
    if (state === "open") {
      this.state.transport = TRANSPORTS[detail];
      // Where there is no choice, nothing is learned for others.
      if (this.#hasChoice) remember(this.#url, this.state.transport);
    } else this.#roundTripped(undefined);
    if (state === "closed") {
      this.state.code = detail;
      for (const subscription of this.subscriptions.values()) subscription.drain();
      const id = this.id;
      this.id = this.#asked = undefined;
      this.#page.abort();
      // Not while it is what calls.
      queueMicrotask(() => {
        module.forget(id);
        clients.delete(id);
      });
    }
    this.#emit(this.state);
  }

  #emit(event) {
    for (const { type, listener } of [...this.#listeners]) if (listener && type === event.type) call(listener, event);
  }

  // Once whoever connects now listens.
  #tell(event) {
    queueMicrotask(() => this.#emit(event));
  }

  #roundTripped(time) {
    for (const resolve of this.#roundTrips.splice(0)) resolve(time);
  }
}

function isAddress(url) {
  try {
    const { protocol, hash } = new URL(url, location);
    return /^(ws|http)s?:$/.test(protocol) && !hash;
  } catch {
    return false;
  }
}

function secret(token) {
  if (typeof token !== "string") throw failure("invalid-token", "a token is a string, or comes of a function");
  return encode(token);
}

// Bytes, and whether they are text.
export function pack(value) {
  if (value instanceof Uint8Array) return [value, false];
  const text = JSON.stringify(value);
  if (text === undefined) throw failure("invalid-value", "the value is neither JSON nor a Uint8Array", { value });
  return [encode(text), true];
}

function unpublished(kind, value, refusal) {
  const [code, message] = UNPUBLISHED[kind];
  return failure(code, message, kind === 1 ? { value, refusal } : { value });
}
