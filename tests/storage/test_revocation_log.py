"""What ends a sign-in stands in the log, whoever ended it and by which statement."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from auth_server.domain.ids import new_id

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
async def log(sql):
    """The log's entries since the test began, in the order of their subjects."""
    first = await sql.fetchval("SELECT COALESCE(max(number), 0) FROM revocations")

    async def entries():
        rows = await sql.fetch(
            "SELECT subject, subject_id, reason FROM revocations WHERE number > $1 ORDER BY subject, number", first
        )
        return [(row["subject"], row["subject_id"], row["reason"]) for row in rows]

    return entries


@pytest.fixture
async def family(people):
    """A user with one sign-in."""
    return await people.signed_in()


async def sign_in_of(sql, user_id):
    return str(await sql.fetchval("SELECT id FROM refresh_families WHERE user_id = $1", UUID(user_id)))


@pytest.mark.requirement(45)
@pytest.mark.parametrize("reason", ["logout", "reuse", "revoked", "ended", "password changed"])
async def test_the_end_of_a_sign_in_is_logged_once(family, sql, log, reason):
    sign_in = await sign_in_of(sql, family.id)

    for _ in range(2):
        await sql.execute("UPDATE refresh_families SET ended_at = $1, ended_reason = $2", NOW, reason)

    assert await log() == [("sign_in", sign_in, reason)]
    assert await sql.fetchval("SELECT revoked_at FROM revocations WHERE subject_id = $1", sign_in) == NOW


@pytest.mark.requirement(45)
async def test_a_disabled_user_is_logged_with_every_sign_in_and_loses_the_sessions(family, people, sql, log):
    sign_in = await sign_in_of(sql, family.id)
    await people.a_session(family.id)

    await sql.execute("UPDATE users SET disabled_at = $1", NOW)

    assert await log() == [("sign_in", sign_in, "user disabled"), ("user", family.id, "user disabled")]
    assert await sql.fetchval("SELECT ended_at FROM refresh_families") == NOW
    assert await sql.fetchval("SELECT count(*) FROM sessions") == 0


async def test_enabling_and_changing_a_user_is_no_revocation(family, sql, log):
    await sql.execute("UPDATE users SET disabled_at = $1", NOW)
    before = await log()

    await sql.execute("UPDATE users SET disabled_at = NULL, name = 'New'")

    assert await log() == before


@pytest.mark.requirement(45)
async def test_a_deleted_user_is_logged_with_every_live_sign_in(family, people, sql, log):
    live = await sign_in_of(sql, family.id)
    over = await people.login(family.email)
    await sql.execute("UPDATE refresh_families SET expires = now() - interval '1 s' WHERE id <> $1", UUID(live))

    await sql.execute("DELETE FROM users")

    assert over.id == family.id
    assert await log() == [("sign_in", live, "user deleted"), ("user", family.id, "user deleted")]


@pytest.mark.requirement(45)
async def test_what_is_said_to_have_ended_long_ago_ends_now(family, sql):
    """Else nobody would be told of it, and a verifier that heard would forget it at once."""
    sign_in = await sign_in_of(sql, family.id)
    began = await sql.fetchval("SELECT clock_timestamp()")

    await sql.execute("UPDATE users SET disabled_at = '2020-01-01'")

    ended = await sql.fetch("SELECT revoked_at FROM revocations WHERE subject_id IN ($1, $2)", sign_in, family.id)
    assert len(ended) == 2
    assert min(row["revoked_at"] for row in ended) > began


@pytest.mark.requirement(45)
async def test_a_deletion_late_in_a_transaction_is_of_that_moment(family, sql):
    """Entries of long ago are not told, and a user's end is that of the tokens issued before."""
    sign_in = await sign_in_of(sql, family.id)
    async with sql.transaction():
        await sql.execute("SELECT pg_sleep(0.01)")
        refreshed = await sql.fetchval("SELECT clock_timestamp()")
        await sql.execute("DELETE FROM users")

    ended = await sql.fetch(
        "SELECT revoked_at FROM revocations WHERE subject_id IN ($1, $2) AND reason = 'user deleted'",
        sign_in,
        family.id,
    )
    assert len(ended) == 2
    assert min(row["revoked_at"] for row in ended) > refreshed


async def test_what_is_rolled_back_is_not_logged(family, sql, log):
    transaction = sql.transaction()
    await transaction.start()
    await sql.execute("UPDATE refresh_families SET ended_at = now(), ended_reason = 'logout'")
    await transaction.rollback()

    assert await log() == []


async def test_a_sign_in_ends_for_a_known_reason_alone(family, sql):
    with pytest.raises(asyncpg.CheckViolationError):
        await sql.execute("UPDATE refresh_families SET ended_at = now(), ended_reason = 'boredom'")


async def test_any_statement_may_log_a_key(sql, log):
    key_id = str(new_id())

    await sql.execute("SELECT log_revocation('key', $1, 'key revoked', $2)", key_id, NOW + timedelta(1))

    assert await log() == [("key", key_id, "key revoked")]


@pytest.mark.requirement(40)
async def test_a_revoked_key_is_logged_once(sql, log):
    kid = str(new_id())
    await sql.execute(
        "INSERT INTO signing_keys (kid, algorithm, sealed, state, created_at) VALUES ($1, 'EdDSA', '', 'retired', $2)",
        kid,
        NOW,
    )

    for _ in range(2):
        await sql.execute("UPDATE signing_keys SET state = 'revoked', revoked_at = $2 WHERE kid = $1", kid, NOW)

    assert await log() == [("key", kid, "key revoked")]
    await sql.execute("DELETE FROM signing_keys WHERE kid = $1", kid)
