// Screenshots of the console at the widths and colours people have, and what must hold at each.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, screenshot } from "../support/browser.mjs";
import { startServer, www } from "../support/server.mjs";
import { openConsole } from "./console.mjs";
import { COLOURS, SIZES, fits, isDark } from "./looks.mjs";

const IN_SIGHT = ["state", "connect", "composer", "send"];

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of COLOURS) {
    test(`the console fits a ${size} in ${colorScheme} colours`, async (t) => {
      const server = await startServer(t, "--www", www);
      const console = await openConsole(t, browser, server.url, { viewport, colorScheme });
      await screenshot(console.page, `${size}-${colorScheme}-empty`);
      await fits(console, viewport, IN_SIGHT);
      await converse(t, console, server);
      await screenshot(console.page, `${size}-${colorScheme}-talking`);
      await fits(console, viewport, IN_SIGHT);
      assert.equal(await isDark(console.page), colorScheme === "dark");
      await server.kill();
      await console.complains("The connection was lost");
      await screenshot(console.page, `${size}-${colorScheme}-lost`);
      await fits(console, viewport, IN_SIGHT);
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
