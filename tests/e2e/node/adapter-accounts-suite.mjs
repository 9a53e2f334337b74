// Accounts as NextAuth's cores rely on them, through the article's adapter.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";

import { aUser, aWord, adapter, anAccount, asWritten, ask, isRefusedWith, settled } from "./gatepost.js";

const LONG = "t".repeat(12_000);

/** The account as it stands on the wire: the client's format() would turn some values into dates. */
async function onTheWire({ provider, providerAccountId }) {
  return JSON.parse((await ask("GET", `/adapter/get-account/${provider}/${providerAccountId}`)).text);
}

/** The keys that have a value. */
function given(account) {
  return Object.fromEntries(Object.entries(account).filter(([, value]) => value !== null));
}

describe("accounts", () => {
  test("a linked account comes back whole, with all that the provider sent", async () => {
    const user = await aUser();
    const account = {
      userId: user.id,
      type: "oidc",
      provider: "keycloak",
      providerAccountId: aWord(),
      access_token: LONG,
      refresh_token: `r${LONG}`,
      id_token: `i${LONG}`,
      expires_at: 4_102_444_800,
      token_type: "Bearer",
      scope: "openid profile email",
      session_state: randomUUID(),
      // What providers add, with names and kinds of their own.
      user_id: "the provider's, not ours",
      "not-before-policy": 0,
      refresh_expires_in: 1800.5,
      ext: { deep: [1, "two", null, { three: true }] },
      ok: false,
      empty: "",
    };

    const linked = await ask("POST", "/adapter/link-account", { body: account });

    assert.equal(linked.status, 200);
    assert.deepEqual(given(JSON.parse(linked.text)), account);
    assert.deepEqual(given(await onTheWire(account)), account);
  });

  test("expires_at is a number, also beyond 2^31", async () => {
    const account = await anAccount(await aUser(), { expires_at: 2 ** 33 });

    const linked = await adapter.linkAccount(account);

    assert.equal(linked.expires_at, 8_589_934_592);
    assert.equal((await onTheWire(account)).expires_at, 8_589_934_592);
  });

  test("a provider's key that bears a field's other spelling fills no field", async () => {
    const [owner, other] = [await aUser(), await aUser()];

    const account = await anAccount(owner, { user_id: other.id, provider_account_id: "x", accessToken: "y" });

    assert.equal((await adapter.getUserByAccount(account)).id, owner.id);
    assert.equal(await adapter.getUserByAccount({ provider: "google", providerAccountId: "x" }), null);
    const { user_id, provider_account_id, accessToken, access_token } = await onTheWire(account);
    assert.deepEqual([user_id, provider_account_id, accessToken, access_token], [other.id, "x", "y", null]);
  });

  for (const id of [
    "a/b/c", "auth0|5f7c8ec7", "urn:example:ada", "https://steamcommunity.com/openid/id/76561197960435530",
    "with space", "per%25cent", "plus+plus", "ümläut", "{braces}", "a//b", "a/", "get-user", "semi;colon", "at@sign", "a&b=c",
  ]) {
    test(`the provider's id ${id} is found and unlinked`, async () => {
      const user = await aUser();
      const account = await anAccount(user, { provider: aWord(), providerAccountId: id });
      // The client's paths are not encoded, so a percent sign must be encoded by whoever means one.
      const named = { ...account, providerAccountId: asWritten(id) };

      const found = await adapter.getUserByAccount(named);
      const unlinked = await adapter.unlinkAccount(named);

      assert.deepEqual(found, user);
      assert.equal(unlinked.providerAccountId, id);
      assert.equal(await adapter.getUserByAccount(named), null);
      assert.deepEqual(await adapter.getUser(user.id), user);
    });
  }

  test("unlinking answers the account as it was", async () => {
    const account = await anAccount(await aUser(), { access_token: "at", expires_at: 1_900_000_000, extra: "kept" });

    const unlinked = await adapter.unlinkAccount(account);

    assert.deepEqual(unlinked, account);
  });

  test("linking again replaces the same user's account", async () => {
    const account = await anAccount(await aUser(), { access_token: "old", refresh_token: "gone", extra: "gone" });
    const { refresh_token: _, extra: __, ...renewed } = { ...account, access_token: "new" };

    await adapter.linkAccount(renewed);

    assert.deepEqual(given(await onTheWire(account)), renewed);
  });

  test("an account of another user is refused and stays", async () => {
    const [owner, thief] = [await aUser(), await aUser()];
    const account = await anAccount(owner, { access_token: "owner's" });

    await assert.rejects(anAccount(thief, { ...account, userId: thief.id, access_token: "thief's" }), isRefusedWith(409));

    assert.equal((await adapter.getUserByAccount(account)).id, owner.id);
    assert.equal((await onTheWire(account)).access_token, "owner's");
  });

  test("of twenty users that link one account at once exactly one gets it", async () => {
    const users = await Promise.all(Array.from({ length: 20 }, () => aUser()));
    const providerAccountId = aWord();

    const { values, refusals } = await settled(users.map((user) => anAccount(user, { providerAccountId })));

    assert.equal(values.length, 1);
    assert.deepEqual(refusals, Array(19).fill(409));
    assert.equal((await adapter.getUserByAccount(values[0])).id, values[0].userId);
  });

  test("an account of nobody is refused", async () => {
    for (const id of [randomUUID(), "not-a-uuid"]) {
      await assert.rejects(anAccount({ id }), isRefusedWith(404));
    }
  });

  test("one user may have several accounts, also at one provider", async () => {
    const user = await aUser();

    const accounts = [await anAccount(user), await anAccount(user), await anAccount(user, { provider: "github" })];

    const owners = await Promise.all(accounts.map(adapter.getUserByAccount));
    assert.deepEqual(owners, [user, user, user]);
  });
});
