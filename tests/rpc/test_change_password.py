import asyncio
from datetime import timedelta
from uuid import UUID

import grpc
import pytest

from auth_server.domain.mails import MailKind
from gatepost.v1 import auth_passwords_pb2 as pb
from gatepost.v1.adapter_service_pb2 import GetSessionAndUserRequest
from tests.mails import waiting_mails
from tests.people import PASSWORD, is_signed_in, refresh, refused, rule_of, violations_of
from tests.waiting import backends_that_wait

NEW = "another horse, another battery"


async def change(people, who, new=NEW, **current):
    """Changes the password by the one from registering, or as said."""
    request = pb.ChangePasswordRequest(new_password=new, **({"current_password": PASSWORD} | current))
    return await people.auth.ChangePassword(request, metadata=who.bearer)


async def stored(sql):
    """All that a change of a password touches."""
    tables = {
        "users": "id, password_hash, password_version, updated_at",
        "refresh_families": "id, ended_at, ended_reason",
        "sessions": "id",
        "one_time_tokens": "token_hash",
        "audit_events WHERE event <> 'refused'": "id",
        "outbox": "id",
        "mail_allowances": "subject, whole_at",
    }
    return {
        table: [tuple(row) for row in await sql.fetch(f"SELECT {columns} FROM {table} ORDER BY 1")]
        for table, columns in tables.items()
    }


@pytest.mark.requirement(23)
async def test_the_new_password_is_good_from_then_on_and_the_old_one_is_not(people):
    ann = await people.signed_in()

    answer = await change(people, ann)

    assert answer.message
    with refused("CREDENTIALS_INVALID"):
        await people.login(ann.email)
    assert (await people.login(ann.email, NEW)).id == ann.id


@pytest.mark.requirement(23)
@pytest.mark.parametrize("current", ["correct horse batterY", "", None])
async def test_without_the_current_password_nothing_changes(people, sql, current):
    ann = await people.signed_in()
    before = await stored(sql)

    with refused("CURRENT_PASSWORD_INVALID", grpc.StatusCode.INVALID_ARGUMENT):
        await change(people, ann, current_password=current)

    assert await stored(sql) == before


@pytest.mark.requirement(23)
async def test_all_that_the_old_password_opened_ends_but_the_sign_in_that_changes_it(people, sql):
    ann, bob = await people.signed_in(), await people.signed_in()
    other, session = await people.login(ann.email), await people.a_session(ann.id)

    await change(people, ann)

    assert [await is_signed_in(people, who) for who in (ann, other, bob)] == [True, False, True]
    assert await refresh(people, ann.refresh_token)
    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, other.refresh_token)
    request = GetSessionAndUserRequest(session_token=session.session_token)
    answer = await people.adapter.GetSessionAndUser(request, metadata=people.secret)
    assert not answer.HasField("session_and_user")
    reasons = await sql.fetch("SELECT reason FROM revocations ORDER BY number DESC LIMIT 1")
    assert [row["reason"] for row in reasons] == ["password changed"]


@pytest.mark.requirement(23)
async def test_links_that_wait_in_the_mailbox_are_void(people, sql):
    ann = await people.signed_in()
    await sql.execute(
        "INSERT INTO one_time_tokens (token_hash, purpose, user_id, address, password_version, expires)"
        " SELECT '\\x00', 'change-email', id, 'new@example.org', password_version, now() + interval '1 hour' FROM users"
    )

    await change(people, ann)

    assert await sql.fetchval("SELECT count(*) FROM one_time_tokens") == 0


@pytest.mark.requirement(23)
async def test_the_user_is_told_by_mail_and_it_is_audited(people, sql, settings):
    ann = await people.signed_in(email="Ann@example.org", locale="fr")
    await sql.execute("DELETE FROM outbox; DELETE FROM audit_events")  # those of registering

    await change(people, ann)

    [mail] = await waiting_mails(sql, settings)
    assert (mail.kind, mail.recipient, mail.locale) == (MailKind.PASSWORD_CHANGED, "Ann@example.org", "fr")
    assert (mail.user_id, mail.values) == (UUID(ann.id), {"name": "Person"})
    events = await sql.fetch("SELECT event, user_id::text FROM audit_events")
    assert [tuple(event) for event in events] == [("password-changed", ann.id)]


