"""How often a password may be guessed, and by whom: never so that a stranger keeps a known device out."""

import asyncio
from collections import Counter
from datetime import timedelta

import grpc
import pytest

from auth_server.domain.budgets import FAILURES_KEPT
from auth_server.domain.device_tokens import LIFE
from auth_server.usecases.throttling import STATEMENTS_AT_ONCE
from gatepost.v1 import auth_service_pb2 as pb
from tests.people import PASSWORD, People, refused
from tests.resets import NEW_PASSWORD
from tests.throttled import EVALUATED, MOST_FAILURES, SMALL, Client, login_request, wait_of
from tests.waiting import backends_that_wait

HOUR = timedelta(hours=1)
WRONG = "a wrong password"


@pytest.fixture
def client(throttled):
    return Client(throttled[0])


async def guesses(client, email, number, device_token="", password=WRONG):
    """What becomes of so many wrong passwords, one after the other."""
    return [await client.login(email, password, device_token) for _ in range(number)]


@pytest.mark.requirement(27)
async def test_a_hundred_parallel_guesses_at_two_servers_never_evaluate_more_than_the_limit(throttled, people, sql):
    email = await people.registered()
    clients = [Client(server, f"192.0.{block}.1") for block in range(25) for server in throttled]
    assert await clients[0].login(email, WRONG) == "CREDENTIALS_INVALID"

    async with sql.transaction():
        await sql.fetch("SELECT FROM budgets ORDER BY subject FOR UPDATE")
        others = [asyncio.ensure_future(client.login(email, WRONG)) for client in (clients * 2)[1:]]
        await backends_that_wait(sql, 2 * STATEMENTS_AT_ONCE)  # all of them have seen that something is left
    outcomes = await asyncio.gather(*others)

    assert Counter(outcomes) == {"CREDENTIALS_INVALID": SMALL["login.account"] - 1, "THROTTLED": 95}
    # Whoever was refused for the account took nothing from the others' shares: as many are left as were not evaluated.
    for block in range(SMALL["login.all"] - SMALL["login.account"]):
        assert await Client(throttled[0], f"198.51.{block}.1").login(f"nobody{block}@example.org") in EVALUATED
    assert await Client(throttled[0], "").login("nobody@example.org") == "THROTTLED"


@pytest.mark.requirement(27)
@pytest.mark.parametrize("known", [True, False])
async def test_the_right_password_is_not_evaluated_either_once_the_account_is_spent(client, people, known):
    email = await people.registered() if known else "nobody@example.org"
    assert await guesses(client, email, SMALL["login.account"]) == ["CREDENTIALS_INVALID"] * SMALL["login.account"]

    with refused("THROTTLED", grpc.StatusCode.RESOURCE_EXHAUSTED) as caught:
        await client.call("AuthService/Login", login_request(email.upper()))

    assert 0 < wait_of(caught.value) <= HOUR.total_seconds() / SMALL["login.account"]


@pytest.mark.requirement(27)
async def test_tries_come_back_one_by_one(client, people, clock):
    email = await people.registered()
    await guesses(client, email, SMALL["login.account"] + 3)

    clock.advance(HOUR / SMALL["login.account"])

    assert await guesses(client, email, 2) == ["CREDENTIALS_INVALID", "THROTTLED"]


@pytest.mark.requirement(27)
async def test_a_success_gives_back_what_it_took(client, people):
    email = await people.registered()

    for _ in range(SMALL["login.all"] + 1):
        assert await client.login(email) == "OK"


@pytest.mark.requirement(27)
@pytest.mark.parametrize(
    ("first", "neighbour", "stranger"),
    [("192.0.2.1", "192.0.2.254", "192.0.3.1"), ("2001:db8:0:ff::1", "2001:db8:0:42::9", "2001:db8:0:100::1")],
)
async def test_a_block_of_addresses_shares_its_tries(throttled, people, first, neighbour, stranger):
    email = await people.registered()
    for number in range(SMALL["login.block"]):
        assert await Client(throttled[0], first).login(f"nobody{number}@example.org", WRONG) == "CREDENTIALS_INVALID"

    assert await Client(throttled[1], neighbour).login(email) == "THROTTLED"
    assert await Client(throttled[1], stranger).login(email) == "OK"


@pytest.mark.requirement(28)
async def test_strangers_never_lock_out_a_known_device(throttled, people):
    email = await people.registered()
    device = Client(throttled[1])
    token = await device.device_token(email)
    for number in range(SMALL["login.all"] + 5):  # account, block and all are spent
        address = "192.0.2.1" if number < SMALL["login.block"] else f"198.51.{number}.1"
        await Client(throttled[0], address).login(email if number < 6 else f"nobody{number}@example.org", WRONG)

    assert await device.login(email) == "THROTTLED"
    assert await Client(throttled[1], "").login("another@example.org") == "THROTTLED"
    for _ in range(SMALL["login.device"] + 1):
        assert await device.login(email, device_token=token) == "OK"


@pytest.mark.requirement(28)
async def test_a_known_device_has_tries_of_its_own_and_few(client, people):
    email = await people.registered()
    lost, other = await client.device_token(email), await client.device_token(email)

    await guesses(client, email, SMALL["login.account"])

    assert await guesses(client, email, 4, lost) == ["CREDENTIALS_INVALID"] * SMALL["login.device"] + ["THROTTLED"]
    assert await client.login(email, device_token=other) == "OK"


