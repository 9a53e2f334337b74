"""An address is changed by who proves themselves again, once the new address has confirmed it; the old one is told."""

import asyncio
from datetime import timedelta
from uuid import UUID

import grpc
import pytest

from auth_server.domain.mails import MailKind
from auth_server.storage import passwords
from gatepost.v1 import auth_emails_pb2 as pb
from gatepost.v1 import auth_service_pb2
from gatepost.v1.users_service_pb2 import DeleteUserRequest, GetUserRequest
from tests.people import PASSWORD, SignedIn, reason_of, refresh, refused
from tests.waiting import backends_that_wait

NEW = "new@example.org"


async def change(people, ann, new_email=NEW, **fields):
    asked = pb.ChangeEmailRequest(new_email=new_email, **fields)
    return await people.auth.ChangeEmail(asked, metadata=ann.bearer)


async def confirm(people, token):
    return await people.auth.ConfirmEmailChange(pb.ConfirmEmailChangeRequest(token=token))


async def user_of(people, ann):
    return (await people.users.GetUser(GetUserRequest(id=ann.id), metadata=ann.bearer)).user


async def signed_in_by_provider(people, email="bea@example.org"):
    user = await people.a_user(email=email)
    await people.an_account(user.id)
    asked = auth_service_pb2.OAuthLoginRequest(email=email)
    tokens = (await people.auth.OAuthLogin(asked, metadata=people.secret)).backend_tokens
    return SignedIn(user.id, email, tokens.access_token, tokens.refresh_token)


@pytest.fixture
async def ann(people, mailbox):
    """A person who has registered and logged in, and whose mails were read."""
    signed_in = await people.signed_in(email="ann@example.org", locale="fr")
    await mailbox.take()
    return signed_in


@pytest.mark.requirement(50)
async def test_the_new_address_confirms_and_the_old_one_is_told(people, ann, mailbox, sql):
    await change(people, ann, current_password=PASSWORD)

    mail = await mailbox.take_one(MailKind.CONFIRM_NEW_EMAIL)
    assert (mail.recipient, mail.locale, mail.user_id) == (NEW, "fr", UUID(ann.id))
    assert mail.expires - mailbox.clock() <= timedelta(hours=1)
    assert (await user_of(people, ann)).email == "ann@example.org"

    await confirm(people, mail.values["token"])

    user = await user_of(people, ann)
    assert (user.email, user.HasField("email_verified")) == (NEW, True)
    notice = await mailbox.take_one(MailKind.EMAIL_CHANGED)
    assert (notice.recipient, notice.locale, notice.values) == ("ann@example.org", "fr", {"name": "Person"})
    assert (await people.login(NEW)).id == ann.id
    with refused("CREDENTIALS_INVALID"):
        await people.login("ann@example.org")
    events = await sql.fetch(
        "SELECT event FROM audit_events WHERE user_id::text = $1 AND event <> 'signed-in' ORDER BY id", ann.id
    )
    assert [row["event"] for row in events] == ["registered", "email-change-requested", "email-changed"]


@pytest.mark.requirement(50)
@pytest.mark.parametrize("proof", [{}, {"current_password": "not the password"}], ids=["no password", "a wrong one"])
async def test_an_access_token_alone_changes_no_address(people, ann, mailbox, proof):
    with refused("CURRENT_PASSWORD_INVALID", grpc.StatusCode.INVALID_ARGUMENT):
        await change(people, ann, **proof)

    assert await mailbox.take() == []


@pytest.mark.requirement(50)
async def test_a_password_that_is_replaced_meanwhile_proves_nothing(people, ann, mailbox, sql):
    replacing = sql.transaction()
    await replacing.start()
    await sql.execute("UPDATE users SET password_version = password_version + 1")
    asked = asyncio.create_task(change(people, ann, current_password=PASSWORD))
    await backends_that_wait(sql)

    await replacing.commit()

    with refused("ACCESS_TOKEN_INVALID"):
        await asked
    assert await mailbox.take() == []


@pytest.mark.requirement(50)
async def test_a_user_without_a_password_must_have_signed_in_just_now(people, mailbox, clock):
    bea = await signed_in_by_provider(people)

    await change(people, bea)
    assert (await mailbox.take_one(MailKind.CONFIRM_NEW_EMAIL)).recipient == NEW

    clock.advance(timedelta(minutes=5))
    renewed = await refresh(people, bea.refresh_token)
    for token in (bea.access_token, renewed.access_token):
        with refused("REAUTHENTICATION_REQUIRED", grpc.StatusCode.FAILED_PRECONDITION):
            await change(people, SignedIn(bea.id, bea.email, token, ""), current_password=PASSWORD)
    assert await mailbox.take() == []


@pytest.mark.requirement(26, 50)
async def test_nobody_learns_whether_the_new_address_is_another_users(people, ann, mailbox):
    bob = await people.signed_in(email="bob@example.org")
    await mailbox.take()

    free = await change(people, ann, "free@example.org", current_password=PASSWORD)
    await mailbox.take()
    taken = await change(people, ann, "BOB@example.org", current_password=PASSWORD)

    assert taken == free
    token = await mailbox.token(MailKind.CONFIRM_NEW_EMAIL)
    with refused("EMAIL_TAKEN", grpc.StatusCode.ALREADY_EXISTS):
        await confirm(people, token)
    assert (await user_of(people, ann)).email == "ann@example.org"
    assert await mailbox.take() == []
    await people.users.DeleteUser(DeleteUserRequest(id=bob.id), metadata=bob.bearer)
    await confirm(people, token)
    assert (await user_of(people, ann)).email == "BOB@example.org"


