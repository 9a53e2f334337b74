"""A mailed link gives a user another password once, and ends all that the one before opened."""

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.rpc import error_details_pb2

from auth_server.domain.mails import MailKind
from auth_server.domain.one_time_tokens import Purpose
from auth_server.domain.secrets import new_token, token_hash
from auth_server.storage import one_time_tokens
from gatepost.v1.adapter_service_pb2 import GetSessionAndUserRequest
from gatepost.v1.users_service_pb2 import GetUserRequest
from tests.mails import waiting_mails
from tests.people import PASSWORD, detail_of, reason_of, refresh, refused, rule_of, violations_of
from tests.resets import NEW_PASSWORD


async def test_the_new_password_opens_and_the_old_one_does_not(people, resets):
    email = await people.registered()

    await resets.reset(await resets.token(email))

    assert await people.login(email, NEW_PASSWORD)
    with refused("CREDENTIALS_INVALID"):
        await people.login(email, PASSWORD)


@pytest.mark.requirement(49)
async def test_a_reset_signs_nobody_in(people, resets, sql):
    email = await people.registered()

    answer = await resets.reset(await resets.token(email))

    assert [field.name for field, _ in answer.ListFields()] == ["message", "device_token"]
    assert await sql.fetchval("SELECT count(*) FROM refresh_families") == 0


@pytest.mark.requirement(48)
async def test_everything_that_the_password_before_opened_ends(people, resets, sql):
    ann = await people.signed_in()
    other, bob = await people.login(ann.email), await people.signed_in()
    session = await people.a_session(ann.id)

    await resets.reset(await resets.token(ann.email))

    for each in (ann, other):
        with refused("ACCESS_TOKEN_INVALID"):
            await people.users.GetUser(GetUserRequest(id=ann.id), metadata=each.bearer)
        with refused("REFRESH_TOKEN_INVALID"):
            await refresh(people, each.refresh_token)
    asked = GetSessionAndUserRequest(session_token=session.session_token)
    assert not (await people.adapter.GetSessionAndUser(asked, metadata=people.secret)).HasField("session_and_user")
    assert await people.users.GetUser(GetUserRequest(id=bob.id), metadata=bob.bearer)
    reasons = "SELECT DISTINCT ended_reason FROM refresh_families WHERE user_id::text = $1"
    assert [row[0] for row in await sql.fetch(reasons, ann.id)] == ["password changed"]


@pytest.mark.requirement(48)
async def test_other_links_are_void_and_the_user_is_told(people, resets, sql, db, settings, clock):
    ann = await people.signed_in(locale="fr")
    token = await resets.token(ann.email)
    user_id = await sql.fetchval("SELECT id FROM users")
    for purpose in (Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL):
        await one_time_tokens.put(
            db, token_hash(purpose), purpose, user_id, address=ann.email, expires=clock() + timedelta(hours=1)
        )

    await resets.reset(token)

    assert await sql.fetchval("SELECT count(*) FROM one_time_tokens") == 0
    notice = (await waiting_mails(sql, settings))[-1]
    assert (notice.kind, notice.recipient, notice.user_id) == (MailKind.PASSWORD_CHANGED, ann.email, user_id)
    assert notice.locale == "fr"
    assert notice.values == {"name": "Person"}


@pytest.mark.requirement(48)
async def test_a_reset_is_audited_with_its_request(people, resets, sql):
    email = await people.registered()

    await resets.reset(await resets.token(email))

    audited = await sql.fetchrow("SELECT user_id, request_id FROM audit_events WHERE event = 'password-reset'")
    assert audited["user_id"] == await sql.fetchval("SELECT id FROM users")
    assert audited["request_id"]


@pytest.mark.requirement(47)
async def test_of_many_resets_at_once_one_holds(people, resets, sql):
    email = await people.registered()
    token = await resets.token(email)
    tried = [f"horse number {number} of many" for number in range(6)]

    answers = await asyncio.gather(*(resets.reset(token, each) for each in tried), return_exceptions=True)

    held = [each for each, answer in zip(tried, answers, strict=True) if not isinstance(answer, Exception)]
    assert len(held) == 1
    assert {reason_of(error) for error in answers if isinstance(error, Exception)} == {"ONE_TIME_TOKEN_INVALID"}
    assert await people.login(email, held[0])
    assert await sql.fetchval("SELECT password_version FROM users") == 1


