// The console as a person uses it.

import { openPage } from "../support/browser.mjs";

/**
 * Opens the console, in a tab of its own.
 *
 * @param {string} url where the page is served
 */
export async function openConsole(test, browser, url, options) {
  const page = await openPage(test, browser, options);
  await page.goto(`${url}/#/console`);
  await page.getByTestId("connect").waitFor();
  const at = (id) => page.getByTestId(id);
  return {
    page,
    /** The part of the page with this test id. */
    at,
    /** The lines of the timeline of one kind: open, message, sent, error, close. */
    entries: (kind) => at("timeline").locator(`[data-kind=${kind}]`),
    /** Waits for a line of the timeline of this kind with this text. */
    async sees(kind, text) {
      await at("timeline").locator(`[data-kind=${kind}]`, { hasText: text }).first().waitFor();
    },
    /** Waits for the ready state. */
    async is(state) {
      await at("state").filter({ hasText: new RegExp(`^${state}$`) }).waitFor();
    },
    /** Waits for the message of what went wrong. */
    async complains(text) {
      await at("alert").filter({ hasText: text }).waitFor();
    },
    /** Connects to an endpoint of the server that the page came from. */
    async connect(endpoint) {
      await at("endpoint").selectOption(endpoint);
      await at("connect").click();
      await this.is("open");
    },
    /** Connects to any address, and does not wait for the outcome. */
    async tryAddress(address) {
      await at("address").fill(address);
      await at("connect").click();
    },
    /** Sends a text. */
    async say(text) {
      await at("composer").fill(text);
      await at("composer").press("Enter");
    },
    /** Sends bytes, typed as hexadecimal. */
    async sayHex(text) {
      await at("mode-hex").check({ force: true });
      await this.say(text);
    },
    /** Sends a file. */
    async sayFile(name, buffer) {
      await at("mode-file").check({ force: true });
      await at("file").setInputFiles({ name, mimeType: "application/octet-stream", buffer });
      await at("send").click();
    },
  };
}
