// The `tidewire` binary for one test, on a port of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const START_LIMIT = 20_000;
const END_LIMIT = 10_000;

/** The root of the repository. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The page as trunk built it. */
export const www = `${root}dist`;

const binary = process.env.TIDEWIRE_SERVER ?? `${root}target/release/tidewire`;

/**
 * Starts the server on a free port and ends it after the test.
 *
 * @param {{ after(end: () => unknown): void }} test
 * @param {string[]} options of the command line, besides `--listen`
 */
export const startServer = (test, ...options) => startServerAt("127.0.0.1:0", test, ...options);

/** The same at an address that a server of this test has had before. It ends at once: no test waits for its clients to leave. */
export const startServerAt = (address, test, ...options) =>
  startListening(test, binary, ["--listen", address, "--drain", "0s", ...options], /^listening on (https?:\/\/\S+)/);

/**
 * Starts a program that says in one line of its output where it listens, and ends it after the test.
 *
 * @returns the address, `socket(path)` for that of a WebSocket, `end()`, and `kill()`, which leaves the program no time
 * for a goodbye
 */
export async function startListening(test, program, args, pattern, { startLimit = START_LIMIT, ...options } = {}) {
  const child = spawn(program, args, { cwd: root, ...options, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  test.after(() => end(child, ended));
  const printed = [];
  const url = await Promise.race([
    addressIn(child.stdout, pattern, printed),
    addressIn(child.stderr, pattern, printed),
    ended.then(([code]) => Promise.reject(new Error(`${program} ended with ${code}\n${printed.join("\n")}`))),
    expired(startLimit, () => `${program} did not say where it listens\n${printed.join("\n")}`),
  ]);
  return {
    url,
    socket: (path) => url.replace(/^http/, "ws") + path,
    end: () => end(child, ended),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The first match in the lines of a stream, which is read to its end all the same. */
function addressIn(stream, pattern, printed) {
  return new Promise((resolve) => {
    createInterface({ input: stream }).on("line", (line) => {
      printed.push(line);
      printed.splice(0, printed.length - 50);
      const match = pattern.exec(line);
      if (match) resolve(match[1]);
    });
  });
}

async function end(child, ended) {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  try {
    await Promise.race([ended, expired(END_LIMIT, () => `${child.spawnfile} did not end`)]);
  } finally {
    child.kill("SIGKILL");
  }
}

/** Rejects after a while, without keeping the process alive for it. */
function expired(milliseconds, message) {
  const signal = AbortSignal.timeout(milliseconds);
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error(message())), { once: true });
  });
}
