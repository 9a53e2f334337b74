// The article's login code before a server that can hash one password at a time.
import assert from "node:assert/strict";
import { test } from "node:test";

import { BASE_URL, anEmail, ask } from "./gatepost.js";
import { authorize } from "./login-client.js";

test("who is turned away in a flood of logins is not signed in", async () => {
  const person = { email: anEmail(), password: "correct horse battery" };
  await ask("POST", "/auth/register", { body: { name: "Ada", ...person } });

  const answers = await Promise.all(Array.from({ length: 12 }, () => authorize(BASE_URL, person)));

  const signedIn = answers.filter((answer) => answer !== null);
  assert.ok(signedIn.length >= 1 && signedIn.length < 12, `${signedIn.length}`);
  assert.ok(signedIn.every(({ user, backendTokens }) => user.email === person.email && backendTokens.accessToken));
});
