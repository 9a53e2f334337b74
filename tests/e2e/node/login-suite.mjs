// The login code of the article's front end: what it takes for a sign-in, and what not.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { createRemoteJWKSet, jwtVerify } from "jose";

import { BASE_URL, SECRET, aUser, anAccount, anEmail, ask } from "./gatepost.js";
import { authorize, oAuthLogin, refreshToken } from "./login-client.js";

const PASSWORD = "correct horse battery";

async function registered(fields = {}) {
  const body = { name: "Ada Lovelace", email: anEmail(), password: PASSWORD, ...fields };
  const { status, text } = await ask("POST", "/auth/register", { body });
  assert.equal(status, 201, text);
  return body;
}

async function signedIn() {
  return authorize(BASE_URL, await registered());
}

async function withAccount() {
  const user = await aUser();
  await anAccount(user);
  return user;
}

function assertTokens({ accessToken, refreshToken: refresh, expiresIn }) {
  assert.match(accessToken, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.match(refresh, /^[0-9a-f]{64}$/);
  const minutes = (expiresIn - Date.now()) / 60_000;
  assert.ok(minutes > 12 && minutes <= 15, `${minutes} minutes`);
}

describe("login", () => {
  test("a registered person is signed in with the backend's tokens", async () => {
    const { email } = await registered();

    const token = await authorize(BASE_URL, { email, password: PASSWORD });

    assert.equal(token.user.email, email);
    assertTokens(token.backendTokens);
    assert.ok(!JSON.stringify(token).includes("assword"));
  });

  test("a registration answers what was sent, without id and password, and alike for a taken email", async () => {
    const { password: _, ...person } = { ...await registered(), companyName: "Engines", foundedYear: 1833 };

    const [fresh, taken] = await Promise.all([anEmail(), person.email].map((email) =>
      ask("POST", "/auth/register", { body: { ...person, email, password: PASSWORD } })));

    const { email: freshEmail, ...freshRest } = JSON.parse(fresh.text);
    const { email: takenEmail, ...takenRest } = JSON.parse(taken.text);
    assert.deepEqual([fresh.status, taken.status], [201, 201]);
    assert.deepEqual(freshRest, takenRest);
    assert.equal(takenEmail, person.email);
    assert.notEqual(freshEmail, takenEmail);
    assert.ok(!("id" in freshRest) && !("password" in freshRest));
    assert.deepEqual([freshRest.companyName, freshRest.foundedYear], ["Engines", 1833]);
  });

  const refusals = {
    "a wrong password": ({ email }) => ({ email, password: "wrong" }),
    "an unknown email": () => ({ email: anEmail(), password: PASSWORD }),
    "an email that is none": () => ({ email: "not an email", password: PASSWORD }),
    "an empty email": () => ({ email: "", password: PASSWORD }),
    "no email": () => ({ password: PASSWORD }),
    "no password": ({ email }) => ({ email }),
    "an empty password": ({ email }) => ({ email, password: "" }),
    "a password that is too long": ({ email }) => ({ email, password: "x".repeat(300) }),
    "a body that is too large": ({ email }) => ({ email, password: "x".repeat(200_000) }),
    "a password that is a number": ({ email }) => ({ email, password: 12345678 }),
    "an email that is an object": () => ({ email: { $ne: null }, password: PASSWORD }),
    "a lone surrogate": ({ email }) => ({ email, password: "\ud800" }),
  };
  for (const [what, credentials] of Object.entries(refusals)) {
    test(`${what} is a refusal to the client`, async () => {
      const person = await registered();

      assert.equal(await authorize(BASE_URL, credentials(person)), null);
    });
  }

  test("a user without a password is a refusal as well, with the same words", async () => {
    const person = await registered();
    const user = await aUser();

    const [none, wrong] = await Promise.all([user.email, person.email].map((email) =>
      ask("POST", "/auth/login", { body: { email, password: "wrong password" } })));

    const withoutIds = ({ text }) => ({ ...JSON.parse(text), request_id: "", instance: "" });
    assert.deepEqual([none.status, wrong.status], [400, 400]);
    assert.deepEqual(withoutIds(none), withoutIds(wrong));
  });

  for (const [what, options] of Object.entries({
    "JSON cut short": { body: '{"email": "a@example.org", "pass', type: "application/json" },
    "JSON that is null": { body: "null", type: "application/json" },
    "JSON that is a list": { body: "[]", type: "application/json" },
    "no body": { type: "application/json" },
    "bytes that are no UTF-8": { body: new Uint8Array([123, 255, 125]), type: "application/json" },
    "a form": { body: "email=a&password=b", type: "application/x-www-form-urlencoded" },
    "an unknown key": { body: '{"email":"a@example.org","password":"b","admin":true}', type: "application/json" },
    "a compressed body": { body: "{}", type: "application/json", encoding: "gzip" },
  })) {
    test(`${what} at the login is 400 too`, async () => {
      const headers = { "Content-Type": options.type, ...(options.encoding && { "Content-Encoding": options.encoding }) };

      const response = await fetch(`${BASE_URL}/auth/login`, { method: "POST", body: options.body, headers });

      assert.equal(response.status, 400);
      assert.match(response.headers.get("content-type"), /^application\/problem\+json/);
    });
  }
});

describe("login after a sign-in with a provider", () => {
  test("a user with an account gets tokens", async () => {
    const user = await withAccount();

    const token = await oAuthLogin(BASE_URL, SECRET, user);

    assert.deepEqual([token.user.id, token.user.email], [user.id, user.email]);
    assertTokens(token.backendTokens);
  });

  test("nobody else does", async () => {
    const [withPassword, withoutAccount, linked] = [await registered(), await aUser(), await withAccount()];

    const answers = [
      await oAuthLogin(BASE_URL, SECRET, withPassword),
      await oAuthLogin(BASE_URL, SECRET, withoutAccount),
      await oAuthLogin(BASE_URL, SECRET, { email: anEmail() }),
      await oAuthLogin(BASE_URL, SECRET, { email: "" }),
      await oAuthLogin(BASE_URL, SECRET, {}),
      await oAuthLogin(BASE_URL, "wrong", linked),
      await oAuthLogin(BASE_URL, "", linked),
    ];

    assert.deepEqual(answers, Array(7).fill(null));
  });
});

describe("refresh", () => {
  test("a refresh gives a new pair for the same user", async () => {
    const token = await signedIn();

    const refreshed = await refreshToken(BASE_URL, token);

    assertTokens(refreshed.backendTokens);
    assert.notEqual(refreshed.backendTokens.refreshToken, token.backendTokens.refreshToken);
    assert.notEqual(refreshed.backendTokens.accessToken, token.backendTokens.accessToken);
    assert.deepEqual(refreshed.user, token.user);
  });

  test("the body says nothing about whose tokens these are", async () => {
    const [token, victim] = [await signedIn(), await signedIn()];

    const refreshed = await refreshToken(BASE_URL, { ...token, user: victim.user });

    const headers = { authorization: `Bearer ${refreshed.backendTokens.accessToken}` };
    const { status: own } = await ask("GET", `/auth/${token.user.id}`, { headers });
    const { status: foreign } = await ask("GET", `/auth/${victim.user.id}`, { headers });
    assert.deepEqual([own, foreign], [200, 403]);
  });

  test("what is no living refresh token keeps the old pair", async () => {
    const token = await signedIn();
    const { accessToken, refreshToken: living } = token.backendTokens;
    const presenting = (refresh) => ({ ...token, backendTokens: { ...token.backendTokens, refreshToken: refresh } });

    for (const wrong of ["", "0".repeat(64), accessToken, living.slice(0, 63), living.toUpperCase(), `${living}0`]) {
      const old = presenting(wrong);
      assert.equal(await refreshToken(BASE_URL, old), old);
    }
  });

  test("twenty refreshes of one token at once give one new pair", async () => {
    const token = await signedIn();

    const refreshed = await Promise.all(Array.from({ length: 20 }, () => refreshToken(BASE_URL, token)));

    const pairs = new Set(refreshed.filter((each) => each !== token).map((each) => each.backendTokens.refreshToken));
    assert.equal(pairs.size, 1);
  });

  test("after logging out neither token is good", async () => {
    const token = await signedIn();
    const { refreshToken: refresh, accessToken } = token.backendTokens;

    const { status } = await ask("POST", "/auth/logout", { headers: { authorization: `Refresh ${refresh}` } });

    assert.equal(status, 200);
    assert.equal(await refreshToken(BASE_URL, token), token);
    const headers = { authorization: `Bearer ${accessToken}` };
    assert.equal((await ask("GET", `/auth/${token.user.id}`, { headers })).status, 401);
  });
});

describe("access tokens", () => {
  test("a stranger's library verifies them with the published keys", async () => {
    const token = await signedIn();
    const keys = createRemoteJWKSet(new URL(`${BASE_URL}/.well-known/jwks.json`));

    const { payload, protectedHeader } = await jwtVerify(token.backendTokens.accessToken, keys, {
      issuer: "gatepost", audience: "gatepost", typ: "at+jwt", algorithms: ["EdDSA"],
      requiredClaims: ["sub", "sid", "jti", "iat", "exp"],
    });

    assert.ok(protectedHeader.kid);
    assert.equal(payload.sub, token.user.id);
    assert.deepEqual(
      [payload.email, payload.username, payload.name, payload.email_verified],
      [token.user.email, token.user.email, "Ada Lovelace", false],
    );
    assert.ok(Math.abs(payload.exp * 1000 - token.backendTokens.expiresIn) < 1000);
  });

  test("a refresh token is no access token", async () => {
    const token = await signedIn();
    const headers = { authorization: `Bearer ${token.backendTokens.refreshToken}` };

    assert.equal((await ask("GET", `/auth/${token.user.id}`, { headers })).status, 401);
  });
});
