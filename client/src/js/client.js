// Rooms: `connect`, and what it returns. The session is the module's; what comes of it crosses once a batch.

import { Batch, halves, position } from "./batch.js";
import { call, failure } from "./error.js";
import { Subscription } from "./subscription.js";
import { Session } from "./tidewire.js";

const TRANSPORTS = ["websocket", "polling"];
// Half an hour: networks change.
const KEPT_FOR = 1800000;
const STATES = ["connecting", "open", "waiting", "offline", "unauthorized", "closed"];
const UNPUBLISHED = {
  1: ["refused", "the server refused it"],
  2: ["unconfirmed", "the session ended before the answer came"],
  3: ["expired", "its time to live passed before it could be sent"],
  4: ["closed", "the client has ended"],
  5: ["full", "too many publishes wait for their answers"],
};
const EVENTS = ["state", "restored", "unsaved"];
const UNSAVED = ["unavailable", "too-large", "full"];

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

  close() {
    this.#core.session?.close();
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
    if (!Session.names(name)) {
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
    return this.#core.session?.signal(this.#name, encode(value)) === 0;
  }
}

// What a client and its rooms share.
class Core {
  session;
  state = { type: "state", state: "connecting" };
  member;
  // By room.
  subscriptions = new Map();
  #listeners = [];
  #publishes = new Map();
  #roundTrips = [];
  #batch;
  #url;

  constructor(url, { maxQueuedBytes = 1048576, maxPublishes = 1024, transports = TRANSPORTS, persist, signal }) {
    signal?.throwIfAborted();
    const kinds = Array.from(transports ?? [], (name) => TRANSPORTS.indexOf(name)).join("");
    if (!/^(0|1|01|10)$/.test(kinds)) {
      throw failure("invalid-transports", 'one or both of "websocket" and "polling", in any order', { cause: transports });
    }
    let first;
    const host = {
      turned: (state, events, outcomes) => {
        // The first turn comes before there is a session, and before it is known what was restored.
        if (this.session) this.#turned(state, events, outcomes);
        else first = outcomes.slice();
      },
      // What is given is memory of the module, so what is kept is copied.
      unpack: (numbers, names, texts, bytes) => {
        this.#batch = new Batch(numbers.slice(), names, texts, bytes.slice());
      },
      saving: () => {
        for (const { id, position } of this.subscriptions.values()) {
          if (position) this.session?.took(id, ...halves(position.epoch), position.offset);
        }
      },
    };
    // Where there is no choice, nothing is learned for others.
    if (kinds[1]) this.#url = url;
    const tab = persist === "tab";
    this.session = Session.open(String(url), host, maxQueuedBytes, maxPublishes, kinds[0], kinds.length, recall(url), tab);
    if (!this.session) {
      throw isAddress(url)
        ? failure("refused", "the browser does not allow this connection")
        : failure("invalid-url", "not the address of a WebSocket");
    }
    this.session.take(0);
    for (let event; (event = this.#batch?.next()); ) this.#expect(event);
    this.#turned(false, false, first);
    signal?.addEventListener("abort", () => this.session?.close(), { once: true });
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
      if (this.#roundTrips.length > 0 || this.session?.ping()) this.#roundTrips.push(resolve);
      else resolve(undefined);
    });
  }

  subscribe(room, { history = 0, after, presence = false, signal }) {
    signal?.throwIfAborted();
    if (!this.session) throw failure("closed", "the client has ended");
    const flags = (after ? 2 : history > 0 ? 1 : 0) + (presence ? 4 : 0);
    const [high, low] = after ? halves(after.epoch) : [0, 0];
    const id = this.session.subscribe(room, flags, after ? after.offset : history, high, low);
    if (id === 0) throw failure("already-subscribed", "the client is subscribed to this room already");
    const take = () => {
      this.#batch = undefined;
      return this.session.take(id) === 2 ? null : this.#batch;
    };
    const subscription = new Subscription(take, () => {
      this.subscriptions.delete(room);
      this.session?.unsubscribe(id);
    });
    subscription.id = id;
    this.subscriptions.set(room, subscription);
    signal?.addEventListener("abort", () => subscription.abort(signal.reason), { once: true });
    return subscription;
  }

  publish(room, value, { ttl = -1, signal }, resolve, reject) {
    signal?.throwIfAborted();
    const payload = encode(value);
    if (!this.session) return reject(unpublished(4, value));
    const id = this.session.publish(room, payload, ttl);
    if (id === 0) return reject(unpublished(5, value));
    this.#publishes.set(id, { resolve, reject, value });
    signal?.addEventListener("abort", () => this.#publishes.delete(id) && reject(signal.reason), { once: true });
  }

  #turned(state, events, outcomes = []) {
    for (let at = 0; at < outcomes.length; at += 5) this.#settle(...outcomes.subarray(at, at + 5));
    if (state) this.#update(this.session.state());
    if (events) for (const subscription of this.subscriptions.values()) subscription.wake();
  }

  #settle(id, kind, ...details) {
    if (id === 0 && kind === 0) return this.#roundTripped(details[0]);
    if (id === 0) return this.#tell({ type: "unsaved", code: UNSAVED[details[0]] });
    const publish = this.#publishes.get(id);
    this.#publishes.delete(id);
    if (kind === 0) publish?.resolve(position(...details));
    else publish?.reject(unpublished(kind, publish.value, details[0]));
  }

  #update(code) {
    const [state, detail] = [STATES[code % 8], Math.floor(code / 8)];
    this.state = { type: "state", state };
    if (state === "waiting") this.state.retryIn = detail;
    if (state === "open") {
      this.state.transport = TRANSPORTS[detail];
      if (this.#url) keep(this.#url, this.state.transport);
      this.member = this.session.member();
    } else this.#roundTripped(undefined);
    if (state === "closed") {
      this.state.code = detail;
      for (const subscription of this.subscriptions.values()) subscription.drain();
      const session = this.session;
      this.session = undefined;
      // Not while it is what calls.
      queueMicrotask(() => session.free());
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

// Which transport worked at an address, for the pages that follow. Workers have no storage, and a page may be kept from its own.
function keep(url, transport) {
  try {
    localStorage[`tidewire ${url}`] = `${transport} ${Date.now()}`;
  } catch {}
}

function recall(url) {
  try {
    const [transport, at] = localStorage[`tidewire ${url}`].split(" ");
    return Math.abs(Date.now() - at) < KEPT_FOR ? TRANSPORTS.indexOf(transport) : -1;
  } catch {
    return -1;
  }
}

function encode(value) {
  if (value instanceof Uint8Array) return value;
  const text = JSON.stringify(value);
  if (text === undefined) throw failure("invalid-value", "the value is neither JSON nor a Uint8Array", { value });
  return text;
}

function unpublished(kind, value, refusal) {
  const [code, message] = UNPUBLISHED[kind];
  return failure(code, message, kind === 1 ? { value, refusal } : { value });
}
