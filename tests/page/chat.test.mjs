// The built page, served by the server itself, on /chat.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { once } from "node:events";

import { launch } from "../support/browser.mjs";
import { startServer, startServerAt, www } from "../support/server.mjs";
import { openConsole } from "./console.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test("a message is answered, and counted", async (t) => {
  const server = await startServer(t, "--www", www);
  const console = await openConsole(t, browser, server.url);
  await console.is("closed");
  await console.connect("/chat");
  await console.sees("open", server.socket("/chat"));
  await console.sees("message", "Welcome to the WebSocket server!");
  await console.say("Hello Server!");
  await console.sees("sent", "Hello Server!");
  await console.sees("message", "Server received: Hello Server!");
  assert.equal(await console.at("count-sent").textContent(), "1");
  assert.equal(await console.at("count-received").textContent(), "2");
  assert.equal(await console.at("composer").inputValue(), "", "what was sent is not left in the field");
});

test("a second tab sees the broadcast, and the sender does not", async (t) => {
  const server = await startServer(t, "--www", www);
  const [first, second] = [
    await openConsole(t, browser, server.url),
    await openConsole(t, browser, server.url),
  ];
  await first.connect("/chat");
  await second.connect("/chat");
  await second.sees("message", "Welcome");
  await first.say("from the first tab");
  await second.sees("message", "Broadcast: from the first tab");
  await first.sees("message", "Server received: from the first tab");
  assert.equal(await first.entries("message").filter({ hasText: "Broadcast" }).count(), 0);
});

test("the page says that the server was killed, and connects again when it is back", async (t) => {
  const server = await startServer(t, "--www", www);
  const console = await openConsole(t, browser, server.url);
  await console.connect("/chat");
  await server.kill();
  await console.is("closed");
  await console.sees("close", "1006");
  await console.complains("The connection was lost");
  const again = await startServerAt(new URL(server.url).host, t);
  assert.equal(again.url, server.url);
  await console.at("connect").click();
  await console.is("open");
  assert.equal(await console.at("alert").textContent(), "", "what went wrong is over");
});

test("the page says that the server is going away when it shuts down", async (t) => {
  const server = await startServer(t, "--www", www);
  const console = await openConsole(t, browser, server.url);
  await console.connect("/chat");
  await server.end();
  await console.sees("close", "1001");
  await console.complains("The server is going away");
});

test("the timeline keeps the newest entries and says that older ones are gone", async (t) => {
  const server = await startServer(t, "--www", www);
  const console = await openConsole(t, browser, server.url);
  await console.connect("/chat");
  await console.sees("message", "Welcome");
  const other = new WebSocket(server.socket("/chat"));
  t.after(() => other.terminate());
  await once(other, "open");
  for (let number = 1; number <= 700; number += 1) {
    other.send(`number ${number}.`);
    // Its own answer, so that no more is under way than the server keeps for a slow reader.
    await once(other, "message");
  }
  await console.sees("message", "Broadcast: number 700.");
  const kept = await console.at("timeline").locator("[data-kind]").count();
  assert.ok(kept >= 100 && kept <= 500, `${kept} entries are kept`);
  assert.equal(await console.entries("message").filter({ hasText: "number 1." }).count(), 0);
  assert.match(await console.at("dropped").textContent(), /older entries dropped/);
});
