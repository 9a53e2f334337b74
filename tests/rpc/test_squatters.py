"""What a squatter left ends when the owner of the address arrives by another way (pre-hijacking)."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from auth_server.domain.mails import MailKind
from gatepost.v1 import adapter_pb2, adapter_service_pb2, auth_service_pb2
from gatepost.v1 import auth_emails_pb2 as pb
from gatepost.v1.users_service_pb2 import GetUserRequest
from tests.challenges import recovery_codes_of
from tests.people import PASSWORD, SignedIn, reason_of, refused
from tests.second_factors import turned_on
from tests.waiting import backends_that_wait

OWNED = "owner@example.org"
VERIFIED = Timestamp(seconds=1_700_000_000)


async def link(people, user_id):
    """The owner arrives by a provider."""
    await people.an_account(user_id, provider_account_id="subject of the owner")


async def verify(people, user_id):
    """The owner arrives by a link that NextAuth mailed."""
    await update(people, user_id, email_verified=VERIFIED)


async def update(people, user_id, **fields):
    asked = adapter_service_pb2.AdapterServiceUpdateUserRequest(user=adapter_pb2.AdapterUser(id=user_id, **fields))
    await people.adapter.UpdateUser(asked, metadata=people.secret)


async def session_lives(people, session):
    asked = adapter_service_pb2.GetSessionAndUserRequest(session_token=session.session_token)
    answer = await people.adapter.GetSessionAndUser(asked, metadata=people.secret)
    return answer.HasField("session_and_user")


async def sign_in_lives(people, signed_in):
    try:
        await people.users.GetUser(GetUserRequest(id=signed_in.id), metadata=signed_in.bearer)
    except grpc.aio.AioRpcError as error:
        if reason_of(error) != "ACCESS_TOKEN_INVALID":
            raise
        return False
    return True


@pytest.fixture
async def squatter(people, mailbox):
    """Who registered the owner's address, and is signed in."""
    signed_in = await people.signed_in(email=OWNED)
    await mailbox.take()
    return signed_in


async def change_to_own_address(people, squatter, mailbox):
    """The token of a link in the squatter's own mailbox, which would take the user along later."""
    asked = pb.ChangeEmailRequest(new_email="squatter@example.org", current_password=PASSWORD)
    await people.auth.ChangeEmail(asked, metadata=squatter.bearer)
    return await mailbox.token(MailKind.CONFIRM_NEW_EMAIL)


@pytest.mark.requirement(55)
@pytest.mark.parametrize("arrive", [link, verify])
async def test_the_owners_arrival_ends_all_that_the_squatter_has(people, squatter, mailbox, sql, arrive):
    session = await people.a_session(squatter.id)
    token = await change_to_own_address(people, squatter, mailbox)
    before = await sql.fetchval("SELECT password_version FROM users")

    await arrive(people, squatter.id)

    with refused("CREDENTIALS_INVALID"):
        await people.login(OWNED)
    assert not await sign_in_lives(people, squatter)
    assert not await session_lives(people, session)
    with refused("ONE_TIME_TOKEN_INVALID"):
        await people.auth.ConfirmEmailChange(pb.ConfirmEmailChangeRequest(token=token))
    row = await sql.fetchrow("SELECT email, password_hash, password_version FROM users")
    assert tuple(row) == (OWNED, None, before + 1)
    assert await sql.fetchval("SELECT count(*) FROM one_time_tokens") == 0
    events = await sql.fetch("SELECT event FROM audit_events WHERE user_id::text = $1 ORDER BY id", squatter.id)
    assert [row["event"] for row in events].count("squatter-expelled") == 1
    notice = await mailbox.take_one(MailKind.PASSWORD_CHANGED)
    assert (notice.recipient, notice.user_id) == (OWNED, UUID(squatter.id))


@pytest.mark.requirement(55)
@pytest.mark.parametrize("arrive", [link, verify])
async def test_a_second_factor_of_the_squatter_does_not_keep_the_owner_out(
    people, squatter, sql, settings, clock, arrive
):
    app = await turned_on(sql, settings, clock, squatter.id)
    await recovery_codes_of(sql, squatter.id, app)

    await arrive(people, squatter.id)

    assert (await people.a_session(squatter.id)).user_id == squatter.id
    assert await sql.fetchval("SELECT count(*) FROM recovery_codes") == 0


