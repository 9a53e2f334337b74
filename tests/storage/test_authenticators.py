"""Authenticators are kept once, twenty a user, and their counters only grow."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from auth_server.domain.authenticator_errors import AuthenticatorTakenError
from auth_server.domain.authenticators import MOST_AUTHENTICATORS, Authenticator
from auth_server.domain.errors import UserNotFoundError
from auth_server.domain.ids import new_id
from auth_server.domain.users import NewUser
from auth_server.storage import authenticators, emails, users

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)


@pytest.fixture
async def ann(db):
    """The id of a user."""
    user_id = new_id()
    await users.register(db, user_id, NewUser("Ann", "ann@example.org", "a hash", {}, None), NOW)
    return user_id


@pytest.fixture
def an_authenticator(ann):
    """Makes an authenticator of the user's, which is not kept yet."""

    def make(credential_id=b"credential", counter=0):
        return Authenticator(
            credential_id=credential_id,
            user_id=ann,
            provider_account_id="account",
            public_key=b"key",
            counter=counter,
            device_type="singleDevice",
            backed_up=False,
            transports=("usb", "nfc"),
            name=None,
            created_at=NOW,
            last_used_at=None,
        )

    return make


async def test_an_authenticator_comes_back_as_it_was_kept(db, ann, an_authenticator):
    made = an_authenticator(bytes(range(256)) * 3, 2**32 - 1)

    assert await authenticators.create(db, made)

    assert await authenticators.find(db, made.credential_id) == made
    assert await authenticators.of_user(db, ann) == [made]


async def test_a_credential_is_kept_once(db, an_authenticator):
    await authenticators.create(db, an_authenticator())

    with pytest.raises(AuthenticatorTakenError):
        await authenticators.create(db, an_authenticator())


async def test_nobody_has_an_authenticator_without_being_a_user(db, an_authenticator):
    with pytest.raises(UserNotFoundError):
        await authenticators.create(db, replace(an_authenticator(), user_id=new_id()))


async def test_of_many_at_once_a_user_keeps_twenty(db, ann, an_authenticator):
    async def add(number):
        async def work(db):
            await emails.hold(db, ann)
            return await authenticators.create(db, an_authenticator(number.to_bytes(2)))

        return await db.transaction(work)

    kept = await asyncio.gather(*(add(number) for number in range(MOST_AUTHENTICATORS + 5)))

    assert sum(kept) == len(await authenticators.of_user(db, ann)) == MOST_AUTHENTICATORS


@pytest.mark.requirement(32)
@pytest.mark.parametrize(
    ("before", "counter", "taken"),
    [(0, 0, True), (0, 1, True), (7, 8, True), (7, 2**32 - 1, True), (7, 7, False), (7, 6, False), (7, 0, False)],
)
async def test_a_counter_only_grows(db, an_authenticator, before, counter, taken):
    made = an_authenticator(counter=before)
    await authenticators.create(db, made)

    advanced = await authenticators.advance(db, made.credential_id, counter, LATER, is_passkey=False, backed_up=True)

    grown = replace(made, counter=counter, last_used_at=LATER, backed_up=True)
    assert advanced == (grown if taken else None)
    assert await authenticators.find(db, made.credential_id) == (grown if taken else made)


@pytest.mark.requirement(32)
async def test_of_many_at_once_with_one_counter_one_gets_it(db, an_authenticator):
    made = an_authenticator(counter=7)
    await authenticators.create(db, made)

    advanced = await asyncio.gather(
        *(authenticators.advance(db, made.credential_id, 8, LATER, is_passkey=False) for _ in range(10))
    )

    assert [each.counter for each in advanced if each] == [8]


async def test_a_credential_that_nobody_has_is_absent(db, ann):
    assert await authenticators.find(db, b"nobody's") is None
    assert await authenticators.advance(db, b"nobody's", 8, LATER, is_passkey=False) is None
    assert await authenticators.of_user(db, new_id()) == []


async def test_the_account_beside_a_removed_authenticator_goes_too(db, sql, ann, an_authenticator):
    made = an_authenticator()
    await authenticators.create(db, made)
    for kind, account in (("webauthn", "account"), ("webauthn", "another"), ("oauth", "account")):
        await sql.execute(
            "INSERT INTO accounts (provider, provider_account_id, user_id, type, sealed) VALUES ($1, $2, $3, $4, '')",
            kind, account, ann, kind,
        )  # fmt: skip

    assert not await authenticators.remove(db, made.credential_id, new_id())
    assert await authenticators.remove(db, made.credential_id, ann)

    left = await sql.fetch("SELECT type, provider_account_id FROM accounts ORDER BY type")
    assert [tuple(row) for row in left] == [("oauth", "account"), ("webauthn", "another")]
    assert await authenticators.of_user(db, ann) == []
