// The package: rooms, and the browser's WebSocket by itself.

export { connect } from "./client.js";
export { Socket } from "./socket.js";
export { default } from "./load.js";
export { initSync } from "./tidewire.js";