@pytest.mark.requirement(55)
async def test_the_owner_signs_in_by_their_provider_afterwards(people, squatter):
    await link(people, squatter.id)
    session = await people.a_session(squatter.id)

    asked = auth_service_pb2.OAuthLoginRequest(email=OWNED, provider="google")
    tokens = (await people.auth.OAuthLogin(asked, metadata=people.secret)).backend_tokens

    assert await session_lives(people, session)
    assert await sign_in_lives(people, SignedIn(squatter.id, OWNED, tokens.access_token, tokens.refresh_token))


@pytest.mark.requirement(55)
@pytest.mark.parametrize("arrive", [link, verify])
async def test_who_has_verified_their_address_keeps_all(people, squatter, mailbox, sql, arrive):
    await sql.execute("UPDATE users SET email_verified = $1", datetime(2026, 1, 1, tzinfo=UTC))
    session = await people.a_session(squatter.id)

    await arrive(people, squatter.id)

    assert (await people.login(OWNED)).id == squatter.id
    assert await sign_in_lives(people, squatter)
    assert await session_lives(people, session)
    assert await mailbox.take() == []


@pytest.mark.parametrize("arrive", [link, verify])
async def test_who_never_had_a_password_stays_signed_in(people, mailbox, arrive):
    user = await people.a_user()
    await people.an_account(user.id, provider="github")
    session = await people.a_session(user.id)

    await arrive(people, user.id)

    assert await session_lives(people, session)
    assert await mailbox.take() == []


@pytest.mark.requirement(55)
async def test_an_arrival_that_is_refused_ends_nothing(people, squatter, mailbox):
    other = await people.a_user(email="other@example.org")
    await link(people, other.id)

    with refused("ACCOUNT_TAKEN"):
        await link(people, squatter.id)
    with refused("EMAIL_TAKEN"):
        await update(people, squatter.id, email="other@example.org", email_verified=VERIFIED)

    assert await sign_in_lives(people, squatter)
    assert (await people.login(OWNED)).id == squatter.id
    assert await mailbox.take() == []


async def test_a_change_that_verifies_nothing_ends_nothing(people, squatter):
    await update(people, squatter.id, name="Another")
    asked = adapter_service_pb2.AdapterServiceUpdateUserRequest(user=adapter_pb2.AdapterUser(id=squatter.id))
    asked.update_mask.paths.append("email_verified")
    await people.adapter.UpdateUser(asked, metadata=people.secret)

    assert await sign_in_lives(people, squatter)


@pytest.mark.requirement(50, 55)
async def test_another_address_is_not_verified_because_the_one_before_was(people, sql):
    user = await people.a_user(email="mine@example.org", email_verified=VERIFIED)
    is_verified = "SELECT email_verified IS NOT NULL FROM users"

    await update(people, user.id, name="Another", email="MINE@example.org")
    assert await sql.fetchval(is_verified)
    await update(people, user.id, email=OWNED)
    assert not await sql.fetchval(is_verified)
    await update(people, user.id, email="other@example.org", email_verified=VERIFIED)
    assert await sql.fetchval(is_verified)


@pytest.mark.requirement(55)
async def test_a_login_at_the_same_moment_does_not_come_past_the_arrival(people, squatter, sql):
    held = sql.transaction()
    await held.start()
    await sql.execute("SELECT FROM users FOR UPDATE")
    arrival = asyncio.create_task(link(people, squatter.id))
    await backends_that_wait(sql)
    logins = [asyncio.create_task(people.login(OWNED)) for _ in range(3)]
    await backends_that_wait(sql, 4)
    await held.rollback()

    await arrival
    results = await asyncio.gather(*logins, return_exceptions=True)

    # A login that was before it is ended by it; the others find no password.
    assert not any([await sign_in_lives(people, one) for one in results if isinstance(one, SignedIn)])
    assert {reason_of(one) for one in results if isinstance(one, grpc.aio.AioRpcError)} <= {"CREDENTIALS_INVALID"}
