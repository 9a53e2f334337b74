"""What people, front ends, operators and services do is audited, and so is what they are refused."""

import grpc
import pytest

from auth_server.auditing import audit_seal_of
from auth_server.domain.audit_seal import Personal
from auth_server.domain.secrets import KeyRing
from gatepost.v1 import adapter_pb2, adapter_service_pb2, session_service_pb2, token_service_pb2, users_service_pb2
from gatepost.v1 import auth_emails_pb2 as emails_pb
from gatepost.v1 import auth_passwords_pb2 as passwords_pb
from gatepost.v1 import auth_service_pb2 as pb
from tests.audit import events_of
from tests.conftest import key_ring
from tests.people import refresh, refused
from tests.services import a_service

SEAL = audit_seal_of(KeyRing.of(key_ring("seal")))


async def login(people, ann):
    await people.login(ann.email)


async def log_out(people, ann):
    await people.log_out(ann)


async def revoke_refresh_token(people, ann, token=None):
    request = token_service_pb2.RevokeRequest(token=token or ann.refresh_token)
    await people.tokens.Revoke(request, metadata=people.service)


async def revoke_access_token(people, ann):
    await revoke_refresh_token(people, ann, ann.access_token)


async def end_sign_in(people, ann):
    request = session_service_pb2.ListSignInsRequest(user_id=ann.id)
    [found] = (await people.sessions.ListSignIns(request, metadata=ann.bearer)).sign_ins
    request = session_service_pb2.EndSignInRequest(user_id=ann.id, id=found.id)
    await people.sessions.EndSignIn(request, metadata=ann.bearer)


async def end_sign_ins(people, ann):
    await people.sessions.EndSignIns(session_service_pb2.EndSignInsRequest(user_id=ann.id), metadata=ann.bearer)


async def disable(people, ann):
    await people.users.DisableUser(users_service_pb2.DisableUserRequest(id=ann.id), metadata=people.operator)


async def enable(people, ann):
    await people.users.EnableUser(users_service_pb2.EnableUserRequest(id=ann.id), metadata=people.operator)


async def link(people, ann):
    await people.an_account(ann.id, provider_account_id="a")


async def unlink(people, ann):
    await link(people, ann)
    request = adapter_service_pb2.UnlinkAccountRequest(provider="google", provider_account_id="a")
    await people.adapter.UnlinkAccount(request, metadata=people.secret)


async def start_and_end_session(people, ann):
    session = await people.a_session(ann.id)
    request = adapter_service_pb2.DeleteSessionRequest(session_token=session.session_token)
    await people.adapter.DeleteSession(request, metadata=people.secret)


async def change_by_adapter(people, ann):
    user = adapter_pb2.AdapterUser(id=ann.id, email="other@example.org")
    request = adapter_service_pb2.AdapterServiceUpdateUserRequest(user=user)
    await people.adapter.UpdateUser(request, metadata=people.secret)


async def sign_in_with_provider(people, ann):
    await link(people, ann)
    # Whoever has linked it, the one who registered is expelled.
    await people.auth.OAuthLogin(pb.OAuthLoginRequest(email=ann.email), metadata=people.secret)


USER, ADAPTER, OPERATOR, SERVICE = "user", "adapter", "operator", "service"
DONE = [
    (login, None, ["signed-in"]),
    (log_out, None, ["signed-out"]),
    (revoke_refresh_token, SERVICE, ["sign-in-ended"]),
    (revoke_access_token, SERVICE, ["sign-in-ended"]),
    (end_sign_in, USER, ["sign-in-ended"]),
    (end_sign_ins, USER, ["sign-ins-ended"]),
    (disable, OPERATOR, ["user-disabled"]),
    (enable, OPERATOR, ["user-enabled"]),
    (link, ADAPTER, ["squatter-expelled", "account-linked"]),
    (unlink, ADAPTER, ["squatter-expelled", "account-linked", "account-unlinked"]),
    (start_and_end_session, ADAPTER, ["session-started", "session-ended"]),
    (change_by_adapter, ADAPTER, ["user-changed"]),
    (sign_in_with_provider, ADAPTER, ["squatter-expelled", "account-linked", "signed-in"]),
]


