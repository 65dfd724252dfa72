// The packed package, installed into a small TypeScript project: checked, built and served.

import { execFile } from "node:child_process";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";

import { root, startListening } from "../support/server.mjs";

const run = promisify(execFile);
const template = new URL("project/", import.meta.url);

/** The copy of the project that the package is installed into; tools come from the repository's node_modules. */
export const folder = `${root}target/package-test`;

const tool = (name) => `${root}node_modules/.bin/${name}`;

/** Makes the copy and installs the tarball that `cargo xtask pack` made. Nothing is fetched. */
export async function install() {
  const packed = (await readdir(`${root}target/npm`)).filter((name) => name.endsWith(".tgz"));
  if (packed.length !== 1) throw new Error(`target/npm has ${packed.length} tarballs: run \`cargo xtask pack\``);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(template, folder, { recursive: true });
  await addExamples("README.md", "client/README.md");
  await inProject("npm", "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", `../npm/${packed[0]}`);
}

/** Adds the TypeScript examples of these pages, so that they are type-checked with the project. */
async function addExamples(...pages) {
  for (const page of pages) {
    const examples = [...(await readFile(`${root}${page}`, "utf8")).matchAll(/^```ts\n(.*?)^```$/gms)];
    if (examples.length === 0) throw new Error(`${page} has no example in TypeScript`);
    for (const [index, [, code]] of examples.entries()) {
      await writeFile(`${folder}/src/example-${page.replaceAll(/\W/g, "-")}-${index}.ts`, code);
    }
  }
}

/** Type-checks the project; rejects with the compiler's words. */
export const check = () => inProject(tool("tsc"), "--project", ".");

/** Builds the project for production. */
export const build = () => inProject(tool("vite"), "build", "--logLevel", "warn");

/** Serves what was built until the tests end, and returns its address. */
export async function preview(test) {
  const args = ["preview", "--host", "127.0.0.1", "--port", "0", "--strictPort"];
  const options = { cwd: folder, env: { ...process.env, NO_COLOR: "1" } };
  const { url } = await startListening(test, tool("vite"), args, /(http:\/\/127\.0\.0\.1:\d+)/, options);
  return url;
}

async function inProject(program, ...args) {
  try {
    return await run(program, args, { cwd: folder, timeout: 120_000 });
  } catch (error) {
    throw new Error(`${error.message}\n${error.stdout ?? ""}`, { cause: error });
  }
}
