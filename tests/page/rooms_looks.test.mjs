// Screenshots of a room at the widths and colours people have, and what must hold at each.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, screenshot } from "../support/browser.mjs";
import { startServer, www } from "../support/server.mjs";
import { COLOURS, SIZES, fits, isDark } from "./looks.mjs";
import { openRoom } from "./rooms.mjs";

const IN_SIGHT = [
  ...["state", "room", "join", "transport", "choice", "link", "websocket", "polling", "burst", "second"],
  ...["count-lost", "count-doubled", "composer", "send"],
];

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of COLOURS) {
    test(`a room fits a ${size} in ${colorScheme} colours`, async (t) => {
      const server = await startServer(t, "--www", www, "--room-messages", "100");
      const tab = await openRoom(t, browser, server.url, { viewport, colorScheme });
      const shoot = async (name) => {
        await screenshot(tab.page, `room-${size}-${colorScheme}-${name}`);
        await fits(tab, viewport, IN_SIGHT);
      };
      await shoot("empty");
      assert.equal(await isDark(tab.page), colorScheme === "dark");
      const other = await openRoom(t, browser, server.url);
      await converse(tab, other);
      await other.at("composer").pressSequentially("wait");
      await tab.at("typing").filter({ hasText: "writes" }).waitFor();
      await shoot("talking");
      await tab.link("cut");
      await tab.say("Nobody hears this yet.");
      await tab.say("It waits until the link is back.");
      await other.say("Are you still there?");
      await shoot("cut");
      await other.at("burst").click();
      await other.counts("received", 105);
      await tab.link("on");
      await tab.sees("gap");
      await other.counts("received", 107);
      await other.say("There you are. What did I miss?");
      await tab.sees("message", "There you are.");
      await shoot("resumed");
      await server.kill();
      await tab.complains("The server does not answer");
      await shoot("unreachable");
    });

    test(`a room whose transports are blocked fits a ${size} in ${colorScheme} colours`, async (t) => {
      const server = await startServer(t, "--www", www);
      const tab = await openRoom(t, browser, server.url, { viewport, colorScheme });
      await tab.block("websocket", "blocked");
      await tab.sees("moved", "moved to polling");
      await tab.say("This goes by polling.");
      await tab.sees("mine", "by polling");
      await screenshot(tab.page, `room-${size}-${colorScheme}-polling`);
      await fits(tab, viewport, IN_SIGHT);
      await tab.block("polling", "blocked");
      await tab.complains("Nothing is left");
      await tab.say("And this waits.");
      await screenshot(tab.page, `room-${size}-${colorScheme}-blocked`);
      await fits(tab, viewport, IN_SIGHT);
    });
  }
}

test("nothing but the timeline moves when something happens", async (t) => {
  const server = await startServer(t, "--www", www);
  const tab = await openRoom(t, browser, server.url);
  const other = await openRoom(t, browser, server.url);
  await tab.at("rtt").filter({ hasText: "ms" }).waitFor();
  const boxes = () =>
    tab.page.evaluate(() =>
      Object.fromEntries(
        [".tabs", ".stats", ".stat", ".spark", ".room-form", ".transport", ".link-panel", ".switch:nth-last-child(2)", ".switch:last-child", ".room-tools", ".scroller", ".people", "#composer", ".send"].map(
          (part) => {
            const { x, y, width, height } = document.querySelector(part).getBoundingClientRect();
            return [part, [x, y, width, height]];
          },
        ),
      ),
    );
  const before = await boxes();
  await converse(tab, other);
  await other.at("composer").pressSequentially("wait");
  await tab.at("typing").filter({ hasText: "writes" }).waitFor();
  assert.deepEqual(await boxes(), before);
  await tab.link("cut");
  await tab.at("burst").click();
  await tab.counts("waiting", 100);
  assert.deepEqual(await boxes(), before);
  const last = tab.entries("pending").last();
  const place = await last.boundingBox();
  await tab.link("on");
  await tab.counts("waiting", 0);
  await tab.counts("received", 104);
  assert.deepEqual(await boxes(), before);
  assert.deepEqual(await tab.entries("mine").last().boundingBox(), place, "a message is where its publish was");
  await tab.block("websocket", "blocked");
  await tab.sees("moved", "moved to polling");
  await tab.block("polling", "blocked");
  await tab.complains("Nothing is left");
  await tab.block("websocket", "on");
  await tab.sees("moved", "up");
  await tab.block("polling", "on");
  await tab.choose("Polling");
  await tab.talksOver("Polling");
  assert.deepEqual(await boxes(), before);
});

/** Some of everything: short, long, several lines, and from both. */
async function converse(tab, other) {
  await other.say("Hello! Is anybody here?");
  await tab.sees("message", "Hello!");
  await tab.say("Yes, for a while. My train is about to enter a tunnel.");
  await other.sees("message", "Yes, for a while.");
  await other.say("Then here is something rather longer to read on the way, which fits on no line of any phone that one can buy.");
  await tab.sees("message", "something rather longer");
  await tab.say("Thank you:\nsee you on the other side.");
  await other.sees("message", "Thank you");
}
