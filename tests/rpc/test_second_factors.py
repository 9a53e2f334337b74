"""Turning a second factor on and off, and making recovery codes, as users and operators do."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import grpc
import pytest

from auth_server.domain.mails import MailKind
from gatepost.v1 import second_factor_service_pb2 as pb
from gatepost.v1.adapter_service_pb2 import GetSessionAndUserRequest
from tests.people import PASSWORD, is_signed_in, refresh, refused
from tests.second_factors import app_of, begun, confirmed, with_second_factor, wrong


@pytest.fixture
async def ann(people, sql):
    """A person whose address is verified, signed in."""
    signed_in = await people.signed_in(email="Ann@example.org")
    await sql.execute("UPDATE users SET email_verified = now(); DELETE FROM outbox; DELETE FROM audit_events")
    return signed_in


@pytest.fixture
async def factor(people, ann, clock, mailbox, sql):
    """Ann's app and recovery codes; the mail about them was read."""
    made = await with_second_factor(people, ann, clock)
    await mailbox.take()
    await sql.execute("DELETE FROM audit_events")
    return made


async def standing(people, who):
    return await people.second_factors.GetSecondFactor(pb.GetSecondFactorRequest(), metadata=who.bearer)


async def remove(people, who, code, **password):
    request = pb.RemoveSecondFactorRequest(code=code, **({"current_password": PASSWORD} | password))
    return await people.second_factors.RemoveSecondFactor(request, metadata=who.bearer)


async def make_codes(people, who, code):
    request = pb.MakeRecoveryCodesRequest(code=code)
    return (await people.second_factors.MakeRecoveryCodes(request, metadata=who.bearer)).recovery_codes


async def events(sql):
    rows = await sql.fetch("SELECT event FROM audit_events WHERE event <> 'refused' ORDER BY id")
    return [row["event"] for row in rows]


@pytest.mark.requirement(30)
async def test_a_code_of_the_app_turns_it_on_and_brings_recovery_codes(people, ann, clock, mailbox, sql):
    assert not (await standing(people, ann)).active
    made = await begun(people, ann)
    assert not (await standing(people, ann)).active

    codes = await confirmed(people, ann, app_of(made, clock).next_code())

    found = await standing(people, ann)
    assert (found.active, found.recovery_codes_left) == (True, 10)
    assert abs(found.activate_time.ToDatetime(clock().tzinfo) - clock()) < timedelta(seconds=10)
    assert len(set(codes)) == 10
    mail = await mailbox.take_one(MailKind.SECOND_FACTOR_ADDED)
    assert mail.recipient == ann.email
    assert await events(sql) == ["second-factor-added"]


async def test_the_uri_holds_what_an_app_needs(people, ann, clock):
    made = await begun(people, ann)

    uri = urlsplit(made.uri)
    assert unquote(uri.path) == "/Gatepost:Ann@example.org"
    assert parse_qs(uri.query)["secret"] == [made.secret]
    assert made.expire_time.ToDatetime(clock().tzinfo) - clock() > timedelta(minutes=9)


@pytest.mark.requirement(30)
@pytest.mark.parametrize("current", ["correct horse batterY", None])
async def test_a_stolen_access_token_begins_nothing(people, ann, sql, current):
    with refused("CURRENT_PASSWORD_INVALID"):
        await begun(people, ann, current_password=current)

    assert await sql.fetchval("SELECT count(*) FROM second_factors") == 0


async def test_who_has_no_password_begins_by_a_young_sign_in(people, clock, sql):
    bob = await people.by_provider()
    await sql.execute("UPDATE users SET email_verified = now()")

    assert (await begun(people, bob, current_password=None)).secret

    clock.advance(timedelta(minutes=6))
    with refused("REAUTHENTICATION_REQUIRED"):
        await begun(people, bob, current_password=None)


@pytest.mark.requirement(30)
async def test_an_address_that_nobody_has_proven_gets_none(people, sql, clock):
    squatter = await people.signed_in()

    with refused("EMAIL_NOT_VERIFIED", grpc.StatusCode.FAILED_PRECONDITION):
        await begun(people, squatter)

    await sql.execute("UPDATE users SET email_verified = now()")
    app = app_of(await begun(people, squatter), clock)
    await sql.execute("UPDATE users SET email_verified = NULL")
    with refused("EMAIL_NOT_VERIFIED"):
        await confirmed(people, squatter, app.next_code())


async def test_who_has_no_address_may_have_one(people, ann, sql, clock):
    await sql.execute("UPDATE users SET email = NULL, email_verified = NULL")

    made = await begun(people, ann)

    assert unquote(urlsplit(made.uri).path) == "/Gatepost:Person"
    assert await confirmed(people, ann, app_of(made, clock).next_code())


@pytest.mark.requirement(30, 61)
async def test_a_wrong_code_turns_nothing_on_and_the_right_one_still_does(people, ann, clock, sql):
    app = app_of(await begun(people, ann), clock)

    for code in (wrong(app.code()), "7K0QM-1ZX9A", "nonsense"):
        with refused("SECOND_FACTOR_INVALID", grpc.StatusCode.UNAUTHENTICATED):
            await confirmed(people, ann, code)

    assert await sql.fetchval("SELECT count(*) FROM recovery_codes") == 0
    refusals = await sql.fetch("SELECT outcome, user_id::text FROM audit_events WHERE event = 'refused'")
    assert [tuple(row) for row in refusals] == [("SECOND_FACTOR_INVALID", ann.id)] * 3
    assert await confirmed(people, ann, app.next_code())


@pytest.mark.requirement(30)
async def test_the_code_that_turned_it_on_is_used(people, ann, factor):
    app, _ = factor

    with refused("SECOND_FACTOR_INVALID"):
        await make_codes(people, ann, app.used_code())


