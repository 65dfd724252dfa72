// The browser's own WebSocket, in a blank page, against /chat.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";

import { launch, openPage } from "../support/browser.mjs";
import { startServer } from "../support/server.mjs";
import { serveFiles } from "../support/static.mjs";
import { openChat } from "./client.mjs";
import { journal } from "./journal.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** A blank page that has the client at hand, and a server that lets it in. */
async function start(test) {
  const script = async (name) => ["text/javascript", await readFile(new URL(name, import.meta.url))];
  const url = await serveFiles(test, {
    "/": ["text/html", "<!doctype html><title>Blank</title><link rel=icon href=data:,>"],
    "/client.mjs": await script("client.mjs"),
    "/journal.mjs": await script("journal.mjs"),
  });
  const page = await openPage(test, browser);
  await page.goto(url);
  return { page, server: await startServer(test, "--allow-origin", url) };
}

/** Joins in the page; what the client writes is kept there. */
async function join(page, url) {
  await page.evaluate(async (url) => {
    const [{ openChat }, { journal }] = await Promise.all([import("/client.mjs"), import("/journal.mjs")]);
    window.journal = journal();
    window.chat = openChat(WebSocket, url, window.journal);
  }, url);
}

const until = (page, line) => page.evaluate((line) => window.journal.until(line), line);
const lines = (page) => page.evaluate(() => window.journal.lines);
const say = (page, message) => page.evaluate((message) => window.chat.sendMessage(message), message);

test("the tutorial's client in a page is welcomed and answered", async (t) => {
  const { server, page } = await start(t);
  await join(page, server.socket("/chat"));
  await until(page, "log message Server received: Hello Server!");
  assert.deepEqual(await lines(page), [
    "log open",
    "log message Welcome to the WebSocket server!",
    "log message Server received: Hello Server!",
  ]);
});

test("a page and Node hear each other's broadcasts", async (t) => {
  const { server, page } = await start(t);
  await join(page, server.socket("/chat"));
  await until(page, "log message Server received: Hello Server!");
  const console = journal();
  const { ws, sendMessage } = openChat(WebSocket, server.socket("/chat"), console);
  t.after(() => ws.terminate());
  await until(page, "log message Broadcast: Hello Server!");
  await say(page, "from the page");
  await console.until("log message Broadcast: from the page");
  sendMessage("from Node");
  await until(page, "log message Broadcast: from Node");
});

test("sendMessage in a page warns unless the socket is open", async (t) => {
  const { server, page } = await start(t);
  const early = await page.evaluate(async (url) => {
    const [{ openChat }, { journal }] = await Promise.all([import("/client.mjs"), import("/journal.mjs")]);
    window.journal = journal();
    window.chat = openChat(WebSocket, url, window.journal);
    window.chat.sendMessage("too early");
    return window.journal.lines.slice();
  }, server.socket("/chat"));
  assert.deepEqual(early, ["warn not open too early"]);
  await until(page, "log message Server received: Hello Server!");
  await server.kill();
  await until(page, "log close 1006");
  await say(page, "too late");
  assert.equal((await lines(page)).at(-1), "warn not open too late");
});
