/** The credentials provider: signs people in with a password, and a code of those who have a second factor. */
import type { Backend } from "./backend.js";
import type { DeviceCookie } from "./device.js";
import { GatepostError } from "./errors.js";
import { CODE, authorizedBy, byReason, codeOf, type AuthorizedUser, type SecondFactor } from "./second-factor.js";
import { visitorOf, type AddressOf, type Visit } from "./visits.js";

/** What was typed is not right; everything else is a fault, or a reason to wait. */
const NOT_RIGHT = new Set(["CREDENTIALS_INVALID", "REQUEST_INVALID", "JSON_INVALID", "REQUEST_TOO_LARGE"]);

export interface CredentialsSettings {
  /**
   * The error that NextAuth sees where nobody could be signed in for another reason than a wrong email or password:
   * SECOND_FACTOR_REQUIRED, where a code is asked for; SECOND_FACTOR_INVALID; THROTTLED; HASHING_BUSY; or a fault
   * without a reason. By default its message is the reason, or SERVER_UNAVAILABLE. NextAuth v4
   * shows messages to the visitor; Auth.js v5 wants a CredentialsSignin.
   */
  failure?: (error: GatepostError) => Error;
}

export interface CredentialsProvider {
  id: "credentials";
  type: "credentials";
  name: string;
  credentials: Record<"email" | "password" | "code", { label: string; type: string }>;
  options: Record<string, never>;
  authorize(credentials: Partial<Record<string, unknown>> | undefined): Promise<AuthorizedUser | null>;
}

interface Typed {
  email: string;
  password: string;
}

export class Credentials {
  constructor(
    private readonly backend: Backend,
    private readonly device: DeviceCookie,
    private readonly secondFactor: SecondFactor,
    private readonly addressOf: AddressOf | undefined,
  ) {}

  provider(visit: Visit, { failure = byReason }: CredentialsSettings): CredentialsProvider {
    return {
      id: "credentials",
      type: "credentials",
      name: "Password",
      credentials: {
        email: { label: "Email", type: "email" },
        password: { label: "Password", type: "password" },
        code: CODE,
      },
      options: {},
      authorize: async (credentials) => {
        const { email, password } = credentials ?? {};
        if (typeof email !== "string" || typeof password !== "string") return null;
        try {
          return await this.#signIn(visit, { email, password }, codeOf(credentials));
        } catch (error) {
          if (!(error instanceof GatepostError)) throw error;
          if (error.status === 400 && NOT_RIGHT.has(error.reason)) return null;
          throw failure(error);
        }
      },
    };
  }

  async #signIn(visit: Visit, typed: Typed, code: string | undefined): Promise<AuthorizedUser> {
    try {
      return await this.#logIn(visit, typed);
    } catch (error) {
      if (!(error instanceof GatepostError) || error.challenge === undefined) throw error;
      if (code !== undefined) return this.secondFactor.complete(visit, error.challenge, code);
      await this.secondFactor.awaitCode(visit, error);
      throw error;
    }
  }

  async #logIn(visit: Visit, { email, password }: Typed): Promise<AuthorizedUser> {
    const [headers, deviceToken] = await Promise.all([visitorOf(visit, this.addressOf), this.device.read(visit)]);
    const answer = await this.backend.ask({
      method: "POST", route: "/auth/login", headers, body: { email, password, deviceToken },
    });
    return authorizedBy(answer, visit, this.device);
  }
}
