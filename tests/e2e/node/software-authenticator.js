// An authenticator in software, as a browser and a security key would answer for it together (WebAuthn level 3).
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

const [USER_PRESENT, USER_VERIFIED, HAS_CREDENTIAL] = [0x01, 0x04, 0x40];
const ES256 = -7;

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

/** As much of CBOR (RFC 8949) as an attestation object and a key need. */
function cbor(value) {
  const head = (major, length) => Buffer.from(length < 24 ? [(major << 5) | length] : length < 256 ? [(major << 5) | 24, length] : [(major << 5) | 25, length >> 8, length & 255]);
  if (Number.isInteger(value)) return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string") return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  return Buffer.concat([head(5, value.size), ...[...value].flatMap((pair) => pair.map(cbor))]);
}

/** Holds one credential at most, of one site, of an `id` if one is given; `counts` says whether it counts its signatures. */
export class SoftwareAuthenticator {
  constructor(origin, { counts = true, id } = {}) {
    this.origin = origin;
    this.id = id;
    this.counts = counts;
    this.counter = 0;
  }

  /** What navigator.credentials.create() would give, as JSON. */
  create({ challenge, rp }) {
    this.keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.id ??= randomBytes(32);
    const clientData = this.#clientData("webauthn.create", challenge);
    const idLength = Buffer.from([this.id.length >> 8, this.id.length & 255]);
    const credential = Buffer.concat([Buffer.alloc(16), idLength, this.id, this.#publicKey()]);
    const authData = Buffer.concat([this.#authData(rp.id, HAS_CREDENTIAL), credential]);
    const attestation = cbor(new Map([["fmt", "none"], ["attStmt", new Map()], ["authData", authData]]));
    return this.#credential({
      clientDataJSON: clientData.toString("base64url"),
      attestationObject: attestation.toString("base64url"),
      transports: ["internal", "hybrid"],
    });
  }

  /** What navigator.credentials.get() would give, as JSON. */
  get({ challenge, rpId }) {
    if (this.counts) this.counter += 1;
    const clientData = this.#clientData("webauthn.get", challenge);
    const authData = this.#authData(rpId, 0);
    const signature = this.#sign(Buffer.concat([authData, sha256(clientData)]));
    return this.#credential({
      clientDataJSON: clientData.toString("base64url"),
      authenticatorData: authData.toString("base64url"),
      signature: signature.toString("base64url"),
    });
  }

  /** Another authenticator with the same key, as a thief would have it. */
  copy() {
    return Object.assign(new SoftwareAuthenticator(this.origin, this), this);
  }

  #sign(bytes) {
    // The release that @auth/core names verifies no signature of which a half begins with a zero byte (SimpleWebAuthn
    // #594): one in 128.
    for (;;) {
      const der = sign("sha256", bytes, this.keys.privateKey);
      // A sequence of two integers, each with its length before it, and with a zero byte where its first bit is set.
      const [r, s] = [4, 6 + der[3]];
      if ([r, s].every((at) => der[at - 1] - (der[at] === 0 ? 1 : 0) === 32)) return der;
    }
  }

  #clientData(type, challenge) {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false }));
  }

  #authData(rpId, flags) {
    const [state, counter] = [Buffer.from([USER_PRESENT | USER_VERIFIED | flags]), Buffer.alloc(4)];
    counter.writeUInt32BE(this.counter);
    return Buffer.concat([sha256(rpId), state, counter]);
  }

  #publicKey() {
    const { x, y } = this.keys.publicKey.export({ format: "jwk" });
    return cbor(new Map([[1, 2], [3, ES256], [-1, 1], [-2, Buffer.from(x, "base64url")], [-3, Buffer.from(y, "base64url")]]));
  }

  #credential(response) {
    const id = this.id.toString("base64url");
    return { id, rawId: id, type: "public-key", clientExtensionResults: {}, response };
  }
}
