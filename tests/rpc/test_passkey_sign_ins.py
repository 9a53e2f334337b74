import asyncio
from datetime import timedelta
from uuid import UUID

import grpc
import jwt
import pytest

from gatepost.v1 import token_service_pb2
from gatepost.v1.users_service_pb2 import DisableUserRequest, GetUserRequest
from tests.passkeys import (
    BACKED_UP,
    EDDSA,
    MAY_BE_BACKED_UP,
    PRESENT,
    VERIFIED,
    text_of,
)
from tests.people import refresh, refused, rule_of
from tests.rpc.passkeys import a_passkey, by_passkey, creation_options, families, request_options, sign_in, verified
from tests.services import a_service

SYNCED = PRESENT | VERIFIED | MAY_BE_BACKED_UP


@pytest.mark.requirement(32)
async def test_anybody_is_asked_for_the_same(people, ann):
    options, token = await request_options(people)
    others, other_token = await request_options(people)

    assert options.pop("challenge") != others.pop("challenge")
    assert token != other_token
    assert options == others
    assert options == {
        "rpId": "example.org",
        "allowCredentials": [],
        "timeout": 300_000,
        "userVerification": "required",
    }


@pytest.mark.requirement(32)
async def test_a_passkey_signs_its_user_in_as_two_factors(people, sql):
    ann = await verified(people, sql)
    authenticator = await a_passkey(people, ann, algorithm=EDDSA)

    signed_in = await by_passkey(people, authenticator)

    assert (signed_in.id, signed_in.email) == (ann.id, ann.email)
    await people.users.GetUser(GetUserRequest(id=ann.id), metadata=signed_in.bearer)
    proven = ["pop", "user", "mfa"]
    assert jwt.decode(signed_in.access_token, options={"verify_signature": False})["amr"] == proven
    pair = await refresh(people, signed_in.refresh_token)
    assert jwt.decode(pair.access_token, options={"verify_signature": False})["amr"] == proven
    row = await sql.fetchrow("SELECT counter, backed_up, last_used_at FROM authenticators")
    assert (row["counter"], row["backed_up"]) == (1, False)
    assert row["last_used_at"] is not None


@pytest.mark.requirement(31, 32)
async def test_a_user_with_a_second_factor_is_asked_for_no_code(people, sql, ann, anns):
    await sql.execute("UPDATE users SET second_factor_since = now() WHERE id::text = $1", ann.id)

    assert (await by_passkey(people, anns)).id == ann.id


@pytest.mark.requirement(32)
async def test_what_an_authenticator_says_of_its_backup_is_kept(people, sql):
    ann = await verified(people, sql)
    authenticator = await a_passkey(people, ann, flags=SYNCED)

    await by_passkey(people, authenticator, flags=SYNCED | BACKED_UP)

    row = await sql.fetchrow("SELECT device_type, backed_up FROM authenticators")
    assert tuple(row) == ("multiDevice", True)


BAD = {
    "of a foreign page": ({"origin": "https://evil.test"}, "origin"),
    "of a page within a foreign one": ({"crossOrigin": True}, "origin"),
    "for a foreign domain": ({"rp_id": "evil.test"}, "credential"),
    "without the user verified": ({"flags": PRESENT}, "credential"),
    "of a registration": ({"type": "webauthn.create"}, "credential"),
    "for another user": ({"user_handle": UUID(int=7).bytes}, "credential"),
    "for nobody": ({"user_handle": b""}, "credential"),
    "of one that could not be backed up": ({"flags": SYNCED}, "credential"),
    "of a challenge of its own": ({"challenge": text_of(bytes(32))}, "challenge"),
    "of no challenge": ({"challenge": 7}, "challenge"),
}


@pytest.mark.requirement(32)
@pytest.mark.parametrize("what", BAD)
async def test_a_bad_answer_signs_nobody_in(people, sql, ann, anns, what):
    changes, rule = BAD[what]
    before = await families(sql)

    with refused("PASSKEY_INVALID", grpc.StatusCode.UNAUTHENTICATED) as caught:
        await by_passkey(people, anns, **changes)

    assert rule_of(caught.value) == rule
    assert await families(sql) == before
    assert await sql.fetchval("SELECT counter FROM authenticators") == 0


