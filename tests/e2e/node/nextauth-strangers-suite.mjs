// Strangers who guess, and what Gatepost is told of visitors, through the real cores with our package.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { CredentialsSignin } from "@auth/core/errors";

import { Browser } from "./browser.js";
import { BASE_URL, SECRET, ask, ours } from "./gatepost.js";
import { CORES, HOME, logIn, ourFrontEnd, registered, visitorOf, withVisitOf } from "./our-front-ends.js";

const TRIES = Number(process.env.GATEPOST_TRIES);
// Of each core, somebody who was mailed a link: the address, and the link's token.
const FORGETFUL = JSON.parse(process.env.GATEPOST_FORGETFUL);
const NEW_PASSWORD = "staple of another horse";

class LoginFailed extends CredentialsSignin {
  constructor(error) {
    super();
    this.code = error.reason;
  }
}

for (const [core, frontEndOf] of CORES) {
  describe(core, () => {
    const errors = [];
    const isV4 = core === "NextAuth v4";
    const frontEnd = ourFrontEnd(frontEndOf, BASE_URL, {
      errors,
      settings: { visitorAddress: ours.behindProxies(1) },
      credentials: isV4 ? {} : { failure: (error) => new LoginFailed(error) },
    });
    const backend = ours.gatepost({ url: BASE_URL, adapterSecret: SECRET, visitorAddress: ours.behindProxies(1) });
    const toldToWait = isV4 ? /error=THROTTLED/ : /error=CredentialsSignin&code=THROTTLED/;

    let bystander;
    before(async () => { bystander = await registered(); });

    test("a known browser still logs in while strangers have used up the account's tries", async () => {
      const email = await registered();
      const known = await visitorOf(frontEnd, email);
      const knownToAnother = await visitorOf(frontEnd, bystander);
      await known.signOut();

      const guesses = [];
      for (let guess = 0; guess <= TRIES; guess += 1) guesses.push(await logIn(new Browser(frontEnd), email, "a guess"));
      const newcomer = await logIn(new Browser(frontEnd), email);
      const neighbour = await logIn(knownToAnother, email);
      const back = await logIn(known, email);

      assert.ok(guesses.slice(0, TRIES).every((address) => /error=CredentialsSignin(&code=credentials)?$/.test(address)), guesses.join());
      assert.match(guesses[TRIES], toldToWait);
      assert.match(newcomer, toldToWait);
      assert.match(neighbour, toldToWait);
      assert.equal(back, HOME);
      assert.equal((await known.session()).user.email, email);
    });

    test("a known browser still gets a link while strangers ask for links", async () => {
      const [email, headers] = [bystander, { "x-forwarded-for": isV4 ? "198.51.100.1" : "203.0.113.1" }];
      const [known, stranger] = [await visitorOf(frontEnd, email), new Browser(frontEnd)];
      const ask = (visitor) => withVisitOf(Object.assign(visitor, { headers }), (visit) => backend.forgotPassword(visit, email));

      const outcomes = [];
      for (let times = 0; times < 6; times += 1) outcomes.push(await ask(stranger).catch(({ reason }) => reason));

      assert.deepEqual([outcomes[0], outcomes[5]], [undefined, "THROTTLED"]);
      await ask(known);
    });

    test("a sign-in shows the visitor's address and agent, whatever they say of themselves", async () => {
      const visitor = new Browser(frontEnd);
      visitor.headers = { "x-forwarded-for": "192.0.2.99, 203.0.113.7", "user-agent": "Mozilla/5.0 (X11; Linux x86_64)" };
      await logIn(visitor, bystander);

      const { user, accessToken } = await visitor.session();

      const headers = { authorization: `Bearer ${accessToken}` };
      const [signIn] = JSON.parse((await ask("GET", `/auth/${user.id}/sign-ins`, { headers })).text).signIns;
      assert.deepEqual([signIn.address, signIn.device], ["203.0.113.7", "Mozilla/5.0 (X11; Linux x86_64)"]);
    });

    test("a browser that resets the password is known, too", async () => {
      const [email, token] = FORGETFUL.pop();
      const visitor = new Browser(frontEnd);
      const reset = (newPassword) => withVisitOf(visitor, (visit) => backend.resetPassword(visit, { token, newPassword }));

      const refused = await reset("password").catch((error) => error);
      await reset(NEW_PASSWORD);
      for (let guess = 0; guess < TRIES; guess += 1) await logIn(new Browser(frontEnd), email, "a guess");

      assert.deepEqual([refused.reason, refused.rule], ["PASSWORD_REFUSED", "common"]);
      assert.match(await logIn(new Browser(frontEnd), email, NEW_PASSWORD), toldToWait);
      assert.equal(await logIn(visitor, email, NEW_PASSWORD), HOME);
    });
  });
}
