import pytest

from auth_server.interceptors.calls import Call
from auth_server.interceptors.gateways import gateways
from auth_server.usecases.services import Services
from gatepost.v1.auth_service_pb2 import LoginRequest
from gatepost.v1.session_service_pb2 import ListSignInsRequest
from tests.people import PASSWORD
from tests.services import Known, a_service

ABOUT = {"x-client-address": "203.0.113.7", "x-client-agent": "Firefox"}


class Unreachable:
    """A database that is away."""

    async def fetchrow(self, sql, *arguments):
        from auth_server.domain.errors import DatabaseUnavailableError

        raise DatabaseUnavailableError

    fetch = fetchrow


async def seen(db, call):
    """Whether the call comes from a gateway, and what is left of what it says of its client."""

    async def handler(request, call):
        return call

    got = await gateways(Services(db))(None, handler)(None, call)
    return got.from_gateway, {key: value for key, value in got.metadata.items() if key in ABOUT}


def proof(known):
    return {"x-gateway-credential": known.credential}


async def test_a_gateways_credential_is_believed(db):
    gateway = await a_service(db, is_gateway=True)

    assert await seen(db, Call({**ABOUT, **proof(gateway)})) == (True, ABOUT)


async def test_a_gateways_certificate_is_believed(db):
    await a_service(db, is_gateway=True, certificate_names=["gateway.internal"])

    assert await seen(db, Call(ABOUT, names_of_certificate=lambda: ("gateway.internal",))) == (True, ABOUT)


async def test_a_proof_that_is_given_twice_does_not_leave_it_to_the_certificate(db):
    await a_service(db, is_gateway=True, certificate_names=["gateway.internal"])
    call = Call({**ABOUT, "x-gateway-credential": ""}, names_of_certificate=lambda: ("gateway.internal",))

    assert await seen(db, call) == (False, {})


async def test_the_gateway_in_this_process_is_believed(db):
    assert await seen(db, Call(ABOUT, from_gateway=True)) == (True, ABOUT)


@pytest.mark.parametrize(
    "metadata",
    [
        lambda gateway, other: {},
        lambda gateway, other: proof(other),
        lambda gateway, other: {"authorization": gateway.credential},
        lambda gateway, other: proof(Known(gateway.name, other.secret)),
        lambda gateway, other: proof(Known(gateway.name, "0" * 64)),
        lambda gateway, other: {"x-gateway-credential": gateway.credential.removeprefix("Basic ")},
        lambda gateway, other: {"x-gateway-credential": f"Bearer {gateway.secret}"},
        lambda gateway, other: {"x-gateway-credential": b"\xff"},
    ],
    ids=["nothing", "no gateway", "as caller", "another's secret", "wrong secret", "no scheme", "bearer", "bytes"],
)
async def test_what_anybody_else_says_of_clients_is_taken_from_the_call(db, metadata):
    gateway, other = await a_service(db, is_gateway=True), await a_service(db, certificate_names=["other.internal"])
    call = Call({**ABOUT, **metadata(gateway, other)}, names_of_certificate=lambda: ("other.internal",))

    assert await seen(db, call) == (False, {})


async def test_while_the_database_is_away_nobody_is_believed(caplog):
    assert await seen(Unreachable(), Call({**ABOUT, **proof(Known("gateway", "0" * 64))})) == (False, {})
    assert [(record.message, record.cause) for record in caplog.records] == [
        ("gateway not believed", "DATABASE_UNAVAILABLE")
    ]


async def test_a_call_that_says_nothing_of_clients_costs_no_look_up():
    assert await seen(None, Call(proof(Known("gateway", "0" * 64)))) == (False, {})


@pytest.mark.requirement(2, 14)
async def test_a_sign_in_bears_the_address_that_a_proven_gateway_tells(people, db):
    gateway = await a_service(db, is_gateway=True)
    email = await people.registered()
    request = LoginRequest(email=email, password=PASSWORD)

    answer = await people.auth.Login(request, metadata=[*ABOUT.items(), *proof(gateway).items()])

    metadata = [("authorization", f"Bearer {answer.backend_tokens.access_token}")]
    [found] = (
        await people.sessions.ListSignIns(ListSignInsRequest(user_id=answer.user.id), metadata=metadata)
    ).sign_ins
    assert (found.address, found.device) == ("203.0.113.7", "Firefox")