@pytest.mark.requirement(29)
async def test_many_devices_of_one_account_have_no_more_tries_together(client, people):
    """Whoever once knew the password may have collected tokens."""
    email = await people.registered()
    tokens = [await client.device_token(email) for _ in range(SMALL["login.devices"] + 1)]
    await guesses(client, email, SMALL["login.account"])

    outcomes = [await client.login(email, WRONG, token) for token in tokens]

    assert Counter(outcomes) == {"CREDENTIALS_INVALID": SMALL["login.devices"], "THROTTLED": 1}


@pytest.mark.requirement(28)
async def test_a_device_stays_the_same_one_however_often_it_signs_in(client, people):
    email = await people.registered()
    first = await client.device_token(email)
    again = await client.device_token(email, first)
    await guesses(client, email, SMALL["login.account"])

    assert await guesses(client, email, 2, first) == ["CREDENTIALS_INVALID"] * 2
    assert await guesses(client, email, 2, again) == ["CREDENTIALS_INVALID", "THROTTLED"]


@pytest.mark.requirement(28)
@pytest.mark.parametrize("kind", ["another's", "forged", "no token", "old"])
async def test_only_a_good_token_makes_a_device_known(client, people, clock, kind):
    email, other = await people.registered(), await people.registered()
    token = await client.device_token(other if kind == "another's" else email)
    presented = {"forged": token[:-1] + ("0" if token[-1] != "0" else "1"), "no token": "01"}.get(kind, token)
    clock.advance(LIFE if kind == "old" else timedelta(0))
    await guesses(client, email, SMALL["login.account"])

    assert await client.login(email, device_token=presented) == "THROTTLED"


@pytest.mark.requirement(29)
async def test_after_so_many_consecutive_failures_no_stranger_may_try_again(client, people, clock):
    email = await people.registered()
    token = await client.device_token(email)
    for _ in range(MOST_FAILURES):
        assert await client.login(email, WRONG) == "CREDENTIALS_INVALID"
        clock.advance(HOUR)

    with refused("THROTTLED") as caught:
        await client.call("AuthService/Login", login_request(email))
    assert wait_of(caught.value) > timedelta(days=29).total_seconds()
    assert await client.login(email, device_token=token) == "OK"
    assert await client.login(email) == "OK"  # the right password has ended the series


@pytest.mark.requirement(29)
async def test_a_right_password_ends_the_series(client, people, clock):
    email = await people.registered()

    for _ in range(3):
        await guesses(client, email, SMALL["login.account"])
        clock.advance(HOUR)
        assert await client.login(email) == "OK"


@pytest.mark.requirement(29)
async def test_failures_are_forgotten_in_the_end(client, people, clock):
    email = await people.registered()
    for _ in range(MOST_FAILURES):
        await client.login(email, WRONG)
        clock.advance(HOUR)

    clock.advance(FAILURES_KEPT + HOUR)

    assert await client.login(email) == "OK"


@pytest.mark.requirement(28, 48)
async def test_a_reset_password_has_not_been_guessed_at_yet(client, people, resets):
    """Whoever is locked out on a new device gets in by mail, also while strangers go on."""
    email = await people.registered()
    await guesses(client, email, SMALL["login.account"])

    answer = await resets.reset(await resets.token(email))
    first = await client.login(email, NEW_PASSWORD)
    await guesses(client, email, SMALL["login.account"])

    assert first == "OK"
    assert await client.login(email, NEW_PASSWORD) == "THROTTLED"
    assert await client.login(email, NEW_PASSWORD, answer.device_token) == "OK"


async def test_over_the_port_the_connection_tells_the_block(throttled, people, sql):
    """Metadata of a caller who has proven nothing tells no other."""
    async with grpc.aio.insecure_channel(throttled[0].grpc_target) as channel:
        stub = People(channel, "").auth
        forged = [[("x-client-address", f"198.51.{number}.1")] for number in range(SMALL["login.block"] + 1)]
        for number, metadata in enumerate(forged):
            with refused("CREDENTIALS_INVALID" if number < SMALL["login.block"] else "THROTTLED"):
                await stub.Login(login_request(f"nobody{number}@example.org"), metadata=metadata)


async def test_the_budgets_hold_no_address(client, people, sql):
    await guesses(client, "ann@example.org", 1)

    for row in await sql.fetch("SELECT * FROM budgets"):
        assert len(row["subject"]) == 32
        assert b"ann" not in row["subject"]


async def test_who_calls_without_an_address_shares_no_block(throttled):
    unknown = Client(throttled[0], address="")

    outcomes = [await unknown.login(f"nobody{number}@example.org") for number in range(SMALL["login.all"] + 1)]

    assert outcomes == ["CREDENTIALS_INVALID"] * SMALL["login.all"] + ["THROTTLED"]


async def test_a_request_that_breaks_the_rules_takes_nothing(client):
    for _ in range(SMALL["login.block"] + 1):
        assert await client.outcome_of("AuthService/Login", pb.LoginRequest(password=PASSWORD)) == "REQUEST_INVALID"
