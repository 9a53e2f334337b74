// Passkeys through Auth.js's own WebAuthn provider, whose core drives our adapter.
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import WebAuthn from "@auth/core/providers/webauthn";

import { Browser } from "./browser.js";
import { ORIGIN, authJsV5 } from "./front-ends.js";
import { BASE_URL, SECRET, aUser, anEmail, ask, ours } from "./gatepost.js";
import { HOME, PASSWORD, ourFrontEnd, statusBy } from "./our-front-ends.js";
import { SoftwareAuthenticator } from "./software-authenticator.js";

const { adapter } = ours.gatepost({ url: BASE_URL, adapterSecret: SECRET });
const passkeys = WebAuthn({ id: "passkey", formFields: {}, enableConditionalUI: false });
const others = { providers: [passkeys], experimental: { enableWebAuthn: true } };
/** Somebody with a second factor, whose address is verified. */
const person = JSON.parse(process.env.GATEPOST_PERSON);
const idOf = (authenticator) => authenticator.id.toString("base64");

/** What the front end wants signed, for whoever the query names. */
async function optionsFor(visitor, query) {
  const answer = await visitor.visit(`${ORIGIN}/api/auth/webauthn-options/passkey?${new URLSearchParams(query)}`);
  assert.equal(answer.status, 200);
  return (await answer.json()).options;
}

/** Where the browser ends up after it sent what was signed. */
async function send(visitor, action, credential) {
  const { url, address } = await visitor.post("callback/passkey", { action, data: JSON.stringify(credential) });
  return url || address;
}

async function register(visitor, authenticator, query = {}) {
  return send(visitor, "register", authenticator.create(await optionsFor(visitor, { action: "register", ...query })));
}

async function signIn(visitor, authenticator, query = {}) {
  return send(visitor, "authenticate", authenticator.get(await optionsFor(visitor, { action: "authenticate", ...query })));
}

/** The sign-ins at Gatepost of whoever a session is of. */
async function signInsOf({ user, accessToken }) {
  const { text } = await ask("GET", `/auth/${user.id}/sign-ins`, { headers: { authorization: `Bearer ${accessToken}` } });
  return JSON.parse(text).signIns;
}

/** The adapter, where so many wait for each other once they have found their authenticator, with the counter of before. */
function withMeeting(number) {
  let [missing, meet] = [number];
  const met = new Promise((resolve) => { meet = resolve; });
  return {
    ...adapter,
    async getAuthenticator(id) {
      const found = await adapter.getAuthenticator(id);
      if (--missing === 0) meet();
      await met;
      return found;
    },
  };
}

