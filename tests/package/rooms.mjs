// What rooms do in the package, in a page and against the server.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startProxy } from "../support/proxy.mjs";

/**
 * @param open opens the built project in a page, which has `connect` in its window
 * @param startServer starts a server that lets that page in
 */
export function rooms(open, startServer) {
  /** A server, and a page with a client `client` that is open and a room `room` that nobody has used. */
  async function start(t, { options = [], connect = {}, expectedError } = {}) {
    const [server, page] = [await startServer(t, ...options), await open(t, "", { expectedError })];
    await page.evaluate(define, [server.socket("/ws"), connect]);
    return { server, page };
  }

  test("values come back as they were, in order, with their places and who sent them", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      const values = [null, 1.5, "text", "🌊 \u2028", { deep: [{ a: "ü" }] }, [], new Uint8Array([0, 255]), new Uint8Array(), true];
      const events = room.subscribe();
      const positions = await Promise.all(values.map((value) => room.publish(value)));
      const heard = await take(events, values.length + 1);
      return {
        epochs: [heard[0].position.epoch, ...positions.map((position) => position.epoch)],
        offsets: positions.map((position) => position.offset),
        first: heard[0].position.offset,
        heard: heard.slice(1).map(({ type, offset, sender, value }) => [type, offset, sender === client.member, plain(value)]),
        sent: values.map(plain),
        place: events.position,
      };
    });
    assert.match(told.epochs[0], /^[0-9a-f]{16}$/);
    assert.equal(new Set(told.epochs).size, 1);
    assert.deepEqual(told.offsets, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal(told.first, 0);
    assert.deepEqual(told.heard, told.sent.map((value, index) => ["message", index + 1, true, value]));
    assert.deepEqual(told.place, { epoch: told.epochs[0], offset: 9 });
  });

  test("a subscription begins with past messages, or after a position of another page's", async (t) => {
    const { server, page } = await start(t);
    const place = await page.evaluate(async () => {
      for (let number = 1; number <= 5; number++) await room.publish(number);
      const events = room.subscribe({ history: 3 });
      const [, three] = await take(events, 2);
      await events.return();
      return { value: three.value, position: events.position };
    });
    assert.deepEqual([place.value, place.position.offset], [3, 3]);
    const other = await open(t);
    await other.evaluate(define, [server.socket("/ws"), {}]);
    const values = await other.evaluate(
      async (after) => (await take(room.subscribe({ after }), 3)).map((event) => event.value ?? event.position),
      place.position,
    );
    assert.deepEqual(values, [place.position, 4, 5]);
  });

  test("text that is not JSON is given as it is", async (t) => {
    const { server, page } = await start(t);
    await fetch(`${server.url}/api/rooms/lobby/messages`, {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: "plain: text",
    });
    const event = await page.evaluate(async () => (await take(room.subscribe({ history: 1 }), 2))[1]);
    assert.deepEqual([event.value, event.sender], ["plain: text", undefined]);
  });

  test("nothing is lost, doubled or out of order over cuts, and the states tell of them", async (t) => {
    const server = await startServer(t);
    const proxy = await startProxy(t, server.url);
    const page = await open(t);
    await page.evaluate(define, [proxy.socket("/ws"), {}]);
    await page.evaluate(() => {
      window.events = room.subscribe();
      window.states = [];
      client.on("state", (event) => window.states.push(event));
    });
    for (let round = 0; round < 5; round++) {
      await page.evaluate((round) => {
        window.outcomes = [];
        for (let number = 0; number < 20; number++) window.outcomes.push(room.publish(round * 20 + number));
      }, round);
      proxy.cut();
    }
    const { values, states } = await page.evaluate(async () => ({
      values: (await messages(window.events, 100)).map((event) => event.value),
      states: window.states,
    }));
    assert.deepEqual(values, Array.from({ length: 100 }, (_, number) => number));
    const waiting = states.find((event) => event.state === "waiting");
    assert.ok(waiting === undefined || waiting.retryIn >= 0);
    assert.ok(states.some((event) => event.state === "connecting") && states.some((event) => event.state === "open"));
  });

  test("over polls it is the same, also where some of them fail", async (t) => {
    for (const fault of [undefined, { status: 502 }, { contentType: "text/html", body: "<!doctype html>" }, "abort"]) {
      const [server, page] = [await startServer(t), await open(t)];
      await pollable(page, (count) => (count % 5 === 4 ? fault : undefined));
      await page.evaluate(define, [server.socket("/ws"), { transports: ["polling"] }]);
      const told = await page.evaluate(async () => {
        const events = room.subscribe();
        const values = [];
        for (let number = 0; number < 10; number++) {
          await room.publish(number);
          values.push(...(await messages(events, 1)).map((event) => event.value));
        }
        return { values, transport: client.transport };
      });
      assert.deepEqual(told, { values: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], transport: "polling" });
    }
  });

  test("a client that closes while it polls says so, and leaves no request", async (t) => {
    const { page, server } = await start(t, { connect: { transports: ["websocket"] } });
    const other = await open(t);
    await pollable(other);
    await other.evaluate(define, [server.socket("/ws"), { transports: ["polling"] }]);
    const told = await page.evaluate(async () => {
      window.events = room.subscribe({ presence: true });
      return { present: (await take(events, 2))[1].members.length, transport: client.transport };
    });
    assert.deepEqual(told, { present: 1, transport: "websocket" });
    await other.evaluate(async () => take(room.subscribe({ presence: true }), 2));
    assert.equal((await page.evaluate(() => take(window.events, 1)))[0].type, "joined");
    const requests = [];
    other.on("request", (request) => requests.push(request.url()));
    await other.evaluate(() => client.close());
    assert.equal((await page.evaluate(() => take(window.events, 1)))[0].type, "left");
    assert.equal(requests.length, 1);
    assert.deepEqual(await other.evaluate(() => [client.state, client.transport]), ["closed", undefined]);
  });

  test("what worked at an address is tried first, for half an hour", async (t) => {
    const [server, page] = [await startServer(t), await open(t)];
    await pollable(page);
    await page.evaluate(define, [server.socket("/ws"), { transports: ["polling", "websocket"] }]);
    const first = await page.evaluate(async (url) => {
      const first = async () => {
        const client = connect(url);
        await new Promise((resolve) => client.on("state", ({ state }) => state === "open" && resolve()));
        return client.transport;
      };
      const firsts = [await first()];
      for (const kept of ["polling 0", "pigeon 0", "", undefined]) {
        if (kept === undefined) localStorage.clear();
        else localStorage.setItem(`tidewire ${url}`, kept);
        firsts.push(await first());
      }
      Object.defineProperty(window, "localStorage", {
        get() {
          throw new DOMException("not for this page", "SecurityError");
        },
      });
      return [...firsts, await first()];
    }, server.socket("/ws"));
    assert.deepEqual(first, ["polling", ...Array(5).fill("websocket")]);
  });

  test("transports that are none are refused", async (t) => {
    const { page, server } = await start(t);
    const codes = await page.evaluate((url) => {
      const wrong = [[], ["polling", "polling"], ["pigeon"], "websocket", null, 7, ["polling", "websocket", "polling"]];
      return wrong.map((transports) => {
        try {
          connect(url, { transports });
          return "none";
        } catch ({ code }) {
          return code;
        }
      });
    }, server.socket("/ws"));
    assert.deepEqual(codes, Array(7).fill("invalid-transports"));
  });

  test("a page that is loaded again in the middle of publishing goes on, with nothing lost or doubled", async (t) => {
    const [server, page] = [await startServer(t), await open(t)];
    // It hears that the page goes before the client does.
    await page.evaluate(() => window.addEventListener("pagehide", () => window.leave?.(), true));
    await page.evaluate(define, [server.socket("/ws"), { persist: "tab" }]);
    const navigated = page.waitForNavigation();
    const member = await page.evaluate(async () => {
      const taken = [];
      const listen = async () => {
        for await (const event of room.subscribe()) if (event.type === "message") taken.push(event.value);
      };
      listen();
      await room.publish(0);
      for (let number = 1; number < 50; number++) room.publish(number);
      window.leave = () => {
        for (let number = 50; number < 100; number++) room.publish(number);
        sessionStorage.setItem("taken", JSON.stringify(taken));
      };
      location.reload();
      return client.member;
    });
    await navigated;
    await page.waitForFunction(() => "record" in window);
    await page.evaluate(define, [server.socket("/ws"), { persist: "tab" }]);
    const told = await page.evaluate(async () => {
      const before = JSON.parse(sessionStorage.getItem("taken"));
      const after = await messages(room.subscribe(), 100 - before.length);
      const again = await room.publish("after");
      return { values: [...before, ...after.map((event) => event.value)], restored, member: client.member, again };
    });
    assert.deepEqual(told.values, Array.from({ length: 100 }, (_, number) => number));
    assert.equal(told.member, member);
    assert.equal(told.again.offset, 101);
    assert.ok(told.restored.length >= 50, `${told.restored.length} restored`);
    for (const { type, room, value, position } of told.restored) {
      assert.deepEqual([type, room, position.offset], ["restored", "lobby", value + 1]);
    }
  });

  test("a page whose storage takes nothing is told so, and works without", async (t) => {
    const { server, page } = await start(t);
    const told = await page.evaluate(async (url) => {
      Storage.prototype.setItem = () => {
        throw new DOMException("no", "QuotaExceededError");
      };
      const other = connect(url, { persist: "tab" });
      const events = [];
      other.on("unsaved", (event) => events.push(event));
      await other.room("lobby").publish("it works");
      return events;
    }, server.socket("/ws"));
    assert.deepEqual(told, [{ type: "unsaved", code: "full" }]);
  });

  test("presence and signals are told", async (t) => {
    const { server, page } = await start(t);
    const told = await page.evaluate(async (url) => {
      const events = room.subscribe({ presence: true });
      const [, present] = await take(events, 2);
      const other = connect(url);
      const theirs = other.room("lobby").subscribe({ presence: true });
      const [joined] = await take(events, 1);
      await take(theirs, 2);
      const both = [...room.presence].sort();
      const sent = [room.signal({ typing: true }), other.room("lobby").signal(new Uint8Array([7]))];
      const [signal] = await take(theirs, 1);
      const [bytes] = await take(events, 1);
      const names = [client.member, other.member];
      other.close();
      const [left] = await take(events, 1);
      return { present, joined, left, names, both, sent, signal, bytes: [...bytes.value], after: room.presence };
    }, server.socket("/ws"));
    const [ann, bob] = told.names;
    assert.deepEqual(told.present, { type: "present", members: [ann] });
    assert.deepEqual(told.joined, { type: "joined", member: bob });
    assert.deepEqual(told.left, { type: "left", member: bob });
    assert.deepEqual(told.both, [ann, bob].sort());
    assert.deepEqual(told.after, [ann]);
    assert.deepEqual(told.sent, [true, true]);
    assert.deepEqual(told.signal, { type: "signal", sender: ann, value: { typing: true } });
    assert.deepEqual(told.bytes, [7]);
  });

  test("a publish that fails gives the value back, with a code", async (t) => {
    const { page } = await start(t, { connect: { maxPublishes: 2 } });
    const told = await page.evaluate(async (url) => {
      const value = { some: "value" };
      const fail = async (room, value, options) => {
        const error = await room.publish(value, options).catch((error) => error);
        return [error instanceof Error, error.code, error.value === value, error.refusal];
      };
      const kept = [room.publish(1), room.publish(2)];
      const full = await fail(room, value);
      await Promise.all(kept);
      const circle = {};
      circle.self = circle;
      const told = {
        full,
        none: await fail(room, undefined),
        circle: await room.publish(circle).catch((error) => error.name),
        tooBig: await fail(room, new Uint8Array(70_000)),
        expired: await fail(connect(url.replace(/:\d+/, ":1")).room("lobby"), value, { ttl: 1 }),
      };
      client.close();
      return { ...told, closed: await fail(room, value), signalled: room.signal(1) };
    }, "ws://127.0.0.1:1/ws");
    assert.deepEqual(told, {
      full: [true, "full", true, undefined],
      none: [true, "invalid-value", true, undefined],
      circle: "TypeError",
      tooBig: [true, "refused", true, 2],
      expired: [true, "expired", true, undefined],
      closed: [true, "closed", true, undefined],
      signalled: false,
    });
  });

  test("what cannot be asked is an error with a code", async (t) => {
    const { page } = await start(t);
    const codes = await page.evaluate((url) => {
      room.subscribe();
      return [
        () => connect("nonsense:"),
        () => connect(`${url}#fragment`),
        () => client.room(""),
        () => client.room("x".repeat(129)),
        () => client.room("two\nlines"),
        () => client.on("states", () => {}),
        () => client.on("state", "no function"),
        () => client.room("lobby").subscribe(),
        () => (client.close(), client.room("lobby").subscribe()),
      ].map((action) => {
        try {
          action();
        } catch (error) {
          return error.code;
        }
      });
    }, "ws://127.0.0.1:1/ws");
    assert.deepEqual(codes, [
      "invalid-url",
      "invalid-url",
      "invalid-room",
      "invalid-room",
      "invalid-room",
      "invalid-listener",
      "invalid-listener",
      "already-subscribed",
      "closed",
    ]);
  });

  test("a loop that is left ends the subscription, and what on() returned ends the listening", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      await room.publish("one");
      for await (const event of room.subscribe({ history: 1 })) if (event.type === "message") break;
      const again = room.subscribe();
      await again.return();
      const states = [];
      const undo = client.on("state", ({ state }) => states.push(state));
      const kept = [];
      client.on("state", ({ state, code }) => kept.push(state, code));
      undo();
      client.close();
      return { over: await again.next(), states, kept };
    });
    assert.deepEqual(told, { over: { done: true, value: undefined }, states: [], kept: ["closed", 1000] });
  });

  test("an aborted signal ends a subscription, a wait for an answer, and a client", async (t) => {
    const { server, page } = await start(t);
    const told = await page.evaluate(async (url) => {
      const reason = (promise) => promise.then(() => "nothing", (reason) => reason);
      const subscription = new AbortController();
      const events = room.subscribe({ signal: subscription.signal });
      await take(events, 1);
      const waiting = reason(events.next());
      subscription.abort("enough");
      const publish = new AbortController();
      const outcome = reason(room.publish(1, { signal: publish.signal }));
      publish.abort("too long");
      const before = reason(room.publish(2, { signal: AbortSignal.abort("never") }));
      const life = new AbortController();
      const other = connect(url, { signal: life.signal });
      life.abort();
      return [await waiting, await events.next(), await outcome, await before, other.state];
    }, server.socket("/ws"));
    assert.deepEqual(told, ["enough", { done: true, value: undefined }, "too long", "never", "closed"]);
  });

  test("disposing closes: the client, and what waits for it", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      const events = room.subscribe();
      await take(events, 1);
      const [waiting, outcome] = [events.next(), room.publish("late").catch((error) => error.code)];
      const asked = client.roundTrip();
      client[Symbol.dispose]();
      await client[Symbol.asyncDispose]();
      client.close();
      return [await waiting, await outcome, await asked, client.state, await client.roundTrip(), room.presence];
    });
    assert.equal(told[0].done, true);
    assert.ok(["closed", "unconfirmed"].includes(told[1]), told[1]);
    assert.deepEqual(told.slice(2), [undefined, "closed", undefined, []]);
  });

  test("a round trip takes time", async (t) => {
    const { page } = await start(t);
    const [one, other] = await page.evaluate(() => Promise.all([client.roundTrip(), client.roundTrip()]));
    assert.ok(one > 0 && one < 10_000, String(one));
    assert.equal(one, other);
  });

  test("a listener that throws is reported and does not stop the others", async (t) => {
    const { page } = await start(t, { expectedError: /thrown by a listener/ });
    const reported = page.waitForEvent("pageerror");
    const heard = await page.evaluate(() => {
      const heard = [];
      client.on("state", () => {
        throw new Error("thrown by a listener");
      });
      client.on("state", ({ state }) => heard.push(state));
      client.close();
      return heard;
    });
    assert.match((await reported).message, /thrown by a listener/);
    assert.deepEqual(heard, ["closed"]);
  });

  test("a batch crosses into the page once, and not once for each message", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      for (let number = 0; number < 500; number++) room.publish({ number });
      await room.publish("last");
      let decoded = 0;
      const { decode } = TextDecoder.prototype;
      TextDecoder.prototype.decode = function (...args) {
        decoded += 1;
        return decode.apply(this, args);
      };
      const events = await messages(room.subscribe({ history: 501 }), 501);
      TextDecoder.prototype.decode = decode;
      return { decoded, last: events.at(-1).value };
    });
    assert.equal(told.last, "last");
    // Two for each batch: its names and its texts.
    assert.ok(told.decoded < 50, `${told.decoded} calls of the decoder for 501 messages`);
  });

  test("a program that does not take its events holds a part of them, and loses none", async (t) => {
    const { page } = await start(t, { connect: { maxQueuedBytes: 2000 } });
    const values = await page.evaluate(async () => {
      const events = room.subscribe();
      await take(events, 1);
      const outcomes = [];
      for (let number = 0; number < 600; number++) outcomes.push(room.publish(number));
      await Promise.all(outcomes);
      return (await messages(events, 600)).map((event) => event.value);
    });
    assert.deepEqual(values, Array.from({ length: 600 }, (_, number) => number));
  });
}

