"""Every RPC, by every door and route, as every kind of caller: who gets in, and what the others are told."""

import re

import grpc
import pytest

from gatepost.v1 import options_pb2
from tests.contract.doors import DOORS
from tests.images import FORM_TYPE, a_form
from tests.people import reason_of
from tests.rpc.callers import presented_by
from tests.rpc.calling import METHODS, answered, owner_of, request_naming
from tests.rpc.matrix import ADMITTED, CALLERS, SERVICE, TOLD

GUARD_REASONS = {"CREDENTIAL_MISSING", *(reason for told in TOLD.values() for reason in told.values())}

# Whoever calls these presents nothing, or the secret of all adapters; and the calls here name nobody.
USING_UP_NOTHING = {"PUBLIC", "ADAPTER"}


def guard_of(rpc):
    """The word of the contract, such as ACCESS."""
    return options_pb2.Guard.Name(METHODS[rpc].GetOptions().Extensions[options_pb2.guard]).removeprefix("GUARD_")


def expected(caller, rpc):
    """What the tables say that the guard tells the caller; "" where it lets them in."""
    if caller in ADMITTED[rpc]:
        return ""
    guard = guard_of(rpc)
    takes_services = guard == "ACCESS" and SERVICE in ADMITTED[rpc]
    return TOLD.get(caller, {}).get("ACCESS or service" if takes_services else guard, "CREDENTIAL_MISSING")


async def told_over_grpc(channel, rpc, metadata, named):
    """The reason of the guard's refusal, or "" where the call got past it."""
    method = METHODS[rpc]
    try:
        await answered(channel, method, request_naming(method, named), metadata)
    except grpc.aio.AioRpcError as error:
        reason = reason_of(error)
        return reason if reason in GUARD_REASONS else ""
    return ""


def request_of(door, metadata, named):
    """Path, headers and body of a request through one of the RPC's routes."""
    field = owner_of(METHODS[door.rpc])
    path = re.sub(r"\{.*?\}", "text", door.path.replace(f"{{{field}}}", named) if field else door.path)
    headers = dict(metadata)
    if "x-session-token" in headers:  # a browser brings it in a cookie
        headers["cookie"] = f"next-auth.session-token={headers.pop('x-session-token')}"
    if METHODS[door.rpc].client_streaming:
        return path, headers | {"content-type": FORM_TYPE}, {"raw": a_form(b"no image")}
    body = None if door.verb in ("GET", "DELETE") else {}
    if field and body is not None and f"{{{field}}}" not in door.path:
        body = {field: named}
    return path, headers, {"body": body}


async def told_over_rest(rest, door, metadata, named):
    """The reason of the guard's refusal, or "" where the request got past it."""
    path, headers, sent = request_of(door, metadata, named)
    answer = await rest.call(door.verb, path, headers=headers, **sent)
    if answer.status < 400:
        return ""
    return answer.reason if answer.reason in GUARD_REASONS else ""


async def all_told(rpc_of_way, tell, present):
    """What is told on each of these ways; a call that got past its guard may have used up what was presented."""
    told, presented = {}, None
    for way, rpc in rpc_of_way.items():
        presented = presented or await present()
        told[way] = await tell(way, *presented)
        if not told[way] and guard_of(rpc) not in USING_UP_NOTHING:
            presented = None
    return told


@pytest.mark.requirement(3)
def test_the_table_of_callers_names_every_rpc():
    assert ADMITTED.keys() == METHODS.keys()


@pytest.mark.requirement(3, 4, 56)
@pytest.mark.parametrize("door", ["port", pytest.param("in process", marks=pytest.mark.slow)])
@pytest.mark.parametrize("caller", CALLERS)
async def test_every_rpc_lets_in_and_tells_what_the_tables_say(caller, door, people, channel, server, sql, clock):
    through = channel if door == "port" else server.channel

    told = await all_told(
        {rpc: rpc for rpc in METHODS},
        lambda rpc, *presented: told_over_grpc(through, rpc, *presented),
        lambda: presented_by(caller, people, sql, clock),
    )

    assert told == {rpc: expected(caller, rpc) for rpc in METHODS}


@pytest.mark.requirement(3, 4, 56)
@pytest.mark.parametrize("caller", CALLERS)
async def test_every_route_lets_in_and_tells_the_same(caller, rest, sql, clock):
    told = await all_told(
        {door: door.rpc for door in DOORS},
        lambda door, *presented: told_over_rest(rest, door, *presented),
        lambda: presented_by(caller, rest.people, sql, clock),
    )

    assert {f"{door.verb} {door.path}": reason for door, reason in told.items()} == {
        f"{door.verb} {door.path}": expected(caller, door.rpc) for door in DOORS
    }


@pytest.mark.requirement(3, 4)
async def test_no_other_way_to_write_a_route_passes_its_guard(rest):
    closed = [door for door in DOORS if door.guard != "PUBLIC"]
    for door in closed:
        path, headers, sent = request_of(door, [], "x")
        ways = [(door.verb, path + "/"), (door.verb, path + "?x=1"), (door.verb, path + "?")]
        if door.verb == "GET":
            ways.append(("HEAD", path))

        for verb, written in ways:
            answer = await rest.call(verb, written, headers=headers, **sent)

            assert answer.status == 401, (verb, written)

    assert len(closed) > 40
