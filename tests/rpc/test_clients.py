"""Where a sign-in came from, which only a gateway may tell of somebody else."""

import pytest

from auth_server.domain.clients import Client, address_of_peer, client_of
from auth_server.interceptors.calls import Call
from gatepost.v1 import auth_service_pb2
from gatepost.v1.session_service_pb2 import ListSignInsRequest
from tests.people import PASSWORD

FORGED = [("x-client-address", "203.0.113.7"), ("x-client-agent", "Forged/1")]


async def sign_in_of(people, tokens, user_id):
    metadata = [("authorization", f"Bearer {tokens}")]
    [found] = (await people.sessions.ListSignIns(ListSignInsRequest(user_id=user_id), metadata=metadata)).sign_ins
    return found


@pytest.mark.requirement(14, 44)
async def test_over_grpc_the_connection_tells_and_metadata_cannot_forge_it(people):
    email = await people.registered()

    request = auth_service_pb2.LoginRequest(email=email, password=PASSWORD)
    answer = await people.auth.Login(request, metadata=FORGED)

    found = await sign_in_of(people, answer.backend_tokens.access_token, answer.user.id)
    assert found.address == "127.0.0.1"
    assert found.device.startswith("grpc-python")


@pytest.mark.requirement(14, 44)
async def test_over_rest_the_gateway_tells_and_headers_cannot_forge_it(rest):
    email = await rest.people.registered()
    body = {"email": email, "password": PASSWORD}
    headers = {**dict(FORGED), "x-forwarded-for": "203.0.113.7", "user-agent": "Browser/1 (é; x)"}

    answer = (await rest.call("POST", "/auth/login", body, headers=headers)).json

    found = await sign_in_of(rest.people, answer["backendTokens"]["accessToken"], answer["user"]["id"])
    assert found.address == "127.0.0.1"
    # A gateway beside the server has not proven who it is here.
    assert found.device == "Browser/1 (; x)" or found.device.startswith("grpc-python")


@pytest.mark.requirement(44)
async def test_the_gateway_in_the_process_tells_of_a_provider_too(people, server):
    user = await people.a_user()
    await people.an_account(user.id)
    call = server.channel.unary_unary("/gatepost.v1.AuthService/OAuthLogin")

    answer = await call(auth_service_pb2.OAuthLoginRequest(email=user.email), metadata=[*people.secret, *FORGED])

    found = await sign_in_of(people, answer.backend_tokens.access_token, user.id)
    assert (found.address, found.device) == ("203.0.113.7", "Forged/1")


async def test_who_tells_nothing_is_unknown(people, server):
    email = await people.registered()
    call = server.channel.unary_unary("/gatepost.v1.AuthService/Login")

    answer = await call(auth_service_pb2.LoginRequest(email=email, password=PASSWORD))

    found = await sign_in_of(people, answer.backend_tokens.access_token, answer.user.id)
    assert not found.HasField("address")
    assert not found.HasField("device")


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.1:4711", "192.0.2.1"),
        ("ipv6:%5B2001:db8::1%5D:4711", "2001:db8::1"),
        ("ipv6:[::1]:4711", "::1"),
        ("unix:/run/gatepost.sock", ""),
        ("unix:", ""),
        ("", ""),
    ],
)
def test_a_peer_of_grpc_has_an_address_or_none(peer, address):
    assert address_of_peer(peer) == address


@pytest.mark.parametrize(
    ("address", "agent", "client"),
    [
        ("2001:DB8:0::1", "A", Client("2001:db8::1", "A")),
        ("fe80::1%<any text>", "A", Client("fe80::1", "A")),
        ("::ffff:192.0.2.1", "A", Client("192.0.2.1", "A")),
        ("0000:0000:0000:0000:0000:ffff:255.255.255.255", "A", Client("255.255.255.255", "A")),
        ("1" * 1000, "A", Client(None, "A")),
        ("192.0.2.1 ", "", Client(None, None)),
        ("no address", b"bytes", Client(None, None)),
        (b"192.0.2.1", "a\tb\x00c\nd", Client(None, "abcd")),
        (None, "x" * 300, Client(None, "x" * 256)),
    ],
)
def test_of_a_client_only_what_is_in_form_is_kept(address, agent, client):
    assert client_of(address, agent) == client


def test_only_a_proven_gateway_is_believed():
    metadata = dict(FORGED) | {"user-agent": "grpc"}

    assert Call(metadata, peer_address=lambda: "192.0.2.1").client == Client("192.0.2.1", "grpc")
    assert Call(metadata, peer_address=lambda: "192.0.2.1", from_gateway=True).client == Client(
        "203.0.113.7", "Forged/1"
    )
