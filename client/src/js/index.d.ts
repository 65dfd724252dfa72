export * from "./client.js";
export * from "./socket.js";
export { default, initSync } from "./tidewire.js";
export type { InitInput, InitOutput, SyncInitInput } from "./tidewire.js";
