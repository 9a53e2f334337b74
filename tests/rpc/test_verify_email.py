"""An address is verified by a link that was mailed to it."""

import asyncio
from datetime import timedelta
from uuid import UUID

import grpc
import pytest

from auth_server.domain.mails import MailKind
from gatepost.v1 import adapter_pb2, adapter_service_pb2
from gatepost.v1 import auth_emails_pb2 as pb
from gatepost.v1.users_service_pb2 import DisableUserRequest, GetUserRequest
from tests.people import refused


async def verify(people, token):
    return await people.auth.VerifyEmail(pb.VerifyEmailRequest(token=token))


async def request(people, ann, email=None, user_id=None):
    asked = pb.RequestEmailVerificationRequest(user_id=user_id or ann.id, email=email or ann.email)
    return await people.auth.RequestEmailVerification(asked, metadata=ann.bearer)


async def is_verified(people, ann):
    answer = await people.users.GetUser(GetUserRequest(id=ann.id), metadata=ann.bearer)
    return answer.user.HasField("email_verified")


@pytest.mark.requirement(50)
async def test_the_link_of_the_mail_to_who_registered_verifies_their_address(people, mailbox, sql):
    ann = await people.signed_in(email="Ann@example.org", locale="fr")

    mail = await mailbox.take_one(MailKind.VERIFY_EMAIL)
    assert (mail.recipient, mail.locale, mail.user_id) == ("Ann@example.org", "fr", UUID(ann.id))
    assert mail.values == {"name": "Person", "token": mail.values["token"]}
    assert len(mail.values["token"]) == 64
    assert mail.expires - mailbox.clock() > timedelta(hours=23)
    assert not await is_verified(people, ann)

    answer = await verify(people, mail.values["token"])

    assert answer.message
    assert await is_verified(people, ann)
    events = await sql.fetch(
        "SELECT event FROM audit_events WHERE user_id::text = $1 AND event <> 'signed-in' ORDER BY id", ann.id
    )
    assert [row["event"] for row in events] == ["registered", "email-verified"]


@pytest.mark.requirement(50)
async def test_a_link_is_good_once_in_any_race(people, mailbox):
    await people.registered()
    token = await mailbox.token(MailKind.VERIFY_EMAIL)

    results = await asyncio.gather(*(verify(people, token) for _ in range(10)), return_exceptions=True)

    assert len([result for result in results if isinstance(result, pb.VerifyEmailResponse)]) == 1
    with refused("ONE_TIME_TOKEN_INVALID", grpc.StatusCode.INVALID_ARGUMENT):
        await verify(people, token)


@pytest.mark.requirement(50)
async def test_a_link_to_an_address_that_the_user_has_no_more_is_void(people, mailbox):
    ann = await people.signed_in()
    token = await mailbox.token(MailKind.VERIFY_EMAIL)
    changed = adapter_pb2.AdapterUser(id=ann.id, email="another@example.org")
    await people.adapter.UpdateUser(
        adapter_service_pb2.AdapterServiceUpdateUserRequest(user=changed), metadata=people.secret
    )

    with refused("ONE_TIME_TOKEN_INVALID"):
        await verify(people, token)

    assert not await is_verified(people, ann)


async def test_a_link_that_has_expired_is_refused(people, mailbox, clock):
    await people.registered()
    token = await mailbox.token(MailKind.VERIFY_EMAIL)

    clock.advance(timedelta(hours=24))

    with refused("ONE_TIME_TOKEN_INVALID"):
        await verify(people, token)


async def test_a_link_of_a_disabled_user_is_refused(people, mailbox, sql):
    ann = await people.signed_in()
    token = await mailbox.token(MailKind.VERIFY_EMAIL)
    operator = await people.signed_in()
    await sql.execute("UPDATE users SET role = 'operator' WHERE id::text = $1", operator.id)
    await people.users.DisableUser(DisableUserRequest(id=ann.id), metadata=operator.bearer)

    with refused("ONE_TIME_TOKEN_INVALID"):
        await verify(people, token)
    with refused("ACCESS_TOKEN_INVALID"):
        await request(people, ann)


@pytest.mark.parametrize("token", ["x", "0" * 64, "\0", "A" * 128])
async def test_what_is_no_token_of_ours_is_refused_alike(people, token):
    with refused("ONE_TIME_TOKEN_INVALID"):
        await verify(people, token)


@pytest.mark.requirement(50)
async def test_a_newer_link_voids_the_older_one(people, mailbox):
    ann = await people.signed_in()
    older = await mailbox.token(MailKind.VERIFY_EMAIL)

    await request(people, ann, email=ann.email.upper())
    mail = await mailbox.take_one(MailKind.VERIFY_EMAIL)

    assert mail.recipient == ann.email
    with refused("ONE_TIME_TOKEN_INVALID"):
        await verify(people, older)
    await verify(people, mail.values["token"])
    assert await is_verified(people, ann)


async def test_a_verified_address_gets_the_same_answer_and_no_mail(people, mailbox):
    ann = await people.signed_in()
    unverified = await request(people, ann)
    await verify(people, (await mailbox.take())[-1].values["token"])

    assert await request(people, ann) == unverified
    assert await mailbox.take() == []


@pytest.mark.requirement(53)
async def test_a_mail_that_the_limit_keeps_back_voids_no_link(people, mailbox):
    ann = await people.signed_in()

    answers = [await request(people, ann) for _ in range(10)]
    mails = await mailbox.take()
    answers.append(await request(people, ann))

    assert len({answer.message for answer in answers}) == 1
    assert len(mails) == 5
    assert await mailbox.take() == []
    await verify(people, mails[-1].values["token"])
    assert await is_verified(people, ann)


@pytest.mark.requirement(59)
async def test_nobody_asks_for_another_address_or_another_user(people, mailbox):
    ann, bob = await people.signed_in(), await people.signed_in()
    await mailbox.take()

    with refused("EMAIL_NOT_OWN", grpc.StatusCode.INVALID_ARGUMENT):
        await request(people, ann, email=bob.email)
    with refused("EMAIL_NOT_OWN"):
        await request(people, ann, email="nobody@example.org")
    with refused("PERMISSION_DENIED"):
        await request(people, ann, email=bob.email, user_id=bob.id)

    assert await mailbox.take() == []
