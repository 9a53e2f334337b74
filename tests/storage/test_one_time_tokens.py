"""One-time tokens are good once, for their purpose, until the user's password or address changes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from auth_server.domain.ids import new_id
from auth_server.domain.one_time_tokens import Purpose, Redeemed
from auth_server.domain.secrets import new_token, token_hash
from auth_server.domain.users import NewUser
from auth_server.storage import disabling, one_time_tokens, passwords, users, verification_tokens
from tests.waiting import backends_that_wait

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)
ADDRESS = "Ann@example.org"


@pytest.fixture
async def ann(db):
    """The id of a user with a password."""
    user_id = new_id()
    await users.register(db, user_id, NewUser("Ann", ADDRESS, "a hash", {}, None), NOW)
    return user_id


@pytest.fixture
def put(db, ann):
    """Gives the user a token, and answers its hash."""

    async def give(purpose=Purpose.RESET_PASSWORD, address=ADDRESS):
        made = token_hash(new_token())
        assert await one_time_tokens.put(db, made, purpose, ann, address=address, expires=LATER)
        return made

    return give


@pytest.mark.requirement(47)
async def test_of_many_at_once_one_redeems_a_token(db, ann, put):
    made = await put()

    found = await asyncio.gather(*(one_time_tokens.redeem(db, made, Purpose.RESET_PASSWORD, NOW) for _ in range(10)))

    assert [each for each in found if each] == [Redeemed(ann, ADDRESS)]


@pytest.mark.requirement(47)
@pytest.mark.parametrize("other", [Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL])
async def test_a_token_is_good_for_its_purpose_alone_and_not_burnt_by_another(db, ann, put, other):
    made = await put()

    assert await one_time_tokens.redeem(db, made, other, NOW) is None
    assert await one_time_tokens.redeem(db, made, Purpose.RESET_PASSWORD, NOW) == Redeemed(ann, ADDRESS)


@pytest.mark.requirement(47)
async def test_a_newer_token_takes_the_place_of_the_older_of_its_purpose(db, ann, put):
    older, other = await put(), await put(Purpose.VERIFY_EMAIL)
    newer = await put()

    assert await one_time_tokens.redeem(db, older, Purpose.RESET_PASSWORD, NOW) is None
    assert await one_time_tokens.redeem(db, newer, Purpose.RESET_PASSWORD, NOW)
    assert await one_time_tokens.redeem(db, other, Purpose.VERIFY_EMAIL, NOW)


@pytest.mark.requirement(47)
async def test_a_token_ends_at_its_time(db, put):
    made = await put()

    assert await one_time_tokens.redeem(db, made, Purpose.RESET_PASSWORD, LATER) is None
    assert await one_time_tokens.redeem(db, made, Purpose.RESET_PASSWORD, LATER - timedelta(milliseconds=1))


@pytest.mark.requirement(47)
@pytest.mark.parametrize("purpose", Purpose)
async def test_another_password_voids_every_token(db, ann, put, purpose):
    made = await put(purpose)

    await passwords.replace(db, ann, "another hash", NOW)

    assert await one_time_tokens.redeem(db, made, purpose, NOW) is None


async def test_a_newer_hash_of_the_same_password_voids_nothing(db, ann, put):
    made = await put()

    await users.replace_hash(db, ann, "a hash", "a newer hash")

    assert await one_time_tokens.redeem(db, made, Purpose.RESET_PASSWORD, NOW)


@pytest.mark.requirement(50)
@pytest.mark.parametrize("purpose", [Purpose.RESET_PASSWORD, Purpose.VERIFY_EMAIL])
async def test_another_address_voids_what_was_mailed_to_the_one_before(db, sql, put, purpose):
    made = await put(purpose)

    await sql.execute("UPDATE users SET email = 'other@example.org'")

    assert await one_time_tokens.redeem(db, made, purpose, NOW) is None


async def test_an_address_is_the_same_without_regard_to_case(db, sql, put):
    made = await put(Purpose.VERIFY_EMAIL)

    await sql.execute("UPDATE users SET email = 'ANN@example.org'")

    assert await one_time_tokens.redeem(db, made, Purpose.VERIFY_EMAIL, NOW)


@pytest.mark.requirement(50)
async def test_a_token_for_a_new_address_is_bound_to_that_one(db, ann, put):
    made = await put(Purpose.CHANGE_EMAIL, "new@example.org")

    redeemed = await one_time_tokens.redeem(db, made, Purpose.CHANGE_EMAIL, NOW)

    assert redeemed == Redeemed(ann, "new@example.org")


@pytest.mark.requirement(47)
async def test_a_disabled_user_gets_no_token_and_redeems_none(db, ann, put):
    made = await put()

    await disabling.set_disabled(db, ann, NOW, NOW)

    assert await one_time_tokens.redeem(db, made, Purpose.RESET_PASSWORD, NOW) is None
    assert not await one_time_tokens.put(
        db, token_hash("x"), Purpose.RESET_PASSWORD, ann, address=ADDRESS, expires=LATER
    )


@pytest.mark.requirement(47)
async def test_a_token_made_while_the_password_changes_is_of_the_new_one(db, sql, ann):
    """Else it would be dead as it is mailed."""
    made = token_hash(new_token())
    async with sql.transaction():
        await passwords.replace(sql, ann, "another hash", NOW)
        waits = asyncio.ensure_future(
            one_time_tokens.put(db, made, Purpose.RESET_PASSWORD, ann, address=ADDRESS, expires=LATER)
        )
        await backends_that_wait(sql)

    assert await waits
    assert await one_time_tokens.redeem(db, made, Purpose.RESET_PASSWORD, NOW)


@pytest.mark.requirement(47)
async def test_a_token_redeemed_while_the_password_changes_is_void(db, sql, ann, put):
    made = await put()
    async with sql.transaction():
        await passwords.replace(sql, ann, "another hash", NOW)
        waits = asyncio.ensure_future(one_time_tokens.redeem(db, made, Purpose.RESET_PASSWORD, NOW))
        await backends_that_wait(sql)

    assert await waits is None


async def test_tokens_go_with_their_user(db, sql, ann, put):
    await put()

    await users.delete(db, ann)

    assert await sql.fetchval("SELECT count(*) FROM one_time_tokens") == 0


@pytest.mark.requirement(48)
async def test_all_that_waits_in_a_mailbox_is_voided_at_once(db, sql, ann, put):
    for purpose in Purpose:
        await put(purpose)
    for identifier in (ADDRESS, ADDRESS.lower(), "other@example.org"):
        await verification_tokens.create(db, identifier, b"of nextauth", LATER)

    await one_time_tokens.void_all(db, ann)

    assert await sql.fetchval("SELECT count(*) FROM one_time_tokens") == 0
    assert await sql.fetchval("SELECT array_agg(identifier) FROM verification_tokens") == ["other@example.org"]


@pytest.mark.requirement(47)
async def test_the_database_holds_no_token(sql, db, ann):
    token = new_token()
    await one_time_tokens.put(db, token_hash(token), Purpose.RESET_PASSWORD, ann, address=ADDRESS, expires=LATER)

    row = str(dict(await sql.fetchrow("SELECT * FROM one_time_tokens")))

    assert token not in row
    assert len(bytes.fromhex(token)) == 32
