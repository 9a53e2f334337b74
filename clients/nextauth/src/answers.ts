/** Gatepost's answers, read as what they must be: an answer of another form is a fault, never a user or a session. */
import { GatepostError } from "./errors.js";

export interface User {
  id: string;
  name: string | null;
  /** An empty address is none: some providers tell none. */
  email: string;
  emailVerified: Date | null;
  image: string | null;
}

export interface Session {
  sessionToken: string;
  userId: string;
  expires: Date;
}

/** What holds a WebAuthn credential; its bytes are base64. */
export interface Authenticator {
  credentialID: string;
  userId: string;
  providerAccountId: string;
  credentialPublicKey: string;
  counter: number;
  credentialDeviceType: string;
  credentialBackedUp: boolean;
  transports?: string | null;
}

export interface VerificationToken {
  identifier: string;
  token: string;
  expires: Date;
}

type Json = string | number | boolean | null | Json[] | { [key in string]?: Json };

/** A provider's account, beside its name whatever the provider sent. */
export interface Account {
  [claim: string]: Json | undefined;
  userId: string;
  type: "oauth" | "oidc" | "email" | "webauthn";
  provider: string;
  providerAccountId: string;
}

/** The pair of tokens of one sign-in at Gatepost. */
export interface BackendTokens {
  accessToken: string;
  refreshToken: string;
  /** Milliseconds since 1970 when the access token ends. */
  expiresIn: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Null for what is absent, else what `read` makes of it. */
export function orNull<T>(read: (answer: unknown) => T): (answer: unknown) => T | null {
  return (answer) => (answer === null ? null : read(answer));
}

export function userOf(answer: unknown): User {
  const user = fieldsOf(answer);
  return {
    id: textOf(user, "id"),
    name: optionalTextOf(user, "name"),
    // The cores' types know no user without an address; they look for its truth alone.
    email: optionalTextOf(user, "email") as string,
    emailVerified: user.emailVerified === null ? null : dateOf(user, "emailVerified"),
    image: optionalTextOf(user, "image"),
  };
}

export function sessionOf(answer: unknown): Session {
  const session = fieldsOf(answer);
  return {
    sessionToken: textOf(session, "sessionToken"),
    userId: textOf(session, "userId"),
    expires: dateOf(session, "expires"),
  };
}

export function sessionAndUserOf(answer: unknown): { session: Session; user: User } {
  const { session, user } = fieldsOf(answer);
  return { session: sessionOf(session), user: userOf(user) };
}

/** An account with all that its provider sent, as it was sent; without what has no value. */
export function accountOf(answer: unknown): Account {
  const account = fieldsOf(answer);
  for (const name of ["userId", "type", "provider", "providerAccountId"]) textOf(account, name);
  return Object.fromEntries(Object.entries(account).filter(([, value]) => value !== null)) as unknown as Account;
}

export function authenticatorOf(answer: unknown): Authenticator {
  const authenticator = fieldsOf(answer);
  const { counter, credentialBackedUp } = authenticator;
  if (typeof counter !== "number") throw notOurs("counter");
  if (typeof credentialBackedUp !== "boolean") throw notOurs("credentialBackedUp");
  return {
    credentialID: textOf(authenticator, "credentialID"),
    userId: textOf(authenticator, "userId"),
    providerAccountId: textOf(authenticator, "providerAccountId"),
    credentialPublicKey: textOf(authenticator, "credentialPublicKey"),
    counter,
    credentialDeviceType: textOf(authenticator, "credentialDeviceType"),
    credentialBackedUp,
    transports: optionalTextOf(authenticator, "transports"),
  };
}

export function authenticatorsOf(answer: unknown): Authenticator[] {
  if (!Array.isArray(answer)) throw notOurs("a list");
  return answer.map(authenticatorOf);
}

export function verificationTokenOf(answer: unknown): VerificationToken {
  const token = fieldsOf(answer);
  return { identifier: textOf(token, "identifier"), token: textOf(token, "token"), expires: dateOf(token, "expires") };
}

export function backendTokensOf(answer: unknown): BackendTokens {
  const tokens = fieldsOf(answer);
  const { expiresIn } = tokens;
  if (typeof expiresIn !== "number") throw notOurs("expiresIn");
  return { accessToken: textOf(tokens, "accessToken"), refreshToken: textOf(tokens, "refreshToken"), expiresIn };
}

/** Who signed in, with the tokens of the sign-in. */
export interface SignedIn {
  user: { id: string; name: string | null; email: string | null; image: string | null };
  backendTokens: BackendTokens;
}

export function signedInOf(answer: unknown): SignedIn {
  const { user: answered, backendTokens } = fieldsOf(answer);
  const user = fieldsOf(answered);
  return {
    user: {
      id: textOf(user, "id"),
      name: optionalTextOf(user, "name"),
      email: optionalTextOf(user, "email"),
      image: optionalTextOf(user, "image"),
    },
    backendTokens: backendTokensOf(backendTokens),
  };
}

/** The fields of an object. */
export function fieldsOf(answer: unknown): Fields {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) throw notOurs("an object");
  return answer as Fields;
}

export function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string" || value === "") throw notOurs(name);
  return value;
}

function optionalTextOf(fields: Fields, name: string): string | null {
  const value = fields[name];
  if (value !== null && typeof value !== "string") throw notOurs(name);
  return value;
}

function dateOf(fields: Fields, name: string): Date {
  const date = new Date(textOf(fields, name));
  if (Number.isNaN(date.getTime())) throw notOurs(name);
  return date;
}

function notOurs(lacks: string): GatepostError {
  return new GatepostError(`not Gatepost's answer: it lacks ${lacks}`, { status: 200 });
}
