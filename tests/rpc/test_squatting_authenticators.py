"""A passkey that somebody registered for an address which is not theirs ends when its owner arrives."""

import asyncio

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from auth_server.domain.mails import MailKind
from gatepost.v1 import adapter_pb2, adapter_service_pb2
from tests.people import refused
from tests.resets import NEW_PASSWORD
from tests.waiting import backends_that_wait

OWNED = "owner@example.org"


async def link(people, resets, user_id):
    """The owner arrives by a provider."""
    await people.an_account(user_id, provider_account_id="subject of the owner")


async def verify(people, resets, user_id):
    """The owner arrives by a link that NextAuth mailed."""
    user = adapter_pb2.AdapterUser(id=user_id, email_verified=Timestamp(seconds=1_700_000_000))
    asked = adapter_service_pb2.AdapterServiceUpdateUserRequest(user=user)
    await people.adapter.UpdateUser(asked, metadata=people.secret)


async def reset(people, resets, user_id):
    """The owner resets the password, by a link that we mailed."""
    await resets.reset(await resets.token(OWNED))


ARRIVALS = pytest.mark.parametrize("arrive", [link, verify, reset])


async def a_passkey(people, user_id, **fields):
    """An authenticator with its account, as Auth.js makes them."""
    made = await people.an_authenticator(user_id, **fields)
    await people.an_account(user_id, type="webauthn", provider="passkey", provider_account_id=made.provider_account_id)
    return made


async def passkeys_of(people, user_id):
    request = adapter_service_pb2.ListAuthenticatorsRequest(user_id=user_id)
    answer = await people.adapter.ListAuthenticators(request, metadata=people.secret)
    return list(answer.authenticators)


async def session_lives(people, session):
    asked = adapter_service_pb2.GetSessionAndUserRequest(session_token=session.session_token)
    answer = await people.adapter.GetSessionAndUser(asked, metadata=people.secret)
    return answer.HasField("session_and_user")


async def events_of(sql, user_id):
    rows = await sql.fetch("SELECT event FROM audit_events WHERE user_id::text = $1", user_id)
    return [row["event"] for row in rows]


@pytest.mark.requirement(55)
@ARRIVALS
async def test_the_owners_arrival_ends_a_squatters_passkey(people, resets, sql, mailbox, arrive):
    squatter = await people.a_user(email=OWNED)
    await a_passkey(people, squatter.id)
    session = await people.a_session(squatter.id)
    await mailbox.take()

    await arrive(people, resets, squatter.id)

    assert await passkeys_of(people, squatter.id) == []
    told = MailKind.PASSWORD_CHANGED if arrive is reset else MailKind.PASSKEY_REMOVED
    assert (await mailbox.take_one(told)).recipient == OWNED
    assert await sql.fetchval("SELECT count(*) FROM accounts WHERE type = 'webauthn'") == 0
    assert not await session_lives(people, session)
    assert (await events_of(sql, squatter.id)).count("squatter-expelled") == 1


@pytest.mark.requirement(55)
@ARRIVALS
async def test_who_has_verified_their_address_keeps_their_passkeys(people, resets, sql, arrive):
    user = await people.a_user(email=OWNED, email_verified=Timestamp(seconds=1_700_000_000))
    made = await a_passkey(people, user.id)

    await arrive(people, resets, user.id)

    assert await passkeys_of(people, user.id) == [made]
    assert "squatter-expelled" not in await events_of(sql, user.id)


@pytest.mark.parametrize("arrive", [link, verify])
async def test_who_has_no_address_keeps_their_passkeys(people, resets, arrive):
    user = await people.a_user(email=None)
    made = await a_passkey(people, user.id)

    await arrive(people, resets, user.id)

    assert await passkeys_of(people, user.id) == [made]


async def test_a_passkey_beside_a_password_ends_nothing(people, resets):
    person = await people.signed_in(email=OWNED)
    session = await people.a_session(person.id)

    made = await a_passkey(people, person.id)
    second = await a_passkey(people, person.id)

    assert await passkeys_of(people, person.id) == [made, second]
    assert (await people.login(OWNED)).id == person.id
    assert await session_lives(people, session)


@pytest.mark.requirement(55)
async def test_a_passkey_that_comes_at_the_same_moment_does_not_outlive_the_arrival(people, sql):
    squatter = await people.a_user(email=OWNED)
    held = sql.transaction()
    await held.start()
    await sql.execute("SELECT FROM users FOR UPDATE")
    late = asyncio.create_task(people.an_authenticator(squatter.id))
    await backends_that_wait(sql)
    arrival = asyncio.create_task(link(people, None, squatter.id))
    await backends_that_wait(sql, 2)
    await held.rollback()

    await asyncio.gather(late, arrival)

    assert await passkeys_of(people, squatter.id) == []


@pytest.mark.requirement(55)
async def test_an_arrival_that_is_refused_takes_no_passkey(people):
    other, user = await people.a_user(), await people.a_user(email=OWNED)
    await link(people, None, other.id)
    made = await a_passkey(people, user.id)

    with refused("ACCOUNT_TAKEN"):
        await link(people, None, user.id)

    assert await passkeys_of(people, user.id) == [made]


@pytest.mark.requirement(55)
async def test_the_owner_logs_in_with_the_password_that_they_set(people, resets):
    squatter = await people.a_user(email=OWNED)
    await a_passkey(people, squatter.id)

    await reset(people, resets, squatter.id)

    assert (await people.login(OWNED, NEW_PASSWORD)).id == squatter.id
