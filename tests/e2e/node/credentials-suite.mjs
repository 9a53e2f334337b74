// The article's sign-in with a password by the real cores: backend tokens live in NextAuth's own cookie.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { Browser } from "./browser.js";
import { authJsV5, nextAuthV4 } from "./front-ends.js";
import { adapter, anEmail, ask } from "./gatepost.js";
import { FAILURES, interrupter } from "./interrupter.js";
import { authorize, refreshToken } from "./login-client.js";

const PASSWORD = "correct horse battery";
const SIXTEEN_MINUTES = 16 * 60_000;

const proxy = await interrupter();
after(() => proxy.close());

for (const [core, frontEndOf] of [["NextAuth v4", nextAuthV4], ["Auth.js v5", authJsV5]]) {
  describe(core, () => {
    const errors = [];
    let ahead = 0;

    /** What the article's front end does with its token: refreshes it once the access token has ended. */
    const callbacks = {
      jwt: async ({ token, user }) => {
        if (user) return { ...token, ...user };
        return Date.now() + ahead < token.backendTokens.expiresIn ? token : refreshToken(proxy.url, token);
      },
      session: async ({ session, token }) => ({ ...session, user: token.user, backendTokens: token.backendTokens }),
    };

    const frontEnd = frontEndOf({
      adapter, errors, callbacks, strategy: "jwt", authorize: (credentials) => authorize(proxy.url, credentials),
    });

    async function registered() {
      const email = anEmail();
      await ask("POST", "/auth/register", { body: { name: "Ada", email, password: PASSWORD } });
      return email;
    }

    async function loggedIn(email, password = PASSWORD) {
      const visitor = new Browser(frontEnd);
      await visitor.post("callback/credentials", { email, password });
      return visitor;
    }

    async function whileBroken(route, instead, act) {
      proxy.broken = { [route]: instead };
      try {
        return await act();
      } finally {
        proxy.broken = {};
      }
    }

    test("the right password makes a session with the backend's tokens", async () => {
      const email = await registered();

      const { user, backendTokens } = await (await loggedIn(email)).session();

      const headers = { authorization: `Bearer ${backendTokens.accessToken}` };
      const { text } = await ask("GET", `/auth/${user.id}`, { headers });
      assert.deepEqual([user.email, JSON.parse(text).email], [email, email]);
    });

    test("a wrong password makes none", async () => {
      const visitor = await loggedIn(await registered(), "wrong password");

      assert.deepEqual([visitor.sessionToken, await visitor.session()], [undefined, null]);
    });

    const outages = { "503 without a body, as Gatepost answers": { status: 503, body: "" }, "a cut connection": { cut: true } };
    for (const [what, instead] of Object.entries(outages)) {
      test(`${what} from the login makes none`, async () => {
        const email = await registered();

        const visitor = await whileBroken("POST /auth/login", instead, () => loggedIn(email));

        assert.deepEqual([visitor.sessionToken, await visitor.session()], [undefined, null]);
      });
    }

    test("an access token that has ended is refreshed", async () => {
      const visitor = await loggedIn(await registered());
      const before = await visitor.session();
      ahead = SIXTEEN_MINUTES;

      const { backendTokens, user } = await visitor.session();

      ahead = 0;
      assert.notEqual(backendTokens.refreshToken, before.backendTokens.refreshToken);
      assert.deepEqual(user, before.user);
      assert.equal((await visitor.session()).backendTokens.refreshToken, backendTokens.refreshToken);
    });

    for (const [what, instead] of Object.entries(FAILURES).filter(([, { cut }]) => !cut)) {
      test(`${what} from the refresh keeps the old pair, which still refreshes later`, async () => {
        const visitor = await loggedIn(await registered());
        const { backendTokens: old } = await visitor.session();
        ahead = SIXTEEN_MINUTES;

        const during = await whileBroken("POST /auth/refresh", instead, () => visitor.session());
        const later = await visitor.session();

        ahead = 0;
        assert.deepEqual(during.backendTokens, old);
        assert.notEqual(later.backendTokens.refreshToken, old.refreshToken);
      });
    }
  });
}
