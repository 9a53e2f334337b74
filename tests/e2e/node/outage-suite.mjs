// Sign-ins by the real cores while the way to Gatepost is disturbed: no failure becomes a session.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { Browser } from "./browser.js";
import { fakeProvider } from "./fake-provider.js";
import { authJsV5, nextAuthV4 } from "./front-ends.js";
import { aSession, aUser, aWord, adapterAt, anEmail, ours, adapter as undisturbed } from "./gatepost.js";
import { GARBAGE, FAILURES, interrupter } from "./interrupter.js";

const ANYTHING = { ...FAILURES, ...GARBAGE };
// Where our package takes another route than the article's client.
const UPDATE_USER = ours ? "POST /adapter/update-user" : "PATCH /adapter/";
const GET_SESSION = ours ? "POST /adapter/get-session" : "GET /adapter/get-session";
const DELETE_SESSION = ours ? "POST /adapter/delete-session" : "DELETE /adapter/delete-session";

const [proxy, google] = [await interrupter(), await fakeProvider()];
const adapter = adapterAt(proxy.url);
after(() => Promise.all([proxy.close(), google.close()]));

for (const [core, frontEndOf] of [["NextAuth v4", nextAuthV4], ["Auth.js v5", authJsV5]]) {
  describe(core, () => {
    const [mailbox, errors] = [[], []];
    const frontEnd = frontEndOf({ adapter, providers: { google: google.issuer }, mailbox, errors });
    const browser = () => new Browser(frontEnd);

    async function withProvider() {
      google.person = { sub: aWord(), name: "Ada", email: anEmail() };
      const visitor = browser();
      await visitor.signInWith("google");
      return visitor;
    }

    /** Asks for a link, and breaks nothing before it is there. */
    async function withMail(email) {
      const [visitor, { broken }] = [browser(), proxy];
      proxy.broken = {};
      await visitor.askForMail(email);
      proxy.broken = broken;
      await visitor.visit(mailbox.pop().url);
      return visitor;
    }

    async function withCookie() {
      const visitor = browser();
      const { sessionToken } = await aSession(await aUser());
      visitor.cookies.set(core === "Auth.js v5" ? "authjs.session-token" : "next-auth.session-token", sessionToken);
      return visitor;
    }

    /** Does it while the route is broken; there is no session, not even once the way is free again. */
    async function leavesNoSession(route, instead, signIn) {
      proxy.broken = { [route]: instead };
      proxy.met = 0;
      let visitor;
      try {
        visitor = await signIn();
      } finally {
        proxy.broken = {};
      }
      assert.ok(proxy.met > 0, "the sign-in did not come by here");
      // Where the article's client takes garbage, v4 sets a cookie that holds the word undefined: no session's token.
      assert.ok([undefined, "undefined"].includes(visitor.sessionToken), visitor.sessionToken);
      if (ours || instead.status !== 200) assert.equal(visitor.sessionToken, undefined);
      assert.equal(await visitor.session(), null);
    }

    test("with the way free both sign-ins make a session", async () => {
      assert.notEqual(await (await withProvider()).session(), null);
      assert.notEqual(await (await withMail(anEmail())).session(), null);
    });

    // The core does not look at a linked account's answer, so only our package sees that it is garbage.
    const routes = {
      "GET /adapter/get-user-by-account": ANYTHING,
      "GET /adapter/get-user-by-email": ANYTHING,
      "POST /adapter/signup": ANYTHING,
      "POST /adapter/link-account": ours ? ANYTHING : FAILURES,
      "POST /adapter/create-session": ANYTHING,
    };
    for (const [route, answers] of Object.entries(routes)) {
      for (const [what, instead] of Object.entries(answers)) {
        test(`${what} from ${route} signs nobody in with a provider`, async () => {
          await leavesNoSession(route, instead, withProvider);
        });
      }
    }

    const mailRoutes = [
      "PATCH /adapter/use-verification-token", "GET /adapter/get-user-by-email", "POST /adapter/signup", "POST /adapter/create-session",
    ];
    for (const route of mailRoutes) {
      for (const [what, instead] of Object.entries(ANYTHING)) {
        test(`${what} from ${route} signs nobody in with a mailed link`, async () => {
          await leavesNoSession(route, instead, () => withMail(anEmail()));
        });
      }
    }

    for (const [what, instead] of Object.entries(ANYTHING)) {
      test(`${what} from ${UPDATE_USER} signs no known user in with a mailed link`, async () => {
        const { email } = await aUser();

        await leavesNoSession(UPDATE_USER, instead, () => withMail(email));
      });

      test(`${what} from ${GET_SESSION} shows no session`, async () => {
        const visitor = await withCookie();
        proxy.broken = { [GET_SESSION]: instead };

        const session = await visitor.session();

        proxy.broken = {};
        assert.equal(session, null);
      });
    }

    for (const [what, instead] of Object.entries(FAILURES)) {
      test(`${what} from ${GET_SESSION} leaves the session for later`, async () => {
        const visitor = await withCookie();
        proxy.broken = { [GET_SESSION]: instead };
        await visitor.session();

        proxy.broken = {};

        assert.equal((await visitor.session()).user.name, "Ada Lovelace");
      });

      test(`${what} from ${DELETE_SESSION} leaves a session that can still be ended`, async () => {
        const visitor = await withCookie();
        const { sessionToken } = visitor;
        proxy.broken = { [DELETE_SESSION]: instead };
        await visitor.signOut();

        proxy.broken = {};

        assert.equal(visitor.sessionToken, undefined);
        assert.equal((await undisturbed.deleteSession(sessionToken)).sessionToken, sessionToken);
      });
    }
  });
}
