// A certificate that nobody trusts, for a server that speaks TLS in one test.

import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";

/** The `options` of a server with a new certificate for localhost, signed by itself and good for some days. */
export async function startCertifying(test) {
  const folder = await mkdtemp(`${tmpdir()}/tidewire-`);
  test.after(() => rm(folder, { recursive: true, force: true }));
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const [certificate, key] = [`${folder}/certificate.pem`, `${folder}/key.pem`];
  await writeFile(certificate, pem(certify(publicKey, privateKey)));
  await writeFile(key, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  return { options: ["--tls-cert", certificate, "--tls-key", key] };
}

/** RFC 5280 section 4.1, in DER. */
function certify(publicKey, privateKey) {
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8, Buffer.from("localhost")))));
  const algorithm = der(SEQUENCE, ECDSA_WITH_SHA256);
  const said = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1, ...randomBytes(8)])),
    algorithm,
    name,
    der(SEQUENCE, time(-1), time(30)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
  );
  return der(SEQUENCE, said, algorithm, der(BITS, Buffer.from([0]), sign("sha256", said, privateKey)));
}

/** So many days from now. */
function time(days) {
  const text = new Date(Date.now() + days * 86_400_000).toISOString();
  return der(TIME, Buffer.from(`${text.slice(0, 19).replace(/[-:T]/g, "")}Z`));
}

function der(tag, ...parts) {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...size(content.length)]), content]);
}

/** In as few bytes as it can be said. */
function size(length) {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

function pem(certificate) {
  const lines = certificate.toString("base64").match(/.{1,64}/g);
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

const [INTEGER, BITS, UTF8, SEQUENCE, SET, TIME, VERSION] = [0x02, 0x03, 0x0c, 0x30, 0x31, 0x18, 0xa0];
const COMMON_NAME = Buffer.from("0603550403", "hex");
const ECDSA_WITH_SHA256 = Buffer.from("06082a8648ce3d040302", "hex");
