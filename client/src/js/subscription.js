// What `room.subscribe()` returns: the events, in order, for `for await`.

export class Subscription {
  #take;
  #end;
  #batches = [];
  #waiting = [];
  #epoch;
  #offset;
  #members = new Set();
  #arriving = [];
  #aborted;
  #isOver = false;

  // `take` gives the batch that has come, undefined where there is none now, and null where nothing follows.
  constructor(take, end) {
    this.#take = take;
    this.#end = end;
  }

  get position() {
    return this.#epoch && { epoch: this.#epoch, offset: this.#offset };
  }

  get presence() {
    return [...this.#members];
  }

  next() {
    const value = this.#waiting.length === 0 ? this.#pull() : undefined;
    if (value) return Promise.resolve({ value, done: false });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#isOver) this.#dismiss();
    });
  }

  return() {
    this.#batches = [];
    this.#finish();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  // Gives what has come to who waits for it.
  wake() {
    while (this.#waiting.length > 0) {
      const value = this.#pull();
      if (!value) return;
      this.#waiting.shift().resolve({ value, done: false });
    }
  }

  // The client ends: what has come is still given.
  drain() {
    const batch = this.#take();
    if (batch) this.#batches.push(batch);
    this.#take = () => null;
    this.wake();
  }

  abort(reason) {
    if (this.#isOver) return;
    this.#aborted = { reason };
    this.return();
  }

  #pull() {
    for (;;) {
      const event = this.#batches[0]?.next();
      if (event && this.#track(event)) return event;
      if (event) continue;
      this.#batches.shift();
      if (this.#batches.length > 0) continue;
      const batch = this.#isOver ? undefined : this.#take();
      if (batch === null) this.#finish();
      if (!batch) return undefined;
      this.#batches.push(batch);
    }
  }

  // Follows place and presence; false where the rest of an event is to come.
  #track(event) {
    if (event.type === "message") {
      this.#offset = event.offset;
    } else if (event.position) {
      ({ epoch: this.#epoch, offset: this.#offset } = event.position);
    } else if (event.type === "joined") {
      this.#members.add(event.member);
    } else if (event.type === "left") {
      this.#members.delete(event.member);
    } else if (event.type === "present") {
      this.#arriving.push(...event.members);
      if (event.more) return false;
      delete event.more;
      event.members = this.#arriving;
      this.#members = new Set(this.#arriving);
      this.#arriving = [];
    }
    return true;
  }

  #finish() {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#end();
    }
    this.#dismiss();
  }

  #dismiss() {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      // Who waited first is told why; after that it is over, as with other iterators.
      if (this.#aborted) reject(this.#aborted.reason);
      else resolve({ value: undefined, done: true });
      this.#aborted = undefined;
    }
  }
}

for (const symbol of [Symbol.dispose, Symbol.asyncDispose]) {
  if (symbol) {
    Subscription.prototype[symbol] = function () {
      return this.return();
    };
  }
}
