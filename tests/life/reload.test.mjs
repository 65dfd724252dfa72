// A page that is loaded again in the middle of its work, and a tab that is duplicated, with `persist: "tab"`.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launchUnchanged } from "../support/browser.mjs";
import { OFTEN, exact, ready, start } from "./stage.mjs";

let chromium;
before(async () => {
  chromium = await launchUnchanged();
});
after(() => chromium.close());

for (const transport of ["websocket", "polling"]) {
  const options = { persist: "tab", transports: [transport] };

  test(`a page that is loaded again while it publishes, over ${transport}, loses and doubles nothing`, async (t) => {
    const { page, proxy, others, joinWitness } = await start(t, chromium.browser, { options });
    const witness = await joinWitness();
    const member = await page.evaluate(() => client.member);
    // What has become of its publishes it may have heard, could not hear, or could not even say them.
    const disturbances = [() => {}, () => proxy.swallow({ answersOnly: true }), () => proxy.swallow(), () => proxy.cut()];
    for (const disturb of [...disturbances, ...disturbances]) {
      disturb();
      await page.evaluate(() => {
        window.lastWords = 5;
        publish(20);
      });
      await Promise.all([page.reload(), others.say(10)]);
      await ready(page);
      // The last words at least.
      await page.evaluate(() => until(() => restored.length >= 5));
      assert.deepEqual(await page.evaluate(() => restored.filter(({ code }) => code !== undefined)), []);
      assert.equal(await page.evaluate(() => client.member), member);
    }
    await exact(page, others, 80, 200);
    assert.deepEqual(await witness.evaluate(() => taken), await others.log());
  });

  test(`a page that is loaded again and again before it has connected, over ${transport}, loses and doubles nothing`, async (t) => {
    const { page, others } = await start(t, chromium.browser, { options });
    const member = await page.evaluate(() => client.member);
    await page.evaluate(() => {
      publish(100);
    });
    for (let round = 0; round < 5; round++) {
      await page.reload();
      await page.waitForFunction(() => "publish" in window, undefined, OFTEN);
      await page.evaluate(() => {
        publish(20);
      });
      await others.say(4);
    }
    await ready(page);
    assert.equal(await page.evaluate(() => client.member), member);
    await exact(page, others, 20, 200);
  });
}

test("what could not be sent in time is told, also when its time ends between two pages", async (t) => {
  const { page, proxy } = await start(t, chromium.browser, { options: { persist: "tab" } });
  proxy.down();
  await page.evaluate(() => until(() => client.state !== "open"));
  await page.evaluate(() => {
    window.lastWords = 5;
    window.lastOptions = { ttl: 1 };
  });
  await page.reload();
  await page.waitForFunction(() => "publish" in window, undefined, OFTEN);
  await page.evaluate(() => until(() => restored.length === 5));
  assert.ok(await page.evaluate(() => restored.every(({ code }) => code === "expired")));
});

test("a tab that is duplicated has a session of its own, and both go on, also when they are loaded again", async (t) => {
  const { page, others } = await start(t, chromium.browser, { options: { persist: "tab" } });
  const opened = page.context().waitForEvent("page");
  await page.evaluate(() => {
    window.open(location.href);
  });
  const tabs = [page, await opened];
  t.after(() => tabs[1].close());
  const members = [];
  for (const tab of tabs) {
    await ready(tab);
    members.push(await tab.evaluate(() => client.member));
  }
  assert.notEqual(members[0], members[1]);
  for (const [index, tab] of tabs.entries()) {
    await tab.evaluate(() => {
      publish(20);
    });
    await tab.reload();
    await ready(tab);
    assert.equal(await tab.evaluate(() => client.member), members[index]);
  }
  const last = await others.say(1);
  const log = await others.log();
  assert.equal(log.length, 41);
  for (const tab of tabs) {
    await tab.evaluate((last) => until(() => taken.includes(last)), last);
    assert.deepEqual(await tab.evaluate(() => taken), log);
  }
});

test("where the session storage is full, that is told once, and the page works and says farewell", async (t) => {
  const { page, others, next, elsewhere, joinWitness } = await start(t, chromium.browser);
  const witness = await joinWitness();
  await page.goto(elsewhere);
  await page.evaluate(() => {
    for (let size = 1 << 23; size >= 1; size >>= 1) {
      try {
        sessionStorage[`of ${size}`] = "x".repeat(size);
      } catch {}
    }
  });
  await page.goto(next({ persist: "tab" }));
  await ready(page);
  const member = await page.evaluate(() => client.member);
  await page.evaluate(() => publish(5));
  const last = await others.say(1);
  await page.evaluate((last) => until(() => taken.includes(last)), last);
  assert.deepEqual(await page.evaluate(() => unsaved), ["full"]);
  await page.reload();
  await ready(page);
  assert.deepEqual(await page.evaluate(() => unsaved), ["full"]);
  await witness.evaluate((member) => until(() => !room.presence.includes(member)), member);
});
