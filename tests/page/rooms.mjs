// The rooms page as a person uses it.

import { openPage } from "../support/browser.mjs";

/**
 * Opens a room, in a tab of its own.
 *
 * @param {string} url where the page is served
 * @param {object} options of the page, and beside them the `room`, and the `token` that the server asks for, if it does
 */
export async function openRoom(test, browser, url, { room = "lobby", token, ...options } = {}) {
  const page = await openPage(test, browser, options);
  await page.goto(`${url}/#/rooms/${room}`);
  const at = (id) => page.getByTestId(id);
  const tab = {
    page,
    /** The part of the page with this test id. */
    at,
    /** The lines of the timeline of one kind: message, mine, pending, failed, gap, hole, joined, resumed, lost, moved. */
    entries: (kind) => at("timeline").locator(`[data-kind=${kind}]`),
    /** Waits for a line of the timeline of this kind with this text. */
    async sees(kind, text = "") {
      await at("timeline").locator(`[data-kind=${kind}]`, { hasText: text }).first().waitFor();
    },
    /** Waits for what the connection does, in one word. */
    async is(state) {
      await at("state").filter({ hasText: new RegExp(`^${state}$`) }).waitFor();
    },
    /** Waits until one of the page's figures has this value. */
    async counts(id, value) {
      await at(`count-${id}`).filter({ hasText: new RegExp(`^${value}$`) }).waitFor();
    },
    /** Waits for the message of what went wrong. */
    async complains(text) {
      await at("alert").filter({ hasText: text }).waitFor();
    },
    /** Pastes a token into the field for it. */
    async show(token) {
      await at("token").fill(token);
      await at("token").press("Enter");
    },
    /** Publishes a text. */
    async say(text) {
      await at("composer").fill(text);
      await at("composer").press("Enter");
    },
    /** Moves the switch of the link. */
    async link(state) {
      await at("link").click();
      await page.locator(`[data-testid=link][aria-checked=${state === "on"}]`).waitFor();
      await tab.is(state === "on" ? "open" : "offline");
    },
    /** Waits for what the session talks over: WebSocket, Polling or none. */
    async talksOver(transport) {
      await at("transport").filter({ hasText: new RegExp(`${transport}$`) }).waitFor();
    },
    /** Chooses what it may talk over: Automatic, WebSocket or Polling. */
    async choose(transport) {
      await at("choice").selectOption(transport);
    },
    /** Moves the switch of a transport: websocket or polling. */
    async block(transport, state) {
      await at(transport).click();
      await page.locator(`[data-testid=${transport}][aria-checked=${state === "on"}]`).waitFor();
    },
    /** What was said, in order: each message of the room with its offset. */
    said: () =>
      at("timeline").evaluate((list) =>
        [...list.querySelectorAll("[data-kind=message], [data-kind=mine]")].map((entry) => ({
          offset: Number(entry.querySelector(".entry-place").textContent.replace(/\D/g, "")),
          text: entry.querySelector(".entry-payload").textContent,
        })),
      ),
  };
  if (token !== undefined) {
    await tab.complains("Paste a token");
    await tab.show(token);
  }
  await tab.is("open");
  await tab.sees("joined");
  return tab;
}
