/** The provider of the second step: a one-time code or a recovery code completes a sign-in that Gatepost has begun. */
import { fieldsOf, signedInOf, type BackendTokens } from "./answers.js";
import type { Backend } from "./backend.js";
import type { ChallengeCookie } from "./challenge.js";
import type { DeviceCookie } from "./device.js";
import { GatepostError } from "./errors.js";
import { visitorOf, type AddressOf, type Visit } from "./visits.js";

/** Who signed in; the tokens are for the jwt callback alone. */
export interface AuthorizedUser {
  id: string;
  name: string | null;
  email: string | null;
  image: string | null;
  backendTokens: BackendTokens;
}

export interface SecondFactorSettings {
  /**
   * The error that NextAuth sees where the code completed nothing: SECOND_FACTOR_INVALID; CHALLENGE_INVALID, where the
   * first step must be done again; THROTTLED; or a fault without a reason. By default its message is the reason, or
   * SERVER_UNAVAILABLE. NextAuth v4 shows messages to the visitor; Auth.js v5 wants a CredentialsSignin.
   */
  failure?: (error: GatepostError) => Error;
}

export interface SecondFactorProvider {
  id: "second-factor";
  type: "credentials";
  name: string;
  credentials: { code: { label: string; type: string; autocomplete: string } };
  options: Record<string, never>;
  authorize(credentials: Partial<Record<string, unknown>> | undefined): Promise<AuthorizedUser | null>;
}

/** What a form asks for a code by. */
export const CODE = { label: "Code", type: "text", autocomplete: "one-time-code" };

export class SecondFactor {
  constructor(
    private readonly backend: Backend,
    private readonly device: DeviceCookie,
    private readonly challenge: ChallengeCookie,
    private readonly addressOf: AddressOf | undefined,
  ) {}

  provider(visit: Visit, { failure = byReason }: SecondFactorSettings): SecondFactorProvider {
    return {
      id: "second-factor",
      type: "credentials",
      name: "Code",
      credentials: { code: CODE },
      options: {},
      authorize: async (credentials) => {
        const code = codeOf(credentials);
        if (code === undefined) return null;
        try {
          return await this.#completeOf(visit, code);
        } catch (error) {
          if (!(error instanceof GatepostError)) throw error;
          if (error.reason === "CHALLENGE_INVALID") await this.challenge.drop(visit);
          if (error.reason === "REQUEST_INVALID") return null;
          throw failure(error);
        }
      },
    };
  }

  /** Keeps what a code completes until one comes; whether there is something to complete. */
  async awaitCode(visit: Visit, { challenge }: GatepostError): Promise<boolean> {
    if (challenge === undefined) return false;
    await this.challenge.keep(visit, challenge);
    return true;
  }

  /**
   * Who has signed in, by the first proof and this code.
   *
   * @throws GatepostError with the reason SECOND_FACTOR_INVALID, CHALLENGE_INVALID or THROTTLED, or none.
   */
  async complete(visit: Visit, challenge: string, code: string): Promise<AuthorizedUser> {
    const [headers, deviceToken] = await Promise.all([visitorOf(visit, this.addressOf), this.device.read(visit)]);
    const body = { challenge, code, deviceToken };
    const answer = await this.backend.ask({ method: "POST", route: "/auth/complete-sign-in", headers, body });
    return authorizedBy(answer, visit, this.device);
  }

  async #completeOf(visit: Visit, code: string): Promise<AuthorizedUser> {
    const challenge = await this.challenge.read(visit);
    if (challenge === undefined) throw new GatepostError("nothing to complete", { status: 0, reason: "CHALLENGE_INVALID" });
    const user = await this.complete(visit, challenge, code);
    await this.challenge.drop(visit);
    return user;
  }
}

/** The code that a form brings, without what people type around it; undefined where there is none. */
export function codeOf(credentials: Partial<Record<string, unknown>> | undefined): string | undefined {
  const code = credentials?.code;
  return typeof code === "string" && code.trim() !== "" ? code.trim() : undefined;
}

/** Who has signed in by an answer of Gatepost's, whose device token the browser keeps. */
export async function authorizedBy(answer: unknown, visit: Visit, device: DeviceCookie): Promise<AuthorizedUser> {
  const { user, backendTokens } = signedInOf(answer);
  await device.keep(visit, fieldsOf(answer).deviceToken);
  return { ...user, backendTokens };
}

export function byReason(error: GatepostError): Error {
  return new Error(error.reason || "SERVER_UNAVAILABLE", { cause: error });
}
