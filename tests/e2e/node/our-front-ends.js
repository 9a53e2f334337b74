// Front ends on our package: what it makes for each visit goes into the options of either core.
import assert from "node:assert/strict";

import { ORIGIN, authJsV5, nextAuthV4 } from "./front-ends.js";
import { Browser } from "./browser.js";
import { FAILURES, GARBAGE } from "./interrupter.js";
import { SECRET, anEmail, ask, ours } from "./gatepost.js";

export const PASSWORD = "correct horse battery";
export const SIXTEEN_MINUTES = 16 * 60_000;
export const DEVICE = "__Host-gatepost.device";

const USER = { id: "1", name: "Eve", email: "eve@example.org", image: null };
/** What a login must not be taken for. */
export const NO_LOGINS = {
  ...FAILURES, ...GARBAGE,
  "503 without a body, as Gatepost answers": { status: 503, body: "" },
  "a user without tokens": { status: 200, body: JSON.stringify({ user: USER }) },
  "a user with empty tokens": { status: 200, body: JSON.stringify({ user: USER, backendTokens: {} }) },
};

/** Both cores, by name: how to make a front end of them. */
export const CORES = [["NextAuth v4", nextAuthV4], ["Auth.js v5", authJsV5]];

/** A front end with our adapter, credentials providers, callbacks and events, JWT sessions and these providers. */
export function ourFrontEnd(frontEndOf, url, { settings, callbacks, credentials, ...options }) {
  const gatepost = ours.gatepost({ url, adapterSecret: SECRET, ...settings });
  const ofVisit = (visit) => ({
    providers: [gatepost.credentials(visit, credentials), gatepost.secondFactor(visit, credentials)],
    callbacks: gatepost.callbacks(visit, callbacks),
    events: gatepost.events,
  });
  return frontEndOf({ adapter: gatepost.adapter, strategy: "jwt", ofVisit, ...options });
}

/** Somebody with a password. */
export async function registered() {
  const email = anEmail();
  const { status, text } = await ask("POST", "/auth/register", { body: { name: "Ada", email, password: PASSWORD } });
  assert.equal(status, 201, text);
  return email;
}

/** Where the browser ends up after it sent the form. */
export async function logIn(visitor, email, password = PASSWORD) {
  const { url, address } = await visitor.post("callback/credentials", { email, password });
  return url || address;
}

/** A browser that has logged in, or tried to. */
export async function visitorOf(frontEnd, email, password) {
  const visitor = new Browser(frontEnd);
  await logIn(visitor, email, password);
  return visitor;
}

export const HOME = `${ORIGIN}/home`;

/** Does something beside the cores with a visitor's cookies, which keep what it sets. */
export async function withVisitOf(visitor, act) {
  const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const visit = ours.webVisit(new Request(ORIGIN, { headers: { ...visitor.headers, cookie } }));
  await act(visit);
  for (const line of visit.withCookies(new Response()).headers.getSetCookie()) visitor.keep(line);
}

/** The status of a question about oneself, by an access token. */
export async function statusBy(accessToken, { id }) {
  return (await ask("GET", `/auth/${id}`, { headers: { authorization: `Bearer ${accessToken}` } })).status;
}
