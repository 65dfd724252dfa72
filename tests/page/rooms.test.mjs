// The built page in a room: talking, history, presence, and what is left when the link is cut or the server forgets.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "../support/browser.mjs";
import { startServer, startServerAt, www } from "../support/server.mjs";
import { openRoom } from "./rooms.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** A server with some options, and so many tabs in its lobby. */
async function inLobby(test, tabs, ...options) {
  const server = await startServer(test, "--www", www, ...options);
  const opened = [];
  for (let tab = 0; tab < tabs; tab += 1) opened.push(await openRoom(test, browser, server.url));
  return [server, ...opened];
}

/** What was said, without its offsets, which must be those from `first` on. */
async function texts(tab, first = 1) {
  const said = await tab.said();
  assert.deepEqual(said.map(({ offset }) => offset), said.map((_, index) => first + index));
  return said.map(({ text }) => text);
}

async function hasLostNothing(...tabs) {
  for (const tab of tabs) {
    await tab.counts("waiting", 0);
    await tab.counts("lost", 0);
    await tab.counts("doubled", 0);
  }
}

test("two tabs talk, and each sees what both said in one order", async (t) => {
  const [, first, second] = await inLobby(t, 2);
  await first.say("from the first");
  await second.sees("message", "from the first");
  await second.say("from the second");
  await first.sees("message", "from the second");
  await first.sees("mine", "from the first");
  assert.deepEqual(await texts(first), ["from the first", "from the second"]);
  assert.deepEqual(await texts(second), await texts(first));
  assert.equal(await first.entries("pending").count(), 0);
  assert.equal(await first.at("composer").inputValue(), "", "what was published is not left in the field");
  await hasLostNothing(first, second);
});

test("who opens the page without an address is in the lobby", async (t) => {
  const [server, first] = await inLobby(t, 1);
  await first.page.goto(server.url);
  await first.is("open");
  assert.equal(await first.at("room").inputValue(), "lobby");
  assert.equal(await first.page.title(), "lobby · Tidewire");
});

test("who joins sees the newest of what was said before", async (t) => {
  const [server, first] = await inLobby(t, 1);
  await first.at("burst").click();
  await first.counts("received", 100);
  const second = await openRoom(t, browser, server.url);
  await second.counts("received", 50);
  await second.sees("joined", "after #50");
  assert.deepEqual((await texts(second, 51)).at(-1), "burst 1: 100 of 100");
  await hasLostNothing(second);
});

test("one sees who is there and who writes", async (t) => {
  const [, first, second] = await inLobby(t, 2);
  const people = (tab) => tab.at("people").locator("li");
  await people(first).nth(1).waitFor();
  assert.equal(await people(first).filter({ hasText: "you" }).count(), 1);
  const name = await people(second).filter({ hasText: "you" }).locator(".member").textContent();
  await second.at("composer").pressSequentially("well");
  await first.at("typing").filter({ hasText: `${name} writes` }).waitFor();
  await people(first).filter({ hasText: name }).filter({ hasText: "writes" }).waitFor();
  await second.at("composer").press("Enter");
  await first.sees("message", "well");
  await first.at("typing").filter({ hasText: /^$/ }).waitFor();
  await second.page.goto("about:blank");
  await people(first).nth(1).waitFor({ state: "detached" });
});

test("who writes no more is forgotten", async (t) => {
  const [, first, second] = await inLobby(t, 2);
  await second.at("composer").pressSequentially("hm");
  await first.at("typing").filter({ hasText: "writes" }).waitFor();
  await first.at("typing").filter({ hasText: /^$/ }).waitFor();
});

test("what is said on both sides of a cut arrives once, in order", async (t) => {
  const [, first, second] = await inLobby(t, 2);
  await first.say("before");
  await second.sees("message", "before");
  await first.link("cut");
  await first.sees("lost", "cut");
  await first.say("here");
  await first.sees("pending", "here");
  await first.counts("waiting", 1);
  await second.say("there");
  await second.sees("mine", "there");
  await second.at("burst").click();
  await second.counts("received", 102);
  assert.equal(await first.entries("message").count(), 0, "nothing comes while the link is cut");
  await first.link("on");
  await first.sees("resumed", "after #1");
  await first.counts("received", 103);
  await second.counts("received", 103);
  assert.deepEqual(await texts(first), await texts(second));
  assert.equal((await texts(first)).at(-1), "here");
  assert.equal(await first.entries("pending").count(), 0);
  await hasLostNothing(first, second);
});

test("a session that is cut again and again, while both sides talk, loses nothing", async (t) => {
  const [, first, second] = await inLobby(t, 2);
  for (let round = 1; round <= 5; round += 1) {
    await first.at("burst").click();
    await first.link("cut");
    await second.at("burst").click();
    await first.say(`round ${round}`);
    await first.link("on");
  }
  await first.counts("received", "1,005");
  await second.counts("received", "1,005");
  await hasLostNothing(first, second);
  assert.equal(await first.entries("gap").count(), 0);
});

