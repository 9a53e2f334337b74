import asyncio

import grpc
import pytest
from hypothesis import HealthCheck, given, settings

from tests.people import reason_of
from tests.rpc.messages import messages
from tests.rpc.test_guards import METHODS, UNARY

TRIES = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
OUR_FAULT = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED}


@pytest.fixture
async def credentials(people, sql):
    """What gets past every guard: the adapter secret, and an operator's access token."""
    signed_in = await people.signed_in()
    await sql.execute("UPDATE users SET role = 'operator'")
    return signed_in


@pytest.mark.requirement(11)
@pytest.mark.timeout(30)
@pytest.mark.parametrize("rpc", UNARY)
async def test_no_message_is_our_fault(rpc, server, people, credentials):
    method = METHODS[rpc]
    call = server.channel.unary_unary(f"/gatepost.v1.{rpc}")
    presented = (
        credentials.refresh if rpc in ("AuthService/RefreshTokens", "AuthService/Logout") else credentials.bearer
    )
    loop = asyncio.get_running_loop()

    async def attempt(message):
        refusal = None
        try:
            await call(message, metadata=[*people.secret, *presented], timeout=5)
        except grpc.aio.AioRpcError as error:
            refusal = error
        assert refusal is None or (refusal.code() not in OUR_FAULT and reason_of(refusal)), (message, refusal)

    @TRIES
    @given(messages(method.input_type))
    def attempts(message):
        asyncio.run_coroutine_threadsafe(attempt(message), loop).result(10)

    await asyncio.to_thread(attempts)