for (const strategy of ["database", "jwt"]) {
  describe(`a passkey, with ${strategy} sessions`, () => {
    const errors = [];
    const frontEnd = authJsV5({ adapter, errors, strategy, others });
    const browser = () => new Browser(frontEnd);
    const isNobody = async (visitor) => assert.deepEqual([visitor.sessionToken, await visitor.session()], [undefined, null]);
    afterEach(() => errors.splice(0));

    /** Somebody who has signed up with a passkey. */
    async function signedUp(options) {
      const [visitor, authenticator, email] = [browser(), new SoftwareAuthenticator(ORIGIN, options), anEmail()];
      assert.equal(await register(visitor, authenticator, { email }), `${ORIGIN}/home`);
      assert.deepEqual(errors, []);
      return { visitor, authenticator, email, user: await adapter.getUserByEmail(email) };
    }

    test("signs somebody up, and in again by a new browser, who says who they are or does not", async () => {
      const { visitor, authenticator, email, user } = await signedUp();
      assert.equal((await visitor.session()).user.email, email);

      for (const query of [{}, { email }]) {
        const other = browser();
        assert.equal(await signIn(other, authenticator, query), `${ORIGIN}/home`);
        assert.equal((await other.session()).user.email, email);
      }

      const [kept, ...more] = await adapter.listAuthenticatorsByUserId(user.id);
      assert.deepEqual(more, []);
      assert.deepEqual([kept.credentialID, kept.counter, kept.transports], [idOf(authenticator), 2, "internal,hybrid"]);
      assert.deepEqual(await adapter.getAuthenticator(idOf(authenticator)), kept);
      assert.deepEqual(errors, []);
    });

    test("is added by whoever is signed in, whose other ones the browser is told of", async () => {
      const { visitor, authenticator, email } = await signedUp();
      const second = new SoftwareAuthenticator(ORIGIN);
      const options = await optionsFor(visitor, { action: "register" });

      await send(visitor, "register", second.create(options));

      assert.deepEqual(options.excludeCredentials.map(({ id }) => id), [authenticator.id.toString("base64url")]);
      const other = browser();
      await signIn(other, second);
      assert.equal((await other.session()).user.email, email);
      assert.deepEqual(errors, []);
    });

    test("does not get a stranger into the user of an address that is taken", async () => {
      const { email } = await aUser();
      const stranger = browser();

      const answer = await stranger.visit(`${ORIGIN}/api/auth/webauthn-options/passkey?${new URLSearchParams({ action: "register", email })}`);

      assert.equal(answer.status, 400);
      await isNobody(stranger);
    });

    test("that does not count its signatures signs in again and again", async () => {
      const { authenticator, email } = await signedUp({ counts: false });

      for (let times = 0; times < 2; times += 1) {
        const visitor = browser();
        await signIn(visitor, authenticator);
        assert.equal((await visitor.session()).user.email, email);
      }
      assert.deepEqual(errors, []);
    });

    test("of a copy that was used less often signs nobody in", async () => {
      const { authenticator } = await signedUp();
      const copy = authenticator.copy();
      await signIn(browser(), authenticator);
      const thief = browser();

      assert.match(await signIn(thief, copy), /error=/);

      await isNobody(thief);
    });

    test("and its copy, at the same moment with one counter, sign one in", async () => {
      const { authenticator } = await signedUp();
      const meeting = authJsV5({ adapter: withMeeting(2), errors, strategy, others });
      const both = [authenticator, authenticator.copy()].map((each) => [new Browser(meeting), each]);
      const signed = await Promise.all(both.map(async ([visitor, one]) => one.get(await optionsFor(visitor, { action: "authenticate" }))));

      await Promise.all(both.map(([visitor], index) => send(visitor, "authenticate", signed[index])));

      assert.equal(both.filter(([visitor]) => visitor.sessionToken).length, 1);
      assert.equal(errors[0][1].cause.err.reason, "AUTHENTICATOR_COUNTER_REGRESSED");
    });

    test("whose id a stranger gives one of theirs signs nobody in but its owner", async () => {
      const { authenticator, email } = await signedUp();
      const [stranger, owner, forged] = [browser(), browser(), new SoftwareAuthenticator(ORIGIN, authenticator)];

      assert.match(await register(stranger, forged, { email: anEmail() }), /error=/);
      assert.match(await signIn(stranger, forged), /error=/);

      await isNobody(stranger);
      await signIn(owner, authenticator);
      assert.equal((await owner.session()).user.email, email);
    });

    test("that nobody has registered, or that was unlinked, signs nobody in", async () => {
      const [{ authenticator: unlinked, user }, stranger] = [await signedUp(), new SoftwareAuthenticator(ORIGIN)];
      stranger.create({ challenge: "AAAA", rp: { id: "front.example" } });
      await adapter.unlinkAccount({ provider: "passkey", providerAccountId: idOf(unlinked) });

      for (const authenticator of [stranger, unlinked]) {
        const visitor = browser();
        assert.match(await signIn(visitor, authenticator), /error=/);
        await isNobody(visitor);
      }
      assert.deepEqual(await adapter.listAuthenticatorsByUserId(user.id), []);
    });
  });
}

