// The built page on /echo: texts, bytes, files, round trips, and the size limit.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "../support/browser.mjs";
import { startServer, www } from "../support/server.mjs";
import { openConsole } from "./console.mjs";

const LIMIT = 1 << 20;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

async function onEcho(test, ...options) {
  const server = await startServer(test, "--www", www, ...options);
  const console = await openConsole(test, browser, server.url);
  await console.connect("/echo");
  return console;
}

test("a text comes back with its size and its round-trip time", async (t) => {
  const console = await onEcho(t);
  assert.equal(await console.at("rtt").textContent(), "–");
  await console.say("wörds 🌊");
  await console.sees("message", "wörds 🌊");
  const entry = await console.entries("message").first().textContent();
  assert.match(entry, /11 B/);
  assert.match(entry, /\d+(\.\d)? (ms|s)/);
  assert.match(await console.at("rtt").textContent(), /^\d+(\.\d)? (ms|s)$/);
});

test("bytes typed as hexadecimal come back as bytes", async (t) => {
  const console = await onEcho(t);
  await console.sayHex("de ad BE EF 0x00");
  await console.sees("sent", "de ad be ef 00");
  await console.sees("message", "de ad be ef 00");
  assert.match(await console.entries("message").first().textContent(), /5 B/);
});

test("a file of the largest size comes back as bytes", async (t) => {
  const console = await onEcho(t);
  await console.sayFile("largest.bin", Buffer.alloc(LIMIT, 0xa5));
  await console.sees("message", "1.0 MiB");
  await console.sees("message", "a5 a5 a5 a5");
  await console.is("open");
});

test("a message over the limit is explained", async (t) => {
  const console = await onEcho(t);
  await console.sayFile("too-large.bin", Buffer.alloc(LIMIT + 1));
  await console.complains("The message was too large for the server");
  await console.sees("close", "1009");
  await console.is("closed");
});

test("what is not hexadecimal is refused, pointed at, and left in the field", async (t) => {
  const console = await onEcho(t);
  await console.sayHex("de ag");
  await console.complains("not a hex digit: g");
  assert.equal(await console.at("composer").inputValue(), "de ag");
  assert.equal(await console.at("composer").getAttribute("aria-invalid"), "true");
  assert.equal(await console.entries("sent").count(), 0);
  await console.say("de ad");
  await console.sees("message", "de ad");
  assert.equal(await console.at("alert").textContent(), "");
});

test("a text typed while there is no connection is refused and stays", async (t) => {
  const server = await startServer(t, "--www", www);
  const console = await openConsole(t, browser, server.url);
  await console.say("too early");
  await console.complains("Not connected, so nothing was sent");
  assert.equal(await console.at("composer").inputValue(), "too early");
  assert.equal(await console.entries("sent").count(), 0);
});

test("a file without a connection is refused", async (t) => {
  const server = await startServer(t, "--www", www);
  const console = await openConsole(t, browser, server.url);
  await console.sayFile("early.bin", Buffer.alloc(3));
  await console.complains("Not connected, so nothing was sent");
});

test("disconnecting is a clean close with the code and reason chosen", async (t) => {
  const console = await onEcho(t);
  await console.at("close-options").click();
  await console.at("close-code").fill("4321");
  await console.at("close-reason").fill("enough for today");
  await console.at("disconnect").click();
  await console.sees("close", "4321");
  await console.sees("close", "enough for today");
  await console.is("closed");
  assert.equal(await console.entries("error").count(), 0);
});

test("a code that a page may not send is refused and the connection stays", async (t) => {
  const console = await onEcho(t);
  await console.at("close-options").click();
  await console.at("close-code").fill("1001");
  await console.at("disconnect").click();
  await console.complains("That code cannot be sent");
  await console.is("open");
});
