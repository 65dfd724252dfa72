// A plain HTTP server for files that a test's page loads.

import { once } from "node:events";
import { createServer } from "node:http";

/**
 * Serves a map of path to `[type, content]` on a port of its own, or on this one, until the test ends, and returns its address.
 *
 * @param {Record<string, [type: string, content: string | Buffer]>} files
 */
export async function serveFiles(test, files, port = 0) {
  const server = createServer((request, response) => {
    const [type, content] = files[request.url] ?? ["text/plain", ""];
    response.writeHead(request.url in files ? 200 : 404, { "content-type": type }).end(content);
  });
  test.after(() => {
    server.close();
    server.closeAllConnections();
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}`;
}
