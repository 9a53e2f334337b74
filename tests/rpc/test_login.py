import asyncio
from datetime import UTC, datetime

import grpc
import jwt
import pytest

from auth_server.storage import passwords
from gatepost.v1 import auth_service_pb2 as pb
from gatepost.v1.users_service_pb2 import DeleteUserRequest
from tests.people import PASSWORD, reason_of, refused
from tests.waiting import backends_that_wait


async def test_a_login_answers_the_user_and_a_pair_of_tokens(people):
    email = await people.registered(email="ann@example.org")

    answer = await people.auth.Login(pb.LoginRequest(email=email.upper(), password=PASSWORD))

    claims = jwt.decode(answer.backend_tokens.access_token, options={"verify_signature": False})
    assert claims["sub"] == answer.user.id
    assert answer.backend_tokens.expires_in == claims["exp"] * 1000
    assert len(bytes.fromhex(answer.backend_tokens.refresh_token)) == 32


async def refusal(people, email, password=PASSWORD):
    with refused("CREDENTIALS_INVALID", grpc.StatusCode.UNAUTHENTICATED) as caught:
        await people.login(email, password)
    return caught.value.code(), caught.value.details()


async def test_every_refusal_is_the_same(people, sql):
    known, disabled = await people.registered(), await people.registered()
    await sql.execute("UPDATE users SET disabled_at = now() WHERE email = $1", disabled)
    passwordless = (await people.a_user()).email

    refusals = {
        await refusal(people, known, "wrong password"),
        await refusal(people, "nobody@example.org"),
        await refusal(people, passwordless),
        await refusal(people, disabled),
        await refusal(people, "no\0body"),
    }

    assert len(refusals) == 1


@pytest.mark.requirement(21)
async def test_an_older_hash_is_made_anew_at_login(people, sql, settings):
    from auth_server.domain.passwords import PasswordHashes
    from auth_server.domain.secrets import KeyRing

    email = await people.registered()
    older = PasswordHashes(KeyRing.of(settings.peppers.get_secret_value()), 5).make(PASSWORD)
    await sql.execute("UPDATE users SET password_hash = $1", older)

    await people.login(email)

    stored = await sql.fetchval("SELECT password_hash FROM users")
    assert stored.startswith("gp1$pepper$$2b$04$")
    assert (await people.login(email)).id


async def test_a_hash_is_made_anew_only_for_the_right_password(people, sql, settings):
    from auth_server.domain.passwords import PasswordHashes
    from auth_server.domain.secrets import KeyRing

    email = await people.registered()
    older = PasswordHashes(KeyRing.of(settings.peppers.get_secret_value()), 5).make(PASSWORD)
    await sql.execute("UPDATE users SET password_hash = $1", older)

    await refusal(people, email, "wrong password")

    assert await sql.fetchval("SELECT password_hash FROM users") == older


@pytest.mark.requirement(33)
async def test_a_setting_refuses_users_whose_address_is_not_verified(people, settings, sql):
    from auth_server.app import running
    from tests.people import People

    email = await people.registered()
    strict = settings.model_copy(update={"verified_only": True, "reflection": False})
    async with running(strict) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        strictly = People(channel, "")

        await refusal(strictly, email)
        await sql.execute("UPDATE users SET email_verified = now()")
        signed_in = await strictly.login(email)

    assert jwt.decode(signed_in.access_token, options={"verify_signature": False})["email_verified"] is True


async def test_a_user_who_is_deleted_during_a_login_is_refused_like_any_other(people):
    for _ in range(5):
        signed_in = await people.signed_in()
        logins = [asyncio.ensure_future(people.login(signed_in.email)) for _ in range(8)]
        await people.users.DeleteUser(DeleteUserRequest(id=signed_in.id), metadata=signed_in.bearer)

        results = await asyncio.gather(*logins, return_exceptions=True)

        reasons = {reason_of(result) for result in results if isinstance(result, grpc.aio.AioRpcError)}
        assert reasons <= {"CREDENTIALS_INVALID"}


@pytest.mark.requirement(48)
async def test_a_login_that_was_judged_by_the_password_before_is_refused(people, sql):
    """Else a thief who logs in at the moment of a reset would stay."""
    email = await people.registered()
    async with sql.transaction():
        user_id = await sql.fetchval("SELECT id FROM users")
        await passwords.replace(sql, user_id, "another hash", datetime.now(UTC))
        waits = asyncio.ensure_future(people.login(email))
        await backends_that_wait(sql)

    with refused("CREDENTIALS_INVALID", grpc.StatusCode.UNAUTHENTICATED):
        await waits
    assert await sql.fetchval("SELECT count(*) FROM refresh_families") == 0
