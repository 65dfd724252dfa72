// What a session talks over: the browser's WebSocket, or a poll in the form of one, which takes one batch and tells of one answer.

// `tell` is called with `code` 1 and `data` for each batch, with the code of the end, and with neither once it is open. Nothing
// is returned where the browser refuses to try.
export function open(url, isPoll, tell) {
  try {
    const line = new (isPoll ? Poll : WebSocket)(url);
    // Set once and never changed: a blob is read later than it came, and text would overtake it.
    line.binaryType = "arraybuffer";
    line.onopen = () => tell({});
    // The protocol has no text. Another server may be better.
    line.onmessage = ({ data }) => tell(typeof data === "string" ? { code: 1011 } : { code: 1, data: new Uint8Array(data) });
    line.onclose = tell;
    // It tells nothing any more. What was sent is sent.
    line.shut = () => {
      line.onopen = line.onmessage = line.onclose = null;
      line.close(1000);
    };
    return line;
  } catch {}
}

class Poll {
  bufferedAmount = 0;
  #url;
  #request = new AbortController();

  constructor(url) {
    const websocket = new URL(url, location);
    this.#url = new URL("poll" + websocket.search, websocket).href.replace(/^ws/, "http");
    if (!/^http/.test(this.#url)) throw url;
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
        (data) => this.onmessage?.({ data }),
        (code) => this.onclose?.({ code: code === TOO_BIG ? code : 1006 }),
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
