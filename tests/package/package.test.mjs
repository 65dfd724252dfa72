// The package as a TypeScript project gets it: its contents and types, and a chat with the server.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { launch, openPage } from "../support/browser.mjs";
import { startServer } from "../support/server.mjs";
import { build, check, folder, install, preview } from "./project.mjs";
import { behaviours } from "./behaviours.mjs";
import { life } from "./life.mjs";
import { rooms } from "./rooms.mjs";
import { tokens } from "./tokens.mjs";

const ends = [];
let browser;
let url;
before(async () => {
  await install();
  await build();
  url = await preview({ after: (end) => ends.push(end) });
  browser = await launch();
  ends.push(() => browser.close());
});
after(() => Promise.all(ends.map((end) => end())));

/** The built project in a page of its own. */
async function open(test, search = "", options) {
  const page = await openPage(test, browser, options);
  await page.goto(`${url}/${search}`);
  await page.waitForFunction(() => "record" in window);
  return page;
}

/** A server that lets the page in. */
const start = (test, ...options) => startServer(test, "--allow-origin", url, ...options);

test("the project type-checks with strict, and the types are exact", check);

test("the package holds module, glue, types, readme and both licences, and nothing else", async () => {
  const files = await readdir(`${folder}/node_modules/tidewire`);
  assert.deepEqual(files.sort(), [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "client.d.ts",
    "index.d.ts",
    "index.js",
    "package.json",
    "socket.d.ts",
    "tidewire.d.ts",
    "tidewire_bg.wasm",
  ]);
  const manifest = JSON.parse(await readFile(`${folder}/node_modules/tidewire/package.json`, "utf8"));
  assert.equal(manifest.license, "MIT OR Apache-2.0");
  assert.equal(manifest.sideEffects, false);
  assert.equal(manifest.exports["./tidewire_bg.wasm"], "./tidewire_bg.wasm");
});

test("it can be imported outside a browser, where servers render pages", async () => {
  const script = "const { default: init, Socket } = await import('tidewire'); console.log(typeof init, typeof Socket)";
  const { stdout } = await promisify(execFile)("node", ["--input-type=module", "--eval", script], { cwd: folder });
  assert.equal(stdout.trim(), "function function");
});

test("two pages talk through the server", async (t) => {
  const server = await start(t);
  const search = `?chat=${encodeURIComponent(server.socket("/chat"))}`;
  const first = await open(t, search);
  await first.getByText("Server received: Hello Server!").waitFor();
  assert.deepEqual(await first.locator("li").allTextContents(), [
    "Welcome to the WebSocket server!",
    "Server received: Hello Server!",
  ]);
  const second = await open(t, search);
  await first.getByText("Broadcast: Hello Server!").waitFor();
  await first.getByRole("textbox").fill("from the first");
  await first.keyboard.press("Enter");
  await second.getByText("Broadcast: from the first").waitFor();
  await server.kill();
  await second.getByText("closed 1006 abruptly").waitFor();
});

behaviours(open, start);
rooms(open, start);
life(open, start);
tokens(open, start);
