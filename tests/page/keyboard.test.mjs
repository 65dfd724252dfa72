// The console without a mouse, and for those who do not see it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "../support/browser.mjs";
import { startServer, www } from "../support/server.mjs";
import { openConsole } from "./console.mjs";
import { tabTo } from "./keyboard.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test("one connects, talks and disconnects with the keyboard alone", async (t) => {
  const server = await startServer(t, "--www", www);
  const console = await openConsole(t, browser, server.url);
  const { keyboard } = console.page;
  await tabTo(console, "endpoint");
  await keyboard.type("/chat");
  await tabTo(console, "address");
  assert.equal(await console.at("address").inputValue(), server.socket("/chat"));
  await keyboard.press("Enter");
  await console.is("open");
  // Once the connection is open the composer has the focus.
  await console.page.waitForFunction(() => document.activeElement?.getAttribute("data-testid") === "composer");
  await keyboard.type("first line");
  await keyboard.press("Shift+Enter");
  await keyboard.type("second line");
  assert.equal(await console.entries("sent").count(), 0);
  await keyboard.press("Enter");
  await console.sees("message", /Server received: first line\s+second line/);
  await keyboard.press("ArrowUp");
  assert.equal(await console.at("composer").inputValue(), "first line\nsecond line");
  await tabTo(console, "disconnect");
  await keyboard.press("Enter");
  await console.is("closed");
  await console.sees("close", "1000");
});

test("every control has a name", async (t) => {
  const server = await startServer(t, "--www", www);
  const { page } = await openConsole(t, browser, server.url);
  for (const [role, name] of [
    ["heading", /Tidewire/],
    ["combobox", "Endpoint"],
    ["textbox", "Address"],
    ["button", "Connect"],
    ["button", "Disconnect"],
    ["button", "Close code and reason"],
    ["log", "Timeline"],
    ["textbox", "Message"],
    ["button", "Send"],
    ["radio", "Text"],
    ["radio", "Hex"],
    ["radio", "File"],
    ["button", "Clear"],
  ]) {
    assert.equal(await page.getByRole(role, { name, exact: true }).count(), 1, `${role} ${name}`);
  }
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll("button, input, select, textarea")]
      .filter((control) => !control.labels?.length && !control.ariaLabel && !control.textContent.trim())
      .map((control) => control.outerHTML),
  );
  assert.deepEqual(nameless, []);
});
