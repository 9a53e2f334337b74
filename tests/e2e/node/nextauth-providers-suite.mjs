// Sign-ins with providers and mailed links through the real cores with our package: who gets Gatepost's tokens.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";

import { Browser } from "./browser.js";
import { fakeProvider } from "./fake-provider.js";
import { aWord, anEmail, ask } from "./gatepost.js";
import { interrupter } from "./interrupter.js";
import { CORES, HOME, NO_LOGINS, ourFrontEnd, statusBy } from "./our-front-ends.js";

const [proxy, google] = [await interrupter(), await fakeProvider()];
after(() => Promise.all([proxy.close(), google.close()]));

const OUTAGES = {
  ...NO_LOGINS,
  "a refusal": { status: 401, type: "application/problem+json", body: '{"reason":"OAUTH_LOGIN_REFUSED"}' },
};

for (const [core, frontEndOf] of CORES) {
  describe(core, () => {
    const [mailbox, errors] = [[], []];
    const options = { providers: { google: google.issuer }, mailbox, errors };
    const frontEnd = ourFrontEnd(frontEndOf, proxy.url, options);

    async function withProvider(person, at = frontEnd) {
      google.person = { sub: aWord(), name: "Ada", ...person };
      const visitor = new Browser(at);
      visitor.headers = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64)" };
      const { url } = await visitor.signInWith("google");
      return { visitor, url };
    }

    afterEach(() => { proxy.broken = {}; });

    test("a sign-in with a provider brings tokens, and is told of the visitor's device", async () => {
      const email = anEmail();

      const { visitor, url } = await withProvider({ email });

      const { user, accessToken } = await visitor.session();
      const headers = { authorization: `Bearer ${accessToken}` };
      const { signIns } = JSON.parse((await ask("GET", `/auth/${user.id}/sign-ins`, { headers })).text);
      assert.deepEqual([url, user.email, await statusBy(accessToken, user)], [HOME, email, 200]);
      assert.deepEqual(signIns.map(({ device }) => device), ["Mozilla/5.0 (X11; Linux x86_64)"]);
      assert.deepEqual(errors, []);
    });

    test("a second sign-in with the provider brings tokens of the same user", async () => {
      const { visitor } = await withProvider({ email: anEmail() });
      const { visitor: again } = await withProvider(google.person);

      const [one, two] = [await visitor.session(), await again.session()];

      assert.equal(one.user.id, two.user.id);
      assert.notEqual(one.accessToken, two.accessToken);
    });

    for (const [what, instead] of Object.entries(OUTAGES)) {
      test(`${what} from oAuthlogin signs nobody in`, async () => {
        proxy.broken = { "POST /auth/oAuthlogin": instead };

        const { visitor } = await withProvider({ email: anEmail() });

        assert.deepEqual([visitor.sessionToken, await visitor.session()], [undefined, null]);
        assert.notEqual(errors.splice(0).length, 0);
      });
    }

    test("an id_token is sent of the providers that are named, and refused where Gatepost does not know them", async () => {
      const naming = ourFrontEnd(frontEndOf, proxy.url, { ...options, callbacks: { idTokensOf: ["google"] } });
      proxy.seen.length = 0;

      const { visitor: refused } = await withProvider({ email: anEmail() }, naming);
      const { visitor: taken } = await withProvider(google.person);

      const [sent, withheld] = proxy.seen.filter(({ route }) => route === "POST /auth/oAuthlogin").map(({ body }) => JSON.parse(body));
      assert.match(sent.id_token, /^eyJ/);
      assert.ok(!("id_token" in withheld));
      assert.equal(await refused.session(), null);
      assert.ok((await taken.session()).accessToken);
      errors.splice(0);
    });

    test("a person without an email signs in, without an access token", async () => {
      const { visitor } = await withProvider({ email: undefined });

      const session = await visitor.session();

      assert.deepEqual([session.user.name, session.accessToken], ["Ada", undefined]);
      assert.deepEqual(errors, []);
    });

    test("a mailed link signs in, without an access token", async () => {
      const [email, visitor] = [anEmail(), new Browser(frontEnd)];
      await visitor.askForMail(email);

      await visitor.visit(mailbox.pop().url);

      const session = await visitor.session();
      assert.deepEqual([session.user.email, session.accessToken], [email, undefined]);
      assert.deepEqual(errors, []);
    });
  });
}