@pytest.mark.requirement(17, 20)
@pytest.mark.parametrize(
    ("new", "rule"),
    [("1234567", "too_short"), ("football1", "common"), ("ANN@example.org", "email"), ("person-2026", "name")],
)
async def test_a_new_password_keeps_the_same_rules_as_a_first_one(people, sql, new, rule):
    ann = await people.signed_in(email="ann@example.org")
    before = await stored(sql)

    with refused("PASSWORD_REFUSED", grpc.StatusCode.INVALID_ARGUMENT) as caught:
        await change(people, ann, new, current_password="not even looked at")

    assert (violations_of(caught.value), rule_of(caught.value)) == (["new_password"], rule)
    assert await stored(sql) == before


@pytest.mark.requirement(23)
async def test_who_signed_in_just_now_with_a_provider_may_set_a_first_password(people, clock):
    ann = await people.by_provider()
    clock.advance(timedelta(minutes=4, seconds=50))

    await change(people, ann, current_password=None)

    assert (await people.login(ann.email, NEW)).id == ann.id


@pytest.mark.requirement(23)
async def test_who_signed_in_with_a_provider_a_while_ago_signs_in_again_first(people, clock, sql):
    ann = await people.by_provider()
    clock.advance(timedelta(minutes=5))

    with refused("REAUTHENTICATION_REQUIRED", grpc.StatusCode.FAILED_PRECONDITION):
        await change(people, ann, current_password=None)

    assert await sql.fetchval("SELECT password_hash FROM users") is None


@pytest.mark.requirement(23)
@pytest.mark.parametrize(
    "table", ["users", "refresh_families", "sessions", "one_time_tokens", "audit_events", "mail_allowances", "outbox"]
)
async def test_a_fault_at_any_statement_changes_nothing(people, sql, table):
    ann = await people.signed_in()
    await people.login(ann.email)
    await people.a_session(ann.id)
    await sql.execute(
        "INSERT INTO one_time_tokens (token_hash, purpose, user_id, address, password_version, expires)"
        " SELECT '\\x00', 'change-email', id, 'new@example.org', password_version, now() + interval '1 hour' FROM users"
    )
    before = await stored(sql)
    await sql.execute(
        f"""
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$;
        CREATE TRIGGER fails AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION fail();
        """
    )

    try:
        with refused("INTERNAL"):
            await change(people, ann)
    finally:
        await sql.execute(f"DROP TRIGGER fails ON {table}; DROP FUNCTION fail()")

    assert await stored(sql) == before


@pytest.mark.requirement(23)
async def test_of_two_changes_at_once_one_is_made(people, sql):
    ann = await people.signed_in()
    new = ["first new password", "second new password"]

    answers = await asyncio.gather(*(change(people, ann, each) for each in new), return_exceptions=True)

    made = [each for each, answer in zip(new, answers, strict=True) if isinstance(answer, pb.ChangePasswordResponse)]
    assert len(made) == 1
    assert (await people.login(ann.email, made[0])).id == ann.id
    assert await sql.fetchval("SELECT password_version FROM users") == 1


@pytest.mark.requirement(23)
async def test_a_sign_in_that_ends_meanwhile_changes_nothing(people, sql):
    ann = await people.signed_in()

    async with sql.transaction():
        await sql.execute("UPDATE refresh_families SET ended_at = now(), ended_reason = 'ended'")
        changing = asyncio.ensure_future(change(people, ann))
        await backends_that_wait(sql)

    with refused("ACCESS_TOKEN_INVALID"):
        await changing
    assert (await people.login(ann.email)).id == ann.id
    assert await sql.fetchval("SELECT count(*) FROM audit_events WHERE event = 'password-changed'") == 0
