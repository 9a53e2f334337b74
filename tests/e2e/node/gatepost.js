// The gateway under test, and what tests need in it.
import { randomBytes, randomUUID } from "node:crypto";

import { AuthRestAdapter } from "./auth-rest-adapter.js";

if (!process.env.GATEPOST_BASE_URL) throw new Error("run these suites by tests/e2e/test_nextauth.py");
export const BASE_URL = process.env.GATEPOST_BASE_URL;
export const SECRET = process.env.GATEPOST_ADAPTER_SECRET;
export const adapter = AuthRestAdapter(BASE_URL, SECRET);

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
    refusals: results.filter(({ status }) => status === "rejected").map(({ reason }) => reason.response?.status),
  };
}

/** Passes when the call is refused with this status. */
export function isRefusedWith(status) {
  return (error) => error.response?.status === status;
}
