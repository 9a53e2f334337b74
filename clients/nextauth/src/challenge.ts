/** The cookie that holds what a code completes, from the first proof of a sign-in until the second one. */
import type { Visit } from "./visits.js";

/** As long as Gatepost takes it. */
const LIFE_SECONDS = 5 * 60;
/** What Gatepost makes. */
const FORM = /^[0-9a-f]{64}$/;

/** The challenge of this browser's sign-in: without a code it signs nobody in, and pages never see it. */
export class ChallengeCookie {
  readonly #name: string;
  readonly #secure: boolean;

  /** Not `secure` is for a front end on plain HTTP, in development. */
  constructor(secure: boolean) {
    this.#secure = secure;
    this.#name = secure ? "__Host-gatepost.challenge" : "gatepost.challenge";
  }

  async read(visit: Visit): Promise<string | undefined> {
    const value = (await visit.cookies()).get(this.#name)?.value;
    return value !== undefined && FORM.test(value) ? value : undefined;
  }

  async keep(visit: Visit, challenge: string): Promise<void> {
    if (FORM.test(challenge)) await this.#set(visit, challenge, LIFE_SECONDS);
  }

  async drop(visit: Visit): Promise<void> {
    if (await this.read(visit)) await this.#set(visit, "", 0);
  }

  async #set(visit: Visit, value: string, maxAge: number): Promise<void> {
    const options = { httpOnly: true, secure: this.#secure, sameSite: "lax", path: "/", maxAge } as const;
    (await visit.cookies()).set(this.#name, value, options);
  }
}
