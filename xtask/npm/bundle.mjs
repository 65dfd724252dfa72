// Makes one file of the package's JavaScript, as small as a bundler would: node bundle.mjs ENTRY OUTPUT

import { rolldown } from "rolldown";

const [input, file] = process.argv.slice(2);
const bundle = await rolldown({ input, platform: "browser" });
await bundle.write({ file, format: "esm", minify: true });
await bundle.close();