async def used_up(people, answer, token, clock):
    await sign_in(people, answer, token)
    return token


async def used_up_by_a_bad_one(people, answer, token, clock):
    with refused("PASSKEY_INVALID"):
        await sign_in(people, answer | {"type": "password"}, token)
    return token


async def expired(people, answer, token, clock):
    clock.advance(timedelta(minutes=5))
    return token


async def with_another_ceremonys_token(people, answer, token, clock):
    return (await request_options(people))[1]


@pytest.mark.requirement(32)
@pytest.mark.parametrize("end", [used_up, used_up_by_a_bad_one, expired, with_another_ceremonys_token])
async def test_a_challenge_is_good_once_for_five_minutes_and_with_its_token(people, sql, ann, anns, clock, end):
    options, token = await request_options(people)
    answer = anns.get(options)

    token = await end(people, answer, token, clock)
    before = await families(sql)
    with refused("PASSKEY_INVALID", grpc.StatusCode.UNAUTHENTICATED) as caught:
        await sign_in(people, answer, token)

    assert rule_of(caught.value) == "challenge"
    assert await families(sql) == before


@pytest.mark.requirement(32)
async def test_a_challenge_to_register_signs_nobody_in(people, sql, ann, anns):
    asked = await creation_options(people, ann)
    _, token = await request_options(people)

    with refused("PASSKEY_INVALID") as caught:
        await sign_in(people, anns.get(asked | {"rpId": "example.org"}), token)

    assert rule_of(caught.value) == "challenge"


@pytest.mark.requirement(32)
async def test_of_two_answers_to_one_challenge_at_once_one_signs_in(people, sql, ann, anns):
    options, token = await request_options(people)
    answers = [anns.get(options) for _ in range(2)]
    before = await families(sql)

    outcomes = await asyncio.gather(*(sign_in(people, answer, token) for answer in answers), return_exceptions=True)

    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert await families(sql) == before + 1


@pytest.mark.requirement(32)
async def test_anothers_passkey_signs_in_its_own_user_alone(people, sql, ann, anns):
    bob = await verified(people, sql)
    bobs = await a_passkey(people, bob)
    bobs.credential_id, own = anns.credential_id, bobs.credential_id

    with refused("PASSKEY_INVALID"):
        await by_passkey(people, bobs, user_handle=anns.user_handle)

    bobs.credential_id = own
    assert (await by_passkey(people, bobs)).id == bob.id


@pytest.mark.requirement(31, 32)
async def test_what_a_front_end_has_registered_signs_nobody_in_here(people, sql, ann, anns):
    """Else whoever has the adapter secret could sign in anybody, past their second factor."""
    await sql.execute("UPDATE authenticators SET is_passkey = false")

    with refused("PASSKEY_INVALID"):
        await by_passkey(people, anns)


@pytest.mark.requirement(45)
async def test_a_disabled_user_is_out(people, sql, ann, anns):
    service = await a_service(sql, "gatepost.v1.UsersService/DisableUser")
    await people.users.DisableUser(DisableUserRequest(id=ann.id), metadata=service.basic)

    with refused("PASSKEY_INVALID", grpc.StatusCode.UNAUTHENTICATED):
        await by_passkey(people, anns)

    assert await sql.fetchval("SELECT counter FROM authenticators") == 0


@pytest.mark.requirement(61)
async def test_a_sign_in_is_audited(people, sql, ann, anns):
    await by_passkey(people, anns)
    with refused("PASSKEY_INVALID"):
        await by_passkey(people, anns, rp_id="evil.test")

    events = await sql.fetch("SELECT event, outcome, user_id::text, rpc FROM audit_events ORDER BY id")
    assert [tuple(event) for event in events] == [
        ("signed-in", "ok", ann.id, "PasskeyService/FinishSignIn"),
        ("refused", "PASSKEY_INVALID", ann.id, "PasskeyService/FinishSignIn"),
    ]


async def test_introspection_tells_how_it_was_proven(people, sql, ann, anns):
    service = await a_service(sql, "gatepost.v1.TokenService/*")
    signed_in = await by_passkey(people, anns)

    request = token_service_pb2.IntrospectRequest(token=signed_in.access_token)
    answer = await people.tokens.Introspect(request, metadata=service.basic)

    assert list(answer.amr) == ["pop", "user", "mfa"]
