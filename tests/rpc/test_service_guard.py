import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from google.rpc import error_details_pb2

from auth_server.doors.in_process import InProcessChannel
from auth_server.doors.rpcs import rpcs_of
from auth_server.interceptors.calls import Call
from auth_server.interceptors.errors import RefusedError, errors
from auth_server.interceptors.guards import Guards
from auth_server.interceptors.wrong_credentials import WrongCredentials
from auth_server.storage import services
from auth_server.throttling import throttling_of
from auth_server.usecases.services import REMEMBERED_SECONDS, Services
from gatepost.v1 import options_pb2, users_service_pb2
from tests.people import reason_of, refused
from tests.rpc.test_guards import a_contract
from tests.services import Known, a_service

LIST_USERS = "gatepost.v1.UsersService/ListUsers"


class Answering:
    """A servicer whose one RPC answers."""

    async def Do(self, request, call):  # noqa: N802 (the RPC's name)
        return users_service_pb2.GetUserResponse()


class Watch:
    """Seconds that a test lets pass."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def rpcs(db, watch, settings, clock):
    """An RPC for services, behind the guards of the server."""
    wrong = WrongCredentials(throttling_of(settings, db, clock))
    guards = Guards("s" * 40, access=None, identities=None, services=Services(db, watch), wrong_credentials=wrong)
    return rpcs_of([(a_contract(guard=options_pb2.GUARD_SERVICE), Answering())], [errors, guards])


@pytest.fixture
def path(rpcs):
    return next(iter(rpcs)).removeprefix("/")


@pytest.fixture
def do(rpcs, path):
    """Calls it with this metadata."""
    call = InProcessChannel(rpcs, None).unary_unary(f"/{path}")
    return lambda metadata: call(users_service_pb2.GetUserRequest(id="1"), metadata=metadata)


@pytest.fixture
def do_with_certificate(rpcs, path):
    """Calls it over a connection whose certificate has these names."""
    handler = rpcs[f"/{path}"].handler
    return lambda *names, **metadata: handler(
        users_service_pb2.GetUserRequest(id="1"), Call(metadata, names_of_certificate=lambda: names)
    )


@pytest.mark.requirement(2)
@pytest.mark.parametrize("wildcard", [False, True])
async def test_a_service_calls_what_its_list_names(db, do, path, wildcard):
    service = await a_service(db, f"{path.partition('/')[0]}/*" if wildcard else path)

    assert await do(service.basic) is not None


@pytest.mark.requirement(2)
@pytest.mark.parametrize("allowed", [[], [LIST_USERS], ["gatepost.v1.UsersService/*"]])
async def test_a_known_service_may_not_call_what_its_list_lacks(db, do, allowed):
    service = await a_service(db, *allowed)

    with refused("PERMISSION_DENIED"):
        await do(service.basic)


def basic(text):
    return base64.b64encode(text.encode()).decode()


@pytest.mark.requirement(2, 46)
@pytest.mark.parametrize(
    "forged",
    [
        lambda one, other: Known(one.name, other.secret).credential,
        lambda one, other: Known(one.name, "0" * 64).credential,
        lambda one, other: Known(one.name, one.secret[:-1]).credential,
        lambda one, other: Known(one.name, one.secret.upper()).credential,
        lambda one, other: Known(one.name.upper(), one.secret).credential,
        lambda one, other: Known("nobody", one.secret).credential,
        lambda one, other: f"Basic {basic(one.secret)}",
        lambda one, other: f"Basic {basic(f'{one.name}:')}",
        lambda one, other: "Basic ~~~",
        lambda one, other: "Basic /w==",
        lambda one, other: f"Basic {basic('a:' + 'b' * 600)}",
        lambda one, other: f"Basic {basic(f'{one.name}:{hashlib.sha256(one.secret.encode()).hexdigest()}')}",
    ],
)
async def test_an_unknown_service_and_a_wrong_secret_are_refused_alike(db, do, path, forged):
    one, other = await a_service(db, path), await a_service(db, path)

    with refused("SERVICE_CREDENTIAL_INVALID"):
        await do([("authorization", forged(one, other))])


@pytest.mark.requirement(2)
@pytest.mark.parametrize(
    "metadata", [[], [("authorization", "Bearer abc")], [("authorization", "")], [("x-auth-secret", "s" * 40)]]
)
async def test_without_a_service_credential_nobody_calls_what_is_for_services(do, metadata):
    with refused("CREDENTIAL_MISSING"):
        await do(metadata)


@pytest.mark.requirement(2)
@pytest.mark.parametrize("name", ["spiffe://example.org/billing", "billing.internal"])
async def test_a_certificates_name_is_as_good_as_a_secret(db, do_with_certificate, path, name):
    await a_service(db, path, certificate_names=[name, "other.internal"])

    assert await do_with_certificate(name) is not None
    assert await do_with_certificate("unknown.internal", name) is not None


@pytest.mark.requirement(2)
async def test_a_certificate_that_nobody_registered_is_refused(db, do_with_certificate, path):
    await a_service(db, path, certificate_names=["billing.internal"])

    assert await reason(do_with_certificate("wrong.internal")) == "SERVICE_CREDENTIAL_INVALID"


@pytest.mark.requirement(2)
async def test_a_certificate_of_two_services_is_nobodys(db, do_with_certificate, path):
    for name in ("one.internal", "two.internal"):
        await a_service(db, path, certificate_names=[name])

    assert await reason(do_with_certificate("one.internal", "two.internal")) == "SERVICE_CREDENTIAL_INVALID"


@pytest.mark.requirement(2)
async def test_a_wrong_credential_is_refused_whatever_the_certificate(db, do_with_certificate, path):
    await a_service(db, path, certificate_names=["billing.internal"])
    wrong = Known("billing", "0" * 64).credential

    assert await reason(do_with_certificate("billing.internal", authorization=wrong)) == "SERVICE_CREDENTIAL_INVALID"
    assert await reason(do_with_certificate("billing.internal", authorization="Bearer a")) == "CREDENTIAL_MISSING"


@pytest.mark.requirement(2)
async def test_a_gateways_certificate_lends_no_identity_to_those_behind_it(db, do, do_with_certificate, path):
    gateway = await a_service(db, path, certificate_names=["gateway.internal"], is_gateway=True)

    assert await reason(do_with_certificate("gateway.internal")) == "CREDENTIAL_MISSING"
    assert await do(gateway.basic) is not None


async def reason(call):
    """Why the call is refused."""
    with pytest.raises(RefusedError) as refusal:
        await call
    return str(info_of(refusal.value.status).reason)


def info_of(status):
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info


@pytest.mark.requirement(2, 46)
@pytest.mark.parametrize("ended", ["service", "secret"])
async def test_a_revoked_secret_is_refused_within_a_second(db, do, path, watch, ended):
    service = await a_service(db, path)
    await do(service.basic)

    if ended == "service":
        assert await services.revoke(db, service.name, datetime.now(UTC))
    else:
        assert await services.revoke_secret(db, service.name, 1)
    watch.now += REMEMBERED_SECONDS

    assert REMEMBERED_SECONDS < 1
    with refused("SERVICE_CREDENTIAL_INVALID"):
        await do(service.basic)


async def test_a_service_is_looked_up_once_in_half_a_second(db, do, path, watch, sql):
    service = await a_service(db, path)
    await do(service.basic)
    await sql.execute("DELETE FROM services")
    watch.now += REMEMBERED_SECONDS - 0.01

    assert await do(service.basic) is not None


async def test_a_service_is_known_as_soon_as_it_is_added(db, do, path):
    later = Known("later", "0" * 64)
    with refused("SERVICE_CREDENTIAL_INVALID"):
        await do(later.basic)

    service = await a_service(db, path)

    assert await do(service.basic) is not None


@pytest.mark.requirement(46)
async def test_only_the_hash_of_a_secret_is_kept_and_names_are_compared_in_constant_time(
    db, do, path, sql, monkeypatch
):
    service = await a_service(db, path)
    compared = []
    compare = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or compare(a, b))

    await do(service.basic)

    assert compared == [(service.name.encode(), service.name.encode())]
    assert (
        await sql.fetchval("SELECT secret_hash FROM service_secrets")
        == hashlib.sha256(service.secret.encode()).digest()
    )
    dumped = [str(tuple(row)) for table in ("services", "service_secrets") for row in await sql.fetch(f"TABLE {table}")]
    assert dumped
    assert not any(service.secret in row for row in dumped)


async def test_the_log_names_the_service_and_not_its_secret(people, db, caplog):
    caplog.set_level("DEBUG")
    service = await a_service(db, LIST_USERS)

    await people.users.ListUsers(users_service_pb2.ListUsersRequest(), metadata=service.basic)

    [line] = [record for record in caplog.records if getattr(record, "rpc", "") == LIST_USERS]
    assert line.service == service.name
    assert not hasattr(line, "user_id")
    assert not any(service.secret in str(vars(record)) for record in caplog.records)
    assert not any(service.credential in str(vars(record)) for record in caplog.records)


@pytest.mark.requirement(2, 4)
async def test_over_rest_a_service_calls_what_its_list_names_by_http_basic(rest, db):
    service = await a_service(db, LIST_USERS)
    user = await rest.a_user()

    listed = await rest.call("GET", "/auth", headers=dict(service.basic))
    read = await rest.call("GET", f"/auth/{user['id']}", headers=dict(service.basic))

    assert (listed.status, [each["id"] for each in listed.json["users"]]) == (200, [user["id"]])
    assert (read.status, read.reason) == (403, "PERMISSION_DENIED")


@pytest.mark.requirement(2, 4)
async def test_over_rest_a_wrong_secret_is_refused(rest, db):
    service = await a_service(db, LIST_USERS)

    answer = await rest.call("GET", "/auth", headers={"authorization": Known(service.name, "0" * 64).credential})

    assert (answer.status, answer.reason) == (401, "SERVICE_CREDENTIAL_INVALID")


@pytest.mark.requirement(4)
async def test_a_service_credential_that_is_given_twice_is_none(people, db):
    service = await a_service(db, LIST_USERS)

    with refused("CREDENTIAL_MISSING") as caught:
        await people.users.ListUsers(users_service_pb2.ListUsersRequest(), metadata=service.basic * 2)

    assert reason_of(caught.value) == "CREDENTIAL_MISSING"
