from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from auth_server.domain.methods import PASSWORD, Proof
from auth_server.storage import challenges
from tests.second_factors import turned_on

NOW = datetime.now(UTC)
LATER = NOW + timedelta(minutes=5)
HASH = b"a hash"
BY_PASSWORD, BY_PROVIDER = Proof((PASSWORD,), 0), Proof()


@pytest.fixture
async def ann(sql):
    """The id of a user with a password, and no second factor."""
    user_id = uuid4()
    await sql.execute("INSERT INTO users (id, created_at, updated_at) VALUES ($1, now(), now())", user_id)
    return user_id


@pytest.fixture
async def guarded(ann, sql, settings, clock):
    """The same, with one."""
    await turned_on(sql, settings, clock, ann)
    return ann


async def test_who_has_no_second_factor_gets_no_challenge(db, ann):
    assert not await challenges.put(db, HASH, ann, BY_PASSWORD, LATER)


@pytest.mark.parametrize("change", ["disabled_at = now()", "password_version = 1"])
async def test_who_proved_what_holds_no_more_gets_no_challenge(db, guarded, sql, change):
    await sql.execute(f"UPDATE users SET {change}")

    assert not await challenges.put(db, HASH, guarded, BY_PASSWORD, LATER)


@pytest.mark.requirement(31)
@pytest.mark.parametrize("proof", [BY_PASSWORD, BY_PROVIDER])
async def test_a_challenge_is_redeemed_once_with_what_was_proven(db, guarded, proof):
    assert await challenges.put(db, HASH, guarded, proof, LATER)

    redeemed = await challenges.redeem(db, HASH, NOW)

    assert (redeemed.user_id, redeemed.proof) == (guarded, proof)
    assert await challenges.redeem(db, HASH, NOW) is None


@pytest.mark.requirement(31)
async def test_a_challenge_is_not_redeemed_from_its_end_on(db, guarded):
    await challenges.put(db, HASH, guarded, BY_PASSWORD, LATER)

    assert await challenges.redeem(db, HASH, LATER) is None
    assert await challenges.find_owner(db, HASH, LATER) is None


@pytest.mark.requirement(31)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET password_version = 1",
        "UPDATE users SET disabled_at = now()",
        "DELETE FROM second_factors",
        "UPDATE second_factors SET confirmed_at = confirmed_at + interval '1 s'",
    ],
)
async def test_a_challenge_of_a_providers_sign_in_is_void_once_anything_changes(db, guarded, sql, change):
    await challenges.put(db, HASH, guarded, BY_PROVIDER, LATER)
    await sql.execute(change)

    assert await challenges.redeem(db, HASH, NOW) is None
