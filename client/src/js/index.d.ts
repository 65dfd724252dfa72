import type { InitInput, InitOutput } from "./tidewire.js";

export * from "./client.js";
export * from "./socket.js";
export { initSync } from "./tidewire.js";
export type { InitInput, InitOutput, SyncInitInput } from "./tidewire.js";

/** Loads the WebAssembly module, once: that of the package, unless another is given. */
export default function init(options?: { module_or_path: InitInput | Promise<InitInput> }): Promise<InitOutput>;
