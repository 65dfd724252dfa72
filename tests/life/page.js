// The page of these tests: a client in a room, as its address says. What it has taken, and how much it has published, is in the
// tab's session storage, so that it outlives the page.

import init, { connect } from "/tidewire/index.js";

const { url, options } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
/** A tab that another opened has a copy of its session storage. */
const name = opener ? "copy" : "page";

/** What is waited for at most, in milliseconds. */
const LIMIT = 15_000;
const waiting = [];
const life = [];
for (const type of ["online", "offline", "freeze", "resume", "pageshow", "pagehide"]) {
  addEventListener(type, ({ persisted }) => change(() => life.push({ type, persisted, at: performance.now() })), true);
}
// Before the client hears of it: not even this may be lost. Who publishes it need not be who hears of it.
addEventListener("pagehide", () => window.lastWords && publish(window.lastWords, window.lastOptions).catch(() => {}), true);

await init();
const client = connect(url, options);
const room = client.room("lobby");
const [restored, unsaved] = [[], []];
client.on("restored", ({ value, error }) => change(() => restored.push({ value, code: error?.code })));
client.on("unsaved", ({ code }) => change(() => unsaved.push(code)));
client.on("state", () => change(() => {}));

const taken = JSON.parse(sessionStorage.taken ?? "[]");
let [hasBegun, tookAt] = [false, 0];

async function take() {
  for await (const { type, value } of room.subscribe({ presence: true })) {
    change(() => {
      if (type === "subscribed") hasBegun = true;
      else if (type === "message") taken.push(value);
      // They do not belong there.
      else if (type === "gap" || type === "ended") taken.push(type);
      tookAt = performance.now();
      keep("taken", JSON.stringify(taken));
    });
  }
}

/** Publishes the next numbers; resolves with their offsets. */
function publish(count, options) {
  const from = Number(sessionStorage[name] ?? 0);
  keep(name, from + count);
  return Promise.all(Array.from({ length: count }, async (_, index) => (await room.publish(`${name} ${from + index}`, options)).offset));
}

function keep(key, value) {
  try {
    sessionStorage[key] = value;
  } catch {
    // In one of the tests there is no room.
  }
}

/** Resolves once it is so. */
const until = (is) =>
  new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`it is not so, ${client.state}, ${taken.length} taken: ${is}`)), LIMIT);
    change(() => waiting.push({ is, resolve }));
  });

function change(act) {
  act();
  for (const entry of waiting.splice(0)) {
    if (entry.is()) entry.resolve();
    else waiting.push(entry);
  }
}

take();
Object.assign(window, {
  client,
  room,
  restored,
  unsaved,
  life,
  taken,
  publish,
  until,
  /** Resolves once this client is in the room. */
  joined: () => until(() => hasBegun && client.state === "open"),
  /** Resolves with the time from the last event of a type until the client was connected and had this value. */
  async caughtUp(type, value) {
    await until(() => client.state === "open" && taken.includes(value));
    return tookAt - life.findLast((event) => event.type === type).at;
  },
});
