// JSON Web Tokens for one test, and what the server needs to take them.

import { createHmac, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";

const RIGHTS = ["subscribe", "publish", "signal", "presence", "history"];

/**
 * A secret of the test's own.
 *
 * @returns the `options` of a server that asks for tokens, and `sign(subject, seconds)`, which makes one that is good for so long
 */
export async function startSigning(test) {
  const folder = await mkdtemp(`${tmpdir()}/tidewire-`);
  test.after(() => rm(folder, { recursive: true, force: true }));
  const [file, secret] = [`${folder}/secret`, randomBytes(32).toString("hex")];
  await writeFile(file, secret);
  return {
    options: ["--auth", "jwt", "--jwt-secret-file", file],
    sign(subject, seconds = 3600) {
      const claims = { sub: subject, exp: Date.now() / 1000 + seconds, grants: { "**": RIGHTS } };
      const parts = [{ alg: "HS256", typ: "JWT" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
      const signature = createHmac("sha256", secret).update(parts.join(".")).digest("base64url");
      return [...parts, signature].join(".");
    },
  };
}
