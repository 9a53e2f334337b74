import asyncio

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.people import reason_of
from tests.rpc.messages import messages
from tests.rpc.test_guards import ANSWERED_ONCE, METHODS, call_of, stream_of

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
@pytest.mark.parametrize("rpc", ANSWERED_ONCE)
async def test_no_message_is_our_fault(rpc, server, people, credentials):
    method = METHODS[rpc]
    call = call_of(server.channel, method)
    presented = (
        credentials.refresh if rpc in ("AuthService/RefreshTokens", "AuthService/Logout") else credentials.bearer
    )
    loop = asyncio.get_running_loop()

    async def attempt(sent):
        request = stream_of(*sent) if method.client_streaming else sent[0]
        refusal = None
        try:
            await call(request, metadata=[*people.secret, *presented], timeout=5)
        except grpc.aio.AioRpcError as error:
            refusal = error
        assert refusal is None or (refusal.code() not in OUR_FAULT and reason_of(refusal)), (sent, refusal)

    @TRIES
    @given(st.lists(messages(method.input_type), min_size=1, max_size=3 if method.client_streaming else 1))
    def attempts(sent):
        asyncio.run_coroutine_threadsafe(attempt(sent), loop).result(10)

    await asyncio.to_thread(attempts)
