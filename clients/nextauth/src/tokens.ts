/** The tokens of a sign-in at Gatepost, as they lie in NextAuth's own encrypted cookie. */
import { backendTokensOf, signedInOf, type BackendTokens } from "./answers.js";
import type { Backend } from "./backend.js";
import { GatepostError, SignInEndedError } from "./errors.js";

/** A pair of tokens, and what all tries to refresh it are known by. */
export interface KeptTokens extends BackendTokens {
  /** A random UUID: every process that refreshes this pair sends it, and gets the same answer (AIP-155). */
  refreshRequestId: string;
}

/** Whom a provider has signed in. */
export interface ProviderSignIn {
  email: string;
  provider: string;
  providerAccountId: string;
  id_token?: string;
}

export function kept({ accessToken, refreshToken, expiresIn }: BackendTokens): KeptTokens {
  return { accessToken, refreshToken, expiresIn, refreshRequestId: crypto.randomUUID() };
}

/** Whether the access token ends within so many milliseconds. */
export function endsWithin(tokens: BackendTokens, milliseconds: number): boolean {
  return tokens.expiresIn - Date.now() <= milliseconds;
}

export class Tokens {
  readonly #backend: Backend;
  readonly #refreshing = new Map<string, Promise<KeptTokens>>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The tokens of somebody whom a provider has signed in. */
  async ofProvider(signIn: ProviderSignIn, headers: Record<string, string>): Promise<KeptTokens> {
    const answer = await this.#backend.askAsAdapter({ method: "POST", route: "/auth/oAuthlogin", body: signIn, headers });
    return kept(signedInOf(answer).backendTokens);
  }

  /**
   * The pair that follows this one; callers at the same moment share one call.
   *
   * @throws SignInEndedError where Gatepost refuses the refresh token.
   * @throws GatepostError where it could not be asked: the pair is as good as it was, and another try may follow.
   */
  async refreshed(tokens: KeptTokens): Promise<KeptTokens> {
    const running = this.#refreshing.get(tokens.refreshToken);
    if (running) return running;
    const refreshing = this.#refresh(tokens).finally(() => this.#refreshing.delete(tokens.refreshToken));
    this.#refreshing.set(tokens.refreshToken, refreshing);
    return refreshing;
  }

  /** Ends the sign-in. */
  async end(tokens: KeptTokens): Promise<void> {
    await this.#backend.ask({ method: "POST", route: "/auth/logout", headers: presenting(tokens) });
  }

  async #refresh(tokens: KeptTokens): Promise<KeptTokens> {
    const body = { requestId: tokens.refreshRequestId };
    try {
      const answer = await this.#backend.ask({ method: "POST", route: "/auth/refresh", headers: presenting(tokens), body });
      return kept(backendTokensOf(answer));
    } catch (error) {
      if (error instanceof GatepostError && error.status === 401 && error.reason === "REFRESH_TOKEN_INVALID") {
        throw new SignInEndedError(error);
      }
      throw error;
    }
  }
}

function presenting({ refreshToken }: BackendTokens): Record<string, string> {
  return { authorization: `Refresh ${refreshToken}` };
}