test("presence survives a cut", async (t) => {
  const [, first, second] = await inLobby(t, 2);
  await second.at("people").locator("li").nth(1).waitFor();
  await first.link("cut");
  await second.say("still with us?");
  await second.sees("mine", "still");
  assert.equal(await second.at("people").locator("li").count(), 2);
  await first.link("on");
  await first.sees("message", "still");
});

test("more than may wait is given back, and what waits is all sent", async (t) => {
  const [, first, second] = await inLobby(t, 2);
  await first.link("cut");
  for (let burst = 1; burst <= 11; burst += 1) await first.at("burst").click();
  await first.complains("76 messages were not published");
  await first.counts("waiting", "1,024");
  await first.say("one too many");
  await first.complains("1 message was not published");
  assert.equal(await first.at("composer").inputValue(), "one too many", "what was not taken stays");
  await first.link("on");
  await first.counts("received", "1,024");
  await second.counts("received", "1,024");
  await hasLostNothing(first, second);
  assert.equal(await first.at("alert").textContent(), "");
  assert.equal(await first.at("timeline").locator("[data-kind]").count(), 500);
  assert.match(await first.at("dropped").textContent(), /older entries dropped/);
});

test("what the server no longer keeps is told as a gap, and is not lost in silence", async (t) => {
  const [, first, second] = await inLobby(t, 2, "--room-messages", "100");
  await first.link("cut");
  await second.at("burst").click();
  await second.at("burst").click();
  await second.counts("received", 200);
  await first.link("on");
  await first.sees("gap", "#1 to #100 are no longer kept by the server: 100 messages");
  await first.counts("received", 100);
  await hasLostNothing(first, second);
});

test("a server that lost its log says so, and talking goes on", async (t) => {
  const [server, first, second] = await inLobby(t, 2);
  await first.say("soon forgotten");
  await second.sees("message", "soon forgotten");
  await server.kill();
  await first.complains("The server does not answer");
  await first.say("are you back?");
  await first.sees("pending", "are you back?");
  await startServerAt(new URL(server.url).host, t, "--www", www);
  for (const tab of [first, second]) {
    await tab.is("open");
    await tab.sees("gap", "lost the room's log, and with it what came after #1");
  }
  await second.sees("message", "are you back?");
  await first.sees("mine", "are you back?");
  assert.equal(await first.at("alert").textContent(), "", "what went wrong is over");
  await hasLostNothing(first, second);
});

test("another room is entered by its name, and left by going back", async (t) => {
  const [server, first] = await inLobby(t, 1);
  await first.say("in the lobby");
  await first.sees("mine", "in the lobby");
  await first.at("room").fill("a/b & ☃");
  await first.at("room").press("Enter");
  await first.sees("joined", "first message");
  assert.equal(await first.entries("mine").count(), 0);
  const second = await openRoom(t, browser, server.url, { room: encodeURIComponent("a/b & ☃") });
  await second.say("in the other");
  await first.sees("message", "in the other");
  await first.page.goBack();
  await first.sees("mine", "in the lobby");
  assert.equal(await first.at("room").inputValue(), "lobby");
  await second.at("people").locator("li").nth(1).waitFor({ state: "detached" });
});

test("what is no name of a room is refused and pointed at", async (t) => {
  const [, first] = await inLobby(t, 1);
  for (const name of ["", "☃".repeat(43)]) {
    await first.at("room").fill(name);
    await first.at("join").click();
    await first.complains("not the name of a room");
    assert.equal(await first.at("room").getAttribute("aria-invalid"), "true");
  }
  await first.is("open");
});

test("a message published over HTTP appears", async (t) => {
  const [server, first] = await inLobby(t, 1);
  const headers = { "content-type": "text/plain" };
  const url = `${server.url}/api/rooms/lobby/messages`;
  const response = await fetch(url, { method: "POST", headers, body: "from a backend" });
  assert.equal(response.status, 201);
  await first.sees("message", "from a backend");
  await fetch(url, { method: "POST", body: Buffer.from("deadbeef", "hex") });
  await first.sees("message", "de ad be ef");
});

test("the second window is in the same room", async (t) => {
  const [, first] = await inLobby(t, 1);
  const opens = first.page.waitForEvent("popup");
  await first.at("second").click();
  const second = await opens;
  await second.getByTestId("state").filter({ hasText: /^open$/ }).waitFor();
  await first.say("hello there");
  await second.getByTestId("timeline").getByText("hello there").waitFor();
  await second.close();
});

test("who goes to the console has left the room", async (t) => {
  const [, first, second] = await inLobby(t, 2);
  await second.at("people").locator("li").nth(1).waitFor();
  await first.page.getByRole("link", { name: "Console" }).click();
  await first.at("connect").waitFor();
  await second.at("people").locator("li").nth(1).waitFor({ state: "detached" });
  await first.page.getByRole("link", { name: "Rooms" }).click();
  await first.is("open");
  await second.at("people").locator("li").nth(1).waitFor();
});

test("a round trip is measured", async (t) => {
  const [, first] = await inLobby(t, 1);
  await first.at("rtt").filter({ hasText: /^\d+(\.\d)? (ms|s)$/ }).waitFor();
});
