// People with a second factor, through the real cores with our package: no way in by one proof alone.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import { inspect } from "node:util";

import { CredentialsSignin } from "@auth/core/errors";

import { Browser } from "./browser.js";
import { fakeProvider } from "./fake-provider.js";
import { ORIGIN } from "./front-ends.js";
import { BASE_URL, SECRET, aWord, anEmail, ours } from "./gatepost.js";
import { CORES, HOME, PASSWORD, logIn, ourFrontEnd, statusBy } from "./our-front-ends.js";

const CHALLENGE = "__Host-gatepost.challenge";
const CODE_PAGE = "/sign-in/code";
/** A person of each core, whose address is verified, with recovery codes. */
const people = JSON.parse(process.env.GATEPOST_PEOPLE);
const google = await fakeProvider();
after(() => google.close());

const { adapter } = ours.gatepost({ url: BASE_URL, adapterSecret: SECRET });
/** Auth.js tells a form the code of a CredentialsSignin. */
const failure = (error) => Object.assign(new CredentialsSignin(), { code: error.reason });
const ofCore = { "NextAuth v4": {}, "Auth.js v5": { failure } };

for (const [index, [core, frontEndOf]] of CORES.entries()) {
  describe(core, () => {
    const { email, codes } = people[index];
    const [mailbox, errors] = [[], []];
    const options = { providers: { google: google.issuer }, mailbox, errors, credentials: ofCore[core] };
    const frontEnd = ourFrontEnd(frontEndOf, BASE_URL, { ...options, callbacks: { codePage: CODE_PAGE } });
    const browser = () => new Browser(frontEnd);
    afterEach(() => errors.splice(0));

    const isNobody = async (visitor) => assert.deepEqual([visitor.sessionToken, await visitor.session()], [undefined, null]);

    async function isSignedIn(visitor) {
      const session = await visitor.session();
      assert.equal(session.user.email, email);
      assert.equal(await statusBy(session.accessToken, session.user), 200);
      assert.ok(!visitor.cookies.has(CHALLENGE));
    }

    async function type(visitor, action, form) {
      const { url, address } = await visitor.post(`callback/${action}`, form);
      return url || address;
    }

    /** Who comes with a provider's account of the person. */
    async function withProvider(at = frontEnd) {
      const { id } = await adapter.getUserByEmail(email);
      google.person = { sub: aWord(), name: "Ada", email };
      await adapter.linkAccount({ userId: id, type: "oauth", provider: "google", providerAccountId: google.person.sub });
      const visitor = new Browser(at);
      const { url, address } = await visitor.signInWith("google");
      return { visitor, at: url || address };
    }

    test("a password and a code in one form sign in", async () => {
      const visitor = browser();

      assert.equal(await type(visitor, "credentials", { email, password: PASSWORD, code: ` ${codes.pop()} ` }), HOME);

      await isSignedIn(visitor);
      assert.deepEqual(errors, []);
    });

    test("a password alone signs nobody in, and the form learns what is asked for", async () => {
      const visitor = browser();

      assert.match(await logIn(visitor, email), /[?&](error|code)=SECOND_FACTOR_REQUIRED/);

      await isNobody(visitor);
    });

    test("the second form completes it, by what lies out of reach of scripts for five minutes", async () => {
      const visitor = browser();
      await logIn(visitor, email);
      const [line] = visitor.lines.filter((each) => each.startsWith(`${CHALLENGE}=`));
      const [pair, ...attributes] = line.split("; ");

      assert.match(pair, /=[0-9a-f]{64}$/);
      assert.deepEqual(attributes.sort(), ["HttpOnly", "Max-Age=300", "Path=/", "SameSite=Lax", "Secure"]);
      assert.equal(await type(visitor, "second-factor", { code: codes.pop() }), HOME);
      await isSignedIn(visitor);
    });

    test("a wrong code signs nobody in, in either form, and a right one does afterwards", async () => {
      const visitor = browser();

      assert.match(await type(visitor, "credentials", { email, password: PASSWORD, code: "00000-00000" }), /=SECOND_FACTOR_INVALID/);
      await logIn(visitor, email);
      assert.match(await type(visitor, "second-factor", { code: "00000-00000" }), /=SECOND_FACTOR_INVALID/);
      assert.match(await type(visitor, "second-factor", { code: "" }), /error=CredentialsSignin/);
      await isNobody(visitor);

      assert.equal(await type(visitor, "second-factor", { code: codes.pop() }), HOME);
      await isSignedIn(visitor);
    });

    test("a code without a password, or with a wrong one, learns nothing", async () => {
      const visitor = browser();

      assert.match(await type(visitor, "second-factor", { code: codes[0] }), /=CHALLENGE_INVALID/);
      const address = await type(visitor, "credentials", { email, password: "wrong password", code: codes[0] });

      assert.match(address, /error=CredentialsSignin(&code=credentials|$)/);
      await isNobody(visitor);
      assert.ok(!visitor.cookies.has(CHALLENGE));
    });

    for (const forged of ["0".repeat(64), "x", ""]) {
      test(`a challenge of ${forged.length} characters that Gatepost did not make completes nothing`, async () => {
        const visitor = browser();
        visitor.cookies.set(CHALLENGE, forged);

        assert.match(await type(visitor, "second-factor", { code: codes[0] }), /=CHALLENGE_INVALID/);

        await isNobody(visitor);
      });
    }

    test("whom a provider signs in is led to the page that asks for a code, which completes it", async () => {
      const { visitor, at } = await withProvider();

      assert.equal(at, `${ORIGIN}${CODE_PAGE}`);
      await isNobody(visitor);
      assert.equal(await type(visitor, "second-factor", { code: codes.pop() }), HOME);
      await isSignedIn(visitor);
      assert.deepEqual(errors, []);
    });

    test("whom a provider signs in is refused where no page asks for a code", async () => {
      const { visitor, at } = await withProvider(ourFrontEnd(frontEndOf, BASE_URL, options));

      assert.match(at, /error=AccessDenied/);
      await isNobody(visitor);
    });

    test("a mailed link alone signs nobody in", async () => {
      const visitor = browser();
      await visitor.askForMail(email);

      const { address } = await visitor.visit(mailbox.pop().url);

      assert.match(address, /error=AccessDenied/);
      await isNobody(visitor);
    });

    test("with database sessions neither a provider nor a mailed link signs in", async () => {
      const withSessions = frontEndOf({ ...options, adapter });
      const { visitor } = await withProvider(withSessions);
      const other = new Browser(withSessions);
      await other.askForMail(email);
      await other.visit(mailbox.pop().url);

      for (const each of [visitor, other]) await isNobody(each);
      assert.ok(errors.length >= 2);
    });

    test("whoever has no second factor signs in by a mailed link as before", async () => {
      const [visitor, other] = [browser(), anEmail()];
      for (let times = 0; times < 2; times += 1) {
        await visitor.askForMail(other);
        await visitor.visit(mailbox.pop().url);
        assert.equal((await visitor.session()).user.email, other);
      }
      assert.deepEqual(errors, []);
    });

    test("no logger is shown what a code completes", async () => {
      const credentials = { failure: (error) => { errors.push(error); return failure(error); } };
      const visitor = new Browser(ourFrontEnd(frontEndOf, BASE_URL, { ...options, credentials }));
      await logIn(visitor, email);

      const shown = inspect(errors, { depth: 20, showHidden: true }) + JSON.stringify(errors);

      assert.match(shown, /400 SECOND_FACTOR_REQUIRED/);
      assert.match(visitor.cookies.get(CHALLENGE), /^[0-9a-f]{64}$/);
      assert.ok(!shown.includes(visitor.cookies.get(CHALLENGE)));
    });
  });
}
