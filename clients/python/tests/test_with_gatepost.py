"""Services that verify by themselves, beside a real Gatepost."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from aiohttp import web
from listening import SECOND, listening, seconds_until_refused
from proxy import proxied

from gatepost_client import (
    AccessTokenVerifier,
    GatepostClient,
    GatepostError,
    ServiceCredential,
    VerifierUnavailableError,
    caller,
)
from gatepost_client.contract.auth_service_pb2 import LogoutRequest
from gatepost_client.contract.session_service_pb2 import EndSignInsRequest
from gatepost_client.contract.token_service_pb2 import RevokeRequest, WatchRevocationsRequest
from gatepost_client.contract.users_service_pb2 import DeleteUserRequest, DisableUserRequest, GetUserRequest
from gatepost_client.guards.aiohttp_server import aiohttp_guard
from tests.services import a_service
from tests.waiting import at_most


def bearer(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


@pytest.mark.requirement(35)
async def test_a_token_of_gatepost_is_verified_without_a_call(people, listener):
    ann = await people.signed_in()

    claims = await listener.verify(ann.access_token)

    assert (claims.user_id, claims.email, claims.role) == (ann.id, ann.email, "user")
    assert listener.counters.questions == 0


@pytest.mark.requirement(43, 45)
async def test_a_service_refuses_a_revoked_sign_in_within_a_second(people, client, listener, aiohttp_client):
    async def me(_: web.Request) -> web.Response:
        return web.json_response({"user": caller().user_id})

    app = web.Application(middlewares=[aiohttp_guard(listener)])
    app.router.add_get("/me", me)
    service = await aiohttp_client(app)
    ann, bob = await people.signed_in(), await people.signed_in()

    async def status(who) -> int:
        return (await service.get("/me", headers={"authorization": f"Bearer {who.access_token}"})).status

    assert [await status(ann), await status(bob)] == [200, 200]
    await client.tokens.Revoke(RevokeRequest(token=ann.access_token))
    began = time.monotonic()
    while await status(ann) == 200:
        assert time.monotonic() - began < at_most(SECOND)
        await asyncio.sleep(0.01)

    assert [await status(ann), await status(bob)] == [401, 200]
    assert listener.counters.questions == 0


@pytest.mark.requirement(44, 45)
async def test_logging_out_reaches_verifiers_within_a_second(people, client, listener):
    ann = await people.signed_in()
    await listener.verify(ann.access_token)

    await client.auth.Logout(LogoutRequest(), metadata=ann.refresh)

    assert await seconds_until_refused(listener, ann.access_token) < at_most(SECOND)


@pytest.mark.requirement(44, 45)
async def test_ending_the_others_reaches_verifiers_within_a_second(people, client, listener):
    email = await people.registered()
    others = [await people.login(email) for _ in range(2)]
    current = await people.login(email)
    for each in (*others, current):
        await listener.verify(each.access_token)

    ending = EndSignInsRequest(user_id=current.id, keep_current=True)
    await client.sessions.EndSignIns(ending, metadata=bearer(current.access_token))

    assert max([await seconds_until_refused(listener, each.access_token) for each in others]) < at_most(SECOND)
    assert await listener.verify(current.access_token)


@pytest.mark.requirement(45)
async def test_a_disabled_user_is_refused_within_a_second(people, db, server, listener):
    ann = await people.signed_in()
    await listener.verify(ann.access_token)
    operator = await a_service(db, "gatepost.v1.UsersService/DisableUser")
    of_operator = ServiceCredential(operator.name, operator.secret)

    async with GatepostClient(server.grpc_target, credential=of_operator, plaintext=True) as client:
        await client.users.DisableUser(DisableUserRequest(id=ann.id))

    assert await seconds_until_refused(listener, ann.access_token) < at_most(SECOND)
    assert listener.counters.questions == 0


@pytest.mark.requirement(45)
async def test_a_deleted_user_is_refused_within_a_second(people, client, listener):
    ann = await people.signed_in()
    await listener.verify(ann.access_token)

    await client.users.DeleteUser(DeleteUserRequest(id=ann.id), metadata=bearer(ann.access_token))

    assert await seconds_until_refused(listener, ann.access_token) < at_most(SECOND)


@pytest.mark.slow
@pytest.mark.requirement(45)
async def test_nothing_is_lost_while_the_way_to_gatepost_is_cut(people, server, client, credential):
    ann, bob, cid = [await people.signed_in() for _ in range(3)]
    async with (
        proxied(server.grpc_target) as proxy,
        listening(proxy.target, credential, stale_after=timedelta(seconds=1.5)) as (_, verifier),
    ):
        await client.tokens.Revoke(RevokeRequest(token=ann.access_token))
        assert await seconds_until_refused(verifier, ann.access_token) < at_most(SECOND)

        await proxy.cut()
        async with asyncio.timeout(30):
            while verifier.in_sync:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await client.tokens.Revoke(RevokeRequest(token=bob.access_token))
        await asyncio.sleep(1.6)
        with pytest.raises(VerifierUnavailableError):
            await verifier.verify(cid.access_token)

        await proxy.open()
        await verifier.wait_in_sync()
        questions = verifier.counters.questions
        assert await seconds_until_refused(verifier, bob.access_token) < 0.1
        assert await verifier.verify(cid.access_token)
        # The stream says it, not an answer.
        assert verifier.counters.questions == questions


@pytest.mark.requirement(45)
async def test_while_the_stream_is_silent_gatepost_is_asked(people, server, client, credential):
    ann, bob = [await people.signed_in() for _ in range(2)]
    async with listening(server.grpc_target, credential) as (_, verifier):
        # The stream alone breaks: whoever follows it ends.
        verifier._tasks[1].cancel()
        await asyncio.gather(verifier._tasks[1], return_exceptions=True)
        assert not verifier.in_sync
        await client.tokens.Revoke(RevokeRequest(token=ann.access_token))

        assert await seconds_until_refused(verifier, ann.access_token) < at_most(SECOND)
        assert await verifier.verify(bob.access_token)
        assert verifier.counters.questions >= 2


@pytest.mark.slow
async def test_a_way_that_swallows_everything_is_noticed(people, server, credential):
    ann = await people.signed_in()
    async with (
        proxied(server.grpc_target) as proxy,
        listening(proxy.target, credential, stale_after=timedelta(seconds=0.5)) as (_, verifier),
    ):
        proxy.stall()
        await asyncio.sleep(0.6)

        with pytest.raises(VerifierUnavailableError):
            await verifier.verify(ann.access_token)


async def test_a_service_that_may_not_watch_lets_nobody_in(people, db, server):
    service = await a_service(db, "gatepost.v1.TokenService/Introspect")
    ann = await people.signed_in()
    credential = ServiceCredential(service.name, service.secret)
    async with (
        GatepostClient(server.grpc_target, credential=credential, plaintext=True) as client,
        AccessTokenVerifier(client, accept_unreachable_for=timedelta(hours=1)) as verifier,
    ):
        with pytest.raises(GatepostError) as caught:
            await anext(aiter(client.tokens.WatchRevocations(WatchRevocationsRequest())))
        with pytest.raises(VerifierUnavailableError):
            await verifier.verify(ann.access_token)

    assert caught.value.reason == "PERMISSION_DENIED"
    assert caught.value.request_id


async def test_a_cursor_of_somebody_else_is_refused_by_name(client):
    with pytest.raises(GatepostError) as caught:
        await anext(aiter(client.tokens.WatchRevocations(WatchRevocationsRequest(cursor="not ours"))))

    assert caught.value.reason == "REVOCATION_CURSOR_INVALID"


async def test_an_error_names_reason_request_and_fields(people, client):
    ann = await people.signed_in()

    with pytest.raises(GatepostError) as caught:
        await client.users.GetUser(GetUserRequest(id="no id"), metadata=bearer(ann.access_token))
    with pytest.raises(GatepostError) as other:
        await client.users.GetUser(GetUserRequest(id=ann.id), metadata=[*bearer("x"), ("x-request-id", "mine")])

    assert caught.value.reason in {"REQUEST_INVALID", "PERMISSION_DENIED"}
    assert (other.value.reason, other.value.request_id) == ("ACCESS_TOKEN_INVALID", "mine")
