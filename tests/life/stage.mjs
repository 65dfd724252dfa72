// A server, a network between, a page with a client, and others in its room.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { openTab } from "../support/browser.mjs";
import { startProxy } from "../support/proxy.mjs";
import { root, startServer } from "../support/server.mjs";
import { serveFiles } from "../support/static.mjs";

const HTML = `<!doctype html><meta charset="utf-8"><title>A page's life</title><link rel="icon" href="data:,">`;
const SCRIPT = "text/javascript";

/** Serves the page and the package that `cargo xtask pack` made. */
async function servePage(test) {
  const read = (path) => readFile(`${root}${path}`);
  const page = ["text/html", `${HTML}<script type="module" src="/page.js"></script>`];
  return serveFiles(test, {
    "/": page,
    "/next": page,
    "/elsewhere": ["text/html", HTML],
    "/page.js": [SCRIPT, await read("tests/life/page.js")],
    "/tidewire/index.js": [SCRIPT, await read("target/npm/tidewire/index.js")],
    "/tidewire/tidewire_bg.wasm": ["application/wasm", await read("target/npm/tidewire/tidewire_bg.wasm")],
  });
}

/**
 * A page whose client has joined the room, over a network that can be broken.
 *
 * @param options of the client
 * @param settings of the server
 */
export async function start(test, browser, { options = {}, settings = [] } = {}) {
  const origin = await servePage(test);
  const server = await startServer(test, "--allow-origin", origin, ...settings);
  const proxy = await startProxy(test, server.url);
  const address = (path, url, options) => `${origin}${path}#${encodeURIComponent(JSON.stringify({ url, options }))}`;
  const join = async (url, options) => {
    const page = await openTab(test, browser);
    await page.goto(address("/", url, options));
    await ready(page);
    return page;
  };
  const page = await join(proxy.socket("/ws"), options);
  return {
    page,
    debug: await page.context().newCDPSession(page),
    proxy,
    others: others(server),
    elsewhere: `${origin}/elsewhere`,
    /** Where another page of that kind is. */
    next: (options) => address("/next", proxy.socket("/ws"), options),
    /** Another page in the room, whose network is good. */
    joinWitness: () => join(server.socket("/ws"), {}),
  };
}

/** Waits until a page's client is in the room. */
export async function ready(page) {
  await page.waitForFunction(() => "joined" in window, undefined, OFTEN);
  await page.evaluate(() => joined());
}

/** Expects that a page has this value, the last that was said, soon after an event. Prints how soon. */
export async function caughtUp(test, page, event, value, limit = LIMIT) {
  const time = Math.round(await page.evaluate(([event, value]) => caughtUp(event, value), [event, value]));
  test.diagnostic(`${time} ms after "${event}"`);
  assert.ok(time <= limit, `${time} ms after "${event}", at most ${limit} are allowed`);
}

/** Expects that a page and the room's log have what was said, each once, in order: up to here, so many by others and by pages. */
export async function exact(page, others, said, published) {
  const last = await others.say(1);
  await page.evaluate((last) => until(() => taken.at(-1) === last), last);
  const log = await others.log();
  assert.deepEqual(await page.evaluate(() => taken), log);
  const by = (who) => log.filter((text) => text.startsWith(who));
  assert.deepEqual(by("other"), numbered("other", said + 1));
  assert.deepEqual(by("page"), numbered("page", published));
}

const numbered = (who, count) => Array.from({ length: count }, (_, number) => `${who} ${number}`);

/** Those who talk in the room without being in it. */
function others(server) {
  const messages = `${server.url}/api/rooms/lobby/messages`;
  let said = 0;
  return {
    /** Says the next numbers, and returns the last. */
    async say(count) {
      for (let index = 0; index < count; index++) {
        const headers = { "content-type": "text/plain" };
        const response = await fetch(messages, { method: "POST", headers, body: `other ${said++}` });
        assert.equal(response.status, 201);
      }
      return `other ${said - 1}`;
    },
    /** What the room's log keeps. */
    async log() {
      const response = await fetch(`${messages}?last=1000&limit=1000`);
      const { messages: kept } = await response.json();
      return kept.map(({ sender, text }) => (sender === null ? text : JSON.parse(text)));
    },
  };
}

/** What a page that is back has for being connected and having all that was said, in milliseconds. */
const LIMIT = 2000;

/** A page that nobody sees draws nothing, and that is when Playwright would look by default. */
export const OFTEN = { polling: 50 };
