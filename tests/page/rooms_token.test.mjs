// The rooms page at a server that asks for tokens.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, openPage, screenshot } from "../support/browser.mjs";
import { startServer, www } from "../support/server.mjs";
import { startSigning } from "../support/tokens.mjs";
import { COLOURS, SIZES, fits } from "./looks.mjs";
import { openRoom } from "./rooms.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

async function start(t) {
  const signing = await startSigning(t);
  return { ...signing, server: await startServer(t, "--www", www, ...signing.options) };
}

test("a token is asked for where one is wanted, and kept out of sight and storage", async (t) => {
  const { server, sign } = await start(t);
  const token = sign("ada");
  const tab = await openRoom(t, browser, server.url, { token });
  await tab.at("token").waitFor({ state: "hidden" });
  await tab.say("It is me.");
  await tab.sees("mine", "It is me.");
  const kept = await tab.page.evaluate(() => document.documentElement.outerHTML + JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.ok(!kept.includes(token.split(".")[2]));
});

test("one that is not good is told, and another one tried", async (t) => {
  const { server, sign } = await start(t);
  const page = await openPage(t, browser);
  await page.goto(`${server.url}/#/rooms/lobby`);
  const alert = page.getByTestId("alert");
  const show = async (token) => {
    await page.getByTestId("token").fill(token);
    await page.getByTestId("show-token").click();
  };
  await alert.filter({ hasText: "4202" }).waitFor();
  await show("not a token");
  await page.getByTestId("dismiss").waitFor();
  await alert.filter({ hasText: "4202" }).waitFor();
  await show(sign("ada"));
  await page.getByTestId("state").filter({ hasText: /^open$/ }).waitFor();
  assert.equal(await alert.textContent(), "");
});

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of COLOURS) {
    test(`a token that expires is told on a ${size} in ${colorScheme} colours, and what was published waits`, async (t) => {
      const { server, sign } = await start(t);
      const tab = await openRoom(t, browser, server.url, { token: sign("ada", 3), viewport, colorScheme });
      await tab.say("Hello!");
      await tab.sees("mine", "Hello!");
      await tab.is("no token");
      await tab.complains("The token has expired");
      await tab.say("This waits.");
      await tab.sees("pending", "This waits.");
      await screenshot(tab.page, `room-${size}-${colorScheme}-token`);
      await fits(tab, viewport, ["state", "room", "transport", "alert", "token", "show-token", "composer", "send"]);
      await tab.show(sign("ada"));
      await tab.is("open");
      await tab.sees("mine", "This waits.");
    });
  }
}
