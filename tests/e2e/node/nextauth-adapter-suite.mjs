// What our adapter does that the article's does not: paths, secrets and answers it can rely on.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";

import { SECRET, aSession, aToken, aUser, aWord, anAccount, inOneDay, ours } from "./gatepost.js";
import { interrupter } from "./interrupter.js";

const proxy = await interrupter();
after(() => proxy.close());
afterEach(() => { proxy.broken = {}; });

const settings = { url: `${proxy.url}/`, adapterSecret: SECRET };
const { adapter } = ours.gatepost(settings);
const problem = (fields) => ({ type: "application/problem+json", body: JSON.stringify(fields), ...fields });

describe("paths", () => {
  for (const prefix of ["../../", "../", "%2e%2e/%2e%2e/", "..\\..\\", "x/../../../", "/../../", "?", "#", ";"]) {
    test(`an account id or a session token that begins with ${prefix} reaches nobody`, async () => {
      const user = await aUser();
      const id = `${prefix}${user.id}`;

      const found = [
        await adapter.getUserByAccount({ provider: "google", providerAccountId: id }),
        await adapter.getUserByAccount({ provider: id, providerAccountId: id }),
        await adapter.unlinkAccount({ provider: "..", providerAccountId: id }).catch(() => null) ?? null,
        await adapter.getAccount(id, "google"),
        await adapter.getUser(id),
        await adapter.deleteUser(id),
        await adapter.getSessionAndUser(id),
        await adapter.deleteSession(id),
        await adapter.getAuthenticator(id).catch(({ reason }) => reason === "REQUEST_INVALID" ? null : reason),
        ...(await adapter.listAuthenticatorsByUserId(id)),
      ];

      assert.deepEqual(found, Array(9).fill(null));
      assert.equal((await adapter.getUser(user.id)).id, user.id);
    });
  }

  test("an account with such an id is found again, with all that its provider sent", async () => {
    const [user, providerAccountId] = [await aUser(), `../../${aWord()}?a=%2e#b`];
    const account = await anAccount(user, { providerAccountId, access_token: "at", expires_at: 2 ** 33 });

    assert.equal((await adapter.getUserByAccount(account)).id, user.id);
    assert.deepEqual(await adapter.getAccount(providerAccountId, account.provider), account);
  });

  test("an id that no path can carry is refused, and nothing is called", async () => {
    proxy.seen.length = 0;

    for (const providerAccountId of [".", "..", ""]) {
      await assert.rejects(adapter.getUserByAccount({ provider: "google", providerAccountId }), TypeError);
    }

    assert.deepEqual(proxy.seen, []);
  });

  test("no token stands in a path", async () => {
    const [user, sessionToken, token] = [await aUser(), aToken(), aToken()];
    proxy.seen.length = 0;

    await adapter.createSession({ userId: user.id, sessionToken, expires: inOneDay() });
    await adapter.getSessionAndUser(sessionToken);
    await adapter.updateSession({ sessionToken, expires: inOneDay() });
    await adapter.deleteSession(sessionToken);
    await adapter.createVerificationToken({ identifier: "ada", token, expires: inOneDay() });
    await adapter.useVerificationToken({ identifier: "ada", token });

    const routes = proxy.seen.map(({ route }) => route);
    assert.equal(routes.length, 6);
    assert.ok(routes.every((route) => !route.includes(sessionToken) && !route.includes(token)), routes.join());
  });
});

describe("what users are made of", () => {
  test("a provider's own keys fill none of ours", async () => {
    const user = await adapter.createUser({ name: "Ada", email: null, email_verified: "2026-01-01T00:00:00Z", id: "x" });

    const updated = await adapter.updateUser({ id: user.id, image: "https://example.org/a.png", email_verified: true });

    assert.deepEqual(updated, { ...user, image: "https://example.org/a.png" });
    assert.equal(updated.emailVerified, null);
  });

  test("names that look like dates stay texts, and times are dates", async () => {
    const emailVerified = new Date("2026-02-03T04:05:06.789Z");

    const user = await adapter.createUser({ name: "May 2026", email: null, emailVerified });

    assert.deepEqual([user.name, user.emailVerified, user.image], ["May 2026", emailVerified, null]);
  });
});

