// Chromium for the tests of one file.

import { mkdir } from "node:fs/promises";
import { chromium } from "playwright-core";

import { root } from "./server.mjs";

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
 * A page of its own for one test, closed after it. What the page throws and does not catch fails the test, apart from
 * an expected error.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {import("playwright-core").BrowserContextOptions & { expectedError?: RegExp }} options
 */
export async function openPage(test, browser, { expectedError, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(LIMIT);
  const errors = [];
  const page = await context.newPage();
  page.on("pageerror", (error) => {
    if (!expectedError?.test(error.message)) errors.push(error);
  });
  test.after(async () => {
    await context.close();
    if (errors.length > 0) throw new AggregateError(errors, `the page threw: ${errors.join("; ")}`);
  });
  return page;
}

/** Writes a screenshot where CI keeps such things. */
export async function screenshot(page, name) {
  await mkdir(artifacts, { recursive: true });
  await page.screenshot({ path: `${artifacts}/${name}.png` });
}
