"""A refused login says the same to the byte, whoever is refused, through each door."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import grpc
import pytest

from auth_server.app import RunningServer, running
from auth_server.settings import AuthServerSettings
from gatepost.v1 import auth_service_pb2, auth_service_pb2_grpc
from http_gateway.app import running as running_gateway
from http_gateway.settings import GatewaySettings
from tests.domain.test_kept_hashes import PBKDF2
from tests.refusals_of_logins import KINDS, address_of, people_who_are_refused

REQUEST_ID = "the-same-for-all"


@pytest.fixture
async def strict(settings: AuthServerSettings, sql: asyncpg.Connection) -> AsyncIterator[RunningServer]:
    """A server that lets nobody in whose address is not verified, and one person of each kind."""
    async with running(settings.model_copy(update={"verified_only": True, "reflection": False})) as server:
        await people_who_are_refused(sql, settings, 1, {"imported": PBKDF2})
        yield server


@pytest.mark.requirement(25)
async def test_over_rest_status_headers_and_body_are_the_same(
    strict: RunningServer, gateway_settings: GatewaySettings, shared_http: aiohttp.ClientSession
) -> None:
    answers = {}
    async with running_gateway(gateway_settings, strict.channel) as gateway:
        for kind, password in KINDS.items():
            body = {"email": address_of(kind, 0), "password": password}
            sent = {"x-request-id": REQUEST_ID}
            async with shared_http.post(f"{gateway.http_url}/auth/login", json=body, headers=sent) as answer:
                headers = [(name, value) for name, value in answer.raw_headers if name.lower() != b"date"]
                answers[kind] = (answer.status, answer.reason, headers, await answer.read())

    status, _, _, body = answers["unknown"]
    assert status == 400
    assert b"CREDENTIALS_INVALID" in body
    assert [kind for kind, answer in answers.items() if answer != answers["unknown"]] == []


@pytest.mark.requirement(25)
async def test_over_grpc_code_text_and_metadata_are_the_same(strict: RunningServer) -> None:
    answers = {}
    async with grpc.aio.insecure_channel(strict.grpc_target) as channel:
        auth = auth_service_pb2_grpc.AuthServiceStub(channel)
        for kind, password in KINDS.items():
            request = auth_service_pb2.LoginRequest(email=address_of(kind, 0), password=password)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await auth.Login(request, metadata=[("x-request-id", REQUEST_ID)])
            error = caught.value
            said = tuple(error.initial_metadata() or ()), tuple(error.trailing_metadata() or ())
            answers[kind] = (error.code(), error.details(), said)

    assert answers["unknown"][0] is grpc.StatusCode.UNAUTHENTICATED
    assert [kind for kind, answer in answers.items() if answer != answers["unknown"]] == []
