/** The credentials provider: signs people in with a password, by Gatepost's login. */
import { fieldsOf, signedInOf, type BackendTokens } from "./answers.js";
import type { Backend } from "./backend.js";
import type { DeviceCookie } from "./device.js";
import { GatepostError } from "./errors.js";
import { visitorOf, type AddressOf, type Visit } from "./visits.js";

/** What was typed is not right; everything else is a fault, or a reason to wait. */
const NOT_RIGHT = new Set(["CREDENTIALS_INVALID", "REQUEST_INVALID", "JSON_INVALID", "REQUEST_TOO_LARGE"]);

/** Who signed in; the tokens are for the jwt callback alone. */
export interface AuthorizedUser {
  id: string;
  name: string | null;
  email: string | null;
  image: string | null;
  backendTokens: BackendTokens;
}

export interface CredentialsSettings {
  /**
   * The error that NextAuth sees where nobody could be signed in for another reason than what was typed: THROTTLED,
   * HASHING_BUSY, or a fault without a reason. By default its message is the reason, or SERVER_UNAVAILABLE. NextAuth v4
   * shows messages to the visitor; Auth.js v5 wants a CredentialsSignin.
   */
  failure?: (error: GatepostError) => Error;
}

export interface CredentialsProvider {
  id: "credentials";
  type: "credentials";
  name: string;
  credentials: { email: { label: string; type: string }; password: { label: string; type: string } };
  options: Record<string, never>;
  authorize(credentials: Partial<Record<string, unknown>> | undefined): Promise<AuthorizedUser | null>;
}

export class Credentials {
  constructor(
    private readonly backend: Backend,
    private readonly device: DeviceCookie,
    private readonly addressOf: AddressOf | undefined,
  ) {}

  provider(visit: Visit, { failure = byReason }: CredentialsSettings): CredentialsProvider {
    return {
      id: "credentials",
      type: "credentials",
      name: "Password",
      credentials: { email: { label: "Email", type: "email" }, password: { label: "Password", type: "password" } },
      options: {},
      authorize: async (credentials) => {
        const { email, password } = credentials ?? {};
        if (typeof email !== "string" || typeof password !== "string") return null;
        try {
          return await this.#logIn(visit, email, password);
        } catch (error) {
          if (!(error instanceof GatepostError)) throw error;
          if (error.status === 400 && NOT_RIGHT.has(error.reason)) return null;
          throw failure(error);
        }
      },
    };
  }

  async #logIn(visit: Visit, email: string, password: string): Promise<AuthorizedUser> {
    const [headers, deviceToken] = await Promise.all([visitorOf(visit, this.addressOf), this.device.read(visit)]);
    const answer = await this.backend.ask({
      method: "POST", route: "/auth/login", headers, body: { email, password, deviceToken },
    });
    const { user, backendTokens } = signedInOf(answer);
    await this.device.keep(visit, fieldsOf(answer).deviceToken);
    return { ...user, backendTokens };
  }
}

function byReason(error: GatepostError): Error {
  return new Error(error.reason || "SERVER_UNAVAILABLE", { cause: error });
}