@pytest.mark.requirement(48)
async def test_a_login_that_meets_the_reset_leaves_no_sign_in_of_the_old_password(people, resets, sql):
    for _ in range(5):
        email = await people.registered()
        token = await resets.token(email)

        await asyncio.gather(
            people.login(email), resets.reset(token), people.login(email), people.login(email), return_exceptions=True
        )

        with refused("CREDENTIALS_INVALID"):
            await people.login(email)
    assert await sql.fetchval("SELECT count(*) FROM refresh_families WHERE ended_at IS NULL") == 0


@pytest.mark.requirement(47, 49)
async def test_every_token_that_is_not_good_is_refused_alike(people, resets, sql, db, clock):
    addresses = {name: await people.registered() for name in ("disabled", "moved", "purpose", "expired", "used")}
    clock.stopped_at = datetime.now(UTC)
    tokens = {name: await resets.token(address) for name, address in addresses.items()}
    tokens |= {"unknown": new_token(), "malformed": "token", "purpose": new_token()}
    await sql.execute("UPDATE users SET disabled_at = now() WHERE email = $1", addresses["disabled"])
    await sql.execute("UPDATE users SET email = 'moved@example.org' WHERE email = $1", addresses["moved"])
    await sql.execute("UPDATE one_time_tokens SET expires = $2 WHERE address = $1", addresses["expired"], clock())
    user_id = await sql.fetchval("SELECT id FROM users WHERE email = $1", addresses["purpose"])
    hashed, later = token_hash(tokens["purpose"]), clock() + timedelta(hours=1)
    await one_time_tokens.put(db, hashed, Purpose.VERIFY_EMAIL, user_id, address=addresses["purpose"], expires=later)
    await resets.reset(tokens["used"])

    refusals = {name: await refusal_of(resets, token) for name, token in tokens.items()}

    assert len(refusals) == 7
    assert len(set(refusals.values())) == 1


async def refusal_of(resets, token):
    """All that a caller learns, but for the id of the request."""
    with refused("ONE_TIME_TOKEN_INVALID", grpc.StatusCode.INVALID_ARGUMENT) as caught:
        await resets.reset(token)
    info = detail_of(caught.value, error_details_pb2.ErrorInfo())
    return caught.value.details(), tuple(violations_of(caught.value)), tuple(info.metadata)


@pytest.mark.requirement(20, 48)
async def test_a_password_that_is_refused_leaves_the_token_good(people, resets, sql):
    email = await people.registered(email="annabella@example.org")
    token = await resets.token(email)
    before = await sql.fetchrow("SELECT users::text FROM users")

    for password, rule in (("short", "too_short"), ("annabella1", "email")):
        with refused("PASSWORD_REFUSED", grpc.StatusCode.INVALID_ARGUMENT) as caught:
            await resets.reset(token, password)
        assert (violations_of(caught.value), rule_of(caught.value)) == (["new_password"], rule)

    assert await sql.fetchrow("SELECT users::text FROM users") == before
    assert await resets.reset(token)


@pytest.mark.requirement(49)
async def test_a_refused_password_tells_nothing_of_the_token(people, resets):
    await people.registered(email="annabella@example.org")

    with refused("PASSWORD_REFUSED"):
        await resets.reset(new_token(), "short")
    with refused("ONE_TIME_TOKEN_INVALID"):
        await resets.reset(new_token(), "annabella1")


async def test_a_user_without_a_password_gets_one_and_a_proven_address(people, resets, sql):
    """Who reads the mail of an address has proven it, by whatever link."""
    user = await people.a_user()

    await resets.reset(await resets.token(user.email))

    assert (await people.login(user.email, NEW_PASSWORD)).id == user.id
    assert await sql.fetchval("SELECT email_verified FROM users") is not None
