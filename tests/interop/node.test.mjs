// Node with the npm package `ws`, against /chat and /echo.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";

import { startServer } from "../support/server.mjs";
import { openChat } from "./client.mjs";
import { journal } from "./journal.mjs";

const WELCOME = "log message Welcome to the WebSocket server!";

function join(test, url) {
  const console = journal();
  const client = openChat(WebSocket, url, console);
  test.after(() => client.ws.terminate());
  return { ...client, console };
}

test("the tutorial's client is welcomed and answered", async (t) => {
  const server = await startServer(t);
  const { ws, console } = join(t, server.socket("/chat"));
  await console.until("log message Server received: Hello Server!");
  assert.deepEqual(console.lines, ["log open", WELCOME, "log message Server received: Hello Server!"]);
  ws.close(1000);
  await console.until("log close 1000");
});

test("what one client says is told to all others and not to itself", async (t) => {
  const server = await startServer(t);
  const clients = [];
  for (let count = 0; count < 5; count += 1) {
    const client = join(t, server.socket("/chat"));
    await client.console.until("log message Server received: Hello Server!");
    clients.push(client);
  }
  const [speaker, ...others] = clients;
  speaker.sendMessage("tide comes in");
  await Promise.all(others.map(({ console }) => console.until("log message Broadcast: tide comes in")));
  await speaker.console.until("log message Server received: tide comes in");
  others[0].sendMessage("and goes out");
  await speaker.console.until("log message Broadcast: and goes out");
  assert.ok(!speaker.console.lines.includes("log message Broadcast: tide comes in"));
  for (const { console } of others) {
    assert.equal(console.lines.filter((line) => line.endsWith("tide comes in")).length, 1);
  }
});

test("sendMessage warns and sends nothing unless the socket is open", async (t) => {
  const server = await startServer(t);
  const { ws, sendMessage, console } = join(t, server.socket("/chat"));
  sendMessage("too early");
  assert.deepEqual(console.lines, ["warn not open too early"]);
  await console.until("log message Server received: Hello Server!");
  ws.close(1000);
  await console.until("log close 1000");
  sendMessage("too late");
  assert.equal(console.lines.at(-1), "warn not open too late");
  assert.ok(!console.lines.some((line) => line.includes("Server received: too")));
});

test("a refused connection is an error and then a close", async (t) => {
  const server = await startServer(t);
  await server.kill();
  const { console } = join(t, server.socket("/chat"));
  await console.until("log close 1006");
  assert.deepEqual(console.lines, ["error error", "log close 1006"]);
});

test("a server that is killed ends the connection with 1006", async (t) => {
  const server = await startServer(t);
  const { console } = join(t, server.socket("/chat"));
  await console.until("log message Server received: Hello Server!");
  await server.kill();
  await console.until("log close 1006");
});

test("ws gets text and bytes back unchanged from /echo", async (t) => {
  const server = await startServer(t);
  const ws = new WebSocket(server.socket("/echo"));
  t.after(() => ws.terminate());
  await once(ws, "open");
  for (const item of ["", "Hello, wörld 🌊", "x".repeat(1 << 20), Buffer.alloc(0), Buffer.from([0, 255, 128]), Buffer.alloc(1 << 20, 7)]) {
    ws.send(item);
    const [data, isBinary] = await once(ws, "message");
    assert.equal(isBinary, typeof item !== "string");
    assert.ok(data.equals(Buffer.from(item)), `${data.length} bytes came back for ${item.length}`);
  }
});

test("bytes said in /chat are answered as well", async (t) => {
  const server = await startServer(t);
  const { ws, console } = join(t, server.socket("/chat"));
  await console.until("log message Server received: Hello Server!");
  ws.send(Buffer.from("as bytes"));
  await console.until("log message Server received: as bytes");
});
