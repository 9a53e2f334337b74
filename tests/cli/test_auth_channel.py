"""The channel of a gateway to an auth server elsewhere, which comes and goes."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from pydantic import SecretStr

from auth_server.app import running
from auth_server.settings import AuthServerSettings
from gatepost_cli.auth_channel import dialled
from gatepost_cli.refusals import RefusalError
from http_gateway.app import running as running_gateway
from http_gateway.settings import GatewaySettings
from tests.certificates import Authority
from tests.cli.command import refusal_of
from tests.waiting import at_most


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def to(target: str) -> GatewaySettings:
    """Settings of a gateway that calls an auth server there, in plaintext."""
    return GatewaySettings(auth_target=target, auth_insecure=True)


async def becomes(status: int, session: aiohttp.ClientSession, url: str, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            while True:
                async with session.get(url) as answer:
                    if answer.status == status:
                        return True
                await asyncio.sleep(0.05)
    except TimeoutError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_gateway_is_back_two_seconds_after_its_auth_server(settings: AuthServerSettings, db: object) -> None:
    fixed = settings.model_copy(update={"grpc_port": free_port()})
    async with dialled(to(f"127.0.0.1:{fixed.grpc_port}")) as channel, aiohttp.ClientSession() as session:
        reached: Any = channel
        async with running_gateway(GatewaySettings(http_port=0), reached) as gateway:
            url = f"{gateway.http_url}/readyz"
            async with running(fixed):
                assert await becomes(200, session, url, 30)
            assert await becomes(503, session, url, 30)
            # As long as gRPC's own measure would take to come to attempts four seconds apart.
            await asyncio.sleep(5)

            async with running(fixed):
                assert await becomes(200, session, url, at_most(2))


async def test_calls_are_shared_among_the_addresses(settings: AuthServerSettings, db: object) -> None:
    async with running(settings) as one, running(settings) as two:
        target = f"ipv4:{one.grpc_target},{two.grpc_target}"
        async with dialled(to(target)) as channel:
            await channel.now().channel_ready()
            check: Any = channel.unary_unary("/grpc.health.v1.Health/Check", response_deserializer=bytes)
            assert await check(b"", timeout=5) == b"\x08\x01"
            await one.drain()

            answers: set[bytes] = set()
            async with asyncio.timeout(30):
                while len(answers) < 2:
                    answers.add(await check(b"", timeout=5))

    assert answers == {b"\x08\x01", b"\x08\x02"}


class Mutual:
    """A server and a gateway that know each other by certificates, in files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.renew(Authority("first"))

    def renew(self, authority: Authority) -> None:
        """Both get new certificates, of this authority."""
        self.ca = authority.write(self.folder / "ca.crt")
        self.server = authority.issue("localhost").write(self.folder, "server")
        self.gateway = authority.issue("gateway.internal").write(self.folder, "gateway")

    def of_server(self, settings: AuthServerSettings) -> AuthServerSettings:
        certificate, key = self.server
        tls = {"grpc_tls_certificate": certificate, "grpc_tls_key": key, "grpc_tls_client_ca": self.ca}
        return settings.model_copy(update={**tls, "grpc_insecure": False})

    def of_gateway(self, port: int, **more: Any) -> GatewaySettings:
        certificate, key = self.gateway
        tls: dict[str, Any] = {"auth_tls_ca": self.ca, "auth_tls_certificate": certificate, "auth_tls_key": key}
        return GatewaySettings(http_port=0, auth_target=f"localhost:{port}", **(tls | more))


@pytest.fixture
def mutual(tmp_path: Path) -> Mutual:
    return Mutual(tmp_path)


async def serves(settings: GatewaySettings) -> bool:
    """Whether a gateway by these settings reaches its auth server."""
    async with (
        dialled(settings) as channel,
        running_gateway(settings, channel) as gateway,
        aiohttp.ClientSession() as session,
        session.get(f"{gateway.http_url}/readyz") as answer,
    ):
        return answer.status == 200


@pytest.mark.requirement(1, 2)
@pytest.mark.timeout(180)
async def test_a_gateway_and_its_server_know_each_other_by_certificates(
    settings: AuthServerSettings, db: object, mutual: Mutual, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Mutual(tmp_path / "other")
    async with running(mutual.of_server(settings)) as server:
        port = server.grpc_port

        assert await serves(mutual.of_gateway(port))
        assert not await serves(mutual.of_gateway(port, auth_tls_certificate=None, auth_tls_key=None))
        assert not await serves(mutual.of_gateway(port, auth_tls_ca=other.ca))
        own, key = other.gateway
        assert not await serves(mutual.of_gateway(port, auth_tls_certificate=own, auth_tls_key=key))


@pytest.mark.timeout(180)
async def test_a_gateway_goes_on_when_all_certificates_are_renewed(
    settings: AuthServerSettings, db: object, mutual: Mutual
) -> None:
    first = mutual.of_server(settings.model_copy(update={"grpc_port": free_port()}))
    own = mutual.of_gateway(first.grpc_port)
    async with dialled(own) as channel, running_gateway(own, channel) as gateway, aiohttp.ClientSession() as session:
        async with running(first):
            assert await becomes(200, session, f"{gateway.http_url}/readyz", 5)

            mutual.renew(Authority("second"))

            assert await becomes(200, session, f"{gateway.http_url}/readyz", 5)
        # A server that starts now knows the new ones alone.
        async with running(first):
            assert await becomes(200, session, f"{gateway.http_url}/readyz", 5)


@pytest.mark.requirement(1)
def test_plaintext_to_the_auth_server_is_refused_unless_it_is_asked_for() -> None:
    said = refusal_of("serve", "gateway", GATEPOST_AUTH_TARGET="auth.internal:50051")

    assert "auth.internal:50051 would be plaintext" in said
    with pytest.raises(RefusalError, match="belong together"):
        dialled(GatewaySettings(auth_tls_certificate="a.crt", auth_insecure=True))  # type: ignore[arg-type]
    with pytest.raises(RefusalError, match=r"nowhere\.crt cannot be used"):
        dialled(GatewaySettings(auth_tls_ca="/nowhere.crt"))  # type: ignore[arg-type]


async def test_a_gateway_sends_its_proof_with_every_call(settings: AuthServerSettings, db: object) -> None:
    heard: list[dict[str, str]] = []

    async def answer(_: bytes, context: Any) -> bytes:
        heard.append(dict(context.invocation_metadata()))
        return b""

    server = grpc.aio.server()
    handlers: dict[str, Any] = {"Do": grpc.unary_unary_rpc_method_handler(answer)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.B", handlers),))
    own = to(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    await server.start()
    proven = own.model_copy(update={"auth_gateway_credential": SecretStr("edge:secret")})
    async with dialled(proven) as channel:
        await channel.unary_unary("/a.B/Do")(b"", metadata=[("x-request-id", "1")], timeout=5)
    await server.stop(None)

    assert heard[0]["x-gateway-credential"] == "Basic ZWRnZTpzZWNyZXQ="
    assert heard[0]["x-request-id"] == "1"
