// A provider of identities on loopback: authorization code flow with PKCE, id_tokens signed by a key made here.
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

import { SignJWT, exportJWK, generateKeyPair } from "jose";

export const CLIENT = { clientId: "front-end", clientSecret: "front-end-secret" };

/** A running provider; `person` is who sits before it, `tokens` what its token endpoint adds. */
export async function fakeProvider() {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const codes = new Map();
  const provider = { person: null, tokens: {}, issued: [] };

  const routes = {
    "/.well-known/openid-configuration": () => ({
      issuer: provider.issuer,
      authorization_endpoint: `${provider.issuer}/authorize`,
      token_endpoint: `${provider.issuer}/token`,
      userinfo_endpoint: `${provider.issuer}/userinfo`,
      jwks_uri: `${provider.issuer}/keys`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
      code_challenge_methods_supported: ["S256"],
    }),
    "/keys": async () => ({ keys: [{ ...(await exportJWK(publicKey)), kid: "1", alg: "ES256", use: "sig" }] }),
    "/authorize": ({ query }) => {
      const code = randomBytes(16).toString("hex");
      codes.set(code, { ...Object.fromEntries(query), person: provider.person });
      const back = new URL(query.get("redirect_uri"));
      back.searchParams.set("code", code);
      if (query.has("state")) back.searchParams.set("state", query.get("state"));
      return { redirect: back.href };
    },
    "/token": async ({ form, headers }) => {
      const { person, nonce, code_challenge: challenge } = redeem(codes, form, headers);
      const idToken = await new SignJWT({ ...person, ...(nonce && { nonce }) })
        .setProtectedHeader({ alg: "ES256", kid: "1" })
        .setIssuer(provider.issuer).setAudience(CLIENT.clientId).setIssuedAt().setExpirationTime("1h")
        .sign(privateKey);
      const tokens = {
        access_token: `at-${randomBytes(16).toString("hex")}`,
        refresh_token: `rt-${randomBytes(16).toString("hex")}`,
        id_token: idToken, expires_in: 3600, token_type: "Bearer", scope: "openid profile email",
        ...provider.tokens,
      };
      provider.issued.push({ ...tokens, person, usedPkce: Boolean(challenge) });
      return tokens;
    },
    "/userinfo": ({ headers }) => {
      const bearer = headers.authorization?.replace("Bearer ", "");
      return provider.issued.find(({ access_token }) => access_token === bearer).person;
    },
  };

  const server = createServer(async (request, response) => {
    const { pathname, searchParams: query } = new URL(request.url, provider.issuer);
    const form = new URLSearchParams(await text(request));
    try {
      const answer = await routes[pathname]({ query, form, headers: request.headers });
      if (answer.redirect) return response.writeHead(302, { location: answer.redirect }).end();
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    } catch (error) {
      response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ error: error.message }));
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  provider.issuer = `http://127.0.0.1:${server.address().port}`;
  provider.close = () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
  return provider;
}

function redeem(codes, form, headers) {
  const basic = Buffer.from(headers.authorization?.replace("Basic ", "") ?? "", "base64").toString();
  if (basic !== `${CLIENT.clientId}:${CLIENT.clientSecret}`) throw new Error("invalid_client");
  const grant = codes.get(form.get("code"));
  codes.delete(form.get("code"));
  if (!grant || grant.redirect_uri !== form.get("redirect_uri")) throw new Error("invalid_grant");
  const verifier = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
  if (grant.code_challenge && grant.code_challenge !== verifier) throw new Error("invalid_grant");
  return grant;
}

