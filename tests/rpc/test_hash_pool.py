import asyncio
import threading
import time

import grpc
import pytest
from google.rpc import error_details_pb2

from auth_server.app import running
from auth_server.domain.errors import HashingBusyError
from auth_server.outside.hash_pool import HashPool
from gatepost.v1 import auth_service_pb2 as pb
from tests.people import People, detail_of, reason_of
from tests.throttled import Client


@pytest.fixture
def pool():
    pool = HashPool(width=1, queue=1)
    yield pool
    pool.close()


@pytest.mark.requirement(22)
async def test_hashing_leaves_the_event_loop_free(pool):
    go = threading.Event()
    hashing = asyncio.ensure_future(pool.run(go.wait, 5))
    await asyncio.sleep(0)

    go.set()  # nobody would, while the loop waited

    assert await hashing


@pytest.mark.requirement(22)
async def test_more_than_the_queue_holds_are_refused_with_a_time_to_come_back(pool):
    go = threading.Event()
    waiting = [asyncio.ensure_future(pool.run(go.wait)) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(HashingBusyError) as caught:
        await pool.run(time.sleep, 0)

    assert caught.value.retry_after.total_seconds() >= 1
    go.set()
    assert await asyncio.gather(*waiting) == [True, True]


@pytest.mark.requirement(22)
async def test_a_caller_who_goes_away_gives_the_place_up(pool):
    go = threading.Event()
    running_one = asyncio.ensure_future(pool.run(go.wait))
    waiting = asyncio.ensure_future(pool.run(time.sleep, 0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0.01)

    another = asyncio.ensure_future(pool.run(time.sleep, 0))

    go.set()
    await asyncio.gather(running_one, another)


async def test_at_most_as_many_hash_at_once_as_the_pool_is_wide():
    pool, now, most = HashPool(width=2, queue=20), 0, 0
    lock = threading.Lock()

    def hashing():
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    await asyncio.gather(*(pool.run(hashing) for _ in range(20)))

    assert most == 2
    pool.close()


class Queue:
    """A pool of one thread that is held up, and whoever waits for it: each is a letter, the party it belongs to."""

    def __init__(self, places):
        self.go, self.party, self.turns = threading.Event(), "", []
        self.pool = HashPool(width=1, queue=places, party_of=lambda: self.party)
        self.held_up = asyncio.ensure_future(self.pool.run(self.go.wait))

    async def enter(self, parties):
        """What becomes of one of each of these parties, who come one after the other."""
        waiting = []
        for self.party in parties:
            waiting.append(asyncio.ensure_future(self.pool.run(self.turns.append, self.party)))
            await asyncio.sleep(0)
        return waiting

    async def outcomes_of(self, waiting):
        self.go.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        return "".join("b" if isinstance(answer, HashingBusyError) else "." for answer in answers)


@pytest.fixture
async def queue():
    queue = Queue(4)
    await asyncio.sleep(0)
    yield queue
    queue.go.set()
    await queue.held_up
    queue.pool.close()


@pytest.mark.requirement(22)
async def test_parties_take_turns(queue):
    outcomes = await queue.outcomes_of(await queue.enter("AAAB"))

    assert (outcomes, "".join(queue.turns)) == ("....", "ABAA")


@pytest.mark.requirement(22)
async def test_who_fills_the_queue_makes_room_for_others(queue):
    waiting = await queue.enter("AAAABAC")
    outcomes = await queue.outcomes_of(waiting)

    assert (outcomes, "".join(queue.turns)) == ("..bb.b.", "ABCA")


@pytest.mark.requirement(22)
async def test_those_who_go_away_leave_no_turn_behind(queue):
    for _ in range(3):
        gone = await queue.enter("ABAC")
        for each in gone:
            each.cancel()
        await asyncio.wait(gone)

    assert await queue.outcomes_of(await queue.enter("ABCA")) == "...."
    assert "".join(queue.turns) == "ABCA"


@pytest.mark.requirement(22, 28)
async def test_a_flood_from_one_block_keeps_nobody_else_from_a_hash(settings, people):
    """Be it of right passwords, which no budget counts: it waits and is refused by itself."""
    email = await people.registered()
    update = {"hash_pool_width": 1, "hash_pool_queue": 4, "bcrypt_cost": 10, "reflection": False}
    async with running(settings.model_copy(update=update)) as server:
        flooding, elsewhere = Client(server, "198.51.100.1"), Client(server)
        flood = [asyncio.ensure_future(flooding.login(email)) for _ in range(10)]
        first, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)

        assert {each.result() for each in first} == {"HASHING_BUSY"}
        assert await elsewhere.login("nobody@example.org") == "CREDENTIALS_INVALID"
        await asyncio.gather(*flood)


@pytest.mark.slow
@pytest.mark.requirement(22)
async def test_a_flood_of_logins_is_refused_and_holds_no_other_call_up(settings, people):
    session = await people.a_session((await people.a_user()).id)
    narrow = settings.model_copy(
        update={"hash_pool_width": 1, "hash_pool_queue": 3, "bcrypt_cost": 12, "reflection": False}
    )
    async with running(narrow) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        others = People(channel, "")
        others.secret = people.secret
        stranger = pb.LoginRequest(email="nobody@example.org", password="x")
        flood = [asyncio.ensure_future(others.auth.Login(stranger)) for _ in range(20)]

        looked_up = 0
        while not all(login.done() for login in flood):
            await others.adapter.GetSessionAndUser(_session_request(session.session_token), metadata=others.secret)
            looked_up += 1
        results = await asyncio.gather(*flood, return_exceptions=True)

    # Were it held up by each of the four that hash, it would come through but a few times.
    assert looked_up >= 15
    busy = [each for each in results if isinstance(each, grpc.aio.AioRpcError) and reason_of(each) == "HASHING_BUSY"]
    assert 10 <= len(busy) <= 16  # more are let in where the flood comes so slowly that the first is done before
    assert {reason_of(each) for each in results if each not in busy} == {"CREDENTIALS_INVALID"}
    assert detail_of(busy[0], error_details_pb2.RetryInfo()).retry_delay.ToTimedelta().total_seconds() >= 1


def _session_request(token):
    from gatepost.v1.adapter_service_pb2 import GetSessionAndUserRequest

    return GetSessionAndUserRequest(session_token=token)


async def test_a_busy_pool_says_so_to_those_who_register(settings, people):
    full = settings.model_copy(
        update={"hash_pool_width": 1, "hash_pool_queue": 0, "bcrypt_cost": 11, "reflection": False}
    )
    async with running(full) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        others = People(channel, "")
        both = (others.registered(email=f"{name}@example.org") for name in ("first", "second"))

        ended = await asyncio.gather(*both, return_exceptions=True)

    [busy] = [each for each in ended if isinstance(each, grpc.aio.AioRpcError)]
    assert (reason_of(busy), busy.code()) == ("HASHING_BUSY", grpc.StatusCode.RESOURCE_EXHAUSTED)
