// What the class `Socket` of the package does, seen from the page and from the other end.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startPeer } from "./peer.mjs";

/**
 * @param open opens the built project in a page: its `record(url, options)` keeps the events of a socket
 * @param startServer starts a server that lets that page in
 */
export function behaviours(open, startServer) {
  test("all four events come with what they promise", async (t) => {
    const [peer, page] = [await startPeer(t), await open(t)];
    const accepted = peer.accept();
    await start(page, peer.url);
    const { socket } = await accepted;
    await next(page, "open");
    socket.send("text");
    socket.send(Buffer.from([0, 128, 255]));
    socket.close(4321, "wörds");
    await next(page, "close");
    assert.deepEqual(await events(page), [
      { type: "open", protocol: "" },
      { type: "message", data: "text" },
      { type: "message", data: [0, 128, 255] },
      { type: "close", code: 4321, reason: "wörds", wasClean: true },
    ]);
  });

  test("a refused connection is an error, then a close with 1006", async (t) => {
    const [server, page] = [await startServer(t), await open(t)];
    await server.kill();
    await start(page, server.socket("/echo"));
    await next(page, "close");
    assert.deepEqual(await events(page), [
      { type: "error" },
      { type: "close", code: 1006, reason: "", wasClean: false },
    ]);
  });

  test("text and bytes of every kind come back from /echo as they were", async (t) => {
    const [server, page] = [await startServer(t), await open(t)];
    await start(page, server.socket("/echo"));
    await next(page, "open");
    const kinds = await page.evaluate(async () => {
      const bytes = new Uint8Array([9, 1, 2, 3, 9]);
      const items = ["", "🌊", bytes.subarray(1, 4), new DataView(bytes.buffer, 1, 3), bytes.buffer, new Uint8Array()];
      const received = [];
      for (const item of items) {
        const from = window.recording.events.length;
        window.recording.socket.send(item);
        const { data } = await window.recording.next("message", from);
        received.push(data instanceof Uint8Array ? Array.from(data) : data);
      }
      return received;
    });
    assert.deepEqual(kinds, ["", "🌊", [1, 2, 3], [1, 2, 3], [9, 1, 2, 3, 9], []]);
  });

  test("the subprotocol that the server chose is told", async (t) => {
    const peer = await startPeer(t, { handleProtocols: () => "second" });
    const page = await open(t);
    await start(page, peer.url, { protocols: ["first", "second"] });
    assert.equal((await next(page, "open")).protocol, "second");
    assert.equal(await page.evaluate(() => window.recording.socket.protocol), "second");
  });

  test("what on() returned takes that listener off, and no other", async (t) => {
    const [peer, page] = [await startPeer(t), await open(t)];
    const accepted = peer.accept();
    await start(page, peer.url);
    await page.evaluate(() => {
      window.heard = [];
      const listen = (name) => window.recording.socket.on("message", ({ data }) => window.heard.push(`${name} ${data}`));
      window.undo = listen("first");
      listen("second");
    });
    const { socket } = await accepted;
    await next(page, "open");
    socket.send("one");
    await next(page, "message");
    await page.evaluate(() => {
      window.undo();
      window.undo();
    });
    socket.send("two");
    socket.close(1000);
    await next(page, "close");
    assert.deepEqual(await page.evaluate(() => window.heard), ["first one", "second one", "second two"]);
  });

  test("a listener that throws is reported and does not stop the others", async (t) => {
    const peer = await startPeer(t);
    const page = await open(t, "", { expectedError: /thrown by a listener/ });
    const accepted = peer.accept();
    await start(page, peer.url);
    await page.evaluate(() => {
      window.heard = [];
      window.recording.socket.on("message", () => {
        throw new Error("thrown by a listener");
      });
      window.recording.socket.on("message", ({ data }) => window.heard.push(data));
    });
    const { socket } = await accepted;
    await next(page, "open");
    const reported = page.waitForEvent("pageerror");
    socket.send("one");
    socket.send("two");
    socket.close(1000);
    assert.match((await reported).message, /thrown by a listener/);
    await next(page, "close");
    assert.deepEqual(await page.evaluate(() => window.heard), ["one", "two"]);
  });

  test("send on a socket that is not open throws, with the item", async (t) => {
    const [peer, page] = [await startPeer(t), await open(t)];
    await start(page, peer.url);
    const early = await page.evaluate((url) => attempt(() => new Socket(url).send("too early"), "item"), peer.url);
    assert.deepEqual(early, { isError: true, code: "not-open", item: "too early" });
    await next(page, "open");
    await page.evaluate(() => window.recording.socket.close());
    await next(page, "close");
    const late = await page.evaluate(() => {
      const item = new Uint8Array([1, 2]);
      try {
        window.recording.socket.send(item);
        return "sent";
      } catch (error) {
        return { code: error.code, isSame: error.item === item };
      }
    });
    assert.deepEqual(late, { code: "not-open", isSame: true });
  });

  test("send refuses once more waits than is allowed", async (t) => {
    const [peer, page] = [await startPeer(t), await open(t)];
    const accepted = peer.accept();
    await start(page, peer.url, { maxBufferedBytes: 1000 });
    const { socket } = await accepted;
    await next(page, "open");
    // Nothing leaves the browser while this script runs, so what it sends waits.
    const outcome = await page.evaluate(() => {
      window.recording.socket.send(new Uint8Array(1001));
      return attempt(() => window.recording.socket.send("one more"), "item");
    });
    assert.deepEqual(outcome, { isError: true, code: "buffer-full", item: "one more" });
    socket.close(1000);
    await next(page, "close");
  });

  test("what browsers refuse is an error with a code", async (t) => {
    const [peer, page] = [await startPeer(t), await open(t)];
    await start(page, peer.url);
    await next(page, "open");
    const codes = await page.evaluate((url) => {
      const { socket } = window.recording;
      return [
        () => new Socket("ftp://example.org/"),
        () => new Socket(`${url}#fragment`),
        () => new Socket(url, { protocols: ["twice", "twice"] }),
        () => socket.close(1001),
        () => socket.close(2999),
        () => socket.close(5000),
        () => socket.close(1000, "x".repeat(124)),
        () => socket.close(1000, "ö".repeat(62)),
        () => socket.on("ping", () => {}),
        () => socket.on("open", "no function"),
      ].map((action) => attempt(action).code);
    }, peer.url);
    assert.deepEqual(codes, [
      "invalid-url",
      "invalid-url",
      "invalid-protocols",
      "invalid-code",
      "invalid-code",
      "invalid-code",
      "reason-too-long",
      "reason-too-long",
      "invalid-listener",
      "invalid-listener",
    ]);
    assert.equal(await state(page), "open");
  });

  test("close sends its code and reason, up to the limits", async (t) => {
    const [peer, page] = [await startPeer(t), await open(t)];
    for (const [code, reason] of [[1000, ""], [3000, "x".repeat(123)], [4999, "bye"]]) {
      const accepted = peer.accept();
      await start(page, peer.url);
      const { closed } = await accepted;
      await next(page, "open");
      await page.evaluate(([code, reason]) => window.recording.socket.close(code, reason), [code, reason]);
      assert.deepEqual(await closed, { code, reason });
      assert.deepEqual(await next(page, "close"), { type: "close", code, reason, wasClean: true });
      assert.equal(await state(page), "closed");
    }
  });

  test("leaving the block of `using` closes the socket and runs no listener after", async (t) => {
    const [peer, page] = [await startPeer(t), await open(t)];
    const accepted = peer.accept();
    await page.evaluate(async (url) => {
      window.heard = [];
      await new Promise((resolve) => {
        const socket = new Socket(url);
        const stack = new DisposableStack();
        stack.use(socket);
        socket.on("close", () => window.heard.push("close"));
        socket.on("open", () => {
          stack.dispose();
          resolve();
        });
      });
    }, peer.url);
    const { closed } = await accepted;
    assert.deepEqual(await closed, { code: 1000, reason: "" });
    // The page has had its answer to the closing handshake once another connection has come and gone.
    await start(page, peer.url);
    await next(page, "open");
    await page.evaluate(() => window.recording.socket.close());
    await next(page, "close");
    assert.deepEqual(await page.evaluate(() => window.heard), []);
  });

  test("a listener may close and dispose of the socket that calls it", async (t) => {
    const [peer, page] = [await startPeer(t), await open(t)];
    const accepted = peer.accept();
    await start(page, peer.url);
    await page.evaluate(() => {
      const { socket } = window.recording;
      socket.on("message", () => {
        socket.close(4000, "from a listener");
        socket[Symbol.dispose]();
      });
    });
    const { socket, closed } = await accepted;
    await next(page, "open");
    socket.send("go");
    assert.deepEqual(await closed, { code: 4000, reason: "from a listener" });
  });
}

/** Opens a recorded socket in the page, and gives the page a way to see what a call throws. */
const start = (page, url, options) =>
  page.evaluate(
    ([url, options]) => {
      window.attempt = (action, ...names) => {
        try {
          action();
          return { code: "none" };
        } catch (error) {
          const told = Object.fromEntries(names.map((name) => [name, error[name]]));
          return { isError: error instanceof Error, code: error.code, ...told };
        }
      };
      window.recording = window.record(url, options ?? undefined);
    },
    [url, options],
  );

const next = (page, type) => page.evaluate((type) => window.recording.next(type), type);
const state = (page) => page.evaluate(() => window.recording.socket.readyState);
const events = (page) =>
  page.evaluate(() =>
    window.recording.events.map((event) =>
      event.type === "message" && event.data instanceof Uint8Array ? { ...event, data: Array.from(event.data) } : { ...event },
    ),
  );
