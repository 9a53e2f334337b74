// Logins by password through the real cores, with our package.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { Browser } from "./browser.js";
import { ORIGIN } from "./front-ends.js";
import { SECRET, ours } from "./gatepost.js";
import { interrupter } from "./interrupter.js";
import { CORES, DEVICE, HOME, NO_LOGINS, PASSWORD, logIn, ourFrontEnd, registered, statusBy, visitorOf, withVisitOf } from "./our-front-ends.js";

const proxy = await interrupter();
after(() => proxy.close());

for (const [core, frontEndOf] of CORES) {
  describe(core, () => {
    const errors = [];
    const frontEnd = ourFrontEnd(frontEndOf, proxy.url, { errors });

    test("the right password makes a session with an access token, and without a refresh token", async () => {
      const email = await registered();

      const session = await (await visitorOf(frontEnd, email)).session();

      assert.equal(session.user.email, email);
      assert.equal(await statusBy(session.accessToken, session.user), 200);
      assert.deepEqual(Object.keys(session).sort(), ["accessToken", "accessTokenExpires", "expires", "user"]);
      assert.deepEqual(Object.keys(session.user).sort(), ["email", "id", "image", "name"].filter((key) => key in session.user).sort());
      const minutes = (new Date(session.accessTokenExpires) - Date.now()) / 60_000;
      assert.ok(minutes > 12 && minutes <= 15, `${minutes} minutes`);
      assert.deepEqual(errors, []);
    });

    test("the browser keeps the device token for 180 days, out of reach of scripts and of other sites", async () => {
      const visitor = await visitorOf(frontEnd, await registered());

      const [line] = visitor.lines.filter((each) => each.startsWith(`${DEVICE}=`));
      const [pair, ...attributes] = line.split("; ");
      assert.match(pair, /=[0-9a-f]+$/);
      assert.deepEqual(attributes.sort(), ["HttpOnly", "Max-Age=15552000", "Path=/", "SameSite=Lax", "Secure"]);
    });

    test("a changed password leaves the device known, by another token", async () => {
      const [email, { changePassword }] = [await registered(), ours.gatepost({ url: proxy.url, adapterSecret: SECRET })];
      const visitor = await visitorOf(frontEnd, email);
      const [{ accessToken }, before] = [await visitor.session(), visitor.cookies.get(DEVICE)];
      const change = { accessToken, currentPassword: PASSWORD, newPassword: "staple of another horse" };

      await withVisitOf(visitor, (visit) => changePassword(visit, change));
      const wrong = await changePassword(ours.webVisit(new Request(ORIGIN)), change).catch(({ reason }) => reason);

      assert.equal(wrong, "CURRENT_PASSWORD_INVALID");
      assert.notEqual(visitor.cookies.get(DEVICE), before);
      assert.equal(await logIn(visitor, email, change.newPassword), HOME);
    });

    test("signing out leaves the device known", async () => {
      const visitor = await visitorOf(frontEnd, await registered());

      await visitor.signOut();

      assert.equal(visitor.sessionToken, undefined);
      assert.ok(visitor.cookies.has(DEVICE));
    });

    for (const forged of ["", "no token", "ff".repeat(4000), "01ab"]) {
      test(`a device cookie of ${forged.length} characters that Gatepost did not make hinders nobody`, async () => {
        const visitor = new Browser(frontEnd);
        visitor.cookies.set(DEVICE, encodeURIComponent(forged));

        assert.equal(await logIn(visitor, await registered()), HOME);
      });
    }

    const typed = {
      "a wrong password": (email) => [email, "wrong password"],
      "an unknown email": () => ["nobody@example.org", "wrong password"],
      "no email": () => ["", "wrong password"],
      "no password": (email) => [email, ""],
      "a password that is too long": (email) => [email, "x".repeat(2000)],
      "a body that is too large": (email) => [email, "x".repeat(80_000)],
    };
    for (const [what, credentials] of Object.entries(typed)) {
      test(`${what} signs nobody in, and is told as what was typed`, async () => {
        const visitor = new Browser(frontEnd);

        const address = await logIn(visitor, ...credentials(await registered()));

        assert.match(address, /error=CredentialsSignin/);
        assert.deepEqual([visitor.sessionToken, await visitor.session(), visitor.cookies.has(DEVICE)], [undefined, null, false]);
        errors.splice(0);
      });
    }

    for (const [what, instead] of Object.entries(NO_LOGINS)) {
      test(`${what} from the login signs nobody in, and is not told as what was typed`, async () => {
        const [email, visitor] = [await registered(), new Browser(frontEnd)];
        [proxy.broken, proxy.met] = [{ "POST /auth/login": instead }, 0];

        const address = await logIn(visitor, email);

        [proxy.broken] = [{}];
        assert.equal(proxy.met, 1);
        assert.match(address, core === "NextAuth v4" ? /error=SERVER_UNAVAILABLE/ : /error=Configuration/);
        assert.deepEqual([visitor.sessionToken, await visitor.session(), visitor.cookies.has(DEVICE)], [undefined, null, false]);
        errors.splice(0);
      });
    }

    test("a gateway that does not answer in time signs nobody in", async () => {
      const [email, hasty] = [await registered(), ourFrontEnd(frontEndOf, proxy.url, { errors, settings: { timeoutMilliseconds: 50 } })];
      proxy.broken = { "POST /auth/login": { never: true } };

      const visitor = await visitorOf(hasty, email);

      proxy.broken = {};
      assert.deepEqual([visitor.sessionToken, await visitor.session()], [undefined, null]);
      errors.splice(0);
    });
  });
}
