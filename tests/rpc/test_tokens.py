import asyncio
import base64
import json
from datetime import timedelta

import grpc
import jwt
import pytest
from google.protobuf.json_format import MessageToDict

from gatepost.v1 import auth_service_pb2
from gatepost.v1 import token_service_pb2 as pb
from gatepost.v1.users_service_pb2 import DeleteUserRequest, GetUserRequest
from tests.people import refused
from tests.services import a_service


def decoded(token):
    return jwt.decode(token, options={"verify_signature": False})


@pytest.fixture
def introspect(people, basic):
    """All that Introspect says of a token."""

    async def ask(token, **hint):
        answer = await people.tokens.Introspect(pb.IntrospectRequest(token=token, **hint), metadata=basic)
        return {field.json_name: value for field, value in answer.ListFields()}

    return ask


@pytest.fixture
def revoke(people, basic):
    async def ask(token):
        return await people.tokens.Revoke(pb.RevokeRequest(token=token), metadata=basic)

    return ask


async def refresh(people, signed_in):
    answer = await people.auth.RefreshTokens(auth_service_pb2.RefreshTokensRequest(), metadata=signed_in.refresh)
    return answer.backend_tokens


async def test_a_good_access_token_tells_its_claims(people, basic):
    ann = await people.signed_in()
    said = decoded(ann.access_token)

    request = pb.VerifyAccessTokenRequest(access_token=ann.access_token)
    claims = (await people.tokens.VerifyAccessToken(request, metadata=basic)).claims

    assert (claims.user_id, claims.sign_in_id, claims.token_id) == (ann.id, said["sid"], said["jti"])
    assert (claims.email, claims.username, claims.name) == (ann.email, ann.email, "Person")
    assert (claims.email_verified, claims.role) == (False, "user")
    assert list(claims.methods) == said["amr"] == ["pwd"]
    assert (claims.issue_time.seconds, claims.expire_time.seconds) == (said["iat"], said["exp"])


async def test_the_role_is_the_one_that_the_user_has_now(people, basic, sql):
    ann = await people.signed_in()
    await sql.execute("UPDATE users SET role = 'operator'")

    request = pb.VerifyAccessTokenRequest(access_token=ann.access_token)

    assert (await people.tokens.VerifyAccessToken(request, metadata=basic)).claims.role == "operator"


@pytest.mark.requirement(42)
async def test_an_active_token_is_introspected_by_the_names_of_rfc_7662(people, introspect):
    ann = await people.signed_in()
    said = decoded(ann.access_token)

    answer = await introspect(ann.access_token, token_type_hint="refresh_token")

    assert answer == {
        "active": True,
        "token_type": "Bearer",
        **{key: said[key] for key in ("sub", "sid", "iss", "aud", "exp", "iat", "nbf", "jti")},
        **{key: said[key] for key in ("username", "email", "name", "role", "email_verified", "amr")},
    }


def forged(token):
    """The token with another user in it."""
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "==")) | {"sub": "01890000-0000-7000-8000-000000000000"}
    return ".".join((head, base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode(), signature))


def foreign(token):
    """The same claims, signed by somebody else."""
    head = jwt.get_unverified_header(token)
    return jwt.encode(decoded(token), "x" * 32, algorithm="HS256", headers={"typ": head["typ"], "kid": head["kid"]})


BAD = {
    "garbage": lambda ann: "garbage",
    "other letters": lambda ann: "é.é.é",
    "long": lambda ann: "x" * 32768,
    "forged": lambda ann: forged(ann.access_token),
    "foreign": lambda ann: foreign(ann.access_token),
    "refresh": lambda ann: ann.refresh_token,
    "unknown refresh": lambda ann: "0" * 64,
}


