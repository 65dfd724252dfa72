// Screenshots of the built page at the widths and colours people have, and what must hold at each.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, screenshot } from "../support/browser.mjs";
import { startServer, www } from "../support/server.mjs";
import { openConsole } from "./console.mjs";

const SIZES = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 800 } };

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ["light", "dark"]) {
    test(`the page fits a ${size} in ${colorScheme} colours`, async (t) => {
      const server = await startServer(t, "--www", www);
      const console = await openConsole(t, browser, server.url, { viewport, colorScheme });
      await screenshot(console.page, `${size}-${colorScheme}-empty`);
      await fits(console, viewport);
      await converse(t, console, server);
      await screenshot(console.page, `${size}-${colorScheme}-talking`);
      await fits(console, viewport);
      assert.equal(await isDark(console.page), colorScheme === "dark");
      await server.kill();
      await console.complains("The connection was lost");
      await screenshot(console.page, `${size}-${colorScheme}-lost`);
      await fits(console, viewport);
    });
  }
}

/** Some of everything: texts long and short, bytes, a second tab, and echoes with their times. */
async function converse(test, console, server) {
  await console.connect("/echo");
  await console.sayHex(Buffer.from("Tidewire keeps a browser and a server in conversation.").toString("hex"));
  await console.sees("message", "54 69 64 65");
  await console.at("mode-text").check({ force: true });
  for (let wave = 1; wave <= 5; wave += 1) {
    await console.say(`wave ${wave}`);
    await console.sees("message", `wave ${wave}`);
  }
  await console.at("disconnect").click();
  await console.is("closed");
  const other = await openConsole(test, browser, server.url);
  await other.connect("/chat");
  await console.connect("/chat");
  await console.say("Hello Server!");
  await console.sees("message", "Server received: Hello Server!");
  await other.say("Hello from the other tab, which has rather more to say than fits on one line of a phone.");
  await console.sees("message", "Broadcast: Hello from the other tab");
}

/** Nothing is cut off or needs scrolling sideways, and what one needs to talk is in sight. */
async function fits(console, { width, height }) {
  const scrolls = await console.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(scrolls <= 0, `${scrolls} pixels too wide`);
  for (const id of ["state", "connect", "composer", "send"]) {
    const box = await console.at(id).boundingBox();
    assert.ok(box, `${id} is not shown`);
    assert.ok(box.x >= 0 && box.x + box.width <= width, `${id} is cut off at the side`);
    assert.ok(box.y >= 0 && box.y + box.height <= height, `${id} is out of sight`);
  }
}

const isDark = (page) =>
  page.evaluate(() => {
    const context = document.createElement("canvas").getContext("2d");
    context.fillStyle = getComputedStyle(document.body).backgroundColor;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return red + green + blue < 3 * 128;
  });
