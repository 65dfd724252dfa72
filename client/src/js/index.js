// The package: rooms, and the browser's WebSocket by itself.

export { connect } from "./client.js";
export { Socket } from "./socket.js";
export { default, initSync } from "./tidewire.js";