@pytest.mark.requirement(35, 42)
@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_token_is_inactive_and_nothing_else(people, introspect, basic, kind):
    ann = await people.signed_in()
    token = BAD[kind](ann)

    assert await introspect(token) == {"active": False}
    with refused("ACCESS_TOKEN_INVALID", grpc.StatusCode.UNAUTHENTICATED):
        await people.tokens.VerifyAccessToken(pb.VerifyAccessTokenRequest(access_token=token), metadata=basic)


@pytest.mark.requirement(42)
async def test_an_expired_token_is_inactive(people, introspect, clock):
    ann = await people.signed_in()

    clock.advance(timedelta(minutes=16))

    assert await introspect(ann.access_token) == {"active": False}


async def log_out(people, ann, revoke):
    await people.log_out(ann)


async def reuse(people, ann, revoke):
    await refresh(people, ann)
    people.clock.advance(timedelta(hours=1))
    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, ann)
    people.clock.advance(-timedelta(hours=1))


async def revoke_access(people, ann, revoke):
    await revoke(ann.access_token)


async def revoke_refresh(people, ann, revoke):
    await revoke(ann.refresh_token)


async def delete(people, ann, revoke):
    await people.users.DeleteUser(DeleteUserRequest(id=ann.id), metadata=ann.bearer)


@pytest.mark.requirement(42, 43, 45)
@pytest.mark.parametrize("end", [log_out, reuse, revoke_access, revoke_refresh, delete])
async def test_what_ends_a_sign_in_makes_its_tokens_inactive_at_once(people, introspect, revoke, clock, end):
    ann = await people.signed_in()
    assert (await introspect(ann.access_token))["active"]
    people.clock = clock

    await end(people, ann, revoke)

    assert await introspect(ann.access_token) == {"active": False}
    with refused("ACCESS_TOKEN_INVALID"):
        await people.users.GetUser(GetUserRequest(id=ann.id), metadata=ann.bearer)
    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, ann)


@pytest.mark.requirement(43)
@pytest.mark.parametrize("kind", BAD)
async def test_revoking_what_is_not_known_is_no_error(people, revoke, sql, kind):
    await people.signed_in()
    bad = BAD[kind](await people.signed_in()) if kind != "refresh" else "f" * 64

    await revoke(bad)

    assert await sql.fetchval("SELECT count(*) FROM refresh_families WHERE ended_at IS NOT NULL") == 0


@pytest.mark.requirement(43)
async def test_a_revoked_sign_in_leaves_the_users_others(people, introspect, revoke):
    one = await people.signed_in()
    two = await people.login(one.email)

    await asyncio.gather(*(revoke(token) for token in (one.refresh_token, one.access_token)))

    assert await introspect(one.access_token) == {"active": False}
    assert (await introspect(two.access_token))["active"]


@pytest.mark.requirement(43)
async def test_a_used_refresh_token_ends_its_sign_in_too(people, introspect, revoke):
    ann = await people.signed_in()
    successor = await refresh(people, ann)

    await revoke(ann.refresh_token)

    assert await introspect(successor.access_token) == {"active": False}


@pytest.mark.requirement(42)
@pytest.mark.parametrize("rpc", ["VerifyAccessToken", "Introspect", "Revoke"])
async def test_only_services_ask_about_tokens(people, db, rpc):
    ann = await people.signed_in()
    stranger = await a_service(db, "gatepost.v1.UsersService/*")
    request = {
        "VerifyAccessToken": pb.VerifyAccessTokenRequest(access_token=ann.access_token),
        "Introspect": pb.IntrospectRequest(token=ann.access_token),
        "Revoke": pb.RevokeRequest(token=ann.access_token),
    }[rpc]
    call = getattr(people.tokens, rpc)

    for metadata in ([], ann.bearer, people.secret):
        with refused("CREDENTIAL_MISSING"):
            await call(request, metadata=metadata)
    with refused("PERMISSION_DENIED"):
        await call(request, metadata=stranger.basic)
    assert MessageToDict((await people.users.GetUser(GetUserRequest(id=ann.id), metadata=ann.bearer)).user)