async def test_of_many_who_confirm_one_address_one_gets_it(people, mailbox, sql):
    tokens = []
    for number in range(5):
        person = await people.signed_in(email=f"person{number}@example.com")
        await mailbox.take()
        await change(people, person, current_password=PASSWORD)
        tokens.append(await mailbox.token(MailKind.CONFIRM_NEW_EMAIL))

    results = await asyncio.gather(*(confirm(people, token) for token in tokens * 2), return_exceptions=True)

    assert len([result for result in results if isinstance(result, pb.ConfirmEmailChangeResponse)]) == 1
    errors = [reason_of(result) for result in results if isinstance(result, grpc.aio.AioRpcError)]
    assert set(errors) == {"EMAIL_TAKEN", "ONE_TIME_TOKEN_INVALID"}
    assert await sql.fetchval("SELECT count(*) FROM users WHERE email = $1", NEW) == 1
    assert [mail.kind for mail in await mailbox.take()] == [MailKind.EMAIL_CHANGED]


@pytest.mark.requirement(50)
async def test_a_newer_link_voids_the_older_one_and_each_is_good_once(people, ann, mailbox):
    tokens = []
    for address in ("one@example.org", "two@example.org"):
        await change(people, ann, address, current_password=PASSWORD)
        tokens.append(await mailbox.token(MailKind.CONFIRM_NEW_EMAIL))

    await confirm_refused(people, tokens[0])
    await confirm(people, tokens[1])
    await confirm_refused(people, tokens[1])
    assert (await user_of(people, ann)).email == "two@example.org"


@pytest.mark.requirement(50)
async def test_a_link_is_void_once_the_password_is_another_one_or_its_time_is_over(people, ann, mailbox, clock, db):
    await change(people, ann, current_password=PASSWORD)
    token = await mailbox.token(MailKind.CONFIRM_NEW_EMAIL)
    await passwords.replace(db, UUID(ann.id), "gp1$another", clock())
    await confirm_refused(people, token)

    bea = await signed_in_by_provider(people)
    await change(people, bea)
    token = await mailbox.token(MailKind.CONFIRM_NEW_EMAIL)
    clock.advance(timedelta(hours=1))
    await confirm_refused(people, token)


@pytest.mark.requirement(50)
async def test_a_link_verifies_no_address_and_confirms_none_that_was_not_asked_for(people, mailbox):
    ann = await people.signed_in()
    to_verify = await mailbox.token(MailKind.VERIFY_EMAIL)
    await change(people, ann, current_password=PASSWORD)
    to_confirm = await mailbox.token(MailKind.CONFIRM_NEW_EMAIL)

    await confirm_refused(people, to_verify)
    with refused("ONE_TIME_TOKEN_INVALID"):
        await people.auth.VerifyEmail(pb.VerifyEmailRequest(token=to_confirm))
    await confirm(people, to_confirm)
    with refused("ONE_TIME_TOKEN_INVALID"):
        await people.auth.VerifyEmail(pb.VerifyEmailRequest(token=to_verify))


@pytest.mark.requirement(50)
async def test_no_link_in_the_mailbox_of_before_is_good_any_more(people, mailbox, sql):
    ann = await people.signed_in()
    to_verify = await mailbox.token(MailKind.VERIFY_EMAIL)
    await sql.execute("INSERT INTO verification_tokens VALUES ($1, 'NextAuth''s', now() + interval '1 day')", ann.email)
    await change(people, ann, current_password=PASSWORD)
    await confirm(people, await mailbox.token(MailKind.CONFIRM_NEW_EMAIL))

    await sql.execute("UPDATE users SET email = $1, email_verified = NULL", ann.email)

    with refused("ONE_TIME_TOKEN_INVALID"):
        await people.auth.VerifyEmail(pb.VerifyEmailRequest(token=to_verify))
    assert await sql.fetchval("SELECT count(*) FROM verification_tokens") == 0


@pytest.mark.requirement(53)
async def test_a_mail_that_the_limit_keeps_back_voids_no_link(people, ann, mailbox):
    answers = [await change(people, ann, current_password=PASSWORD) for _ in range(7)]

    mails = await mailbox.take()

    assert len({answer.message for answer in answers}) == 1
    assert len(mails) == 5
    await confirm(people, mails[-1].values["token"])
    assert (await user_of(people, ann)).email == NEW


@pytest.mark.requirement(11)
@pytest.mark.parametrize("address", ["", "new", "a@b\0.org", "new@example.org\r\nBcc: eve@example.org"])
async def test_what_is_no_address_is_refused(people, ann, address):
    with refused("REQUEST_INVALID"):
        await change(people, ann, address, current_password=PASSWORD)


async def confirm_refused(people, token):
    with refused("ONE_TIME_TOKEN_INVALID"):
        await confirm(people, token)
