"""Who is told that a refresh token was used twice."""

import asyncio
from datetime import timedelta
from uuid import UUID

import grpc
import pytest

from auth_server.domain.mails import MailKind
from tests.audit import events_of
from tests.mails import waiting_mails
from tests.people import refresh, refused

LATE = timedelta(seconds=11)  # after the window in which a use is answered again


async def a_used_token(people, clock, **fields):
    """A sign-in whose first refresh token is used, and its window over."""
    signed_in = await people.signed_in(**fields)
    await refresh(people, signed_in.refresh_token)
    clock.advance(LATE)
    return signed_in


@pytest.mark.requirement(37)
async def test_a_second_use_is_mailed_to_the_user_and_audited(people, clock, sql, settings):
    ann = await a_used_token(people, clock, email="Ann@example.org", locale="fr-CA")
    await sql.execute("DELETE FROM outbox; DELETE FROM audit_events")  # those of registering

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, ann.refresh_token)

    [mail] = await waiting_mails(sql, settings)
    assert (mail.kind, mail.recipient, mail.locale) == (MailKind.SIGN_IN_ENDED, "Ann@example.org", "fr-CA")
    assert (mail.user_id, mail.values) == (UUID(ann.id), {"name": "Person"})
    assert await events_of(sql, ann.id) == ["refresh-token-reused", "REFRESH_TOKEN_INVALID"]


@pytest.mark.requirement(37)
async def test_however_often_it_comes_it_is_mailed_once(people, clock, sql):
    ann = await a_used_token(people, clock)

    answers = await asyncio.gather(*(refresh(people, ann.refresh_token) for _ in range(8)), return_exceptions=True)

    assert {answer.code() for answer in answers} == {grpc.StatusCode.UNAUTHENTICATED}
    assert await sql.fetchval("SELECT count(*) FROM outbox WHERE kind = 'sign-in-ended'") == 1


@pytest.mark.requirement(37)
@pytest.mark.parametrize("table", ["audit_events", "outbox"])
async def test_the_end_and_its_notice_come_together_or_with_the_next_use(people, clock, sql, table):
    ann = await a_used_token(people, clock)
    await sql.execute(f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK (false) NOT VALID")

    try:
        with refused("INTERNAL"):
            await refresh(people, ann.refresh_token)
    finally:
        await sql.execute(f"ALTER TABLE {table} DROP CONSTRAINT broken")

    assert await sql.fetchval("SELECT count(*) FROM refresh_families WHERE ended_at IS NULL") == 1
    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, ann.refresh_token)
    assert await sql.fetchval("SELECT count(*) FROM outbox WHERE kind = 'sign-in-ended'") == 1


async def test_a_user_without_an_address_is_not_mailed(people, clock, sql):
    ann = await a_used_token(people, clock)
    await sql.execute("UPDATE users SET email = NULL")

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, ann.refresh_token)

    assert await sql.fetchval("SELECT ended_reason FROM refresh_families") == "reuse"
    assert await sql.fetchval("SELECT count(*) FROM outbox WHERE kind = 'sign-in-ended'") == 0
