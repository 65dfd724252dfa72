// A small chat: the address comes from the query, each event becomes a line.

import init, { connect, Socket } from "tidewire";

import { record } from "./record";

await init();
Object.assign(window, { Socket, connect, record });

const address = new URLSearchParams(location.search).get("chat");
if (address !== null) talk(address);

function talk(address: string): void {
  const socket = new Socket(address);
  socket.on("open", () => socket.send("Hello Server!"));
  socket.on("message", ({ data }) => show(typeof data === "string" ? data : `${data.length} bytes`));
  socket.on("close", ({ code, wasClean }) => show(`closed ${code} ${wasClean ? "cleanly" : "abruptly"}`));
  document.querySelector("form")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const input = document.querySelector("input");
    if (input !== null) socket.send(input.value);
  });
}

function show(line: string): void {
  const item = document.createElement("li");
  item.textContent = line;
  document.querySelector("ol")?.append(item);
}
