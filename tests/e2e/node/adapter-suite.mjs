// Users and accounts as NextAuth's cores rely on them, through the article's adapter.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";

import {
  NOTHING, aSession, aUser, aWord, adapter, anAccount, anEmail, asWritten, ask, isRefusedWith, settled,
} from "./gatepost.js";

describe("users", () => {
  test("a created user answers exactly what the adapter knows of users", async () => {
    const email = anEmail();
    const emailVerified = new Date("2026-02-03T04:05:06.789Z");

    const user = await adapter.createUser({ name: "Ada", email, image: "https://example.org/a.png", emailVerified });

    const { id, ...rest } = user;
    assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.deepEqual(rest, { name: "Ada", email, image: "https://example.org/a.png", emailVerified });
  });

  test("on the wire a user has five keys, null where there is no value", async () => {
    const { text } = await ask("POST", "/adapter/signup", { body: { email: anEmail() } });

    const user = JSON.parse(text);
    assert.deepEqual(Object.keys(user).sort(), ["email", "emailVerified", "id", "image", "name"]);
    assert.deepEqual([user.name, user.emailVerified, user.image], [null, null, null]);
  });

  test("an id of the caller's own is ignored", async () => {
    const id = randomUUID();

    const user = await aUser({ id });

    assert.notEqual(user.id, id);
    assert.equal(await adapter.getUser(id), null);
  });

  test("what else a provider's profile holds is ignored", async () => {
    const user = await aUser({ locale: "en", password: "x", role: "operator", groups: ["a"], address: { city: "b" } });

    assert.deepEqual(await adapter.getUser(user.id), user);
    assert.deepEqual(Object.keys(user).sort(), ["email", "id", "name"]);
  });

  test("many users may have no email, none an empty one", async () => {
    const [one, two] = [await aUser({ email: undefined }), await aUser({ email: null })];

    assert.notEqual(one.id, two.id);
    await assert.rejects(aUser({ email: "" }), isRefusedWith(400));
  });

  test("a user is found by id, by email in any case and by account", async () => {
    const user = await aUser();
    const account = await anAccount(user);

    const found = [
      await adapter.getUser(user.id),
      await adapter.getUserByEmail(user.email),
      await adapter.getUserByEmail(user.email.toUpperCase()),
      await adapter.getUserByAccount(account),
    ];

    assert.deepEqual(found, [user, user, user, user]);
  });

  test("both sets of paths find a user", async () => {
    const user = await aUser();

    const answers = await Promise.all([
      ask("GET", `/adapter/${user.id}`),
      ask("GET", `/adapter/get-user/${user.id}`),
      ask("GET", `/adapter/get-user-by-email?email=${user.email}`),
      ask("GET", `/adapter/get-user-by-email/?email=${user.email}`),
    ]);

    assert.deepEqual(answers.map(({ status, text }) => [status, JSON.parse(text).id]), Array(4).fill([200, user.id]));
  });

  for (const local of ["plus+tag", "dot.dash-under_score", "o'brien", "per%25cent", "müller", "eq=ual", "two++plus"]) {
    test(`the address ${local}@... is found as the client writes it`, async () => {
      const email = `${aWord()}${local}@example.org`;
      const user = await aUser({ email });

      const found = await adapter.getUserByEmail(asWritten(email));

      assert.equal(user.email, email);
      assert.deepEqual(found, user);
    });
  }

  test("a percent-encoded plus is a plus as well", async () => {
    const email = `${aWord()}+tag@example.org`;
    const user = await aUser({ email });

    const { text } = await ask("GET", `/adapter/get-user-by-email?email=${encodeURIComponent(email)}`);

    assert.equal(JSON.parse(text).id, user.id);
  });

  test("ids are never taken for dates by the client", async () => {
    const users = await Promise.all(Array.from({ length: 50 }, () => aUser()));

    assert.ok(users.every(({ id }) => typeof id === "string"));
  });

  test("a taken email is refused, in any case", async () => {
    const { email } = await aUser();

    await assert.rejects(aUser({ email: email.toUpperCase() }), isRefusedWith(409));
  });

  test("of twenty that create one user at once exactly one wins", async () => {
    const email = anEmail();

    const { values, refusals } = await settled(Array.from({ length: 20 }, () => aUser({ email })));

    assert.equal(values.length, 1);
    assert.deepEqual(refusals, Array(19).fill(409));
    assert.deepEqual(await adapter.getUserByEmail(email), values[0]);
  });

  test("an update by PATCH changes the fields given and no other", async () => {
    const user = await aUser({ image: "https://example.org/a.png" });
    const emailVerified = new Date("2026-02-03T04:05:06.007Z");

    const updated = await adapter.updateUser({ id: user.id, emailVerified });

    assert.deepEqual(updated, { ...user, emailVerified });
    assert.deepEqual(await adapter.getUser(user.id), updated);
  });

  test("null in an update clears the field", async () => {
    const user = await aUser({ image: "https://example.org/a.png", emailVerified: new Date() });

    const updated = await adapter.updateUser({ id: user.id, image: null, emailVerified: null });

    assert.deepEqual(updated, { id: user.id, name: user.name, email: user.email });
  });

  test("an update by the server's path does the same", async () => {
    const user = await aUser();

    const { status, text } = await ask("POST", "/adapter/update-user", { body: { id: user.id, name: "Grace" } });

    assert.deepEqual([status, JSON.parse(text).name, JSON.parse(text).email], [200, "Grace", user.email]);
  });

  test("an update of nobody is 404, of a taken email 409", async () => {
    const [one, two] = [await aUser(), await aUser()];

    await assert.rejects(adapter.updateUser({ id: randomUUID(), name: "X" }), isRefusedWith(404));
    await assert.rejects(adapter.updateUser({ id: "no-uuid", name: "X" }), isRefusedWith(404));
    await assert.rejects(adapter.updateUser({ id: one.id, email: two.email }), isRefusedWith(409));
  });

  test("a deleted user takes sessions and accounts along", async () => {
    const user = await aUser();
    const account = await anAccount(user);
    const { sessionToken } = await aSession(user);

    const deleted = await adapter.deleteUser(user.id);

    assert.deepEqual(deleted, user);
    assert.equal(await adapter.getUser(user.id), null);
    assert.equal(await adapter.getUserByEmail(user.email), null);
    assert.equal(await adapter.getUserByAccount(account), null);
    assert.equal(await adapter.getSessionAndUser(sessionToken), null);
    assert.equal(await adapter.deleteUser(user.id), null);
  });

  test("the account and the email of a deleted user are free again", async () => {
    const user = await aUser();
    const account = await anAccount(user);
    await adapter.deleteUser(user.id);

    const again = await aUser({ email: user.email });
    await adapter.linkAccount({ ...account, userId: again.id });

    assert.deepEqual(await adapter.getUserByAccount(account), again);
  });
});

