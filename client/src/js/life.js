// What a page or a worker lives through, told to a client: hidden, frozen, put away, offline, and back.

import { turn } from "./tidewire.js";

// As `turn` takes them.
export const CONNECT = 0;
export const RING = 1;
const ONLINE = 2;
const OFFLINE = 3;
const WAKE = 4;
const HIDDEN = 5;
const SHOWN = 6;
const SUSPEND = 7;
export const CLOSE = 8;
// `unload` and `beforeunload` are not among them: they keep pages out of the back-forward cache.
const KINDS = ["online", "offline", "visibilitychange", "freeze", "resume", "pageshow", "pagehide"];

// Tells of the page as it is, and of what happens to it until `signal` is aborted. `save` keeps the session, and says whether it
// could; `reclaim` makes what was kept the client's own again.
export function follow(client, save, reclaim, signal) {
  const tell = (input) => turn(client, input);
  // Nothing in a worker.
  const isHidden = () => globalThis.document?.hidden;
  const listener = ({ type, persisted }) => {
    if (type === "online") tell(ONLINE);
    else if (type === "offline") tell(OFFLINE);
    else if (type === "visibilitychange") tell(isHidden() ? HIDDEN : SHOWN);
    else if (type === "freeze") {
      save();
      tell(RING);
    } else if (type === "pagehide") tell(save() || persisted ? SUSPEND : CLOSE);
    // The first `pageshow` of a page says nothing new.
    else if (type === "resume" || persisted) {
      reclaim();
      tell(WAKE);
    }
  };
  if (navigator.onLine === false) tell(OFFLINE);
  if (isHidden()) tell(HIDDEN);
  // Some are told to the document alone. Capturing, its window hears of them too.
  for (const kind of KINDS) addEventListener(kind, listener, { capture: true, signal });
}
