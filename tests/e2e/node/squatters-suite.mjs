// The owner of an address arrives by the real cores, into the user of a squatter who registered the address first.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { Browser } from "./browser.js";
import { fakeProvider } from "./fake-provider.js";
import { ORIGIN, authJsV5, nextAuthV4 } from "./front-ends.js";
import { aSession, aWord, adapter, anEmail, ask } from "./gatepost.js";

const google = await fakeProvider();
after(() => google.close());

async function login(squatter) {
  const { status, text } = await ask("POST", "/auth/login", { body: squatter });
  return { status, ...JSON.parse(text) };
}

/** Who registered somebody else's address, and is signed in in both ways. */
async function aSquatter() {
  const squatter = { email: anEmail(), password: aWord() };
  await ask("POST", "/auth/register", { body: { ...squatter, name: "Eve" } });
  const { user, backendTokens } = await login(squatter);
  return { squatter, user, backendTokens, session: await aSession(user) };
}

async function hasNothingLeft({ squatter, user, backendTokens, session }) {
  const headers = { authorization: `Bearer ${backendTokens.accessToken}` };
  assert.equal((await login(squatter)).status, 400);
  assert.equal((await ask("GET", `/auth/${user.id}`, { headers })).status, 401);
  assert.equal(await adapter.getSessionAndUser(session.sessionToken), null);
}

for (const [core, frontEndOf] of [["NextAuth v4", nextAuthV4], ["Auth.js v5", authJsV5]]) {
  describe(core, () => {
    const [mailbox, errors] = [[], []];
    const frontEnd = frontEndOf({ adapter, providers: { google: google.issuer }, linksByEmail: true, mailbox, errors });

    async function isIn(owner, { user }) {
      assert.deepEqual(errors, []);
      assert.equal((await owner.session()).user.email, user.email);
      assert.equal((await adapter.getSessionAndUser(owner.sessionToken)).user.id, user.id);
    }

    test("the owner's sign-in with a provider leaves the squatter nothing", async () => {
      const [squatted, owner] = [await aSquatter(), new Browser(frontEnd)];
      google.person = { sub: aWord(), name: "Ada", email: squatted.user.email };

      const { url } = await owner.signInWith("google");

      assert.equal(url, `${ORIGIN}/home`, JSON.stringify(errors));
      await isIn(owner, squatted);
      await hasNothingLeft(squatted);
    });

    test("the owner's mailed link leaves the squatter nothing", async () => {
      const [squatted, owner] = [await aSquatter(), new Browser(frontEnd)];
      await owner.askForMail(squatted.user.email);

      await owner.visit(mailbox.pop().url);

      await isIn(owner, squatted);
      await hasNothingLeft(squatted);
    });
  });
}
