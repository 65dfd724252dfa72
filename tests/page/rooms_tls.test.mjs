// The rooms page from the server's own TLS.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "../support/browser.mjs";
import { startCertifying } from "../support/certificate.mjs";
import { startServer, www } from "../support/server.mjs";
import { openRoom } from "./rooms.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test("a page that came over https talks over wss, and polls over https", async (t) => {
  const { options } = await startCertifying(t);
  const server = await startServer(t, "--www", www, ...options);
  assert.match(server.url, /^https:/);
  const tab = await openRoom(t, browser, server.url, { ignoreHTTPSErrors: true });
  await tab.is("open");
  await tab.talksOver("WebSocket");
  await tab.say("over wss");
  await tab.sees("mine", "over wss");
  const secure = await tab.page.evaluate(() => [isSecureContext, location.protocol]);
  assert.deepEqual(secure, [true, "https:"]);
  await tab.choose("Polling");
  await tab.talksOver("Polling");
  await tab.say("over https");
  await tab.sees("mine", "over https");
});