async def test_the_newest_secret_counts_for_ten_minutes(people, ann, clock):
    older = app_of(await begun(people, ann), clock)
    newer = app_of(await begun(people, ann), clock)

    with refused("SECOND_FACTOR_INVALID"):
        await confirmed(people, ann, older.next_code())
    clock.advance(timedelta(minutes=10))
    with refused("SECOND_FACTOR_NOT_FOUND", grpc.StatusCode.NOT_FOUND):
        await confirmed(people, ann, newer.next_code())


async def test_one_that_is_on_is_not_replaced(people, ann, factor):
    app, _ = factor

    with refused("SECOND_FACTOR_ACTIVE", grpc.StatusCode.FAILED_PRECONDITION):
        await begun(people, ann)
    with refused("SECOND_FACTOR_NOT_FOUND"):
        await confirmed(people, ann, app.next_code())


@pytest.mark.requirement(30)
async def test_of_many_confirmations_at_once_one_turns_it_on(people, ann, clock):
    code = app_of(await begun(people, ann), clock).next_code()

    answers = await asyncio.gather(*(confirmed(people, ann, code) for _ in range(5)), return_exceptions=True)

    assert len([codes for codes in answers if not isinstance(codes, BaseException)]) == 1


@pytest.mark.requirement(30)
async def test_turning_it_on_or_off_ends_all_but_the_own_sign_in(people, ann, clock, sql):
    async def others():
        await sql.execute("UPDATE users SET second_factor_since = NULL")  # as if they were of before
        return await people.login(ann.email), await people.a_session(ann.id)

    async def have_ended(other, session):
        request = GetSessionAndUserRequest(session_token=session.session_token)
        answer = await people.adapter.GetSessionAndUser(request, metadata=people.secret)
        return not await is_signed_in(people, other) and not answer.HasField("session_and_user")

    before = await others()
    app, _ = await with_second_factor(people, ann, clock)

    assert await have_ended(*before)
    assert await is_signed_in(people, ann)
    between = await others()
    await remove(people, ann, app.next_code())
    assert await have_ended(*between)
    assert await refresh(people, ann.refresh_token)


async def test_the_sign_in_that_turned_it_on_has_proven_it(people, ann, factor, sql):
    assert await sql.fetchval("SELECT methods FROM refresh_families WHERE ended_at IS NULL") == ["pwd", "otp", "mfa"]


@pytest.mark.requirement(30)
async def test_new_recovery_codes_void_those_before(people, ann, factor, mailbox, sql):
    app, former = factor

    codes = await make_codes(people, ann, app.next_code())

    assert not set(codes) & set(former)
    assert (await standing(people, ann)).recovery_codes_left == 10
    await mailbox.take_one(MailKind.RECOVERY_CODES_MADE)
    assert await events(sql) == ["recovery-codes-made"]
    with refused("SECOND_FACTOR_INVALID"):
        await remove(people, ann, former[0])
    await remove(people, ann, codes[0])


@pytest.mark.requirement(30)
async def test_a_recovery_code_makes_no_others(people, ann, factor):
    _, codes = factor

    with refused("SECOND_FACTOR_INVALID"):
        await make_codes(people, ann, codes[0])

    assert (await standing(people, ann)).recovery_codes_left == 10


@pytest.mark.requirement(30)
async def test_removing_takes_the_password_and_a_code(people, ann, factor, mailbox, sql):
    app, codes = factor

    with refused("CURRENT_PASSWORD_INVALID"):
        await remove(people, ann, app.code(), current_password="wrong password")
    with refused("SECOND_FACTOR_INVALID"):
        await remove(people, ann, wrong(app.code()))
    assert (await standing(people, ann)).active

    await remove(people, ann, codes[0].lower())

    assert not (await standing(people, ann)).active
    assert [mail.kind for mail in await mailbox.take()] == [
        MailKind.RECOVERY_CODE_USED,
        MailKind.SECOND_FACTOR_REMOVED,
    ]
    assert await events(sql) == ["recovery-code-used", "second-factor-removed"]
    for table in ("second_factors", "recovery_codes"):
        assert await sql.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_what_is_not_on_cannot_be_taken_off_or_used(people, ann, clock):
    code = app_of(await begun(people, ann), clock).code()

    for call in (remove(people, ann, code), make_codes(people, ann, code)):
        with refused("SECOND_FACTOR_NOT_FOUND"):
            await call


async def test_an_operator_takes_it_away_from_who_has_lost_it(people, ann, factor, mailbox, sql):
    await sql.execute("UPDATE users SET second_factor_since = NULL")
    operator = await people.signed_in()
    await sql.execute("UPDATE users SET role = 'operator' WHERE id = $1", operator.id)
    await mailbox.take()
    await sql.execute("DELETE FROM audit_events")
    request = pb.ResetSecondFactorRequest(user_id=ann.id)

    await people.second_factors.ResetSecondFactor(request, metadata=operator.bearer)

    assert (await mailbox.take_one(MailKind.SECOND_FACTOR_REMOVED)).recipient == ann.email
    assert await events(sql) == ["second-factor-reset"]
    assert not await is_signed_in(people, ann)
    again = await people.login(ann.email)
    assert not (await standing(people, again)).active
    with refused("SECOND_FACTOR_NOT_FOUND"):
        await people.second_factors.ResetSecondFactor(request, metadata=operator.bearer)
    with refused("USER_NOT_FOUND"):
        nobody = pb.ResetSecondFactorRequest(user_id="0" * 32)
        await people.second_factors.ResetSecondFactor(nobody, metadata=operator.bearer)
