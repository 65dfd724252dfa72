// In the page of the workload `browser`: each peer's client hears a burst, and every message of it is handled the same way.

import { io } from "/socket.io.js";
import init, { connect } from "/tidewire/index.js";

await init();

/** By peer: joins, calls `joined`, and `handle` with each message's value until it says that there are no more. */
const clients = {
  async "tidewire-ws"(address, joined, handle) {
    using client = connect(`ws://${address}/ws`);
    for await (const event of client.room("bench").subscribe()) {
      if (event.type === "subscribed") joined();
      else if (event.type !== "message") throw new Error(`an event ${event.type}`);
      else if (handle(event.value)) break;
    }
  },

  async socketio(address, joined, handle) {
    const socket = io(`ws://${address}`, { transports: ["websocket"], forceNew: true, reconnection: false });
    await new Promise((resolve, reject) => {
      socket.on("connect_error", reject);
      socket.on("disconnect", (reason) => reject(new Error(reason)));
      socket.on("said", attempt(reject, (value) => handle(value) && resolve()));
      socket.emit("join", joined);
    });
    socket.close();
  },

  async ws(address, joined, handle) {
    const socket = new WebSocket(`ws://${address}/room`);
    await new Promise((resolve, reject) => {
      socket.onopen = joined;
      socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
      socket.onmessage = attempt(reject, ({ data }) => handle(JSON.parse(data)) && resolve());
    });
    socket.onclose = null;
    socket.close();
  },
};

/** What a handler throws ends the wait. */
const attempt = (reject, handler) => (value) => {
  try {
    handler(value);
  } catch (error) {
    reject(error);
  }
};

/**
 * Joins, and resolves then. `outcome` resolves with the milliseconds from the first message handled to the last, or to the
 * reason why that failed.
 */
window.begin = ({ peer, address, messages, bytes }) =>
  new Promise((resolve, reject) => {
    const { handle, times } = handler(messages, bytes);
    const joined = () => resolve();
    window.outcome = clients[peer](address, joined, handle).then(() => times.last - times.first);
    window.outcome.catch(reject);
  });

/** Handles messages: each must be the next of the burst, and is compared byte for byte. */
function handler(messages, bytes) {
  const first = 1_000_000;
  const filling = "x".repeat(bytes - JSON.stringify({ number: first, text: "" }).length);
  const times = {};
  let expected = first;
  const handle = ({ number, text }) => {
    if (number !== expected) throw new Error(`expected message ${expected}, got ${number}`);
    if (text !== filling) throw new Error(`message ${number} was changed on its way`);
    if (expected === first) times.first = performance.now();
    expected += 1;
    if (expected < first + messages) return false;
    times.last = performance.now();
    return true;
  };
  return { handle, times };
}
