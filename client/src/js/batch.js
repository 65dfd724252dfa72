// Events that crossed from the module at once, cut up one after another: see `batch.rs`.

import { decode } from "./text.js";

export class Batch {
  #numbers;
  #names;
  #texts;
  #bytes;
  #number = 0;
  #text = 0;
  #byte = 0;

  // What is given is memory of the module, so what is kept is copied.
  constructor(numbers, names, texts, bytes) {
    this.#numbers = numbers.slice();
    this.#names = decode(names).split("\n");
    this.#texts = decode(texts);
    this.#bytes = bytes.slice();
  }

  // The next event; undefined where there are no more.
  next() {
    if (this.#number === this.#numbers.length) return undefined;
    const kind = this.#read();
    switch (kind) {
      case 0:
      case 1:
        return { type: "message", offset: this.#read(), sender: this.#name(), value: this.#value(kind) };
      case 2:
      case 3:
        this.#read();
        return { type: "signal", sender: this.#name(), value: this.#value(kind) };
      case 4:
        return { type: "joined", member: this.#name() };
      case 5:
        return { type: "left", member: this.#name() };
      case 7:
        return { type: "subscribed", position: this.#position() };
      case 8:
        return {
          type: "gap",
          cause: this.#read() === 0 ? "evicted" : "log-lost",
          from: this.#read(),
          position: this.#position(),
        };
      case 9:
        return { type: "ended", code: this.#read() };
      default: {
        const first = this.#read();
        return { type: "present", members: this.#names.slice(first, first + this.#read()), more: kind === 10 };
      }
    }
  }

  #read() {
    return this.#numbers[this.#number++];
  }

  // Nobody for the server itself.
  #name() {
    return this.#names[this.#read()];
  }

  #position() {
    return position(this.#read(), this.#read(), this.#read());
  }

  #value(kind) {
    const length = this.#read();
    // A copy: a view would keep the whole batch, and show it to whom its buffer is given.
    if (kind % 2 === 1) return this.#bytes.slice(this.#byte, (this.#byte += length));
    const text = this.#texts.slice(this.#text, (this.#text += length));
    try {
      return JSON.parse(text);
    } catch {
      // Somebody published text that is not JSON.
      return text;
    }
  }
}

export const position = (high, low, offset) => ({ epoch: hex(high) + hex(low), offset });

export const halves = (epoch) => [parseInt(epoch.slice(0, 8), 16), parseInt(epoch.slice(8), 16)];

const hex = (number) => number.toString(16).padStart(8, "0");
