// The class `Socket`: the browser's WebSocket with listeners that can be taken off, a guarded send, and errors with codes.

import { call, failure } from "./error.js";

const TYPES = ["open", "message", "error", "close"];
const STATES = ["connecting", "open", "closing", "closed"];

// Like a WebSocket of the browser, a socket goes on for as long as somebody listens to it, though nothing refers to it.
const heard = new Set();
const lost = new FinalizationRegistry(({ native, handlers }) => release(native, handlers));

export class Socket {
  #native;
  #handlers;
  #listeners = [];
  #maxBufferedBytes;

  constructor(url, { protocols, maxBufferedBytes = 16777216 } = {}) {
    this.#native = connect(url, protocols);
    this.#native.binaryType = "arraybuffer";
    this.#maxBufferedBytes = maxBufferedBytes;
    // The native socket holds its handlers, and through them not this.
    const weak = new WeakRef(this);
    this.#handlers = new AbortController();
    const { signal } = this.#handlers;
    for (const type of TYPES) {
      this.#native.addEventListener(type, (event) => weak.deref()?.#dispatch(event), { signal });
    }
    lost.register(this, { native: this.#native, handlers: this.#handlers }, this);
  }

  on(type, listener) {
    if (!TYPES.includes(type) || typeof listener !== "function") {
      throw failure("invalid-listener", "no such event, or the listener is not a function", { cause: listener });
    }
    const entry = { type, listener };
    this.#listeners.push(entry);
    if (!this.#handlers.signal.aborted) heard.add(this);
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== entry);
      entry.type = undefined;
      if (this.#listeners.length === 0) heard.delete(this);
    };
  }

  send(item) {
    const refuse = (code, message) => failure(code, message, { item });
    if (this.#native.readyState !== WebSocket.OPEN) throw refuse("not-open", "the socket is not open");
    if (this.#native.bufferedAmount > this.#maxBufferedBytes) throw refuse("buffer-full", "too much waits to be sent");
    const rejected = "only strings, ArrayBuffers and views of them can be sent";
    // Anything else a WebSocket would turn into text such as `[object Object]`.
    if (typeof item !== "string" && !(item instanceof ArrayBuffer) && !ArrayBuffer.isView(item)) {
      throw refuse("rejected", rejected);
    }
    try {
      this.#native.send(item);
    } catch {
      throw refuse("rejected", rejected);
    }
  }

  close(code = 1000, reason = "") {
    try {
      this.#native.close(code, reason);
    } catch (cause) {
      // The browser checks the code before the reason.
      throw cause.name === "SyntaxError"
        ? failure("reason-too-long", "the reason is longer than 123 bytes", { cause })
        : failure("invalid-code", "the code is neither 1000 nor one of 3000 to 4999", { cause });
    }
  }

  get readyState() {
    return STATES[this.#native.readyState];
  }

  get bufferedAmount() {
    return this.#native.bufferedAmount;
  }

  get protocol() {
    return this.#native.protocol;
  }

  get url() {
    return this.#native.url;
  }

  free() {
    this.#end();
    this.#native.close(1000);
  }

  #dispatch(event) {
    let description;
    // What is added meanwhile waits for the next event, and what is taken off is passed over.
    for (const entry of [...this.#listeners]) {
      if (entry.type === event.type) call(entry.listener, (description ??= this.#describe(event)));
    }
    if (event.type === "close") this.#end();
  }

  #describe({ type, data, code, reason, wasClean }) {
    if (type === "open") return { type, protocol: this.#native.protocol };
    if (type === "message") return { type, data: typeof data === "string" ? data : new Uint8Array(data) };
    return type === "close" ? { type, code, reason, wasClean } : { type };
  }

  #end() {
    lost.unregister(this);
    this.#handlers.abort();
    for (const entry of this.#listeners) entry.type = undefined;
    this.#listeners = [];
    heard.delete(this);
  }
}

if (Symbol.dispose) Socket.prototype[Symbol.dispose] = Socket.prototype.free;

function connect(url, protocols) {
  try {
    return new WebSocket(url, protocols);
  } catch (cause) {
    if (cause.name !== "SyntaxError") {
      throw failure("refused", "the browser does not allow this connection", { cause });
    }
    // The browser has one name for both kinds of invalid input.
    const names = [].concat(protocols ?? []);
    const areValid = names.every((name, index) => /^[!#-'*+.^`|~\w-]+$/.test(name) && names.indexOf(name) === index);
    throw areValid
      ? failure("invalid-url", "not the address of a WebSocket", { cause })
      : failure("invalid-protocols", "a subprotocol is not a token, or is named twice", { cause });
  }
}

function release(native, handlers) {
  handlers.abort();
  native.close(1000);
}
