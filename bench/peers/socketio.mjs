// The peer `socketio`: Socket.IO 4 with its default settings. One event, "message", carries the words of /chat, one,
// "echo", is answered as it came, and after "join" `POST /burst` is heard as events "said" of a room. It listens on a free
// port of the loopback address and prints which; `--version` says what would run.

import { createRequire } from "node:module";
import { createServer } from "node:http";
import { Server } from "socket.io";

import { answerBursts } from "./burst.mjs";

if (process.argv.includes("--version")) {
  const { version } = createRequire(import.meta.url)("socket.io/package.json");
  console.log(`socket.io ${version} on Node ${process.version}`);
  process.exit();
}

const http = createServer();
const io = new Server(http);

answerBursts(http, (value) => io.to("bench").emit("said", value));

io.on("connection", (socket) => {
  socket.on("message", (message) => {
    socket.emit("message", `Server received: ${message}`);
    socket.broadcast.emit("message", `Broadcast: ${message}`);
  });
  socket.on("join", (joined) => {
    socket.join("bench");
    joined();
  });
  socket.on("echo", (message) => socket.emit("echo", message));
  socket.emit("message", "Welcome to the WebSocket server!");
});

http.listen(0, "127.0.0.1", () => {
  const { address, port } = http.address();
  console.log(`listening on http://${address}:${port}`);
});
