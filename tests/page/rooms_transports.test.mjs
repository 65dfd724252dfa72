// The built page in a room whose transports are chosen and blocked: the session survives, and nothing is lost.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "../support/browser.mjs";
import { startServer, www } from "../support/server.mjs";
import { openRoom } from "./rooms.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** Two tabs in a lobby, each of which sees both, and what the second is told of who is there from now on. */
async function inLobby(test) {
  const server = await startServer(test, "--www", www);
  const [first, second] = [await openRoom(test, browser, server.url), await openRoom(test, browser, server.url)];
  for (const tab of [first, second]) await tab.at("people").locator("li").nth(1).waitFor();
  const people = await second.at("people").evaluateHandle((list) => {
    const counts = [list.children.length];
    new MutationObserver(() => counts.push(list.children.length)).observe(list, { childList: true });
    return counts;
  });
  return [first, second, () => people.jsonValue()];
}

/** Both talk until this has come about. */
async function talkUntil(first, second, comesAbout) {
  let isOver = false;
  let said = 0;
  const talk = async () => {
    while (!isOver) {
      said += 1;
      await first.say(`first ${said}`);
      await second.say(`second ${said}`);
      await second.sees("mine", `second ${said}`);
    }
  };
  const talking = talk();
  try {
    await comesAbout;
  } finally {
    isOver = true;
  }
  await talking;
  return 2 * said;
}

/** Both have had so many messages, the same, in one order; and the names did not flicker. */
async function survived(first, second, messages, people) {
  for (const tab of [first, second]) {
    await tab.counts("received", messages.toLocaleString("en"));
    await tab.counts("waiting", 0);
    await tab.counts("lost", 0);
    await tab.counts("doubled", 0);
    assert.equal(await tab.entries("gap").count(), 0);
  }
  assert.deepEqual(await first.said(), await second.said());
  assert.deepEqual([...new Set(await people())], [2]);
}

const kinds = (tab) => tab.at("timeline").locator(".entry-kind").allTextContents();

test("a session whose WebSocket is blocked goes on by polling, and moves up again", async (t) => {
  const [first, second, people] = await inLobby(t);
  await first.talksOver("WebSocket");
  assert.equal(await first.entries("moved").count(), 0);
  const sockets = [];
  first.page.on("websocket", (socket) => sockets.push(socket.waitForEvent("close")));
  await first.block("websocket", "blocked");
  let said = await talkUntil(first, second, first.sees("moved", "moved to polling"));
  await first.talksOver("Polling");
  await first.sees("lost", "WebSocket is blocked");
  await first.is("open");
  assert.equal(sockets.length, 0, "none is opened while they are blocked");
  await first.block("websocket", "on");
  said += await talkUntil(first, second, first.sees("moved", "moved up to a WebSocket"));
  await first.talksOver("WebSocket");
  await survived(first, second, said, people);
  assert.equal(await first.entries("lost").count(), 1, "it moves up without a break");
  assert.equal(sockets.length, 1);
  await first.block("websocket", "blocked");
  await sockets[0];
  assert.equal(await first.at("alert").textContent(), "");
});

test("a session goes over to what is chosen, at once and without a loss", async (t) => {
  const [first, second, people] = await inLobby(t);
  let said = 0;
  for (const [choice, transport, sentence] of [
    ["Polling", "Polling", "moved to polling"],
    ["WebSocket", "WebSocket", "moved up to a WebSocket"],
    ["Polling", "Polling", "moved to polling"],
    ["Automatic", "WebSocket", "moved up to a WebSocket"],
  ]) {
    const moves = await first.entries("moved").filter({ hasText: sentence }).count();
    const moved = first.entries("moved").filter({ hasText: sentence }).nth(moves).waitFor();
    await first.choose(choice);
    said += await talkUntil(first, second, moved);
    await first.talksOver(transport);
  }
  await survived(first, second, said, people);
  await first.sees("lost", "WebSocket is left, as was chosen");
});

test("where all is blocked, what is said waits and is sent once something is let through", async (t) => {
  const [first, second, people] = await inLobby(t);
  await first.block("websocket", "blocked");
  await first.block("polling", "blocked");
  await first.complains("Nothing is left that the session may talk over");
  await first.talksOver("none");
  await first.at("burst").click();
  await first.counts("waiting", 100);
  await second.say("are you there?");
  await second.sees("mine", "are you there?");
  await first.block("polling", "on");
  await first.sees("moved", "moved to polling");
  await survived(first, second, 101, people);
  assert.equal(await first.at("alert").textContent(), "");
});

test("what is chosen and blocked is waited for, and the link can be cut meanwhile", async (t) => {
  const [first, second, people] = await inLobby(t);
  await first.choose("Polling");
  await first.talksOver("Polling");
  await first.block("polling", "blocked");
  await first.complains("Nothing is left");
  await first.say("soon");
  await first.link("cut");
  await first.block("polling", "on");
  await first.is("offline");
  await first.link("on");
  await second.sees("message", "soon");
  await first.talksOver("Polling");
  await survived(first, second, 1, people);
  assert.ok(!(await kinds(first)).some((kind) => kind.includes("hole")));
});
