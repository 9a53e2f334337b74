// Sessions and verification tokens as NextAuth's cores rely on them, through the article's adapter.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";

import {
  NOTHING, aMinuteAgo, aSession, aToken, aUser, aVerificationToken, adapter, anEmail, ask, inOneDay, isRefusedWith, ours, settled,
} from "./gatepost.js";

describe("sessions", () => {
  test("a session comes back with its user and its exact end", async () => {
    const user = await aUser();
    const expires = new Date("2099-12-31T23:59:59.987Z");

    const session = await aSession(user, { expires });
    const found = await adapter.getSessionAndUser(session.sessionToken);

    assert.deepEqual(session.expires, expires);
    assert.deepEqual(found, { session, user });
    const keys = ["expires", ...(ours ? [] : ["id"]), "sessionToken", "userId"];
    assert.deepEqual(Object.keys(session).sort(), keys);
  });

  test("an expired session is absent", async () => {
    const session = await aSession(await aUser(), { expires: aMinuteAgo() });

    assert.equal(await adapter.getSessionAndUser(session.sessionToken), null);
    assert.deepEqual(await ask("GET", `/adapter/get-session/${session.sessionToken}`), NOTHING);
  });

  test("a session expires while nobody looks", async () => {
    const session = await aSession(await aUser());

    const before = await adapter.getSessionAndUser(session.sessionToken);
    await adapter.updateSession({ ...session, expires: new Date(Date.now() + 150) });
    await new Promise((resolve) => setTimeout(resolve, 160));

    assert.notEqual(before, null);
    assert.equal(await adapter.getSessionAndUser(session.sessionToken), null);
  });

  test("a taken token is 409, an unknown user 404", async () => {
    const user = await aUser();
    const { sessionToken } = await aSession(user);

    await assert.rejects(aSession(user, { sessionToken }), isRefusedWith(409));
    await assert.rejects(aSession({ id: randomUUID() }), isRefusedWith(404));
    await assert.rejects(aSession({ id: "not-a-uuid" }), isRefusedWith(404));
  });

  test("an update moves the end and leaves the user", async () => {
    const session = await aSession(await aUser());
    const expires = new Date("2098-01-02T03:04:05.006Z");

    const updated = await adapter.updateSession({ sessionToken: session.sessionToken, expires });

    assert.deepEqual(updated, { ...session, expires });
    assert.deepEqual((await adapter.getSessionAndUser(session.sessionToken)).session, updated);
  });

  test("an update may move a session to another user", async () => {
    const [one, two] = [await aUser(), await aUser()];
    const { sessionToken } = await aSession(one);

    await adapter.updateSession({ sessionToken, userId: two.id });

    assert.deepEqual((await adapter.getSessionAndUser(sessionToken)).user, two);
  });

  test("an update revives neither a deleted nor an expired session", async () => {
    const user = await aUser();
    const [deleted, expired] = [await aSession(user), await aSession(user, { expires: aMinuteAgo() })];
    await adapter.deleteSession(deleted.sessionToken);

    for (const { sessionToken } of [deleted, expired]) {
      assert.equal(await adapter.updateSession({ sessionToken, expires: inOneDay() }), null);
      assert.equal(await adapter.getSessionAndUser(sessionToken), null);
    }
  });

  test("a deleted session answers as it was, then null", async () => {
    const session = await aSession(await aUser());

    assert.deepEqual(await adapter.deleteSession(session.sessionToken), session);
    assert.equal(await adapter.getSessionAndUser(session.sessionToken), null);
    assert.equal(await adapter.deleteSession(session.sessionToken), null);
  });

  test("a session deleted by twenty at once is answered to one and null to the others", async () => {
    const { sessionToken } = await aSession(await aUser());

    const { values, refusals } = await settled(Array.from({ length: 20 }, () => adapter.deleteSession(sessionToken)));

    assert.deepEqual(refusals, []);
    assert.equal(values.filter((value) => value !== null).length, 1);
  });

  test("a session whose deletion and renewal race never outlives the deletion", async () => {
    const sessions = await Promise.all(Array.from({ length: 10 }, async () => aSession(await aUser())));

    await Promise.all(sessions.flatMap(({ sessionToken }) => [
      adapter.updateSession({ sessionToken, expires: inOneDay() }),
      adapter.deleteSession(sessionToken),
      adapter.updateSession({ sessionToken, expires: inOneDay() }),
    ]));

    const left = await Promise.all(sessions.map(({ sessionToken }) => adapter.getSessionAndUser(sessionToken)));
    assert.deepEqual(left, Array(10).fill(null));
  });

  test("the twins that take the token in the body find and delete", async () => {
    const { sessionToken } = await aSession(await aUser());

    const found = await ask("POST", "/adapter/get-session", { body: { sessionToken } });
    const deleted = await ask("POST", "/adapter/delete-session", { body: { sessionToken } });

    assert.equal(JSON.parse(found.text).session.sessionToken, sessionToken);
    assert.equal(JSON.parse(deleted.text).sessionToken, sessionToken);
    assert.deepEqual(await ask("POST", "/adapter/get-session", { body: { sessionToken } }), NOTHING);
  });
});

describe("verification tokens", () => {
  test("a verification token has three keys and comes back once", async () => {
    const expires = new Date("2099-01-01T00:00:00.001Z");
    const created = await aVerificationToken({ expires });
    const { identifier, token } = created;

    const used = await adapter.useVerificationToken({ identifier, token });
    const again = await adapter.useVerificationToken({ identifier, token });

    assert.deepEqual(Object.keys(created).sort(), ["expires", "identifier", "token"]);
    assert.deepEqual(used, { identifier, token, expires });
    assert.equal(again, null);
  });

  test("of fifty that use a token at once exactly one gets it", async () => {
    const { identifier, token } = await aVerificationToken();

    const { values, refusals } = await settled(
      Array.from({ length: 50 }, () => adapter.useVerificationToken({ identifier, token })),
    );

    assert.deepEqual(refusals, []);
    assert.equal(values.filter((value) => value !== null).length, 1);
  });

  test("a wrong identifier burns nothing", async () => {
    const { identifier, token } = await aVerificationToken();

    const wrong = await adapter.useVerificationToken({ identifier: anEmail(), token });
    const right = await adapter.useVerificationToken({ identifier, token });

    assert.equal(wrong, null);
    assert.equal(right.token, token);
  });

  test("an expired token is absent and gone", async () => {
    const { identifier, token } = await aVerificationToken({ expires: aMinuteAgo() });

    assert.equal(await adapter.useVerificationToken({ identifier, token }), null);

    await aVerificationToken({ identifier, token });
    assert.equal((await adapter.useVerificationToken({ identifier, token })).token, token);
  });

  test("an identifier may have several tokens and need be no email", async () => {
    const identifier = "+49 30 901820 / <desk>";
    const tokens = [aToken(), aToken()];
    for (const token of tokens) await aVerificationToken({ identifier, token });

    const used = await Promise.all(tokens.map((token) => adapter.useVerificationToken({ identifier, token })));

    assert.deepEqual(used.map(({ token }) => token), tokens);
  });

  test("a token that is kept already is refused", async () => {
    const { identifier, token } = await aVerificationToken();

    await assert.rejects(aVerificationToken({ identifier, token }), isRefusedWith(409));
  });
});