describe("what is absent", () => {
  const misses = [
    ["GET", `/adapter/${randomUUID()}`],
    ["GET", "/adapter/not-a-uuid"],
    ["GET", "/adapter/42"],
    ["GET", "/adapter/%00"],
    ["GET", `/adapter/${"x".repeat(2000)}`],
    ["GET", `/adapter/get-user/${randomUUID()}`],
    ["GET", "/adapter/get-user/not-a-uuid"],
    ["GET", "/adapter/get-user-by-email?email=nobody@example.org"],
    ["GET", "/adapter/get-user-by-email/?email=non-existent-email"],
    ["GET", "/adapter/get-user-by-email?email="],
    ["GET", "/adapter/get-user-by-account/nowhere/nobody"],
    ["GET", "/adapter/get-user-by-account/nowhere/https://example.org/a/b"],
    ["GET", "/adapter/get-account/nowhere/nobody"],
    ["GET", "/adapter/get-session/no-such-session"],
    ["DELETE", `/adapter/${randomUUID()}`],
    ["DELETE", "/adapter/not-a-uuid"],
    ["DELETE", "/adapter/delete-user/not-a-uuid"],
    ["DELETE", "/adapter/unlink-account/nowhere/nobody"],
    ["DELETE", "/adapter/delete-session/no-such-session"],
    ["PATCH", "/adapter/update-session", { sessionToken: "no-such-session", expires: new Date() }],
    ["PATCH", "/adapter/use-verification-token", { identifier: "nobody", token: "none" }],
  ];
  for (const [method, path, body] of misses) {
    test(`${method} ${path.slice(0, 80)} answers null`, async () => {
      assert.deepEqual(await ask(method, path, { body }), NOTHING);
    });
  }

  test("the client reads null from every method that looks something up", async () => {
    const account = { provider: "nowhere", providerAccountId: "nobody" };

    const answers = await Promise.all([
      adapter.getUser("not-a-uuid"),
      adapter.getUserByEmail("non-existent-email"),
      adapter.getUserByAccount(account),
      adapter.deleteUser("not-a-uuid"),
      adapter.unlinkAccount(account),
      adapter.getSessionAndUser("none"),
      adapter.updateSession({ sessionToken: "none", expires: new Date() }),
      adapter.deleteSession("none"),
      adapter.useVerificationToken({ identifier: "nobody", token: "none" }),
    ]);

    assert.deepEqual(answers, Array(answers.length).fill(null));
  });

  test("without the right secret every route is 401", async () => {
    for (const headers of [{ "x-auth-secret": "wrong" }, { "x-auth-secret": "" }]) {
      for (const [method, path, body] of misses) {
        const { status, type } = await ask(method, path, { body, headers });

        assert.deepEqual([status, type], [401, "application/problem+json"], `${method} ${path}`);
      }
    }
  });
});
