// The gateway under test, and what tests need in it.
import { randomBytes, randomUUID } from "node:crypto";

import { AuthRestAdapter } from "./auth-rest-adapter.js";

if (!process.env.GATEPOST_BASE_URL) throw new Error("run these suites by tests/e2e/test_nextauth.py");
export const BASE_URL = process.env.GATEPOST_BASE_URL;
export const SECRET = process.env.GATEPOST_ADAPTER_SECRET;
/** The package under test, where the suite runs with it. */
export const ours = process.env.GATEPOST_NEXTAUTH && (await import(process.env.GATEPOST_NEXTAUTH));
export const adapter = adapterAt(BASE_URL);

/** What a client must be given for a value with a percent sign: the article's encodes nothing. */
export const asWritten = (value) => (ours ? value : value.replace("%", "%25"));

/** The adapter under test; the answers of ours are compared as those of the article's: without nulls. */
export function adapterAt(url) {
  if (!ours) return AuthRestAdapter(url, SECRET);
  const { adapter: genuine } = ours.gatepost({ url, adapterSecret: SECRET });
  return Object.fromEntries(Object.entries(genuine).map(([name, call]) => [name, async (...values) => withoutNulls(await call(...values))]));
}

function withoutNulls(value) {
  if (value === undefined || value === null) return null;
  if (typeof value !== "object" || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null).map(([name, each]) => [name, withoutNulls(each)]));
}

/** The status, media type and text of an answer. */
export async function ask(method, path, { body, headers = {} } = {}) {
  const response = await fetch(BASE_URL + path, {
    method,
    headers: { "x-auth-secret": SECRET, ...(body && { "Content-Type": "application/json" }), ...headers },
    body: body && JSON.stringify(body),
  });
  const [type] = (response.headers.get("content-type") ?? "").split(";");
  return { status: response.status, type, text: await response.text() };
}

/** What every route answers where there is nothing. */
export const NOTHING = { status: 200, type: "application/json", text: "null" };

/** A word that no other test uses; in letters alone, for the client takes "User 1" for a date. */
export function aWord() {
  return Array.from(randomBytes(16), (byte) => String.fromCharCode(97 + (byte % 26))).join("");
}

export const anEmail = () => `${aWord()}@example.org`;
export const aToken = () => randomUUID();
export const inOneDay = () => new Date(Date.now() + 86_400_000);
export const aMinuteAgo = () => new Date(Date.now() - 60_000);

export function aUser(fields = {}) {
  return adapter.createUser({ email: anEmail(), name: "Ada Lovelace", emailVerified: null, ...fields });
}

export async function anAccount(user, fields = {}) {
  const account = { userId: user.id, type: "oauth", provider: "google", providerAccountId: aWord(), ...fields };
  await adapter.linkAccount(account);
  return account;
}

export function aSession(user, fields = {}) {
  return adapter.createSession({ sessionToken: aToken(), userId: user.id, expires: inOneDay(), ...fields });
}

export function aVerificationToken(fields = {}) {
  return adapter.createVerificationToken({ identifier: anEmail(), token: aToken(), expires: inOneDay(), ...fields });
}

/** The statuses of the calls that were refused, and the values of those that were not. */
export async function settled(calls) {
  const results = await Promise.allSettled(calls);
  return {
    values: results.filter(({ status }) => status === "fulfilled").map(({ value }) => value),
    refusals: results.filter(({ status }) => status === "rejected").map(({ reason }) => statusOf(reason)),
  };
}

/** Passes when the call is refused with this status. */
export function isRefusedWith(status) {
  return (error) => statusOf(error) === status;
}

/** As axios tells it, and as our package does. */
function statusOf(error) {
  return error.response?.status ?? error.status;
}
