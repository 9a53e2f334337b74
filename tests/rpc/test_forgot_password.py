"""Whoever forgot a password is mailed a link; nobody learns by it who has an account."""

from datetime import timedelta

import grpc
import pytest

from auth_server.domain.mails import MailKind
from gatepost.v1.auth_passwords_pb2 import ForgotPasswordRequest
from tests.mails import waiting_mails
from tests.people import refused, violations_of


async def forgot(people, email):
    return await people.auth.ForgotPassword(ForgotPasswordRequest(email=email))


@pytest.mark.requirement(26)
async def test_every_address_gets_the_same_answer_and_the_same_row(people, sql, settings):
    known, disabled = await people.registered(), await people.registered()
    await sql.execute("UPDATE users SET disabled_at = now() WHERE email = $1", disabled)
    addresses = [known, disabled, (await people.a_user()).email, "nobody@example.org"]

    await sql.execute("DELETE FROM outbox")
    answers = {(await forgot(people, address)).SerializeToString() for address in addresses}

    assert len(answers) == 1
    assert [(mail.recipient, mail.kind, mail.user_id, mail.values) for mail in await waiting_mails(sql, settings)] == [
        (address, MailKind.RESET_PASSWORD, None, {}) for address in addresses
    ]
    assert await sql.fetchval("SELECT count(*) FROM one_time_tokens") == 0


@pytest.mark.requirement(26)
async def test_nobody_is_mailed_a_link_who_could_not_use_it(people, resets, sql):
    disabled = await people.registered()
    await sql.execute("UPDATE users SET disabled_at = now()")

    for address in (disabled, "nobody@example.org"):
        assert await resets.find_mail(address) is None
    assert await sql.fetchval("SELECT count(*) FROM one_time_tokens") == 0


async def test_the_link_goes_to_the_address_as_the_user_has_it(people, resets, sql, clock):
    await people.registered(email="Ann@example.org", locale="fr-CA")
    user_id = await sql.fetchval("SELECT id FROM users")

    mail = await resets.find_mail("aNN@EXAMPLE.org")

    assert (mail.kind, mail.recipient, mail.user_id) == (MailKind.RESET_PASSWORD, "Ann@example.org", user_id)
    assert (mail.locale, mail.values["name"]) == ("fr-CA", "Person")
    assert len(bytes.fromhex(mail.values["token"])) == 32
    assert timedelta(0) < mail.expires - clock() <= timedelta(minutes=30)


@pytest.mark.requirement(47)
async def test_a_newer_link_voids_the_older(people, resets):
    email = await people.registered()
    older, newer = await resets.token(email), await resets.token(email)

    with refused("ONE_TIME_TOKEN_INVALID"):
        await resets.reset(older)
    await resets.reset(newer)


async def test_who_asked_is_audited_where_there_is_a_user(people, resets, sql):
    await people.registered(email="ann@example.org")

    await resets.find_mail("ann@example.org")
    await resets.find_mail("nobody@example.org")

    rows = await sql.fetch("SELECT event, user_id FROM audit_events WHERE event <> 'registered'")
    user_id = await sql.fetchval("SELECT id FROM users")
    assert [tuple(row) for row in rows] == [("password-reset-requested", user_id)]


@pytest.mark.parametrize("email", ["", "ann", "ann@", "@example.org", "a b@example.org", "a\0@example.org"])
async def test_what_is_no_address_is_refused_by_its_form(people, email):
    with refused("REQUEST_INVALID", grpc.StatusCode.INVALID_ARGUMENT) as caught:
        await forgot(people, email)

    assert violations_of(caught.value) == ["email"]