/** Lets a page poll a server of another origin. `fault(count)` says what is answered instead, if anything. */
async function pollable(page, fault = () => undefined) {
  let count = 0;
  await page.route("**/poll", async (route) => {
    const instead = fault(count++);
    if (instead === "abort") return route.abort();
    const headers = { "access-control-allow-origin": "*" };
    if (instead) return route.fulfill({ headers, ...instead });
    // The page may take its request back.
    const response = await route.fetch().catch(() => undefined);
    await (response ? route.fulfill({ response, headers: { ...response.headers(), ...headers } }) : route.abort()).catch(() => {});
  });
}

/** Runs in the page: a client that is open, a room, and ways to take events. */
async function define([url, options]) {
  window.plain = (value) => (value instanceof Uint8Array ? { bytes: Array.from(value) } : value);
  window.take = async (events, count) => {
    const taken = [];
    while (taken.length < count) taken.push((await events.next()).value);
    return taken;
  };
  window.messages = async (events, count) => {
    const taken = [];
    while (taken.length < count) {
      const { value } = await events.next();
      if (value.type === "message") taken.push(value);
      else if (value.type !== "subscribed") throw new Error(value.type);
    }
    return taken;
  };
  window.client = connect(url, options);
  window.restored = [];
  client.on("restored", (event) => restored.push(event));
  window.room = client.room("lobby");
  await new Promise((resolve) => client.on("state", ({ state }) => state === "open" && resolve()));
}
