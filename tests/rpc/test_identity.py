from datetime import timedelta

import grpc
import pytest

from gatepost.v1 import auth_service_pb2, identity_service_pb2_grpc
from gatepost.v1.identity_service_pb2 import GetIdentityRequest
from tests.people import refused

ACCESS_TOKEN_INVALID = ("ACCESS_TOKEN_INVALID", grpc.StatusCode.UNAUTHENTICATED)
SESSION_INVALID = ("SESSION_INVALID", grpc.StatusCode.UNAUTHENTICATED)


@pytest.fixture
def identity_of(channel):
    stub = identity_service_pb2_grpc.IdentityServiceStub(channel)

    async def ask(*metadata):
        return await stub.GetIdentity(GetIdentityRequest(), metadata=metadata)

    return ask


def by_session(session):
    return ("x-session-token", session.session_token)


async def test_an_access_token_tells_who_brings_it_and_by_which_sign_in(identity_of, people, sql):
    ann = await people.signed_in()

    identity = await identity_of(*ann.bearer)

    family = await sql.fetchval("SELECT id FROM refresh_families WHERE user_id = $1", ann.id)
    assert (identity.user_id, identity.email, identity.name) == (ann.id, ann.email, "Person")
    assert (identity.role, identity.email_verified, identity.sign_in_id) == ("user", False, str(family))


async def test_a_session_tells_its_user_and_no_sign_in(identity_of, people):
    user = await people.a_user(name="Zoë")
    session = await people.a_session(user.id)

    identity = await identity_of(by_session(session))

    assert (identity.user_id, identity.email, identity.name) == (user.id, user.email, "Zoë")
    assert not identity.HasField("sign_in_id")


async def test_what_is_told_is_true_now_whatever_the_token_says(identity_of, people, sql):
    ann = await people.signed_in()
    await sql.execute("UPDATE users SET name = 'New', role = 'operator', email_verified = now() WHERE id = $1", ann.id)

    identity = await identity_of(*ann.bearer)

    assert (identity.name, identity.role, identity.email_verified) == ("New", "operator", True)


async def test_a_user_without_name_and_address_has_none(identity_of, people, sql):
    user = await people.a_user()
    await sql.execute("UPDATE users SET name = NULL, email = NULL WHERE id = $1", user.id)

    identity = await identity_of(by_session(await people.a_session(user.id)))

    assert not identity.HasField("email")
    assert not identity.HasField("name")


@pytest.mark.requirement(45)
async def test_an_expired_session_is_refused(identity_of, people, clock):
    session = await people.a_session((await people.a_user()).id, life=timedelta(minutes=1))
    clock.advance(timedelta(minutes=2))

    with refused(*SESSION_INVALID):
        await identity_of(by_session(session))


@pytest.mark.requirement(45)
@pytest.mark.parametrize("by", ["access token", "session"])
async def test_a_disabled_user_is_refused(identity_of, people, sql, by):
    ann = await people.signed_in()
    session = await people.a_session(ann.id)
    await sql.execute("UPDATE users SET disabled_at = now() WHERE id = $1", ann.id)

    with refused(*(ACCESS_TOKEN_INVALID if by == "access token" else SESSION_INVALID)):
        await identity_of(*(ann.bearer if by == "access token" else [by_session(session)]))


@pytest.mark.requirement(43)
async def test_an_access_token_whose_sign_in_has_ended_is_refused(identity_of, people):
    ann = await people.signed_in()
    await people.auth.Logout(auth_service_pb2.LogoutRequest(), metadata=ann.refresh)

    with refused(*ACCESS_TOKEN_INVALID):
        await identity_of(*ann.bearer)


@pytest.mark.requirement(46)
async def test_a_session_is_not_found_by_the_hash_that_is_stored(identity_of, people, sql):
    await people.a_session((await people.a_user()).id)
    stored = await sql.fetchval("SELECT encode(token_hash, 'hex') FROM sessions")

    with refused(*SESSION_INVALID):
        await identity_of(("x-session-token", stored))


@pytest.mark.parametrize(
    "token",
    ["8d2f8c1e-5a51-4b3e-9a0f-0f4b4a4f7d10", "x", "x" * 4097, "eyJhbGciOiJkaXIifQ..a.b.c"],
    ids=lambda t: t[:12],
)
async def test_an_unknown_session_is_refused(identity_of, token):
    with refused(*SESSION_INVALID):
        await identity_of(("x-session-token", token))


@pytest.mark.requirement(35)
@pytest.mark.parametrize(
    "bearer", ["Bearer garbage", "bearer e30.e30.e30", "Bearer ", "Bearer", "Basic x,bearer y", f"Bearer {'x' * 4097}"]
)
async def test_a_bad_bearer_token_is_refused_whatever_the_session(identity_of, people, bearer):
    session = await people.a_session((await people.a_user()).id)

    with refused(*ACCESS_TOKEN_INVALID):
        await identity_of(("authorization", bearer), by_session(session))


async def test_a_good_token_behind_another_scheme_is_refused(identity_of, people):
    ann = await people.signed_in()

    with refused(*ACCESS_TOKEN_INVALID):
        await identity_of(("authorization", f"Basic,Bearer {ann.access_token}"))


@pytest.mark.requirement(35)
async def test_a_refresh_token_is_no_access_token(identity_of, people):
    ann = await people.signed_in()

    with refused(*ACCESS_TOKEN_INVALID):
        await identity_of(("authorization", f"Bearer {ann.refresh_token}"))


async def test_an_authorization_of_another_scheme_is_for_somebody_else(identity_of, people):
    user = await people.a_user()
    session = await people.a_session(user.id)

    identity = await identity_of(("authorization", "Basic eDp5"), by_session(session))

    assert identity.user_id == user.id


@pytest.mark.parametrize("metadata", [[], [("authorization", "Basic eDp5")], [("x-session-token", "")]], ids=str)
async def test_nothing_presented_is_refused(identity_of, metadata):
    with refused("CREDENTIAL_MISSING", grpc.StatusCode.UNAUTHENTICATED):
        await identity_of(*metadata)


async def test_a_session_token_that_is_given_twice_is_none(identity_of, people):
    session = await people.a_session((await people.a_user()).id)

    with refused("CREDENTIAL_MISSING"):
        await identity_of(by_session(session), by_session(session))


async def test_a_session_makes_no_access_token_good_that_is_given_twice(identity_of, people):
    ann = await people.signed_in()
    session = await people.a_session(ann.id)

    with refused("CREDENTIAL_MISSING"):
        await identity_of(*ann.bearer, *ann.bearer, by_session(session))
