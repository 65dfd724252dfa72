// Chromium, spoken to in its own protocol for developer tools. Playwright and its like ask to be told of every message of
// every WebSocket, and that costs the page more than the message does.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";

import { args, executablePath } from "../../tests/support/browser.mjs";

/** A browser, and one page of it. */
export class Chromium {
  #process;
  #exit;
  #folder;
  #session;
  #calls = new Map();
  #lastId = 0;
  #unread = "";

  /** Starts it. */
  static async launch() {
    return new Chromium(await mkdtemp(`${tmpdir()}/tidewire-bench-`));
  }

  constructor(folder) {
    this.#folder = folder;
    const options = ["--headless=new", "--remote-debugging-pipe", `--user-data-dir=${folder}`, ...args];
    this.#process = spawn(executablePath, options, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    // One that cannot be started has ended, too.
    this.#exit = once(this.#process, "exit").catch(({ message }) => [message]);
    this.#exit.then(([reason]) => this.#fail(new Error(`the browser has ended: ${reason}`)));
    const [, , , input, output] = this.#process.stdio;
    // Whoever waits for an answer is told when it has ended.
    for (const pipe of [input, output]) pipe.on("error", () => {});
    output.setEncoding("utf8").on("data", (data) => this.#read(data));
  }

  /** Opens the page, and loads `url`. */
  async open(url) {
    const { targetId } = await this.callBrowser("Target.createTarget", { url: "about:blank" });
    ({ sessionId: this.#session } = await this.callBrowser("Target.attachToTarget", { targetId, flatten: true }));
    await this.call("Page.navigate", { url });
  }

  /** Calls a method of the page. */
  call(method, params) {
    return this.#call({ method, params, sessionId: this.#session });
  }

  /** Calls a method of the browser as a whole. */
  callBrowser(method, params) {
    return this.#call({ method, params });
  }

  /** Evaluates an expression in the page; where that is a promise, what it resolves with. */
  async evaluate(expression) {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", options);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async close() {
    // It keeps nothing, so it needs no time to end.
    this.#process.kill("SIGKILL");
    await this.#exit;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }

  #call(message) {
    const id = ++this.#lastId;
    this.#process.stdio[3].write(`${JSON.stringify({ id, ...message })}\0`);
    return new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }));
  }

  #read(data) {
    const messages = (this.#unread + data).split("\0");
    this.#unread = messages.pop();
    for (const message of messages) this.#hear(JSON.parse(message));
  }

  #hear({ id, result, error }) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error) call?.reject(new Error(error.message));
    else call?.resolve(result);
  }

  #fail(error) {
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}
