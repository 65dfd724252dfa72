// A room without a mouse, and for those who do not see it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "../support/browser.mjs";
import { startServer, www } from "../support/server.mjs";
import { tabTo } from "./keyboard.mjs";
import { openRoom } from "./rooms.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test("one joins, talks, cuts and mends the link, blocks and chooses transports with the keyboard alone", async (t) => {
  const server = await startServer(t, "--www", www);
  const tab = await openRoom(t, browser, server.url);
  const { keyboard } = tab.page;
  await tabTo(tab, "room");
  await keyboard.press("Control+A");
  await keyboard.type("harbour");
  await keyboard.press("Enter");
  await tab.page.waitForFunction(() => location.hash === "#/rooms/harbour");
  await tab.page.waitForFunction(() => document.activeElement?.getAttribute("data-testid") === "composer");
  await keyboard.type("first line");
  await keyboard.press("Shift+Enter");
  await keyboard.type("second line");
  assert.equal(await tab.entries("mine").count(), 0);
  await keyboard.press("Enter");
  await tab.sees("mine", /first line\s+second line/);
  await keyboard.press("ArrowUp");
  assert.equal(await tab.at("composer").inputValue(), "first line\nsecond line");
  await tabTo(tab, "link");
  await keyboard.press("Space");
  await tab.is("offline");
  await keyboard.press("Enter");
  await tab.is("open");
  await tabTo(tab, "websocket");
  await keyboard.press("Space");
  await tab.sees("moved", "moved to polling");
  await tab.talksOver("Polling");
  await keyboard.press("Space");
  await tab.talksOver("WebSocket");
  await tabTo(tab, "choice");
  await keyboard.press("P");
  await tab.talksOver("Polling");
  await keyboard.press("Home");
  await tab.talksOver("WebSocket");
  await tabTo(tab, "burst");
  await keyboard.press("Enter");
  await tab.counts("received", 101);
});

test("every control of a room has a name", async (t) => {
  const server = await startServer(t, "--www", www);
  const { page } = await openRoom(t, browser, server.url);
  for (const [role, name] of [
    ["heading", "Tidewire"],
    ["navigation", "Pages"],
    ["link", "Rooms"],
    ["link", "Console"],
    ["textbox", "Room"],
    ["button", "Join"],
    ["group", "Connection"],
    ["combobox", "Transport"],
    ["switch", "Link"],
    ["switch", "WebSocket"],
    ["switch", "Polling"],
    ["button", "Send 100 messages"],
    ["link", "Second window"],
    ["log", "Timeline"],
    ["complementary", "Here 1"],
    ["textbox", "Message"],
    ["button", "Send"],
    ["button", "Clear"],
  ]) {
    assert.equal(await page.getByRole(role, { name, exact: true }).count(), 1, `${role} ${name}`);
  }
  const described = await page.getByTestId("choice").getAttribute("aria-describedby");
  assert.equal(await page.locator(`#${described}`).textContent(), "in use: WebSocket");
  assert.equal(await page.locator("a[aria-current=page]").textContent(), "Rooms");
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll("button, input, select, textarea, a")]
      .filter((control) => !control.labels?.length && !control.ariaLabel && !control.textContent.trim())
      .map((control) => control.outerHTML),
  );
  assert.deepEqual(nameless, []);
});
