// Where a client of the package has its tokens from, against a server that asks for them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startSigning } from "../support/tokens.mjs";

const TRANSPORTS = ["websocket", "polling"];

/** As `rooms` takes them. */
export function tokens(open, startServer) {
  /**
   * A page with `url` and the parts of a test. `asked(...words)` gives a function that is asked for tokens: the words say what it
   * does, the last one again and again.
   */
  async function start(t) {
    const signing = await startSigning(t);
    const [server, page] = [await startServer(t, ...signing.options), await open(t)];
    const words = { good: ["ada"], short: ["ada", 2], expired: ["ada", -1], other: ["bob"] };
    await page.exposeFunction("mint", (word) => signing.sign(...words[word]));
    await page.evaluate(define, server.socket("/ws"));
    return { server, page, signing };
  }

  test("a token that is a string is shown, and says who somebody is", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      const client = connect(url, { token: await mint("good") });
      await reach(client, "open");
      const { offset } = await client.room("lobby").publish("hello");
      return [client.member, offset];
    });
    assert.deepEqual(told, ["ada", 1]);
  });

  test("a function may give it at once or later, and is called once for a session that goes on", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      const token = await mint("good");
      let calls = 0;
      const client = connect(url, { token: () => (calls++, token) });
      const first = client.state;
      await reach(client, "open");
      return [first, calls, client.member];
    });
    assert.deepEqual(told, ["connecting", 1, "ada"]);
  });

  test("five tokens in a row are renewed in place, over either transport", async (t) => {
    const { page } = await start(t);
    const states = await page.evaluate(async (transports) => {
      const states = [];
      const renews = async (transport) => {
        const token = asked("short");
        const client = connect(url, { token, transports: [transport] });
        await reach(client, "open");
        client.on("state", ({ state }) => states.push(state));
        await token.called(6);
        await client.roundTrip();
      };
      await Promise.all(transports.map(renews));
      return states;
    }, TRANSPORTS);
    assert.deepEqual(states, []);
  });

  for (const transport of TRANSPORTS) {
    test(`one that has expired is asked for once, and the next is tried, over ${transport}`, async (t) => {
      const { page } = await start(t);
      const told = await page.evaluate(async (transport) => {
        const token = asked("expired", "good");
        const client = connect(url, { token, transports: [transport] });
        await reach(client, "open");
        return [token.calls, client.member];
      }, transport);
      assert.deepEqual(told, [2, "ada"]);
    });

    test(`two in a row that have expired are the end of trying until one is given, over ${transport}`, async (t) => {
      const { page } = await start(t);
      const told = await page.evaluate(async (transport) => {
        const token = asked("expired");
        const client = connect(url, { token, transports: [transport] });
        const { error } = await reach(client, "unauthorized");
        for (const kind of ["offline", "online"]) window.dispatchEvent(new Event(kind));
        const told = [client.state, error instanceof Error, error.code, "cause" in error, token.calls];
        client.setToken(await mint("good"));
        await reach(client, "open");
        return [...told, token.calls];
      }, transport);
      assert.deepEqual(told, ["unauthorized", true, "expired", false, 2, 2]);
    });

    test(`another subject's ends the session, over ${transport}`, async (t) => {
      const { page } = await start(t);
      const told = await page.evaluate(async (transport) => {
        const token = asked("short", "other");
        const client = connect(url, { token, transports: [transport] });
        const { code } = await reach(client, "closed");
        return [code, token.calls];
      }, transport);
      assert.deepEqual(told, [4202, 2]);
    });
  }

  test("who throws, rejects or gives no string is asked again, and the state says why", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      const told = [];
      for (const word of ["throws", "rejects", "number"]) {
        const token = asked(word, "good");
        const client = connect(url, { token });
        const { error } = await reach(client, "unauthorized");
        await reach(client, "open");
        told.push([error.code, error.cause.code ?? error.cause.message, token.calls]);
      }
      return told;
    });
    assert.deepEqual(told, [
      ["failed", "thrown", 2],
      ["failed", "rejected", 2],
      ["failed", "invalid-token", 2],
    ]);
  });

  test("who takes too long is asked again, and what comes of it then does not count", async (t) => {
    const { page } = await start(t);
    const told = await page.evaluate(async () => {
      const token = asked("late", "good");
      const client = connect(url, { token, tokenTimeout: 50 });
      const { error } = await reach(client, "unauthorized");
      await reach(client, "open");
      const told = [error.code, "cause" in error, token.calls];
      // The first call is answered now: with what would end the session.
      token.answer(await mint("other"));
      await client.roundTrip();
      return [...told, client.state];
    });
    assert.deepEqual(told, ["timed-out", false, 2, "open"]);
  });

  test("what is no token is refused", async (t) => {
    const { page } = await start(t);
    const codes = await page.evaluate(async () => {
      const codes = [];
      const refused = (act) => {
        try {
          act();
        } catch (error) {
          codes.push(error.code);
        }
      };
      for (const token of [1, null, {}]) refused(() => connect(url, { token }));
      const client = connect(url, { token: await mint("good") });
      refused(() => client.setToken(undefined));
      await reach(client, "open");
      return codes;
    });
    assert.deepEqual(codes, Array(4).fill("invalid-token"));
  });

  test("a token is not kept for the page that follows, which asks for its own", async (t) => {
    const { page } = await start(t);
    const token = await page.evaluate(async () => {
      const token = await mint("good");
      const client = connect(url, { token, persist: "tab" });
      await reach(client, "open");
      dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
      return token;
    });
    const kept = await page.evaluate(() => Object.values({ ...sessionStorage, ...localStorage }).join());
    assert.ok(kept.includes("websocket") && !kept.includes(token.split(".")[2]), "it is not in storage");
    await page.reload();
    await page.waitForFunction(() => "record" in window);
    await page.evaluate(define, await page.evaluate(() => sessionStorage.address));
    const told = await page.evaluate(async () => {
      const token = asked("good");
      const client = connect(url, { token, persist: "tab" });
      await reach(client, "open");
      return [token.calls, client.member];
    });
    assert.deepEqual(told, [1, "ada"]);
  });
}

/** Puts the parts into the page. */
function define(url) {
  window.url = url;
  sessionStorage.address = url;
  window.reach = (client, wanted) =>
    new Promise((resolve) => {
      if (client.state === wanted) resolve();
      client.on("state", (event) => event.state === wanted && resolve(event));
    });
  window.asked = (...words) => {
    let waiting = [];
    const token = () => {
      const word = words[Math.min(token.calls, words.length - 1)];
      token.calls += 1;
      waiting = waiting.filter(({ count, resolve }) => token.calls < count || resolve());
      if (word === "throws") throw new Error("thrown");
      if (word === "rejects") return Promise.reject(new Error("rejected"));
      if (word === "number") return 1;
      return word === "late" ? new Promise((resolve) => (token.answer = resolve)) : mint(word);
    };
    token.calls = 0;
    token.called = (count) => new Promise((resolve) => (token.calls >= count ? resolve() : waiting.push({ count, resolve })));
    return token;
  };
}
