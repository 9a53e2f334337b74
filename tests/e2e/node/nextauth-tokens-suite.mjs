// The tokens of a sign-in while it lasts, through the real cores with our package.
import assert from "node:assert/strict";
import { after, afterEach, describe, mock, test } from "node:test";

import { Browser } from "./browser.js";
import { ask } from "./gatepost.js";
import { FAILURES, GARBAGE, interrupter } from "./interrupter.js";
import { CORES, SIXTEEN_MINUTES, ourFrontEnd, registered, statusBy, visitorOf } from "./our-front-ends.js";

const proxy = await interrupter();
after(() => proxy.close());

const NO_REFUSALS = {
  ...FAILURES, ...GARBAGE,
  "401 with a page": { status: 401, type: "text/html", body: "<html>Sign in to the hotel's network</html>" },
  "401 of another reason": { status: 401, type: "application/problem+json", body: '{"reason":"CREDENTIAL_MISSING"}' },
  "an answer that is lost": { lost: true },
};

const refreshes = () => proxy.seen.filter(({ route }) => route === "POST /auth/refresh");

/** Does it when access tokens have ended. */
async function later(act) {
  mock.timers.enable({ apis: ["Date"], now: Date.now() + SIXTEEN_MINUTES });
  try {
    return await act();
  } finally {
    mock.timers.reset();
  }
}

for (const [core, frontEndOf] of CORES) {
  describe(core, () => {
    const errors = [];
    const frontEnd = ourFrontEnd(frontEndOf, proxy.url, { errors });

    async function signedIn() {
      const visitor = await visitorOf(frontEnd, await registered());
      const session = await visitor.session();
      proxy.seen.length = 0;
      return { visitor, ...session };
    }

    /** Another tab, whose requests leave with the same cookies. */
    function tabOf(visitor, other = frontEnd) {
      return Object.assign(new Browser(other), { cookies: new Map(visitor.cookies) });
    }

    afterEach(() => { proxy.broken = {}; });

    test("an access token that lives is left alone, one that has ended is refreshed", async () => {
      const { visitor, accessToken, user } = await signedIn();

      await visitor.session();
      const before = refreshes().length;
      await later(() => visitor.session());
      const refreshed = await visitor.session();

      assert.deepEqual([before, refreshes().length], [0, 1]);
      assert.notEqual(refreshed.accessToken, accessToken);
      assert.deepEqual([refreshed.user, await statusBy(refreshed.accessToken, user)], [user, 200]);
      assert.deepEqual(errors, []);
    });

    test("ten requests at once refresh once, and get the same pair", async () => {
      const { visitor } = await signedIn();
      const tabs = Array.from({ length: 10 }, () => tabOf(visitor));

      await later(() => Promise.all(tabs.map((tab) => tab.session())));

      const tokens = await Promise.all(tabs.map(async (tab) => (await tab.session()).accessToken));
      assert.deepEqual([refreshes().length, new Set(tokens).size], [1, 1]);
    });

    test("two processes that refresh at once get the same pair, by one request id", async () => {
      const { visitor, user } = await signedIn();
      const tabs = [tabOf(visitor), tabOf(visitor, ourFrontEnd(frontEndOf, proxy.url, { errors }))];

      await later(() => Promise.all(tabs.map((tab) => tab.session())));

      const [one, two] = await Promise.all(tabs.map((tab) => tab.session()));
      const ids = refreshes().map(({ body }) => JSON.parse(body).requestId);
      assert.equal(one.accessToken, two.accessToken);
      assert.equal(await statusBy(one.accessToken, user), 200);
      assert.equal(ids.length, 2);
      assert.match(ids[0], /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
      assert.equal(ids[0], ids[1]);
    });

    for (const [what, instead] of Object.entries(NO_REFUSALS)) {
      test(`${what} from the refresh leaves the session, which refreshes later`, async () => {
        const { visitor, accessToken, user } = await signedIn();
        proxy.broken = { "POST /auth/refresh": instead };

        const during = await later(() => visitor.session());
        proxy.broken = {};
        await later(() => visitor.session());
        const after = await visitor.session();

        assert.deepEqual([during.user, during.accessToken], [user, undefined]);
        assert.notEqual(after.accessToken, accessToken);
        assert.equal(await statusBy(after.accessToken, user), 200);
        const ids = refreshes().map(({ body }) => JSON.parse(body).requestId);
        assert.deepEqual([ids.length, new Set(ids).size], [2, 1]);
      });
    }

    test("who is refused is signed out", async () => {
      const { visitor, accessToken, user } = await signedIn();
      await ask("DELETE", `/auth/${user.id}/sign-ins`, { headers: { authorization: `Bearer ${accessToken}` } });

      const session = await later(() => visitor.session());

      assert.deepEqual([session, visitor.sessionToken], [null, undefined]);
      assert.match(JSON.stringify(errors.splice(0), named), /SignInEndedError/);
    });

    test("the adapter secret stays out of calls that do not ask for it", async () => {
      proxy.seen.length = 0;
      const visitor = await visitorOf(frontEnd, await registered());
      await later(() => visitor.session());
      await visitor.signOut();

      const routes = ["POST /auth/login", "POST /auth/refresh", "POST /auth/logout"];
      const calls = proxy.seen.filter(({ route }) => routes.includes(route));
      assert.deepEqual([...new Set(calls.map(({ route }) => route))], routes);
      assert.ok(calls.every(({ headers }) => !("x-auth-secret" in headers)));
    });

    test("signing out ends the sign-in at Gatepost", async () => {
      const { visitor, accessToken, user } = await signedIn();

      await visitor.signOut();

      assert.equal(visitor.sessionToken, undefined);
      assert.equal(await statusBy(accessToken, user), 401);
    });

    test("who cannot be signed out at Gatepost is signed out here", async () => {
      const { visitor } = await signedIn();
      proxy.broken = { "POST /auth/logout": FAILURES["a cut connection"] };

      await visitor.signOut();

      assert.equal(visitor.sessionToken, undefined);
      errors.splice(0);
    });

    test("where no cookie can be set nothing is refreshed", async () => {
      const { visitor, user } = await signedIn();
      const reading = tabOf(visitor, ourFrontEnd(frontEndOf, proxy.url, { errors, callbacks: { refresh: false } }));

      const session = await later(() => reading.session());

      assert.deepEqual([session.user, session.accessToken, refreshes().length], [user, undefined, 0]);
    });
  });
}

/** Errors hide their names from JSON. */
function named(_, value) {
  return value instanceof Error ? { name: value.name, cause: value.cause } : value;
}
