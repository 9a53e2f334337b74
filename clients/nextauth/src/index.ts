/** Gatepost for NextAuth v4 and Auth.js v5. */
import { adapterOf, type GatepostAdapter } from "./adapter.js";
import { Backend, type BackendSettings } from "./backend.js";
import { backendTokensIn, callbacksOf, type Callbacks, type CallbackSettings } from "./callbacks.js";
import { Credentials, type CredentialsProvider, type CredentialsSettings } from "./credentials.js";
import { DeviceCookie } from "./device.js";
import { Passwords, type PasswordChange, type PasswordReset } from "./passwords.js";
import { Tokens } from "./tokens.js";
import type { AddressOf, Visit } from "./visits.js";

export type { GatepostAdapter } from "./adapter.js";
export type { Account, Authenticator, BackendTokens, Session, User, VerificationToken } from "./answers.js";
export type { BackendSession, Callbacks, CallbackSettings } from "./callbacks.js";
export type { AuthorizedUser, CredentialsProvider, CredentialsSettings } from "./credentials.js";
export { GatepostError, SignInEndedError } from "./errors.js";
export type { PasswordChange, PasswordReset } from "./passwords.js";
export { behindProxies, pagesVisit, webVisit } from "./visits.js";
export type { AddressOf, CookieOptions, Cookies, Visit, WebVisit } from "./visits.js";

export interface GatepostSettings extends BackendSettings {
  /** How the visitor's address is known; without it Gatepost counts their tries by account alone. */
  visitorAddress?: AddressOf;
  /** Whether the device cookie is for HTTPS alone; true by default, false for development on plain HTTP. */
  secureCookies?: boolean;
}

/** What a front end puts into NextAuth's options. */
export interface Gatepost {
  adapter: GatepostAdapter;
  /** The credentials provider of this visit. */
  credentials(visit: Visit, settings?: CredentialsSettings): CredentialsProvider;
  /** The jwt and session callbacks of this visit. */
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
  const device = new DeviceCookie(settings.secureCookies ?? true);
  const credentials = new Credentials(backend, device, addressOf);
  const passwords = new Passwords(backend, device, addressOf);
  return {
    adapter: adapterOf(backend),
    credentials: (visit, of = {}) => credentials.provider(visit, of),
    callbacks: (visit, of = {}) => callbacksOf({ tokens, addressOf }, visit, of),
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
