// What must hold of the page's looks, whatever is on it.

import assert from "node:assert/strict";

/** The widths and colours people have. */
export const SIZES = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 800 } };
export const COLOURS = ["light", "dark"];

/** Nothing is cut off or needs scrolling sideways, and the parts of these test ids are in sight. */
export async function fits({ page }, { width, height }, ids) {
  const scrolls = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(scrolls <= 0, `${scrolls} pixels too wide`);
  for (const id of ids) {
    const box = await page.getByTestId(id).boundingBox();
    assert.ok(box, `${id} is not shown`);
    assert.ok(box.x >= 0 && box.x + box.width <= width, `${id} is cut off at the side`);
    assert.ok(box.y >= 0 && box.y + box.height <= height, `${id} is out of sight`);
  }
}

export const isDark = (page) =>
  page.evaluate(() => {
    const context = document.createElement("canvas").getContext("2d");
    context.fillStyle = getComputedStyle(document.body).backgroundColor;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return red + green + blue < 3 * 128;
  });
