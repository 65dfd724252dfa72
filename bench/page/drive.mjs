// Drives the page of the workload `browser`: `node drive.mjs PORT`, from where the page is to come; 0 is a free one. Reads one turn a line, `{ peer, address, messages, bytes }`; prints "joined",
// and once the page has handled all messages `{ heard: { elapsed, mainThread, browser } }` in milliseconds, or `{ failed }`.

import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";

import { root } from "../../tests/support/server.mjs";
import { serveFiles } from "../../tests/support/static.mjs";
import { Chromium } from "./chromium.mjs";

const pack = process.env.TIDEWIRE_PACKAGE ?? `${root}target/npm/tidewire`;
/** Where profiles of the page's main thread go, for Chromium's developer tools. */
const profiles = process.env.TIDEWIRE_PROFILES;

const FILES = {
  "/clients.mjs": ["text/javascript", `${root}bench/page/clients.mjs`],
  "/socket.io.js": ["text/javascript", `${root}node_modules/socket.io-client/dist/socket.io.esm.min.js`],
  "/tidewire/index.js": ["text/javascript", `${pack}/index.js`],
  "/tidewire/tidewire_bg.wasm": ["application/wasm", `${pack}/tidewire_bg.wasm`],
};

const ends = [];
const lines = createInterface({ input: process.stdin });
process.once("SIGTERM", close);
try {
  const { chromium, port } = await open();
  const { product } = await chromium.callBrowser("Browser.getVersion");
  print({ ready: { browser: product, port } });
  for await (const line of lines) await turn(chromium, line).catch(fail);
} catch (error) {
  fail(error);
} finally {
  await close();
}

async function close() {
  lines.close();
  for (const end of ends.splice(0).reverse()) await end();
}

/** A page with all clients, and the port that it is from: the one that was asked for, or a free one. */
async function open() {
  const files = { "/": ["text/html", "<!doctype html>"] };
  for (const [path, [type, file]] of Object.entries(FILES)) files[path] = [type, await readFile(file)];
  const url = await serveFiles({ after: (end) => ends.push(end) }, files, Number(process.argv[2]));
  const chromium = await Chromium.launch();
  ends.push(() => chromium.close());
  await chromium.open(url);
  // Time of the processor, and not of the clock.
  await chromium.call("Performance.enable", { timeDomain: "threadTicks" });
  await chromium.evaluate('import("/clients.mjs")');
  return { chromium, port: Number(new URL(url).port) };
}

/** One peer hears one burst. */
async function turn(chromium, request) {
  await chromium.call("HeapProfiler.collectGarbage");
  await chromium.evaluate(`begin(${request})`);
  const stop = profiles && (await profile(chromium));
  const before = await spent(chromium);
  print("joined");
  const elapsed = await chromium.evaluate("outcome");
  const after = await spent(chromium);
  await stop?.(`${profiles}/${JSON.parse(request).peer}.cpuprofile`);
  const [mainThread, browser] = after.map((time, index) => time - before[index]);
  print({ heard: { elapsed, mainThread, browser } });
}

/** Time of the processor so far, in milliseconds: of the page's main thread, and of all processes of the browser. */
async function spent(chromium) {
  const { metrics } = await chromium.call("Performance.getMetrics");
  const { processInfo } = await chromium.callBrowser("SystemInfo.getProcessInfo");
  const tasks = metrics.find(({ name }) => name === "TaskDuration").value;
  return [tasks, processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0)].map((seconds) => seconds * 1000);
}

/** Begins a profile; what it returns ends it and writes it to a file. */
async function profile(chromium) {
  await chromium.call("Profiler.enable");
  await chromium.call("Profiler.start");
  return async (file) => {
    const { profile } = await chromium.call("Profiler.stop");
    await writeFile(file, JSON.stringify(profile));
  };
}

function fail({ message }) {
  print({ failed: message });
}

function print(value) {
  console.log(JSON.stringify(value));
}
