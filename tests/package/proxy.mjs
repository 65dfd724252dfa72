// A TCP proxy of the test's own, which cuts connections like a cable.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Passes connections on to an address `http://HOST:PORT` until the test ends. */
export async function startProxy(test, target) {
  const { hostname, port } = new URL(target);
  const sockets = new Set();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [[near, far], [far, near]]) {
      sockets.add(from);
      from.pipe(to);
      from.on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => sockets.forEach((socket) => socket.destroy());
  test.after(() => {
    server.close();
    cut();
  });
  return { socket: (path) => `ws://127.0.0.1:${server.address().port}${path}`, cut };
}