describe("a passkey, with our callbacks", () => {
  const errors = [];
  const frontEnd = ourFrontEnd(authJsV5, BASE_URL, { errors, others, callbacks: { codePage: "/sign-in/code" } });
  const form = { email: person.email, password: PASSWORD };
  afterEach(() => errors.splice(0));

  test("brings an access token, at once and later", async () => {
    const [visitor, other, authenticator] = [new Browser(frontEnd), new Browser(frontEnd), new SoftwareAuthenticator(ORIGIN)];

    await register(visitor, authenticator, { email: anEmail() });
    await signIn(other, authenticator);

    for (const { accessToken, user } of [await visitor.session(), await other.session()]) {
      assert.equal(await statusBy(accessToken, user), 200);
    }
    assert.equal((await signInsOf(await other.session())).length, 2);
    assert.deepEqual(errors, []);
  });

  test("whose id a stranger gives one of theirs begins no sign-in of its owner's, also once it was removed", async () => {
    const [owner, stranger, authenticator] = [new Browser(frontEnd), new Browser(frontEnd), new SoftwareAuthenticator(ORIGIN)];
    const forged = new SoftwareAuthenticator(ORIGIN, authenticator);
    await register(owner, authenticator, { email: anEmail() });
    forged.id = authenticator.id;
    const { user, accessToken } = await owner.session();
    const headers = { authorization: `Bearer ${accessToken}` };

    assert.match(await register(stranger, forged, { email: anEmail() }), /error=AccessDenied/);
    assert.equal(stranger.sessionToken, undefined);
    assert.equal((await signInsOf({ user, accessToken })).length, 1);

    const path = `/auth/passkeys/${forged.id.toString("base64url")}/delete`;
    assert.equal((await ask("POST", path, { headers, body: {} })).status, 200);
    await register(stranger, forged, { email: anEmail() });
    assert.notEqual((await stranger.session()).user.id, user.id);
  });

  test("of somebody with a second factor signs in together with a code, and not before", async () => {
    const [visitor, other, authenticator] = [new Browser(frontEnd), new Browser(frontEnd), new SoftwareAuthenticator(ORIGIN)];
    await visitor.post("callback/credentials", { ...form, code: person.codes.pop() });
    const { user, accessToken } = await visitor.session();
    // What is linked meanwhile asks for the second factor as well, and leaves the session as it was.
    assert.match(await register(visitor, authenticator), /error=Configuration/);
    assert.equal((await visitor.session()).accessToken, accessToken);
    assert.equal((await adapter.listAuthenticatorsByUserId(user.id)).length, 1);

    assert.match(await signIn(other, authenticator), /error=AccessDenied/);
    assert.deepEqual([other.sessionToken, await other.session()], [undefined, null]);
    const { url } = await other.post("callback/second-factor", { code: person.codes.pop() });

    assert.equal(url, HOME);
    assert.equal((await other.session()).user.id, user.id);
  });
});

describe("the adapter's authenticators", () => {
  test("are none where nothing is asked for", async () => {
    assert.equal(await adapter.getAuthenticator(""), null);
    assert.deepEqual(await adapter.listAuthenticatorsByUserId(""), []);
    assert.deepEqual(await adapter.listAuthenticatorsByUserId("nobody"), []);
  });

  test("are refused with Gatepost's own words", async () => {
    const reasonOf = (call) => call.then(() => "none", ({ reason }) => reason);
    const user = await aUser();
    const authenticator = {
      credentialID: "+/v7+/w=", userId: user.id, providerAccountId: "+/v7+/w=", credentialPublicKey: "AAAA", counter: 7,
      credentialDeviceType: "multiDevice", credentialBackedUp: true, transports: null,
    };

    assert.deepEqual(await adapter.createAuthenticator(authenticator), authenticator);
    assert.deepEqual(await adapter.updateAuthenticatorCounter("+/v7+/w=", 8), { ...authenticator, counter: 8 });
    assert.equal(await reasonOf(adapter.createAuthenticator(authenticator)), "AUTHENTICATOR_TAKEN");
    assert.equal(await reasonOf(adapter.updateAuthenticatorCounter("+/v7+/w=", 8)), "AUTHENTICATOR_COUNTER_REGRESSED");
    assert.equal(await reasonOf(adapter.updateAuthenticatorCounter("AAAA", 8)), "AUTHENTICATOR_NOT_FOUND");
    assert.equal((await ask("GET", "/adapter/get-authenticator/+/v7+/w=")).status, 200);
  });
});