@pytest.fixture
async def ann(people, sql, db):
    """Somebody who is signed in, and whatever acts on them; nothing of that is in the log."""
    signed_in = await people.signed_in()
    operator = await people.signed_in()
    await sql.execute("UPDATE users SET role = 'operator' WHERE id::text = $1", operator.id)
    service = await a_service(db, "gatepost.v1.TokenService/*")
    people.operator, people.service, people.callers = operator.bearer, service.basic, {
        None: None,
        USER: f"user:{signed_in.id}",
        ADAPTER: "adapter",
        OPERATOR: f"user:{operator.id}",
        SERVICE: f"service:{service.name}",
    }  # fmt: skip
    await sql.execute("DELETE FROM audit_events")
    return signed_in


@pytest.mark.requirement(61)
@pytest.mark.parametrize(("do", "caller", "expected"), DONE, ids=[do.__name__ for do, *_ in DONE])
async def test_what_is_done_is_audited_with_who_did_it_and_where(people, sql, ann, do, caller, expected):
    await do(people, ann)

    rows = await sql.fetch(
        "SELECT e.event, e.user_id::text, e.caller, e.outcome, e.rpc, e.request_id, e.sealed, k.id, k.sealed AS key"
        "  FROM audit_events AS e LEFT JOIN audit_keys AS k ON k.id = e.key_id ORDER BY e.id"
    )
    assert [row["event"] for row in rows] == expected
    for row in rows:
        assert (row["user_id"], row["caller"], row["outcome"]) == (ann.id, people.callers[caller], "ok")
        assert "/" in row["rpc"]
        assert row["request_id"]
        personal = SEAL.open(row["sealed"], row["key"], row["id"], row["event"])
        assert personal.address == "127.0.0.1"
        assert personal.agent.startswith("grpc-python")


# By what is tried: the call, the reason that it is refused for, and whether it is known whom it speaks of.
WRONG = "0" * 64
REFUSED = {
    "a wrong password": (lambda p, a: p.login(a.email, "wrong password"), "CREDENTIALS_INVALID", True),
    "an unknown address": (lambda p, a: p.login("nobody@example.org"), "CREDENTIALS_INVALID", False),
    "an account that is not linked": (
        lambda p, a: p.auth.OAuthLogin(pb.OAuthLoginRequest(email=a.email), metadata=p.secret),
        "OAUTH_LOGIN_REFUSED",
        False,
    ),
    "an unknown refresh token": (lambda p, a: refresh(p, WRONG), "REFRESH_TOKEN_INVALID", False),
    "an access token of garbage": (
        lambda p, a: p.users.GetUser(
            users_service_pb2.GetUserRequest(id=a.id), metadata=[("authorization", "Bearer garbage")]
        ),
        "ACCESS_TOKEN_INVALID",
        False,
    ),
    "another adapter secret": (
        lambda p, a: p.adapter.GetUserById(
            adapter_service_pb2.GetUserByIdRequest(id=a.id), metadata=[("x-auth-secret", "no")]
        ),
        "ADAPTER_SECRET_INVALID",
        False,
    ),
    "another's things": (
        lambda p, a: p.users.GetUser(users_service_pb2.GetUserRequest(id="another"), metadata=a.bearer),
        "PERMISSION_DENIED",
        True,
    ),
    "a wrong current password": (
        lambda p, a: p.auth.ChangePassword(
            passwords_pb.ChangePasswordRequest(current_password="wrong", new_password="a whole new one"),
            metadata=a.bearer,
        ),
        "CURRENT_PASSWORD_INVALID",
        True,
    ),
    "a mailed link of before": (
        lambda p, a: p.auth.VerifyEmail(emails_pb.VerifyEmailRequest(token=WRONG)),
        "ONE_TIME_TOKEN_INVALID",
        False,
    ),
}


