// A page that is left, kept in the back-forward cache, and come back to.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launchUnchanged } from "../support/browser.mjs";
import { caughtUp, exact, start } from "./stage.mjs";

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
    await goBack(page, debug);
    await caughtUp(t, page, "pageshow", last);
    assert.equal((await page.evaluate(() => window.published)).length, 20);
    assert.equal(await page.evaluate(() => client.member), member);
    await exact(page, others, 20, 25);
  });
}

/** Goes back to a page that was kept, and fails where it was not. */
async function goBack(page, debug) {
  const reasons = [];
  debug.on("Page.backForwardCacheNotUsed", ({ notRestoredExplanations }) => reasons.push(...notRestoredExplanations));
  await debug.send("Page.enable");
  await page.evaluate(() => history.back());
  await page.waitForFunction(() => "joined" in window);
  const { persisted } = await page.evaluate(() => life.at(-1));
  assert.equal(persisted, true, JSON.stringify(reasons));
}
