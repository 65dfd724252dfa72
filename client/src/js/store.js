// Where a session waits while its page is loaded again: the tab's session storage.
//
// A tab that is duplicated begins with a copy of the storage. So that it does not begin with the session of a page that lives,
// the entry is there only while there is no page: it is taken when a client connects, and put when its page goes.

// What browsers let an origin store is about five times as much.
const MAX_BYTES = 1048576;

export class Store {
  #key;
  #fail;

  // `fail` is told why a session is not kept, once.
  constructor(url, fail) {
    this.#key = `tidewire ${url}`;
    this.#fail = fail;
  }

  // Takes the entry out. Where it is not ours, nothing can be made of it.
  take() {
    try {
      const entry = sessionStorage.getItem(this.#key) ?? "";
      return this.#write("") ? Uint8Array.from(entry, (unit) => unit.charCodeAt()) : [];
    } catch {
      // As in a worker, or where it is forbidden.
      this.#told("unavailable");
      return [];
    }
  }

  // Says whether it could. A character for each byte: a storage keeps no bytes.
  put(saved) {
    if (saved.length > MAX_BYTES) return this.#told("too-large");
    let entry = "";
    for (const byte of saved) entry += String.fromCharCode(byte);
    return this.#write(entry);
  }

  #write(entry) {
    try {
      sessionStorage.setItem(this.#key, entry);
      return true;
    } catch {
      return this.#told("full");
    }
  }

  #told(why) {
    this.#fail?.(why);
    this.#fail = undefined;
    return false;
  }
}
