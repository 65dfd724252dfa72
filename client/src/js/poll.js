// A poll in the form of a WebSocket, as far as a session uses one: it takes one batch, and tells of one answer.

export const poll = (url) => {
  const websocket = new URL(url, location);
  const { href } = new URL("poll" + websocket.search, websocket);
  if (!/^(ws|http)/.test(href)) throw new SyntaxError(href);
  return new Poll(href.replace(/^ws/, "http"));
};

class Poll {
  bufferedAmount = 0;
  #url;
  #request = new AbortController();

  constructor(url) {
    this.#url = url;
  }

  // The farewell goes on when the page does not, and what is answered is of no interest.
  send(body, isFarewell) {
    this.bufferedAmount = body.length;
    fetch(this.#url, {
      method: "POST",
      body,
      cache: "no-store",
      // Who is sent elsewhere is not answered by a server of ours.
      redirect: "error",
      keepalive: isFarewell,
      signal: isFarewell ? null : this.#request.signal,
    })
      .then(read)
      .then(
        (data) => this.onmessage?.({ type: "message", data }),
        (code) => this.onclose?.({ type: "close", code: code === TOO_BIG ? code : 1006 }),
      );
  }

  close() {
    this.#request.abort();
  }
}

// The whole body, unless it is too large or breaks off.
async function read({ status, body }) {
  if (status !== 200) throw status === 413 ? TOO_BIG : status;
  const [pieces, reader] = [[], body.getReader()];
  for (let left = MAX_BATCH_BYTES; left >= 0; ) {
    const { value } = await reader.read();
    if (!value) return new Blob(pieces).arrayBuffer();
    pieces.push(value);
    left -= value.length;
  }
  reader.cancel();
  throw status;
}

const MAX_BATCH_BYTES = 16777216;
const TOO_BIG = 1009;
