// Chromium for the tests of one file.

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { chromium } from "playwright-core";

import { root, startListening } from "./server.mjs";

/** What a test waits for at most, in milliseconds. */
const LIMIT = 15_000;

export const executablePath = process.env.TIDEWIRE_CHROMIUM ?? "/usr/bin/chromium";
const artifacts = process.env.TIDEWIRE_ARTIFACTS || `${root}target/artifacts`;

/** Without a window, in a container and as root; and without traffic of the browser's own. */
export const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** Starts Chromium; close it when the tests of the file are over. */
export function launch() {
  return chromium.launch({ executablePath, args, headless: true, timeout: 60_000 });
}

/**
 * Starts Chromium as people have it: its pages can be hidden, frozen, and kept for the way back, which those of
 * {@link launch} cannot.
 */
export async function launchUnchanged() {
  const profile = await mkdtemp(`${tmpdir()}/tidewire-`);
  const unchanged = [...args, "--headless", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"];
  const pattern = /^DevTools listening on (ws:\S+)/;
  const ends = [];
  const run = { after: (end) => ends.push(end) };
  const { url } = await startListening(run, executablePath, unchanged, pattern, { startLimit: 60_000 });
  const browser = await chromium.connectOverCDP(url, { noDefaults: true });
  return {
    browser,
    async close() {
      await (await browser.newBrowserCDPSession()).send("Browser.close");
      await Promise.all(ends.map((end) => end()));
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/**
 * A page of its own for one test, closed after it. What the page throws and does not catch fails the test, apart from
 * an expected error.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {import("playwright-core").BrowserContextOptions & { expectedError?: RegExp }} options
 */
export async function openPage(test, browser, { expectedError, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(LIMIT);
  const page = await context.newPage();
  watch(test, page, () => context.close(), expectedError);
  return page;
}

/** The same in a browser that was launched unchanged. All its pages have their origins' local storage in common. */
export async function openTab(test, browser) {
  const page = await browser.contexts()[0].newPage();
  watch(test, page, () => page.close());
  return page;
}

function watch(test, page, close, expectedError) {
  page.setDefaultTimeout(LIMIT);
  const errors = [];
  page.on("pageerror", (error) => {
    if (!expectedError?.test(error.message)) errors.push(error);
  });
  test.after(async () => {
    await close();
    if (errors.length > 0) throw new AggregateError(errors, `the page threw: ${errors.join("; ")}`);
  });
}

/** Writes a screenshot where CI keeps such things. */
export async function screenshot(page, name) {
  await mkdir(artifacts, { recursive: true });
  await page.screenshot({ path: `${artifacts}/${name}.png` });
}
