// Makes the package's JavaScript smaller, each file by itself: node minify.mjs FILE...

import { readFile, writeFile } from "node:fs/promises";
import { minify } from "rolldown/experimental";

for (const file of process.argv.slice(2)) {
  const { code, errors } = await minify(file, await readFile(file, "utf8"), { module: true });
  if (errors.length > 0) throw new AggregateError(errors, file);
  await writeFile(file, code);
}
