// What a client of the package makes of what its page lives through. The events are made here.

import assert from "node:assert/strict";
import { test } from "node:test";

/** As `rooms` takes them. */
export function life(open, startServer) {
  /** A server, and a page with the parts of a test; `url` is the server's, and `nowhere` that of none. */
  async function start(t) {
    const [server, page] = [await startServer(t), await open(t)];
    await page.evaluate(define, server.socket("/ws"));
    return { server, page };
  }

  test("a page that is back, or a network, makes its client try at once", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      const client = connect(nowhere, { transports: ["websocket"] });
      const told = [];
      for (const comeBack of [() => show(true), () => happens("resume", document), () => turns("pageshow", true)]) {
        await reach(client, "waiting");
        show(false);
        turns("pageshow", false);
        told.push(client.state);
        comeBack();
        told.push(client.state);
      }
      await reach(client, "waiting");
      for (const kind of ["offline", "online"]) {
        happens(kind);
        told.push(client.state);
      }
      return told;
    });
    assert.deepEqual(told, [...Array(3).fill(["waiting", "connecting"]).flat(), "offline", "connecting"]);
  });

  test("a page that begins hidden or without a network says so to its client", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      show(false);
      Object.defineProperty(navigator, "onLine", { value: false });
      const client = connect(nowhere, { transports: ["websocket"] });
      await reach(client, "offline");
      show(true);
      return client.state;
    });
    assert.equal(told, "offline");
  });

  test("a page that is kept leaves its connection and goes on with its session; one that goes for good ends it", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      const client = connect(url);
      await reach(client, "open");
      const { member } = client;
      turns("pagehide", true);
      const left = client.state;
      turns("pageshow", true);
      await reach(client, "open");
      const isSame = client.member === member;
      turns("pagehide", false);
      return [left, isSame, client.state];
    });
    assert.deepEqual(told, ["offline", true, "closed"]);
  });

  test("while a page lives there is nothing in its storage to copy", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      const client = connect(url, { persist: "tab" });
      await reach(client, "open");
      const told = [entry() !== ""];
      for (const [kind, target] of [["freeze", document], ["resume", document]]) {
        happens(kind, target);
        told.push(entry() !== "");
      }
      for (const kind of ["pagehide", "pageshow"]) {
        turns(kind, true);
        told.push(entry() !== "");
      }
      client.close();
      turns("pagehide", false);
      return [...told, entry() !== ""];
    });
    assert.deepEqual(told, [false, true, false, true, false, false]);
  });

  test("a session that takes too much, or has no storage, is not kept, which is told once", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      const told = [];
      for (const bytes of [1048076, 1048576]) {
        const client = connect(nowhere, { persist: "tab" });
        client.on("unsaved", ({ code }) => told.push(code));
        client.room("lobby").publish(new Uint8Array(bytes).fill(200)).catch(() => {});
        turns("pagehide", false);
        turns("pagehide", false);
        await undefined;
        told.push(client.state, entry(nowhere).length > bytes);
        sessionStorage.clear();
        client.close();
      }
      Storage.prototype.getItem = () => {
        throw new DOMException("no", "SecurityError");
      };
      const client = connect(url, { persist: "tab" });
      client.on("unsaved", ({ code }) => told.push(code));
      await reach(client, "open");
      return told;
    });
    assert.deepEqual(told, ["offline", true, "too-large", "closed", false, "unavailable"]);
  });

  test("an entry that is not ours is ignored", async (t) => {
    const { page } = await start(t);
    await page.evaluate(async () => {
      for (const foreign of ["{}", "\u0003\u0001", "\u0003\u00ff\u00ff\u00ff", "☃🌊", "a long text that says nothing to us"]) {
        sessionStorage.setItem(`tidewire ${url}`, foreign);
        const client = connect(url, { persist: "tab" });
        client.on("restored", ({ value }) => reportError(value));
        await reach(client, "open");
        client.close();
      }
    });
  });

  test("a client that has ended hears of nothing", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      const client = connect(url, { persist: "tab" });
      await reach(client, "open");
      client.close();
      const told = [];
      client.on("state", ({ state }) => told.push(state));
      for (const kind of ["online", "offline", "freeze", "resume"]) happens(kind);
      show(false);
      show(true);
      for (const kind of ["pagehide", "pageshow"]) turns(kind, true);
      await new Promise((resolve) => setTimeout(resolve));
      return told;
    });
    assert.deepEqual(told, []);
  });
}

/** Runs in the page. */
function define(url) {
  const happens = (kind, target = window) => target.dispatchEvent(new Event(kind));
  Object.assign(window, {
    url,
    nowhere: "ws://127.0.0.1:1/ws",
    happens,
    turns: (kind, persisted) => dispatchEvent(new PageTransitionEvent(kind, { persisted })),
    show(isShown) {
      Object.defineProperty(document, "hidden", { value: !isShown, configurable: true });
      happens("visibilitychange", document);
    },
    reach: (client, state) =>
      new Promise((resolve) => {
        if (client.state === state) resolve();
        else client.on("state", (event) => event.state === state && resolve());
      }),
    entry: (of = url) => sessionStorage.getItem(`tidewire ${of}`),
  });
}
