// Loads the module, once. The glue can do so too, but says more about what may go wrong than the rest of the package weighs.

import { initSync } from "./tidewire.js";

let loading;

export default (options) => {
  loading ??= load(options).catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
};

async function load({ module_or_path: given = new URL("tidewire_bg.wasm", import.meta.url) } = {}) {
  let module = await given;
  if (typeof module === "string" || module instanceof URL || module instanceof Request) module = await fetch(module);
  if (module instanceof Response) {
    if (!module.ok) throw new Error(`${module.status} ${module.url}`);
    module = await module.arrayBuffer();
  }
  return initSync({ module: module instanceof WebAssembly.Module ? module : await WebAssembly.compile(module) });
}
