"""A refused login takes the same time, whoever is refused: medians at the live cost, over gRPC on loopback.

Measured are the response's time and the work that the process did for it. Work is the same on a busy machine and on a
quiet one, where it is what the time is made of; time is judged on a quiet one alone, and printed always.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
import grpc
import pytest

from auth_server.app import running
from auth_server.settings import AuthServerSettings
from gatepost.v1 import auth_service_pb2, auth_service_pb2_grpc
from tests.domain.test_kept_hashes import PBKDF2
from tests.people import refused
from tests.refusals_of_logins import KINDS, WRONG, address_of, people_who_are_refused

MOST_APART = 0.05
LIVE_COST = AuthServerSettings.model_fields["bcrypt_cost"].default
SLOW = PBKDF2.replace("$1000$", "$40000$")  # three times bcrypt at a cost of 6
PHPASS = "$P$B1234567" + "8" + "." * 22  # of WordPress: 5 ms


@dataclass(frozen=True, slots=True)
class Medians:
    """By kind of refusal, in seconds."""

    times: dict[str, float]
    works: dict[str, float]
    was_quiet: bool


def apart(medians: Mapping[str, float]) -> float:
    """How much longer the longest is than the shortest."""
    return max(medians.values()) / min(medians.values()) - 1


async def measured(
    sql: asyncpg.Connection,
    settings: AuthServerSettings,
    kinds: Mapping[str, str],
    imported: Mapping[str, str],
    count: int,
) -> Medians:
    """So many logins of each kind, one by one and by turns: what the machine does, it does to all of them."""
    strict = settings.model_copy(update={"verified_only": True, "reflection": False, "hash_pool_width": 1})
    await people_who_are_refused(sql, strict, count, imported)
    taken: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    async with running(strict) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        auth = auth_service_pb2_grpc.AuthServiceStub(channel)
        for number in range(count):
            for kind in random.sample(list(kinds), len(kinds)):
                request = auth_service_pb2.LoginRequest(email=address_of(kind, number), password=kinds[kind])
                began, worked = time.perf_counter(), time.process_time()
                with refused("CREDENTIALS_INVALID"):
                    await auth.Login(request)
                taken[kind].append((time.perf_counter() - began, time.process_time() - worked))
    times, works = (
        {kind: statistics.median(each[at] for each in all_of_it) for kind, all_of_it in taken.items()} for at in (0, 1)
    )
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    print(f"\nmachine {busy:.0%} busy; medians of {count}, in ms:")
    print("time", {kind: round(1000 * median, 1) for kind, median in times.items()}, f"{apart(times):.1%} apart")
    print("work", {kind: round(1000 * median, 1) for kind, median in works.items()}, f"{apart(works):.1%} apart")
    return Medians(times, works, busy < 0.75)


@pytest.mark.minutes
@pytest.mark.requirement(25)
@pytest.mark.timeout(1500)
async def test_200_refusals_of_each_kind_take_the_same_time_at_the_live_cost(
    sql: asyncpg.Connection, settings: AuthServerSettings
) -> None:
    live = settings.model_copy(update={"bcrypt_cost": LIVE_COST})

    medians = await measured(sql, live, KINDS, {"imported": PHPASS}, 200)

    assert min(medians.works.values()) > 0.1  # each of them has hashed, at the live cost
    assert apart(medians.works) < MOST_APART, medians
    assert apart(medians.times) < MOST_APART or not medians.was_quiet, medians


@pytest.mark.requirement(25)
async def test_refusals_work_alike_where_an_imported_hash_is_slower_than_ours(
    sql: asyncpg.Connection, settings: AuthServerSettings
) -> None:
    """Few samples at a low cost, for every run of the tests: what is left out or comes too early is a multiple."""
    kinds = {**KINDS, "slow": WRONG}

    medians = await measured(
        sql, settings.model_copy(update={"bcrypt_cost": 6}), kinds, {"imported": PHPASS, "slow": SLOW}, 3
    )

    assert apart(medians.works) < 1.2, medians  # a busy machine alone takes them 0.8 apart, a check left out 1.8
