// Which transport worked at an address, for the pages that follow. Workers have no storage, and a page may be kept from its own.

export const TRANSPORTS = ["websocket", "polling"];
// Half an hour: networks change.
const KEPT_FOR = 1800000;

export function remember(url, transport) {
  try {
    localStorage[`tidewire ${url}`] = `${transport} ${Date.now()}`;
  } catch {}
}

export function recall(url) {
  try {
    const [transport, at] = localStorage[`tidewire ${url}`].split(" ");
    return Math.abs(Date.now() - at) < KEPT_FOR ? TRANSPORTS.indexOf(transport) : -1;
  } catch {
    return -1;
  }
}
