// A page whose network goes and comes back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launchUnchanged } from "../support/browser.mjs";
import { caughtUp, exact, start } from "./stage.mjs";

let chromium;
before(async () => {
  chromium = await launchUnchanged();
});
after(() => chromium.close());

for (const transport of ["websocket", "polling"]) {
  const options = { transports: [transport] };

  test(`offline and online, over ${transport}: what was said meanwhile is had, and what was published is sent`, async (t) => {
    const { page, proxy, others } = await start(t, chromium.browser, { options });
    await page.context().setOffline(true);
    proxy.down();
    await page.evaluate(() => until(() => client.state === "offline"));
    await page.evaluate(() => {
      window.published = publish(20);
    });
    const last = await others.say(20);
    assert.equal((await others.log()).length, 20, "nothing of the page's has come");
    proxy.up();
    await page.context().setOffline(false);
    await caughtUp(t, page, "online", last);
    const offsets = await page.evaluate(() => window.published);
    assert.deepEqual(offsets, Array.from(offsets.keys(), (index) => 21 + index));
    await exact(page, others, 20, 20);
  });
}

test("a link that died without a word is found out when there is a network", async (t) => {
  const { page, proxy, others } = await start(t, chromium.browser, { options: { transports: ["websocket"] } });
  proxy.swallow();
  await page.evaluate(() => {
    window.published = publish(20);
  });
  const last = await others.say(20);
  await page.context().setOffline(true);
  await page.context().setOffline(false);
  // It has 2 s to say something. After that another is to be made.
  await caughtUp(t, page, "online", last, 2000 + 500);
  await page.evaluate(() => window.published);
  await exact(page, others, 20, 20);
});
