// The article's login code before a gateway whose auth server is away: nobody is signed in.
import assert from "node:assert/strict";
import { test } from "node:test";

import { BASE_URL, SECRET, adapter, ask } from "./gatepost.js";
import { authorize, oAuthLogin, refreshToken } from "./login-client.js";

const person = { email: "ada@example.org", password: "correct horse battery" };

test("a login fails, as there is no JSON to take for a user", async () => {
  await assert.rejects(authorize(BASE_URL, person), SyntaxError);
});

test("so does a login after a sign-in with a provider", async () => {
  await assert.rejects(oAuthLogin(BASE_URL, SECRET, person), SyntaxError);
});

test("both answer 503 without a body", async () => {
  const answers = [
    await ask("POST", "/auth/login", { body: person }),
    await ask("POST", "/auth/oAuthlogin", { body: { email: person.email } }),
  ];

  assert.deepEqual(answers.map(({ status, text }) => [status, text]), [[503, ""], [503, ""]]);
});

test("a refresh keeps the old pair", async () => {
  const token = { user: person, backendTokens: { refreshToken: "0".repeat(64) } };

  assert.equal(await refreshToken(BASE_URL, token), token);
});

test("no method of the adapter takes the outage for an answer", async () => {
  const account = { provider: "google", providerAccountId: "1", userId: "1", type: "oauth" };
  const calls = {
    createUser: person, getUser: "1", getUserByEmail: person.email, getUserByAccount: account, updateUser: { id: "1" },
    deleteUser: "1", linkAccount: account, unlinkAccount: account, getSessionAndUser: "1", deleteSession: "1",
    createSession: { sessionToken: "1", userId: "1", expires: new Date() }, updateSession: { sessionToken: "1" },
    createVerificationToken: { identifier: "1", token: "1", expires: new Date() },
    useVerificationToken: { identifier: "1", token: "1" },
  };

  assert.deepEqual(Object.keys(calls).sort(), Object.keys(adapter).sort());
  for (const [method, argument] of Object.entries(calls)) {
    await assert.rejects(adapter[method](argument), (error) => error.response.status === 503, method);
  }
});