@pytest.mark.requirement(61)
@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_refused_is_audited_before_it_is_answered(people, sql, ann, what):
    attempt, reason, is_known = REFUSED[what]

    with refused(reason):
        await attempt(people, ann)

    [row] = await sql.fetch("SELECT event, outcome, user_id::text, rpc FROM audit_events")
    assert (row["event"], row["outcome"]) == ("refused", reason)
    assert row["user_id"] == (ann.id if is_known else None)
    assert "/" in row["rpc"]


@pytest.mark.requirement(61)
async def test_the_address_that_was_typed_is_known_and_sealed(people, sql, ann):
    with refused("CREDENTIALS_INVALID"):
        await people.login("Typo@example.org")

    row = await sql.fetchrow(
        "SELECT e.event, e.sealed, k.sealed AS key, k.id, k.user_id FROM audit_events AS e JOIN audit_keys AS k"
        " ON k.id = e.key_id"
    )
    personal = SEAL.open(row["sealed"], row["key"], row["id"], row["event"])
    assert personal == Personal("127.0.0.1", personal.agent, "Typo@example.org")
    assert row["user_id"] is None


@pytest.mark.requirement(61)
async def test_what_is_no_refusal_of_somebody_is_not_audited(people, sql, ann):
    """A visit without a credential, and a request that breaks a rule: the log of calls has them."""
    request = users_service_pb2.GetUserRequest(id=ann.id)
    with refused("CREDENTIAL_MISSING"):
        await people.users.GetUser(request)
    with refused("REQUEST_INVALID", grpc.StatusCode.INVALID_ARGUMENT):
        await people.auth.Register(pb.RegisterRequest(name="A", email="no address", password="x"))

    assert await events_of(sql) == []


@pytest.mark.requirement(61)
@pytest.mark.parametrize("do", [login, log_out, end_sign_in, end_sign_ins, disable, start_and_end_session])
async def test_what_cannot_be_audited_does_not_happen(people, sql, ann, do):
    before = await sql.fetch("SELECT id, ended_at FROM refresh_families ORDER BY id")
    await sql.execute("ALTER TABLE audit_events ADD CONSTRAINT broken CHECK (event = 'refused') NOT VALID")

    try:
        with refused("INTERNAL"):
            await do(people, ann)
    finally:
        await sql.execute("ALTER TABLE audit_events DROP CONSTRAINT broken")

    assert await sql.fetch("SELECT id, ended_at FROM refresh_families ORDER BY id") == before
    assert await sql.fetchval("SELECT count(*) FROM sessions") == 0
    assert await sql.fetchval("SELECT count(*) FROM users WHERE disabled_at IS NOT NULL") == 0


@pytest.mark.requirement(61)
async def test_a_session_whose_end_cannot_be_audited_lives_on(people, sql, ann):
    session = await people.a_session(ann.id)
    await sql.execute("ALTER TABLE audit_events ADD CONSTRAINT broken CHECK (event = 'refused') NOT VALID")

    try:
        with refused("INTERNAL"):
            await people.adapter.DeleteSession(
                adapter_service_pb2.DeleteSessionRequest(session_token=session.session_token), metadata=people.secret
            )
    finally:
        await sql.execute("ALTER TABLE audit_events DROP CONSTRAINT broken")

    assert await sql.fetchval("SELECT count(*) FROM sessions") == 1


@pytest.mark.requirement(63)
async def test_an_erasure_shreds_what_was_personal_and_the_events_stay(people, sql, ann):
    for email in (ann.email, ann.email.upper(), "other@example.org"):
        with refused("CREDENTIALS_INVALID"):
            await people.login(email, "wrong password")
    await people.registered(email=ann.email.upper())  # taken: the event is nobody's
    before = await sql.fetch("SELECT id, event, sealed, key_id FROM audit_events ORDER BY id")
    readable = "SELECT count(*) FROM audit_events JOIN audit_keys ON audit_keys.id = key_id"
    assert await sql.fetchval(readable) == len(before) == 4

    await people.users.DeleteUser(users_service_pb2.DeleteUserRequest(id=ann.id), metadata=ann.bearer)

    assert (await sql.fetch("SELECT id, event, sealed, key_id FROM audit_events ORDER BY id"))[:4] == before
    assert await sql.fetchval(readable) == 1
