// Going through the page with the Tab key.

import assert from "node:assert/strict";

/** Presses Tab until the part with this test id has the focus. */
export async function tabTo({ page }, id) {
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => document.activeElement?.getAttribute("data-testid"));
    if (focused === id) return;
  }
  assert.fail(`Tab never reaches ${id}`);
}
