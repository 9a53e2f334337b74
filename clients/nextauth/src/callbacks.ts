/** The callbacks of NextAuth v4 and Auth.js v5 that carry Gatepost's tokens through the session's cookie. */
import type { BackendTokens } from "./answers.js";
import { GatepostError } from "./errors.js";
import { endsWithin, kept, type KeptTokens, type Tokens } from "./tokens.js";
import { visitorOf, type AddressOf, type Visit } from "./visits.js";

/** Refreshed so long before its end, an access token is good for the calls that are made with it. */
const EARLY_MILLISECONDS = 60_000;

interface SignInAccount {
  type: string;
  provider: string;
  providerAccountId: string;
  id_token?: string | undefined;
}

interface JwtParameters<Token> {
  token: Token;
  user?: { email?: string | null; backendTokens?: unknown } | undefined;
  account?: SignInAccount | null | undefined;
}

/** What is added to the session that pages see. The refresh token is not among it. */
export interface BackendSession {
  /** Missing while Gatepost cannot be asked for a new one, and of sign-ins that have none. */
  accessToken?: string;
  /** When it ends, as `expires` tells it of the session. */
  accessTokenExpires?: string;
}

export interface Callbacks {
  jwt<Token extends object>(parameters: JwtParameters<Token>): Promise<Token>;
  session<Session extends { user?: object }>(parameters: { session: Session; token: object }): Session & BackendSession;
}

export interface CallbackSettings {
  /** Whether an access token that ends is refreshed; false where the answer can set no cookie, as in a server component. */
  refresh?: boolean;
  /** The providers whose id_tokens are sent along: those that GATEPOST_ID_TOKEN_ISSUERS names. */
  idTokensOf?: readonly string[];
}

export interface CallbackParts {
  tokens: Tokens;
  addressOf: AddressOf | undefined;
}

export function callbacksOf(
  { tokens, addressOf }: CallbackParts, visit: Visit, { refresh = true, idTokensOf = [] }: CallbackSettings,
): Callbacks {
  async function signedIn(user: JwtParameters<object>["user"], account: SignInAccount): Promise<KeptTokens | undefined> {
    if (account.type === "credentials") return user?.backendTokens ? kept(user.backendTokens as BackendTokens) : undefined;
    // Gatepost gives tokens for a linked account and an address: a mailed link and a nameless account have none.
    if (!["oauth", "oidc"].includes(account.type) || !user?.email) return undefined;
    const { provider, providerAccountId, id_token } = account;
    const proof = id_token && idTokensOf.includes(provider) ? { id_token } : {};
    return tokens.ofProvider({ email: user.email, provider, providerAccountId, ...proof }, await visitorOf(visit, addressOf));
  }

  return {
    async jwt({ token, user, account }) {
      if (account) return { ...token, backendTokens: await signedIn(user, account) };
      const before = backendTokensIn(token);
      if (!before || !refresh || !endsWithin(before, EARLY_MILLISECONDS)) return token;
      try {
        return { ...token, backendTokens: await tokens.refreshed(before) };
      } catch (error) {
        // What is no refusal is over some time; the next call tries again.
        if (error instanceof GatepostError) return token;
        throw error;
      }
    },
    session({ session, token }) {
      const { sub } = token as { sub?: string };
      const tokens = backendTokensIn(token);
      return {
        ...session,
        user: { ...session.user, ...(sub !== undefined && { id: sub }) },
        ...(tokens && !endsWithin(tokens, 0) && {
          accessToken: tokens.accessToken,
          accessTokenExpires: new Date(tokens.expiresIn).toISOString(),
        }),
      };
    },
  };
}

/** The tokens that a session's own token carries, if it carries any. */
export function backendTokensIn(token: object): KeptTokens | undefined {
  return (token as { backendTokens?: KeptTokens }).backendTokens;
}
