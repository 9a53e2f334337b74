/** The adapter of NextAuth v4 and Auth.js v5, over Gatepost's REST routes. */
import {
  accountOf, authenticatorOf, authenticatorsOf, orNull, sessionAndUserOf, sessionOf, userOf, verificationTokenOf,
  type Account, type Authenticator, type Session, type User, type VerificationToken,
} from "./answers.js";
import type { Backend } from "./backend.js";

type AccountName = Pick<Account, "provider" | "providerAccountId">;

/** What the cores call. Each method answers null for what is absent, and throws a GatepostError where it failed. */
export interface GatepostAdapter {
  createUser(user: Partial<User>): Promise<User>;
  getUser(id: string): Promise<User | null>;
  getUserByEmail(email: string): Promise<User | null>;
  getUserByAccount(account: AccountName): Promise<User | null>;
  updateUser(user: Partial<User> & Pick<User, "id">): Promise<User>;
  deleteUser(id: string): Promise<User | null>;
  linkAccount(account: Account): Promise<Account>;
  unlinkAccount(account: AccountName): Promise<Account | undefined>;
  getAccount(providerAccountId: string, provider: string): Promise<Account | null>;
  createAuthenticator(authenticator: Authenticator): Promise<Authenticator>;
  getAuthenticator(credentialID: string): Promise<Authenticator | null>;
  listAuthenticatorsByUserId(userId: string): Promise<Authenticator[]>;
  /** Throws where the counter has not grown: a copy of the authenticator may have signed. */
  updateAuthenticatorCounter(credentialID: string, newCounter: number): Promise<Authenticator>;
  createSession(session: Session): Promise<Session>;
  getSessionAndUser(sessionToken: string): Promise<{ session: Session; user: User } | null>;
  updateSession(session: Partial<Session> & Pick<Session, "sessionToken">): Promise<Session | null>;
  deleteSession(sessionToken: string): Promise<Session | null>;
  createVerificationToken(token: VerificationToken): Promise<VerificationToken>;
  useVerificationToken(token: Pick<VerificationToken, "identifier" | "token">): Promise<VerificationToken | null>;
}

/** The adapter; tokens of sessions travel in bodies, and what stands in a path is percent-encoded. */
export function adapterOf(backend: Backend): GatepostAdapter {
  const get = (route: string, ...values: string[]) => backend.askAsAdapter({ method: "GET", route, values });
  const remove = (route: string, ...values: string[]) => backend.askAsAdapter({ method: "DELETE", route, values });
  const post = (route: string, body: object) => backend.askAsAdapter({ method: "POST", route, body });
  const patch = (route: string, body: object) => backend.askAsAdapter({ method: "PATCH", route, body });

  return {
    createUser: async (user) => userOf(await post("/adapter/signup", onlyUser(user))),
    getUser: async (id) => (id ? orNull(userOf)(await get("/adapter/get-user", id)) : null),
    getUserByEmail: async (email) =>
      orNull(userOf)(await backend.askAsAdapter({ method: "GET", route: "/adapter/get-user-by-email", query: { email } })),
    getUserByAccount: async ({ provider, providerAccountId }) =>
      orNull(userOf)(await get("/adapter/get-user-by-account", provider, providerAccountId)),
    updateUser: async (user) => userOf(await post("/adapter/update-user", { id: user.id, ...onlyUser(user) })),
    deleteUser: async (id) => orNull(userOf)(await remove("/adapter/delete-user", id)),

    linkAccount: async (account) => accountOf(await post("/adapter/link-account", account)),
    unlinkAccount: async ({ provider, providerAccountId }) =>
      orNull(accountOf)(await remove("/adapter/unlink-account", provider, providerAccountId)) ?? undefined,
    getAccount: async (providerAccountId, provider) =>
      orNull(accountOf)(await get("/adapter/get-account", provider, providerAccountId)),

    createAuthenticator: async (authenticator) =>
      authenticatorOf(await post("/adapter/create-authenticator", authenticator)),
    getAuthenticator: async (credentialID) =>
      credentialID ? orNull(authenticatorOf)(await get("/adapter/get-authenticator", credentialID)) : null,
    listAuthenticatorsByUserId: async (userId) =>
      userId ? authenticatorsOf(await get("/adapter/list-authenticators", userId)) : [],
    updateAuthenticatorCounter: async (credentialID, counter) =>
      authenticatorOf(await patch("/adapter/update-authenticator-counter", { credentialID, counter })),

    createSession: async ({ sessionToken, userId, expires }) =>
      sessionOf(await post("/adapter/create-session", { sessionToken, userId, expires })),
    getSessionAndUser: async (sessionToken) =>
      orNull(sessionAndUserOf)(await post("/adapter/get-session", { sessionToken })),
    updateSession: async ({ sessionToken, userId, expires }) =>
      orNull(sessionOf)(await patch("/adapter/update-session", { sessionToken, userId, expires })),
    deleteSession: async (sessionToken) => orNull(sessionOf)(await post("/adapter/delete-session", { sessionToken })),

    createVerificationToken: async ({ identifier, token, expires }) =>
      verificationTokenOf(await post("/adapter/create-verification-token", { identifier, token, expires })),
    useVerificationToken: async ({ identifier, token }) =>
      orNull(verificationTokenOf)(await patch("/adapter/use-verification-token", { identifier, token })),
  };
}

/** What Gatepost keeps of a user: a provider's profile may bring keys that it would take for others. */
function onlyUser({ name, email, emailVerified, image }: Partial<User>): object {
  return { name, email, emailVerified, image };
}