describe("faults", () => {
  test("a refusal says what it is, and nothing of the request", async () => {
    const [{ sessionToken }, user] = [await aSession(await aUser()), await aUser()];
    const taken = { sessionToken, userId: user.id, expires: inOneDay() };

    await assert.rejects(adapter.createSession(taken), (error) => {
      assert.ok(error instanceof ours.GatepostError);
      assert.deepEqual([error.status, error.reason], [409, "SESSION_TOKEN_TAKEN"]);
      assert.ok(error.requestId);
      assert.equal(error.message, "409 SESSION_TOKEN_TAKEN to POST /adapter/create-session");
      return true;
    });
  });

  test("a wrong secret is a fault, and no miss", async () => {
    const { adapter: stranger } = ours.gatepost({ ...settings, adapterSecret: "wrong" });

    await assert.rejects(stranger.getUser("x"), { status: 401, reason: "ADAPTER_SECRET_INVALID" });
  });

  test("a time to wait is told", async () => {
    proxy.broken = { GET: { ...problem({ status: 429, reason: "THROTTLED" }), headers: { "retry-after": "7" } } };

    await assert.rejects(adapter.getUser("x"), { status: 429, reason: "THROTTLED", retryAfterSeconds: 7 });
  });

  test("no answer in time is a fault", async () => {
    const { adapter: hasty } = ours.gatepost({ ...settings, timeoutMilliseconds: 50 });
    proxy.broken = { GET: { never: true } };

    await assert.rejects(hasty.getUser("x"), { name: "GatepostError", status: 0, reason: "" });
  });

  test("no redirect is followed, which would take the secret elsewhere", async () => {
    proxy.broken = { "GET /adapter/get-user/": { status: 307, headers: { location: `${proxy.url}/elsewhere` } } };
    proxy.seen.length = 0;

    await assert.rejects(adapter.getUser("x"), { status: 0 });

    assert.equal(proxy.seen.length, 1);
  });

  const user = { id: "1", name: null, email: "a@example.org", emailVerified: null, image: null };
  const session = { sessionToken: "t", userId: "1", expires: "2099-01-01T00:00:00Z" };
  const garbage = {
    "an empty body": "", "an array": "[]", "a text": '"x"', "true": "true", "a page's beginning": "<html>", "another thing": "{}",
    "a user alone": JSON.stringify(user), "a session without an end": JSON.stringify({ user, session: { ...session, expires: null } }),
    "a session that ends some day": JSON.stringify({ user, session: { ...session, expires: "some day" } }),
    "a user without id": JSON.stringify({ user: { ...user, id: "" }, session }),
    "a user whose id is a number": JSON.stringify({ user: { ...user, id: 1 }, session }),
  };
  for (const [what, body] of Object.entries(garbage)) {
    test(`${what} is no session`, async () => {
      proxy.broken = { "POST /adapter/get-session": { status: 200, body } };

      await assert.rejects(adapter.getSessionAndUser("t"), { name: "GatepostError", status: 200 });
    });
  }

  const authenticator = {
    credentialID: "AAAA", userId: "1", providerAccountId: "AAAA", credentialPublicKey: "AAAA", counter: 7,
    credentialDeviceType: "singleDevice", credentialBackedUp: false, transports: null,
  };
  const noAuthenticators = {
    "an empty body": "", "another thing": {}, "one without a key": { ...authenticator, credentialPublicKey: "" },
    "one whose counter is a text": { ...authenticator, counter: "7" },
    "one that is backed up some day": { ...authenticator, credentialBackedUp: null }, "a number of transports": { ...authenticator, transports: 2 },
  };
  for (const [what, answer] of Object.entries(noAuthenticators)) {
    test(`${what} is no authenticator, alone or in a list`, async () => {
      const body = answer && JSON.stringify(answer);
      proxy.broken = {
        "GET /adapter/get-authenticator/": { status: 200, body },
        "GET /adapter/list-authenticators/": { status: 200, body: body && `[${body}]` },
        "PATCH /adapter/update-authenticator-counter": { status: 200, body },
      };

      await assert.rejects(adapter.getAuthenticator("AAAA"), { name: "GatepostError", status: 200 });
      await assert.rejects(adapter.listAuthenticatorsByUserId("1"), { name: "GatepostError", status: 200 });
      await assert.rejects(adapter.updateAuthenticatorCounter("AAAA", 8), { name: "GatepostError", status: 200 });
    });
  }

  test("one authenticator is no list of them", async () => {
    proxy.broken = { "GET /adapter/list-authenticators/": { status: 200, body: JSON.stringify(authenticator) } };

    await assert.rejects(adapter.listAuthenticatorsByUserId("1"), { name: "GatepostError", status: 200 });
  });

  test("what says that it is a page is no session, whatever it holds", async () => {
    const body = JSON.stringify({ user, session });
    proxy.broken = { "POST /adapter/get-session": { status: 200, body, type: "text/html" } };

    await assert.rejects(adapter.getSessionAndUser("t"), { name: "GatepostError", status: 200 });
  });

  test("what Next.js would keep is not kept", async () => {
    const [genuine, asked] = [globalThis.fetch, []];
    globalThis.fetch = (url, init) => (asked.push(init.cache), genuine(url, init));

    await adapter.getUser("x").finally(() => { globalThis.fetch = genuine; });

    assert.deepEqual(asked, ["no-store"]);
  });

  test("a setting that is missing is told at the first call, not before", async () => {
    for (const lacking of [{ ...settings, url: undefined }, { ...settings, adapterSecret: "" }]) {
      const { adapter: incomplete } = ours.gatepost(lacking);

      await assert.rejects(incomplete.getUser("x"), { name: "TypeError", message: /is missing$/ });
    }
  });
});

describe("visits", () => {
  const addressed = (value) => new Headers(value === undefined ? {} : { "x-forwarded-for": value });

  for (const [count, header, address] of [
    [1, "192.0.2.1", "192.0.2.1"],
    [1, "6.6.6.6, 192.0.2.1", "192.0.2.1"],
    [2, "6.6.6.6, 192.0.2.1,10.0.0.1", "192.0.2.1"],
    [2, "192.0.2.1", undefined],
    [1, "", undefined],
    [1, undefined, undefined],
  ]) {
    test(`behind ${count} of the proxies the visitor of "${header}" is at ${address}`, () => {
      assert.equal(ours.behindProxies(count)(addressed(header)), address);
    });
  }

  test("no proxies tell no address", () => {
    for (const count of [0, -1, 1.5]) assert.throws(() => ours.behindProxies(count), RangeError);
  });

  test("an answer of the pages router keeps the cookies that it had", () => {
    const headers = { "Set-Cookie": "a=1" };
    const response = { getHeader: (name) => headers[name], setHeader(name, value) { headers[name] = value; } };
    const options = { httpOnly: true, secure: true, sameSite: "lax", path: "/", maxAge: 1 };

    ours.pagesVisit({ headers: {}, cookies: {} }, response).cookies().set("b", "2", options);

    assert.deepEqual(headers["Set-Cookie"], ["a=1", "b=2; Path=/; Max-Age=1; HttpOnly; Secure; SameSite=Lax"]);
  });
});
