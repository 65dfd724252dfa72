// The built page and addresses that lead nowhere.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "../support/browser.mjs";
import { startServer, www } from "../support/server.mjs";
import { openConsole } from "./console.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test("what is no address is refused at once, with the field marked", async (t) => {
  const server = await startServer(t, "--www", www);
  const console = await openConsole(t, browser, server.url);
  for (const address of ["", "ftp://example.org/", "ws://", "ws://exa mple/", "ws://example.org/#part"]) {
    await console.tryAddress(address);
    await console.complains("That is not the address of a WebSocket");
    assert.equal(await console.at("address").getAttribute("aria-invalid"), "true", address);
    assert.equal(await console.at("address").inputValue(), address);
  }
  await console.is("closed");
  assert.equal(await console.at("timeline").locator("[data-kind]").count(), 0);
});

test("a refused connection is an error and a close, and says what to check", async (t) => {
  const server = await startServer(t, "--www", www);
  const gone = await startServer(t);
  await gone.kill();
  const console = await openConsole(t, browser, server.url);
  await console.tryAddress(gone.socket("/chat"));
  await console.complains(`Could not connect to ${gone.socket("/chat")}`);
  await console.sees("close", "1006");
  assert.equal(await console.entries("error").count(), 1);
  assert.equal(await console.entries("open").count(), 0);
});

test("a path that is no WebSocket is told like a refused connection", async (t) => {
  const server = await startServer(t, "--www", www);
  const console = await openConsole(t, browser, server.url);
  await console.tryAddress(server.socket("/healthz"));
  await console.complains("Could not connect");
  await console.is("closed");
});
