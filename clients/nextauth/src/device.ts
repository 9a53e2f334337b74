/** The cookie that makes a browser known to Gatepost's logins (OWASP, "Device Cookies"). */
import type { Visit } from "./visits.js";

const LIFE_SECONDS = 180 * 24 * 60 * 60;
/** What Gatepost makes; anything else would only be refused as too long. */
const FORM = /^[0-9a-f]{1,256}$/;

/** The browser's device token: it signs nobody in, and is of one address alone. */
export class DeviceCookie {
  readonly #name: string;
  readonly #secure: boolean;

  /** Not `secure` is for a front end on plain HTTP, in development. */
  constructor(secure: boolean) {
    this.#secure = secure;
    // Browsers let no other host, not even a neighbouring subdomain, set a cookie of this prefix.
    this.#name = secure ? "__Host-gatepost.device" : "gatepost.device";
  }

  async read(visit: Visit): Promise<string | undefined> {
    const value = (await visit.cookies()).get(this.#name)?.value;
    return value !== undefined && FORM.test(value) ? value : undefined;
  }

  async keep(visit: Visit, token: unknown): Promise<void> {
    if (typeof token !== "string" || !FORM.test(token)) return;
    const options = { httpOnly: true, secure: this.#secure, sameSite: "lax", path: "/", maxAge: LIFE_SECONDS } as const;
    (await visit.cookies()).set(this.#name, token, options);
  }
}
