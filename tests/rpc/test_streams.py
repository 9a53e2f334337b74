"""Streams through the interceptors: judged again and again, and worded to their end."""

import asyncio
import logging

import pytest

from auth_server.domain.errors import CredentialMissingError, DatabaseUnavailableError
from auth_server.doors.rpcs import rpcs_of
from auth_server.interceptors.calls import Call
from auth_server.interceptors.errors import RefusedError, errors
from auth_server.interceptors.guards import ContractError
from auth_server.interceptors.request_log import request_log
from auth_server.interceptors.streams import while_admitted
from gatepost.v1 import token_service_pb2
from tests.contract.built import a_service, some_options

WATCH = token_service_pb2.DESCRIPTOR.services_by_name["TokenService"]


class Told(list):
    """A stream of these things; the last one may be an error."""

    closed = False

    async def stream(self, pause=0.0):
        try:
            for each in self:
                await asyncio.sleep(pause)
                if isinstance(each, Exception):
                    raise each
                yield each
        finally:
            self.closed = True


class Servicer:
    """Whatever is asked, this is told."""

    def __init__(self, told):
        self.told = told

    def __getattr__(self, name):
        async def handler(request, call):
            return self.told.stream()

        return handler


def handler_of(told):
    rpcs = rpcs_of([(WATCH, Servicer(told))], [request_log, errors])
    return rpcs["/gatepost.v1.TokenService/WatchRevocations"].handler


def lines_of(caplog, call):
    """The codes of this call's lines: servers that other tests share may log beside."""
    return [
        record.code
        for record in caplog.records
        if getattr(record, "request_id", "") == call.request_id and record.message == "call"
    ]


async def all_of(stream):
    return [each async for each in stream]


async def test_a_stream_that_ends_well_has_one_line_at_its_end(caplog):
    caplog.set_level(logging.INFO)
    call = Call({})
    stream = await handler_of(Told([1, 2]))(None, call)
    assert lines_of(caplog, call) == []

    assert await all_of(stream) == [1, 2]

    assert lines_of(caplog, call) == ["OK"]


@pytest.mark.requirement(9)
@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (DatabaseUnavailableError(), "UNAVAILABLE", "DATABASE_UNAVAILABLE"),
        (RuntimeError("SELECT secret"), "INTERNAL", "INTERNAL"),
    ],
)
async def test_an_error_in_the_middle_of_a_stream_is_worded(caplog, error, code, reason):
    caplog.set_level(logging.INFO)
    call = Call({})
    stream = await handler_of(Told([1, error]))(None, call)
    assert await anext(stream) == 1

    with pytest.raises(RefusedError) as refusal:
        await anext(stream)

    assert reason in str(refusal.value.status.details[0])
    assert "secret" not in str(refusal.value.status)
    assert lines_of(caplog, call) == [code]


async def test_a_stream_that_nobody_wants_any_more_is_closed():
    told = Told([1, 2])
    stream = await handler_of(told)(None, Call({}))
    await anext(stream)

    await stream.aclose()

    assert told.closed


class Judge:
    """Admits so many times."""

    def __init__(self, admitted):
        self.left = admitted

    async def __call__(self):
        self.left -= 1
        if self.left < 0:
            raise CredentialMissingError


@pytest.mark.requirement(2)
@pytest.mark.parametrize("pause", [0.01, 10])
async def test_a_caller_who_is_admitted_no_more_loses_the_stream_however_it_flows(pause):
    told, judge = Told(range(1000)), Judge(admitted=2)

    async with asyncio.timeout(30):
        with pytest.raises(CredentialMissingError):
            await all_of(while_admitted(judge, told.stream(pause), every_seconds=0.05))

    assert told.closed


async def test_a_stream_whose_caller_stays_admitted_flows_to_its_end():
    told = Told(range(20))

    assert await all_of(while_admitted(Judge(1000), told.stream(0.005), every_seconds=0.01)) == list(range(20))
    assert told.closed


async def test_a_guarded_stream_keeps_its_errors():
    told = Told([1, DatabaseUnavailableError()])

    with pytest.raises(DatabaseUnavailableError):
        await all_of(while_admitted(Judge(1000), told.stream(), every_seconds=1))


async def test_a_guarded_stream_that_is_cancelled_is_closed():
    told = Told([1])
    task = asyncio.create_task(all_of(while_admitted(Judge(1000), told.stream(10), every_seconds=1)))
    await asyncio.sleep(0.02)

    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()
    assert told.closed


def test_a_stream_both_ways_stops_the_start():
    service = a_service({"Do": some_options()}, requests_stream=True, streams=True)

    with pytest.raises(ContractError, match="streams both ways"):
        rpcs_of([(service, Servicer(Told()))], [])
