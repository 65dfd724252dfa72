// A WebSocket server of the test's own, which sees what a socket sends and how it ends.

import { once } from "node:events";
import { WebSocketServer } from "ws";

/**
 * Listens on a free port until the test ends.
 *
 * `accept()` resolves with the next connection, with `messages` and `closed`, which resolves with code and reason.
 */
export async function startPeer(test, options = {}) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, ...options });
  test.after(() => {
    server.clients.forEach((client) => client.terminate());
    server.close();
  });
  await once(server, "listening");
  return {
    url: `ws://127.0.0.1:${server.address().port}/`,
    async accept() {
      const [socket] = await once(server, "connection");
      const messages = [];
      socket.on("message", (data, isBinary) => messages.push(isBinary ? data : data.toString()));
      const closed = once(socket, "close").then(([code, reason]) => ({ code, reason: reason.toString() }));
      return { socket, messages, closed };
    },
  };
}
