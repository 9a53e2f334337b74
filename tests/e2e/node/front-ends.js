// The front end's sign-in, by NextAuth v4 and by Auth.js v5: each as a function from a Request to a Response.
import { createRequire } from "node:module";

import { Auth } from "@auth/core";

import { CLIENT } from "./fake-provider.js";
import { ours } from "./gatepost.js";

export const ORIGIN = "http://front.example";
const SECRET = "front-end-secret-0123456789abcdef";
const NextAuth = createRequire(import.meta.url)("next-auth/next").default;
process.env.NEXTAUTH_URL = ORIGIN;

// What both cores are told of a provider: as of Apple, its id_tokens are signed with ES256.
const oidc = { checks: ["pkce", "state", "nonce"], client: { id_token_signed_response_alg: "ES256" }, ...CLIENT };
const profileOf = ({ sub, name, email, picture }) => ({ id: sub, name, email, image: picture });

function emailProvider(mailbox) {
  return {
    id: "email",
    type: "email",
    name: "Email",
    from: "gatepost@example.org",
    maxAge: 3600,
    options: {},
    sendVerificationRequest: async ({ identifier, url }) => void mailbox.push({ identifier, url }),
  };
}

/** The credentials provider of the article, where its login code is given. */
function credentialsProviders(authorize) {
  return authorize ? [{ id: "credentials", type: "credentials", name: "Password", credentials: {}, options: {}, authorize }] : [];
}

/** NextAuth v4 by its public entry, which takes requests as Next.js hands them over. */
export function nextAuthV4({
  adapter, providers: issuers = {}, mailbox = [], linksByEmail, errors, strategy = "database", authorize, callbacks, ofVisit,
}) {
  const providers = Object.entries(issuers).map(([id, issuer]) => ({
    id, name: id, type: "oauth", wellKnown: `${issuer}/.well-known/openid-configuration`, idToken: true,
    authorization: { params: { scope: "openid profile email" } }, profile: profileOf, ...oidc,
    allowDangerousEmailAccountLinking: linksByEmail,
  }));
  const options = {
    adapter, secret: SECRET, callbacks, session: { strategy },
    providers: [...providers, emailProvider(mailbox), ...credentialsProviders(authorize)],
    logger: { error: (code, error) => errors.push([code, error]), warn() {}, debug() {} },
  };
  return async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const form = request.method === "POST" ? Object.fromEntries(new URLSearchParams(await request.text())) : undefined;
    const next = {
      method: request.method,
      headers: Object.fromEntries(request.headers),
      query: { ...Object.fromEntries(searchParams), nextauth: pathname.split("/").slice(3) },
      cookies: cookiesOf(request),
      body: form,
    };
    const response = nextResponse();
    await NextAuth(next, response, withOurs(options, ofVisit?.(ours.pagesVisit(next, response))));
    return response.answer();
  };
}

/** Auth.js v5, which takes requests as the web knows them. */
export function authJsV5({
  adapter, providers: issuers = {}, mailbox = [], linksByEmail, errors, strategy = "database", authorize, callbacks, ofVisit, others = {},
}) {
  const providers = Object.entries(issuers).map(([id, issuer]) => ({
    id, name: id, type: "oidc", issuer, profile: profileOf, ...oidc, allowDangerousEmailAccountLinking: linksByEmail,
    // As v4 does it: all that the provider sent is kept.
    account: (tokens) => tokens,
  }));
  const config = {
    adapter, secret: SECRET, callbacks, session: { strategy },
    ...others, providers: [...providers, emailProvider(mailbox), ...credentialsProviders(authorize), ...(others.providers ?? [])],
    basePath: "/api/auth", trustHost: true,
    logger: { error: (error) => errors.push([error.name, error]), warn() {}, debug() {} },
  };
  if (!ofVisit) return (request) => Auth(request, config);
  return async (request) => {
    const visit = ours.webVisit(request);
    return visit.withCookies(await Auth(request, withOurs(config, ofVisit(visit))));
  };
}

/** The options with what our package makes for one visit. */
function withOurs(options, { providers, ...ofVisit } = {}) {
  return providers ? { ...options, ...ofVisit, providers: [...options.providers, ...providers] } : options;
}

function cookiesOf(request) {
  const pairs = (request.headers.get("cookie") ?? "").split("; ").filter(Boolean);
  return Object.fromEntries(pairs.map((pair) => {
    const [name, ...value] = pair.split("=");
    return [name, decodeURIComponent(value.join("="))];
  }));
}

/** What Next.js hands to an API route to answer with. */
function nextResponse() {
  const headers = new Map();
  let [status, body] = [200, null];
  return {
    status(code) { status = code; return this; },
    getHeader: (name) => headers.get(name.toLowerCase()),
    setHeader(name, value) { headers.set(name.toLowerCase(), value); return this; },
    json(value) { body = JSON.stringify(value); },
    send(value) { body = typeof value === "object" ? JSON.stringify(value) : value; },
    end() {},
    answer() {
      const pairs = [...headers].flatMap(([name, value]) => [value].flat().map((each) => [name, each]));
      return new Response(body, { status, headers: pairs });
    },
  };
}
