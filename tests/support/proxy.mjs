// A TCP proxy of the test's own, which cuts connections like a cable, or lets them die without a word.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/**
 * Passes connections on to an address `http://HOST:PORT` until the test ends.
 *
 * `cut()` ends the connections of now, and `down()` those of the future too, until `up()`. `swallow()` keeps those of now,
 * and passes nothing on any more: of what the server says, or of what either says. `ended()` resolves once the server has
 * ended those of now.
 */
export async function startProxy(test, target) {
  const { hostname, port } = new URL(target);
  const links = new Set();
  let isDown = false;
  const server = createServer((near) => {
    const link = { near, far: connect(Number(port), hostname), isDead: false };
    links.add(link);
    for (const [from, to] of [[near, link.far], [link.far, near]]) {
      from.pipe(to);
      from.on("error", () => {});
      from.on("close", () => {
        // Of a link that is dead the client hears nothing.
        if (link.isDead && from === link.far) return;
        links.delete(link);
        to.destroy();
      });
    }
    if (isDown) near.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => links.forEach(({ near }) => near.destroy());
  test.after(() => {
    server.close();
    cut();
  });
  return {
    socket: (path) => `ws://127.0.0.1:${server.address().port}${path}`,
    cut,
    down() {
      isDown = true;
      cut();
    },
    up() {
      isDown = false;
    },
    ended: () => Promise.all(Array.from(links, ({ far }) => once(far, "close"))),
    swallow({ answersOnly = false } = {}) {
      for (const link of links) {
        link.isDead = true;
        for (const from of answersOnly ? [link.far] : [link.far, link.near]) from.unpipe().resume();
      }
    },
  };
}
