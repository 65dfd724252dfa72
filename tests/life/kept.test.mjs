// A page that is left, kept in the back-forward cache, and come back to.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launchUnchanged } from "../support/browser.mjs";
import { OFTEN, caughtUp, exact, ready, start } from "./stage.mjs";

let chromium;
before(async () => {
  chromium = await launchUnchanged();
});
after(() => chromium.close());

for (const options of [{}, { persist: "tab" }, { transports: ["polling"] }]) {
  test(`kept and come back to, it goes on: ${JSON.stringify(options)}`, async (t) => {
    const { page, debug, others, elsewhere } = await start(t, chromium.browser, { options });
    const member = await page.evaluate(() => client.member);
    await page.evaluate(() => {
      window.lastWords = 5;
      window.published = publish(20);
    });
    await page.goto(elsewhere);
    const last = await others.say(20);
    await walk(page, debug, "back", "/");
    await caughtUp(t, page, "pageshow", last);
    assert.equal((await page.evaluate(() => window.published)).length, 20);
    assert.equal(await page.evaluate(() => client.member), member);
    await exact(page, others, 20, 25);
  });
}

test("where the page between has gone on with the session, each has its own, and nothing is lost or doubled", async (t) => {
  const options = { persist: "tab" };
  const { page, debug, proxy, others, next } = await start(t, chromium.browser, { options });
  const member = await page.evaluate(() => client.member);
  const publishInVain = async () => {
    proxy.down();
    await page.evaluate(() => until(() => client.state !== "open"));
    await page.evaluate(() => {
      window.lastWords = 5;
    });
  };
  await publishInVain();
  await page.goto(next(options));
  proxy.up();
  await ready(page);
  await page.evaluate(() => until(() => restored.length === 5));
  assert.equal(await page.evaluate(() => client.member), member);
  await publishInVain();
  await walk(page, debug, "back", "/");
  proxy.up();
  await page.evaluate(() => {
    window.lastWords = 0;
    return publish(5);
  });
  assert.notEqual(await page.evaluate(() => client.member), member);
  const last = await others.say(20);
  await walk(page, debug, "forward", "/next");
  await caughtUp(t, page, "pageshow", last);
  assert.equal(await page.evaluate(() => client.member), member);
  await page.evaluate(() => until(() => taken.includes("page 9")));
  const log = await others.log();
  assert.deepEqual(await page.evaluate(() => taken), log);
  // Those of the page between came when it was back.
  const numbers = [0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 5, 6, 7, 8, 9];
  assert.deepEqual(log.filter((text) => text.startsWith("page")), numbers.map((number) => `page ${number}`));
});

/** Goes to a page that was kept, and fails where it was not. */
async function walk(page, debug, direction, path) {
  const reasons = [];
  debug.on("Page.backForwardCacheNotUsed", ({ notRestoredExplanations }) => reasons.push(...notRestoredExplanations));
  await debug.send("Page.enable");
  await page.evaluate((direction) => history[direction](), direction);
  await page.waitForFunction((path) => location.pathname === path && "joined" in window, path, OFTEN);
  const persisted = await page.evaluate(async () => {
    await until(() => life.at(-1)?.type === "pageshow");
    return life.at(-1).persisted;
  });
  assert.equal(persisted, true, JSON.stringify(reasons));
}
