// The article's client and a user with a second factor: by one proof alone, it takes nobody for signed in.
import assert from "node:assert/strict";
import { test } from "node:test";

import { BASE_URL, SECRET, aSession, anAccount, ask, adapter, isRefusedWith } from "./gatepost.js";
import { authorize, oAuthLogin } from "./login-client.js";

const PASSWORD = "correct horse battery";
const { email, codes } = JSON.parse(process.env.GATEPOST_PERSON);

test("the right password is a refusal", async () => {
  assert.equal(await authorize(BASE_URL, { email, password: PASSWORD }), null);
});

test("a provider's sign-in is a refusal as well", async () => {
  await anAccount(await adapter.getUserByEmail(email));

  assert.equal(await oAuthLogin(BASE_URL, SECRET, { email }), null);
});

test("a session is not made", async () => {
  await assert.rejects(aSession(await adapter.getUserByEmail(email)), isRefusedWith(403));
});

test("who asks for a code gets what the login would have answered", async () => {
  const asked = await ask("POST", "/auth/login", { body: { email, password: PASSWORD } });
  const { challenge } = JSON.parse(asked.text).metadata;

  const answer = await ask("POST", "/auth/complete-sign-in", { body: { challenge, code: codes.pop() } });

  const { user, backendTokens } = JSON.parse(answer.text);
  assert.deepEqual([answer.status, user.email], [200, email]);
  assert.match(backendTokens.refreshToken, /^[0-9a-f]{64}$/);
});
