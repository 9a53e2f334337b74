// Sign-ins by the real cores of NextAuth v4 and Auth.js v5, with the article's adapter and database sessions.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { Browser } from "./browser.js";
import { fakeProvider } from "./fake-provider.js";
import { ORIGIN, authJsV5, nextAuthV4 } from "./front-ends.js";
import { aMinuteAgo, aUser, aWord, adapter, anEmail, ask } from "./gatepost.js";

const person = (fields = {}) => ({
  sub: aWord(), name: "Ada Lovelace", email: anEmail(), picture: "https://example.org/a.png", locale: "en", ...fields,
});

const [google, keycloak] = [await fakeProvider(), await fakeProvider()];
after(() => Promise.all([google.close(), keycloak.close()]));

for (const [core, frontEndOf, type] of [["NextAuth v4", nextAuthV4, "oauth"], ["Auth.js v5", authJsV5, "oidc"]]) {
  describe(core, () => {
    const [mailbox, errors] = [[], []];
    const providers = { google: google.issuer, keycloak: keycloak.issuer };
    const frontEnd = frontEndOf({ adapter, providers, mailbox, errors });
    const browser = () => new Browser(frontEnd);
    const settled = () => assert.deepEqual(errors.splice(0), []);

    async function signedIn(fields = {}, visitor = browser()) {
      google.person = person(fields);
      const { url } = await visitor.signInWith("google");
      assert.equal(url, `${ORIGIN}/home`, JSON.stringify(errors));
      return { visitor, who: google.person, account: { provider: "google", providerAccountId: google.person.sub } };
    }

    test("a first sign-in with a provider makes the user, links the account and starts a session", async () => {
      const { visitor, who, account } = await signedIn();

      const user = await adapter.getUserByAccount(account);
      const session = await visitor.session();

      assert.deepEqual([user.name, user.email, user.image], [who.name, who.email, who.picture]);
      assert.deepEqual([session.user.name, session.user.email, session.user.image], [who.name, who.email, who.picture]);
      assert.equal((await adapter.getSessionAndUser(visitor.sessionToken)).user.id, user.id);
      assert.ok(google.issued.at(-1).usedPkce);
      settled();
    });

    test("the account holds all that the provider sent", async () => {
      google.tokens = { session_state: aWord(), user_id: "the provider's", "not-before-policy": 0 };

      const { account } = await signedIn();

      const { text } = await ask("GET", `/adapter/get-account/google/${account.providerAccountId}`);
      const kept = JSON.parse(text);
      const { access_token, refresh_token, id_token, token_type, scope } = google.issued.at(-1);
      assert.deepEqual(
        [kept.access_token, kept.refresh_token, kept.id_token, kept.scope, kept.session_state, kept.type],
        [access_token, refresh_token, id_token, scope, google.tokens.session_state, type],
      );
      assert.equal(kept.token_type.toLowerCase(), token_type.toLowerCase());
      assert.ok(Math.abs(kept.expires_at - Date.now() / 1000 - 3600) < 60);
      assert.deepEqual([kept.user_id, kept["not-before-policy"]], ["the provider's", 0]);
      google.tokens = {};
      settled();
    });

    test("a second sign-in finds the same user and starts a session of its own", async () => {
      const first = await signedIn();
      const { visitor } = await signedIn(first.who);

      const [one, two] = await Promise.all(
        [first.visitor, visitor].map(({ sessionToken }) => adapter.getSessionAndUser(sessionToken)),
      );

      assert.equal(one.user.id, two.user.id);
      assert.notEqual(first.visitor.sessionToken, visitor.sessionToken);
      settled();
    });

    test("a provider's id that is a whole URL signs the same user in again", async () => {
      const first = await signedIn({ sub: `https://steamcommunity.com/openid/id/${aWord()}` });
      const { visitor } = await signedIn(first.who);

      assert.deepEqual((await visitor.session()).user.email, first.who.email);
      settled();
    });

    test("a person without an email signs in", async () => {
      const { visitor } = await signedIn({ email: undefined });

      assert.equal((await visitor.session()).user.name, "Ada Lovelace");
      settled();
    });

    test("signing out ends the session, in the browser and in the database", async () => {
      const { visitor } = await signedIn();
      const token = visitor.sessionToken;

      await visitor.signOut();

      assert.equal(visitor.sessionToken, undefined);
      assert.equal(await adapter.getSessionAndUser(token), null);
      settled();
    });

    test("an expired session is none", async () => {
      const { visitor } = await signedIn();
      await adapter.updateSession({ sessionToken: visitor.sessionToken, expires: aMinuteAgo() });

      assert.equal(await visitor.session(), null);
      settled();
    });

    test("a cookie of an expired session links no account", async () => {
      const { visitor } = await signedIn();
      await adapter.updateSession({ sessionToken: visitor.sessionToken, expires: aMinuteAgo() });
      keycloak.person = person();

      await visitor.signInWith("keycloak");

      assert.equal((await visitor.session()).user.email, keycloak.person.email);
      settled();
    });

    test("a session that grows old is renewed", async () => {
      const { visitor } = await signedIn();
      const { sessionToken } = visitor;
      const soon = new Date(Date.now() + 86_400_000);
      await adapter.updateSession({ sessionToken, expires: soon });

      await visitor.session();

      assert.ok((await adapter.getSessionAndUser(sessionToken)).session.expires > soon);
      settled();
    });

    test("a signed-in person links a second provider", async () => {
      const { visitor, account } = await signedIn();
      keycloak.person = person();

      await visitor.signInWith("keycloak");

      const linked = { provider: "keycloak", providerAccountId: keycloak.person.sub };
      assert.equal((await adapter.getUserByAccount(linked)).id, (await adapter.getUserByAccount(account)).id);
      settled();
    });

    test("an account of somebody else is linked to nobody", async () => {
      const [owner, thief] = [await signedIn(), await signedIn()];
      google.person = owner.who;

      const { address } = await thief.visitor.signInWith("google");

      assert.match(address, /error=OAuthAccountNotLinked/);
      assert.equal((await thief.visitor.session()).user.email, thief.who.email);
      errors.splice(0);
    });

    test("a provider's word for a taken email signs nobody in", async () => {
      const { email } = await aUser();
      google.person = person({ email: email.toUpperCase() });
      const visitor = browser();

      const { address } = await visitor.signInWith("google");

      assert.match(address, /error=OAuthAccountNotLinked/);
      assert.deepEqual([visitor.sessionToken, await visitor.session()], [undefined, null]);
      errors.splice(0);
    });

    test("a mailed link signs in once", async () => {
      const email = `${aWord()}+tag@example.org`;
      const [first, second] = [browser(), browser()];
      await first.askForMail(email);
      const { identifier, url } = mailbox.pop();

      const { url: home } = await first.visit(url);
      const { address } = await second.visit(url);

      assert.deepEqual([identifier, home], [email, `${ORIGIN}/home`]);
      assert.equal((await first.session()).user.email, email);
      assert.match(address, /error=Verification/);
      assert.deepEqual([second.sessionToken, await second.session()], [undefined, null]);
      assert.ok((await adapter.getUserByEmail(email)).emailVerified > aMinuteAgo());
      errors.splice(0);
    });

    test("of ten that follow one link at once exactly one is signed in", async () => {
      await browser().askForMail(anEmail());
      const { url } = mailbox.pop();
      const visitors = Array.from({ length: 10 }, browser);

      await Promise.all(visitors.map((visitor) => visitor.visit(url)));

      assert.equal(visitors.filter(({ sessionToken }) => sessionToken).length, 1);
      errors.splice(0);
    });

    test("a mailed link verifies the email of a user who is there", async () => {
      const user = await aUser();
      const visitor = browser();
      await visitor.askForMail(user.email);

      await visitor.visit(mailbox.pop().url);

      const found = await adapter.getUser(user.id);
      assert.ok(found.emailVerified > aMinuteAgo());
      assert.deepEqual({ ...found, emailVerified: undefined }, { ...user, emailVerified: undefined });
      assert.equal((await visitor.session()).user.email, user.email);
      settled();
    });

    test("a link of another address signs nobody in and stays good", async () => {
      const [email, visitor] = [anEmail(), browser()];
      await visitor.askForMail(email);
      const { url } = mailbox.pop();
      const forged = new URL(url);
      forged.searchParams.set("email", anEmail());

      await visitor.visit(forged.href);
      const afterForged = await visitor.session();
      await visitor.visit(url);

      assert.equal(afterForged, null);
      assert.equal((await visitor.session()).user.email, email);
      errors.splice(0);
    });
  });
}
