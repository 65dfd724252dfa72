// The peer `ws`: a broadcast server as tutorials for Node write it, on the npm package `ws`. It differs from those in
// four ways: it listens on a free port of the loopback address and prints which, it has no line of log per connection
// and message (writing those would cost more than the broadcast, and Tidewire writes none either), there is a path /echo
// beside /chat, and `--version` says what would run.

import { createRequire } from "node:module";
import { WebSocket, WebSocketServer } from "ws";

if (process.argv.includes("--version")) {
  const { version } = createRequire(import.meta.url)("ws/package.json");
  console.log(`ws ${version} on Node ${process.version}`);
  process.exit();
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
const chat = new Set();

server.on("listening", () => {
  const { address, port } = server.address();
  console.log(`listening on http://${address}:${port}`);
});

server.on("connection", (socket, request) => {
  socket.on("error", (error) => console.error(`connection failed: ${error.message}`));
  if (request.url === "/echo") {
    socket.on("message", (message, isBinary) => socket.send(message, { binary: isBinary }));
    return;
  }
  chat.add(socket);
  socket.on("close", () => chat.delete(socket));
  socket.on("message", (message) => {
    socket.send(`Server received: ${message}`);
    for (const client of chat) {
      if (client !== socket && client.readyState === WebSocket.OPEN) {
        client.send(`Broadcast: ${message}`);
      }
    }
  });
  socket.send("Welcome to the WebSocket server!");
});
