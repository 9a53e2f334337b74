"""The ways to a real Gatepost that nobody else can read."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest

from auth_server.app import running
from gatepost_client import AccessTokenVerifier, GatepostClient, GatepostError, Tls
from gatepost_client.contract.keys_service_pb2 import GetJsonWebKeySetRequest
from gatepost_client.contract.users_service_pb2 import GetUserRequest
from tests.certificates import Authority
from tests.services import a_service

SPIFFE_ID = "spiffe://example.org/orders"


@pytest.fixture
def authority():
    return Authority()


@pytest.fixture
async def secured(settings, authority, tmp_path, db):
    """The port of a server that speaks TLS, and takes client certificates of the authority."""
    certificate, key = authority.issue("localhost").write(tmp_path, "server")
    of_clients = authority.write(tmp_path / "authority.crt")
    own = {
        "grpc_insecure": False,
        "grpc_tls_certificate": certificate,
        "grpc_tls_key": key,
        "grpc_tls_client_ca": of_clients,
    }
    async with running(settings.model_copy(update=own)) as server:
        yield server.grpc_port


@pytest.mark.requirement(2, 45)
async def test_a_service_that_is_known_by_its_certificate_verifies(people, secured, authority, db):
    await a_service(db, "gatepost.v1.TokenService/*", certificate_names=[SPIFFE_ID])
    ours = authority.issue(SPIFFE_ID)
    ann = await people.signed_in()

    async with (
        GatepostClient(f"localhost:{secured}", tls=Tls(authority.pem, ours.chain, ours.key)) as client,
        AccessTokenVerifier(client) as verifier,
    ):
        await verifier.wait_in_sync(timedelta(seconds=30))

        assert (await verifier.verify(ann.access_token)).user_id == ann.id
        with pytest.raises(GatepostError) as caught:
            await client.users.GetUser(GetUserRequest(id=ann.id))
    assert caught.value.reason in {"PERMISSION_DENIED", "CREDENTIAL_MISSING"}


@pytest.mark.requirement(1)
async def test_a_server_of_another_authority_is_not_spoken_to(secured):
    async with GatepostClient(f"localhost:{secured}", tls=Tls(Authority().pem)) as client:
        with pytest.raises(GatepostError) as caught:
            await client.keys.GetJsonWebKeySet(GetJsonWebKeySetRequest(), timeout=3)

    assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}


async def test_a_unix_socket_is_a_way_too(settings, credential, tmp_path):
    socket = f"unix:{tmp_path}/gatepost.sock"
    async with (
        running(settings.model_copy(update={"grpc_insecure": False, "grpc_host": socket})),
        GatepostClient(socket, credential=credential) as client,
        AccessTokenVerifier(client) as verifier,
    ):
        await verifier.wait_in_sync(timedelta(seconds=30))
        assert verifier.in_sync
