/** Gatepost for NextAuth v4 and Auth.js v5. */
import { adapterOf, type GatepostAdapter } from "./adapter.js";
import { Backend, type BackendSettings } from "./backend.js";
import { backendTokensIn, callbacksOf, type Callbacks, type CallbackSettings } from "./callbacks.js";
import { ChallengeCookie } from "./challenge.js";
import { Credentials, type CredentialsProvider, type CredentialsSettings } from "./credentials.js";
import { DeviceCookie } from "./device.js";
import { Passwords, type PasswordChange, type PasswordReset } from "./passwords.js";
import { SecondFactor, type SecondFactorProvider, type SecondFactorSettings } from "./second-factor.js";
import { Tokens } from "./tokens.js";
import type { AddressOf, Visit } from "./visits.js";

export type { GatepostAdapter } from "./adapter.js";
export type { Account, Authenticator, BackendTokens, Session, User, VerificationToken } from "./answers.js";
export type { BackendSession, Callbacks, CallbackSettings } from "./callbacks.js";
export type { CredentialsProvider, CredentialsSettings } from "./credentials.js";
export { GatepostError, SignInEndedError } from "./errors.js";
export type { PasswordChange, PasswordReset } from "./passwords.js";
export type { AuthorizedUser, SecondFactorProvider, SecondFactorSettings } from "./second-factor.js";
export { behindProxies, pagesVisit, webVisit } from "./visits.js";
export type { AddressOf, CookieOptions, Cookies, Visit, WebVisit } from "./visits.js";

export interface GatepostSettings extends BackendSettings {
  /** How the visitor's address is known; without it Gatepost counts their tries by account alone. */
  visitorAddress?: AddressOf;
  /** Whether our cookies are for HTTPS alone; true by default, false for development on plain HTTP. */
  secureCookies?: boolean;
}

/** What a front end puts into NextAuth's options. */
export interface Gatepost {
  adapter: GatepostAdapter;
  /** The credentials provider of this visit. */
  credentials(visit: Visit, settings?: CredentialsSettings): CredentialsProvider;
  /** The provider that completes what `credentials` or a provider has begun, by a one-time code or a recovery code. */
  secondFactor(visit: Visit, settings?: SecondFactorSettings): SecondFactorProvider;
  /** The signIn, jwt and session callbacks of this visit. */
  callbacks(visit: Visit, settings?: CallbackSettings): Callbacks;
  /**
   * Has a link mailed to whoever forgot their password. A known browser may ask whatever strangers have asked for.
   *
   * @throws GatepostError with the reason THROTTLED or REQUEST_INVALID, or none.
   */
  forgotPassword(visit: Visit, email: string): Promise<void>;
  /**
   * Gives whoever followed a mailed link another password, and makes their browser known, so that they can log in
   * whatever strangers try meanwhile.
   *
   * @throws GatepostError with the reason ONE_TIME_TOKEN_INVALID; PASSWORD_REFUSED and a `rule`; THROTTLED; or none.
   */
  resetPassword(visit: Visit, reset: PasswordReset): Promise<void>;
  /**
   * Gives whoever is signed in another password; all their other sign-ins end, and this browser stays known.
   *
   * @throws GatepostError with the reason CURRENT_PASSWORD_INVALID; PASSWORD_REFUSED and a `rule`; ACCESS_TOKEN_INVALID;
   * REAUTHENTICATION_REQUIRED; THROTTLED; or none.
   */
  changePassword(visit: Visit, change: PasswordChange): Promise<void>;
  /** Signing out ends the sign-in at Gatepost as well. */
  events: { signOut(message: object): Promise<void> };
}

/** A front end's way to Gatepost. Nothing is read or asked before the first call. */
export function gatepost(settings: GatepostSettings): Gatepost {
  const backend = new Backend(settings);
  const tokens = new Tokens(backend);
  const addressOf = settings.visitorAddress;
  const adapter = adapterOf(backend);
  const secure = settings.secureCookies ?? true;
  const device = new DeviceCookie(secure);
  const secondFactor = new SecondFactor(backend, device, new ChallengeCookie(secure), addressOf);
  const credentials = new Credentials(backend, device, secondFactor, addressOf);
  const passwords = new Passwords(backend, device, addressOf);
  return {
    adapter,
    credentials: (visit, of = {}) => credentials.provider(visit, of),
    secondFactor: (visit, of = {}) => secondFactor.provider(visit, of),
    callbacks: (visit, of = {}) => callbacksOf({ adapter, secondFactor, tokens, addressOf }, visit, of),
    forgotPassword: (visit, email) => passwords.forgot(visit, email),
    resetPassword: (visit, reset) => passwords.reset(visit, reset),
    changePassword: (visit, change) => passwords.change(visit, change),
    events: {
      async signOut(message) {
        const { token } = message as { token?: object | null };
        const kept = token ? backendTokensIn(token) : undefined;
        if (kept) await tokens.end(kept);
      },
    },
  };
}
