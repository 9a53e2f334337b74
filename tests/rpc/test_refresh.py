from datetime import timedelta

import grpc
import jwt
import pytest

from gatepost.v1 import auth_service_pb2 as pb
from gatepost.v1.users_service_pb2 import GetUserRequest
from tests.people import refresh, refused

LATE = timedelta(seconds=11)  # after the window in which a use is answered again


async def test_a_refresh_token_gives_a_new_pair(people):
    signed_in = await people.signed_in()

    tokens = await refresh(people, signed_in.refresh_token)

    old, new = (
        jwt.decode(token, options={"verify_signature": False})
        for token in (signed_in.access_token, tokens.access_token)
    )
    assert tokens.refresh_token != signed_in.refresh_token
    assert (new["sub"], new["sid"]) == (old["sub"], old["sid"])
    assert new["jti"] != old["jti"]
    assert await refresh(people, tokens.refresh_token)


async def test_the_body_does_not_say_who_one_is(people):
    ann, bob = await people.signed_in(), await people.signed_in()

    tokens = await refresh(
        people, ann.refresh_token, username={"string_value": bob.email}, sub={"string_value": bob.id}
    )

    assert jwt.decode(tokens.access_token, options={"verify_signature": False})["sub"] == ann.id


@pytest.mark.requirement(37)
async def test_a_second_use_ends_the_whole_family(people, clock, sql, caplog):
    signed_in = await people.signed_in()
    successor = await refresh(people, signed_in.refresh_token)
    clock.advance(LATE)

    with refused("REFRESH_TOKEN_INVALID", grpc.StatusCode.UNAUTHENTICATED):
        await refresh(people, signed_in.refresh_token)

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, successor.refresh_token)
    family = await sql.fetchrow("SELECT id, ended_reason FROM refresh_families")
    assert family["ended_reason"] == "reuse"
    warnings = [each for each in caplog.records if each.levelname == "WARNING"]
    assert [(each.name, each.family_id) for each in warnings] == [
        ("auth_server.usecases.refreshing", str(family["id"]))
    ]


@pytest.mark.requirement(37)
async def test_a_second_use_spares_the_users_other_sign_ins(people, clock):
    first = await people.signed_in()
    second = await people.login(first.email)
    await refresh(people, first.refresh_token)
    clock.advance(LATE)

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, first.refresh_token)

    assert await refresh(people, second.refresh_token)


@pytest.mark.requirement(35)
@pytest.mark.parametrize("token", ["0" * 64, "x", "é" * 64])
async def test_an_unknown_token_is_refused(people, token):
    with refused("REFRESH_TOKEN_INVALID") if token.isascii() else refused("CREDENTIAL_MISSING"):
        await people.auth.RefreshTokens(
            pb.RefreshTokensRequest(),
            metadata=[("authorization", f"Refresh {token}")] if token.isascii() else [("authorization-bin", b"x")],
        )


@pytest.mark.requirement(35)
async def test_an_access_token_does_not_refresh(people):
    signed_in = await people.signed_in()

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, signed_in.access_token)
    with refused("CREDENTIAL_MISSING"):
        await people.auth.RefreshTokens(pb.RefreshTokensRequest(), metadata=signed_in.bearer)


@pytest.mark.requirement(39)
async def test_an_idle_sign_in_ends(people, clock):
    signed_in = await people.signed_in()

    clock.advance(timedelta(days=14))

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, signed_in.refresh_token)


@pytest.mark.requirement(39)
async def test_a_sign_in_ends_after_its_absolute_life_however_often_it_is_refreshed(people, clock):
    token = (await people.signed_in()).refresh_token
    for _ in range(9):
        clock.advance(timedelta(days=9))
        token = (await refresh(people, token)).refresh_token

    clock.advance(timedelta(days=9))

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, token)


@pytest.mark.requirement(39)
async def test_the_last_access_token_ends_with_the_sign_in(people, clock, sql):
    token = (await people.signed_in()).refresh_token
    for _ in range(9):
        clock.advance(timedelta(days=9))
        token = (await refresh(people, token)).refresh_token
    clock.advance(timedelta(days=9) - timedelta(minutes=2))

    tokens = await refresh(people, token)

    ends = await sql.fetchval("SELECT expires FROM refresh_families")
    exp = jwt.decode(tokens.access_token, options={"verify_signature": False, "verify_exp": False})["exp"]
    assert exp == int(ends.timestamp())
    assert tokens.expires_in == exp * 1000


async def test_a_disabled_user_does_not_refresh(people, sql):
    signed_in = await people.signed_in()
    await sql.execute("UPDATE users SET disabled_at = now()")

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, signed_in.refresh_token)


@pytest.mark.requirement(33)
async def test_the_refreshed_token_tells_what_is_true_now(people, sql):
    signed_in = await people.signed_in()
    await sql.execute("UPDATE users SET name = 'New', email_verified = now()")

    tokens = await refresh(people, signed_in.refresh_token)

    claims = jwt.decode(tokens.access_token, options={"verify_signature": False})
    assert (claims["name"], claims["email_verified"], claims["amr"]) == ("New", True, ["pwd"])


async def test_logging_out_ends_the_sign_in_at_once(people):
    signed_in = await people.signed_in()

    await people.auth.Logout(pb.LogoutRequest(), metadata=signed_in.refresh)

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, signed_in.refresh_token)
    with refused("ACCESS_TOKEN_INVALID"):
        await people.users.GetUser(GetUserRequest(id=signed_in.id), metadata=signed_in.bearer)


async def test_logging_out_twice_is_no_error(people):
    signed_in = await people.signed_in()

    for _ in range(2):
        await people.auth.Logout(pb.LogoutRequest(), metadata=signed_in.refresh)
    await people.auth.Logout(pb.LogoutRequest(), metadata=[("authorization", "Refresh " + "0" * 64)])


@pytest.mark.requirement(36)
async def test_a_refresh_token_is_not_stored(people, sql):
    signed_in = await people.signed_in()

    text = await sql.fetchval("SELECT refresh_tokens::text FROM refresh_tokens")

    assert signed_in.refresh_token not in text
    assert signed_in.refresh_token.encode().hex() not in text
