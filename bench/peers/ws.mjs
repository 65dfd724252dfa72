// The peer `ws`: a broadcast server as tutorials for Node write it, on the npm package `ws`. It differs from those in
// five ways: it listens on a free port of the loopback address and prints which, it has no line of log per connection
// and message (writing those would cost more than the broadcast, and Tidewire writes none either), there is a path /echo
// beside /chat, a path /room where `POST /burst` is heard as JSON, and `--version` says what would run.

import { createRequire } from "node:module";
import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";

import { answerBursts } from "./burst.mjs";

if (process.argv.includes("--version")) {
  const { version } = createRequire(import.meta.url)("ws/package.json");
  console.log(`ws ${version} on Node ${process.version}`);
  process.exit();
}

const http = createServer();
const server = new WebSocketServer({ server: http });
const chat = new Set();
const room = new Set();

answerBursts(http, (value) => {
  const text = JSON.stringify(value);
  for (const client of room) client.send(text);
});

http.listen(0, "127.0.0.1", () => {
  const { address, port } = http.address();
  console.log(`listening on http://${address}:${port}`);
});

server.on("connection", (socket, request) => {
  socket.on("error", (error) => console.error(`connection failed: ${error.message}`));
  if (request.url === "/echo") {
    socket.on("message", (message, isBinary) => socket.send(message, { binary: isBinary }));
    return;
  }
  if (request.url === "/room") {
    room.add(socket);
    socket.on("close", () => room.delete(socket));
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
