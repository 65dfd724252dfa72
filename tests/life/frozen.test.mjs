// A page that is frozen, as browsers do with those that nobody has looked at for long.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launchUnchanged } from "../support/browser.mjs";
import { caughtUp, exact, start } from "./stage.mjs";

let chromium;
before(async () => {
  chromium = await launchUnchanged();
});
after(() => chromium.close());

/** The server soon gives up who says nothing. */
const settings = ["--ping-interval", "200ms", "--silence-timeout", "500ms", "--close-timeout", "200ms"];

for (const options of [{}, { persist: "tab" }, { transports: ["polling"] }]) {
  test(`frozen until the server gives it up, and back: ${JSON.stringify(options)}`, async (t) => {
    const { page, debug, proxy, others } = await start(t, chromium.browser, { options, settings });
    const member = await page.evaluate(() => client.member);
    await page.evaluate(() => {
      window.published = publish(20);
    });
    const ended = proxy.ended();
    await debug.send("Page.setWebLifecycleState", { state: "frozen" });
    const last = await others.say(20);
    // A poll ends with its answer, and its connection stays.
    if (!options.transports) await ended;
    await debug.send("Page.setWebLifecycleState", { state: "active" });
    await caughtUp(t, page, "resume", last);
    assert.equal(await page.evaluate(() => document.hidden), true, "nobody looks at it yet");
    assert.equal((await page.evaluate(() => window.published)).length, 20);
    assert.equal(await page.evaluate(() => client.member), member);
    await exact(page, others, 20, 20);
  });
}

test("frozen until its session has expired, it goes on as somebody else and has all that was said", async (t) => {
  const { page, debug, others, joinWitness } = await start(t, chromium.browser, {
    options: { persist: "tab" },
    settings: [...settings, "--session-ttl", "200ms"],
  });
  const witness = await joinWitness();
  const member = await page.evaluate(() => client.member);
  await witness.evaluate(() => until(() => room.presence.length === 2));
  await debug.send("Page.setWebLifecycleState", { state: "frozen" });
  await witness.evaluate(() => until(() => room.presence.length === 1));
  const last = await others.say(20);
  await debug.send("Page.setWebLifecycleState", { state: "active" });
  await caughtUp(t, page, "resume", last);
  assert.notEqual(await page.evaluate(() => client.member), member);
  await page.evaluate(() => publish(20));
  await exact(page, others, 20, 20);
});
