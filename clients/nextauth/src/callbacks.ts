/** The callbacks of NextAuth v4 and Auth.js v5 that carry Gatepost's tokens through the session's cookie. */
import type { GatepostAdapter } from "./adapter.js";
import type { BackendTokens, User } from "./answers.js";
import { GatepostError } from "./errors.js";
import type { SecondFactor } from "./second-factor.js";
import { endsWithin, kept, type KeptTokens, type Tokens } from "./tokens.js";
import { visitorOf, type AddressOf, type Visit } from "./visits.js";

/** Refreshed so long before its end, an access token is good for the calls that are made with it. */
const EARLY_MILLISECONDS = 60_000;

/** Marks the account of a sign-in that has begun. */
const SIGN_IN = Symbol("sign-in");

interface SignInAccount {
  [SIGN_IN]?: object;
  type: string;
  provider: string;
  providerAccountId: string;
  id_token?: string | undefined;
}

interface SignInParameters {
  user?: { id?: string | undefined } | undefined;
  account?: SignInAccount | null | undefined;
  email?: { verificationRequest?: boolean | undefined } | undefined;
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
  /** Whether whoever a provider or a mailed link stands for may go on; else the page that asks for a code, or nothing. */
  signIn(parameters: SignInParameters): Promise<boolean | string>;
  jwt<Token extends object>(parameters: JwtParameters<Token>): Promise<Token>;
  session<Session extends { user?: object }>(parameters: { session: Session; token: object }): Session & BackendSession;
}

export interface CallbackSettings {
  /** Whether an access token that ends is refreshed; false where the answer can set no cookie, as in a server component. */
  refresh?: boolean;
  /** The providers whose id_tokens are sent along: those that GATEPOST_ID_TOKEN_ISSUERS names. */
  idTokensOf?: readonly string[];
  /**
   * The page that asks for a one-time code, such as `/sign-in/code`: where a user with a second factor is led whom a
   * provider has signed in. Without one they are refused.
   */
  codePage?: string;
}

export interface CallbackParts {
  adapter: GatepostAdapter;
  secondFactor: SecondFactor;
  tokens: Tokens;
  addressOf: AddressOf | undefined;
}

export function callbacksOf(
  { adapter, secondFactor, tokens, addressOf }: CallbackParts,
  visit: Visit,
  { refresh = true, idTokensOf = [], codePage }: CallbackSettings,
): Callbacks {
  // The cores hand the same account to both callbacks of a sign-in, or, after a passkey, a copy of it: with its marks. The
  // tokens are no part of it, for it goes to events and loggers.
  const begun = new WeakMap<object, KeptTokens>();

  async function begin(email: string, account: SignInAccount): Promise<KeptTokens> {
    const { provider, providerAccountId, id_token } = account;
    const proof = id_token && idTokensOf.includes(provider) ? { id_token } : {};
    return tokens.ofProvider({ email, provider, providerAccountId, ...proof }, await visitorOf(visit, addressOf));
  }

  async function signedIn(user: JwtParameters<object>["user"], account: SignInAccount): Promise<KeptTokens | undefined> {
    if (account.type === "credentials") return user?.backendTokens ? kept(user.backendTokens as BackendTokens) : undefined;
    if (!isLinked(account) || !user?.email) return undefined;
    return (account[SIGN_IN] && begun.get(account[SIGN_IN])) ?? begin(user.email, account);
  }

  /** Begins the sign-in of a user who is known already, before the core makes a session of its own. */
  async function beginAs(owner: User, account: SignInAccount): Promise<void> {
    if (!isLinked(account) || !owner.email) return refuseWithSecondFactor(adapter, owner);
    begun.set((account[SIGN_IN] = {}), await begin(owner.email, account));
  }

  return {
    async signIn({ user, account, email }) {
      if (!account || account.type === "credentials" || email?.verificationRequest) return true;
      const owner = isLinked(account) ? await adapter.getUserByAccount(account) : await adapter.getUserByEmail(account.providerAccountId);
      if (!owner) return true; // somebody new, or an account that the core links now
      // Whoever registers a passkey chooses its id, which Auth.js shows to strangers: it may be of somebody else's.
      if (account.type === "webauthn" && user?.id !== owner.id) return false;
      try {
        await beginAs(owner, account);
        return true;
      } catch (error) {
        if (!(error instanceof GatepostError) || error.reason !== "SECOND_FACTOR_REQUIRED") throw error;
        if (codePage === undefined || !(await secondFactor.awaitCode(visit, error))) return false;
        // Auth.js goes on to a session where it is told of a page after a passkey: only `false` stops it.
        return account.type === "webauthn" ? false : codePage;
      }
    },
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

/** Whether Gatepost keeps such accounts: of a mailed link there is none. */
function isLinked({ type }: SignInAccount): boolean {
  return ["oauth", "oidc", "webauthn"].includes(type);
}

/**
 * Of whom Gatepost gives no tokens, for want of a linked account or an address, it is asked for a session of its own: a
 * user with a second factor gets none, and must get none of the front end's either.
 */
async function refuseWithSecondFactor(adapter: GatepostAdapter, { id: userId }: User): Promise<void> {
  const sessionToken = `${crypto.randomUUID()}${crypto.randomUUID()}`;
  await adapter.createSession({ sessionToken, userId, expires: new Date(Date.now() + 60_000) });
  await adapter.deleteSession(sessionToken);
}

/** The tokens that a session's own token carries, if it carries any. */
export function backendTokensIn(token: object): KeptTokens | undefined {
  return (token as { backendTokens?: KeptTokens }).backendTokens;
}
