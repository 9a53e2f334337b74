"""No way past a second factor, be it by a provider, a mailed link, an older sign-in or haste (OWASP ASVS 6.4.3)."""

import asyncio
from datetime import timedelta

import grpc
import pytest

from auth_server.domain.secrets import token_hash
from auth_server.storage import refresh_tokens
from gatepost.v1 import auth_service_pb2 as pb
from gatepost.v1 import identity_service_pb2_grpc
from gatepost.v1.adapter_service_pb2 import GetSessionAndUserRequest
from gatepost.v1.identity_service_pb2 import GetIdentityRequest
from gatepost.v1.second_factor_service_pb2 import GetSecondFactorRequest, RemoveSecondFactorRequest
from tests.challenges import amr, challenge_in, challenge_of, complete
from tests.people import PASSWORD, reason_of, refresh, refused
from tests.resets import NEW_PASSWORD
from tests.second_factors import app_of, begun, confirmed, turned_on, with_second_factor
from tests.waiting import backends_that_wait


@pytest.fixture
async def ann(people):
    return await people.signed_in()


@pytest.fixture
def turn_on(sql, settings, clock, ann):
    """Gives Ann a second factor, past the server, which would end all that she has."""

    async def turn_on():
        return await turned_on(sql, settings, clock, ann.id)

    return turn_on


async def o_auth_login(people, ann):
    request = pb.OAuthLoginRequest(email=ann.email, provider="google")
    return await people.auth.OAuthLogin(request, metadata=people.secret)


async def families(sql):
    return await sql.fetchval("SELECT count(*) FROM refresh_families WHERE ended_at IS NULL")


@pytest.mark.requirement(31)
async def test_a_providers_sign_in_is_asked_for_the_second_factor(people, ann, turn_on, sql):
    await people.an_account(ann.id)
    app, before = await turn_on(), await families(sql)

    with refused("SECOND_FACTOR_REQUIRED", grpc.StatusCode.PERMISSION_DENIED) as caught:
        await o_auth_login(people, ann)
    assert await families(sql) == before
    answer = await complete(people, challenge_in(caught.value), app.next_code())

    assert amr(answer.backend_tokens.access_token) == ["otp", "mfa"]
    assert not answer.HasField("device_token")


@pytest.mark.requirement(31)
async def test_an_account_that_is_linked_later_opens_no_way_past_it(people, ann, turn_on, sql):
    await sql.execute("UPDATE users SET email_verified = now()")
    await turn_on()
    await people.an_account(ann.id)

    with refused("SECOND_FACTOR_REQUIRED"):
        await o_auth_login(people, ann)


@pytest.mark.requirement(31)
async def test_a_mailed_link_that_resets_the_password_leaves_the_second_factor(people, ann, turn_on, resets):
    app = await turn_on()
    await resets.reset(await resets.token(ann.email))

    challenge = await challenge_of(people, ann.email, NEW_PASSWORD)

    assert (await complete(people, challenge, app.next_code())).user.id == ann.id


@pytest.mark.requirement(31)
@pytest.mark.parametrize("again", [False, True])
async def test_a_sign_in_without_the_second_factor_is_not_refreshed_but_ended(people, ann, turn_on, sql, again):
    if again:  # the answer of before would be given once more
        await refresh(people, ann.refresh_token)
    await turn_on()

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, ann.refresh_token)

    assert await families(sql) == 0
    assert await sql.fetchval("SELECT ended_reason FROM refresh_families") == "ended"


@pytest.mark.requirement(31)
async def test_a_refresh_that_had_looked_before_it_was_turned_on_comes_too_late(people, ann, turn_on, db, clock):
    used = token_hash(ann.refresh_token)
    found = await refresh_tokens.find(db, used)
    await turn_on()

    expires = clock() + timedelta(hours=1)
    assert not await refresh_tokens.rotate(db, used, found.family_id, b"new", now=clock(), expires=expires, answer=None)


@pytest.mark.requirement(31)
async def test_what_began_at_a_server_that_knows_of_no_second_factor_opens_no_door(people, ann, turn_on, channel):
    identity = identity_service_pb2_grpc.IdentityServiceStub(channel)
    session = await people.a_session(ann.id)
    await turn_on()

    with refused("ACCESS_TOKEN_INVALID"):
        await people.second_factors.GetSecondFactor(GetSecondFactorRequest(), metadata=ann.bearer)
    with refused("ACCESS_TOKEN_INVALID"):
        await identity.GetIdentity(GetIdentityRequest(), metadata=ann.bearer)
    with refused("SESSION_INVALID"):
        await identity.GetIdentity(GetIdentityRequest(), metadata=[("x-session-token", session.session_token)])
    request = GetSessionAndUserRequest(session_token=session.session_token)
    answer = await people.adapter.GetSessionAndUser(request, metadata=people.secret)
    assert not answer.HasField("session_and_user")


async def begin(people, ann, app):
    await begun(people, ann)


async def remove(people, ann, app):
    request = RemoveSecondFactorRequest(code=app.next_code(), current_password=PASSWORD)
    await people.second_factors.RemoveSecondFactor(request, metadata=ann.bearer)


@pytest.mark.requirement(23, 30)
@pytest.mark.parametrize("change", [begin, remove])
async def test_a_password_that_is_another_one_meanwhile_turns_nothing_on_or_off(people, ann, sql, clock, change):
    await sql.execute("UPDATE users SET email_verified = now()")
    app = (await with_second_factor(people, ann, clock))[0] if change is remove else None
    before, held = await sql.fetch("SELECT * FROM second_factors"), sql.transaction()
    await held.start()
    await sql.execute("UPDATE users SET password_version = password_version + 1")
    asked = asyncio.ensure_future(change(people, ann, app))
    await backends_that_wait(sql)
    await held.commit()

    with refused("ACCESS_TOKEN_INVALID"):
        await asked

    assert await sql.fetch("SELECT * FROM second_factors") == before


@pytest.mark.requirement(31)
async def test_a_login_while_the_second_factor_is_turned_on_waits_for_it(people, ann, turn_on, sql):
    before, held = await families(sql), sql.transaction()
    await held.start()
    await turn_on()
    login = asyncio.ensure_future(people.login(ann.email))
    await backends_that_wait(sql)
    await held.commit()

    with refused("SECOND_FACTOR_REQUIRED"):
        await login

    assert await families(sql) == before


@pytest.mark.requirement(31)
async def test_a_login_that_was_quicker_than_turning_it_on_ends_with_it(people, ann, sql, clock):
    await sql.execute("UPDATE users SET email_verified = now()")
    app = app_of(await begun(people, ann), clock)
    held = sql.transaction()
    await held.start()
    await sql.execute("SELECT FROM users FOR UPDATE")
    logins = [asyncio.ensure_future(people.login(ann.email)) for _ in range(3)]
    await backends_that_wait(sql, 3)
    turning_on = asyncio.ensure_future(confirmed(people, ann, app.next_code()))
    await backends_that_wait(sql, 4)
    await held.commit()

    await turning_on
    results = await asyncio.gather(*logins, return_exceptions=True)

    # Whoever was before it is ended by it; the others are asked for a code.
    refusals = [reason_of(each) for each in results if isinstance(each, grpc.aio.AioRpcError)]
    assert set(refusals) <= {"SECOND_FACTOR_REQUIRED"}
    living = await sql.fetch("SELECT methods FROM refresh_families WHERE ended_at IS NULL")
    assert [row["methods"] for row in living] == [["pwd", "otp", "mfa"]]
    assert (await refresh(people, ann.refresh_token)).access_token
