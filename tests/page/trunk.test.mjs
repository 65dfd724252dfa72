// `trunk serve`, as one uses it while working on the page, with the proxies of Trunk.toml.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { after, before, test } from "node:test";

import { launch } from "../support/browser.mjs";
import { root, startListening, startServer } from "../support/server.mjs";
import { openConsole } from "./console.mjs";
import { openRoom } from "./rooms.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test("the page of trunk serve talks to the running server through its proxy", { timeout: 600_000 }, async (t) => {
  const server = await startServer(t);
  const folder = `${root}target/trunk-serve`;
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/Trunk.toml`, configuration(await readFile(`${root}Trunk.toml`, "utf8"), server.url));
  const port = await freePort();
  const options = ["--config", `${folder}/Trunk.toml`, "--port", `${port}`, "--release", "--no-autoreload"];
  const listening = new RegExp(`(http://127\\.0\\.0\\.1:${port})`);
  const trunk = await startListening(t, "trunk", ["serve", ...options], listening, { startLimit: 540_000 });
  const console = await openConsole(t, browser, trunk.url);
  for (const [endpoint, answer] of [["/echo", "through the proxy"], ["/chat", "Server received: through the proxy"]]) {
    await console.connect(endpoint);
    await console.say("through the proxy");
    await console.sees("message", answer);
    await console.at("disconnect").click();
    await console.is("closed");
  }
  const room = await openRoom(t, browser, trunk.url);
  await room.say("through the proxy");
  await room.sees("mine", "through the proxy");
  await room.choose("Polling");
  await room.talksOver("Polling");
  await room.say("through the other");
  await room.sees("mine", "through the other");
});

/** Trunk.toml as it is, but for another folder to lie in, and with this server behind its proxies. */
function configuration(text, url) {
  const moved = text.replaceAll(/"(www|client|protocol)\b/g, '"../../$1');
  return moved.replaceAll("127.0.0.1:8080", new URL(url).host);
}

/** A port that nobody has: trunk does not tell which one the system chose for it. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
