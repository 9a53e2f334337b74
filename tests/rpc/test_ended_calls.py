"""A call that ends before its answer, through every door and of every kind, ends its statement in the database."""

import asyncio
from datetime import timedelta

import aiohttp
import asyncpg
import grpc
import pytest

from auth_server.app import running
from auth_server.interceptors import deadlines
from gatepost.v1 import adapter_service_pb2, export_pb2, users_service_pb2
from tests.images import FORM_TYPE, a_form, an_image, pieces_of
from tests.people import People
from tests.waiting import backends_that_wait, until

ENDS_WITHIN_SECONDS = 20
GET_ACCOUNT = "/gatepost.v1.AdapterService/GetAccount"
EXPORT_USER = "/gatepost.v1.UsersService/ExportUser"
UPLOAD_IMAGE = "/gatepost.v1.UsersService/UploadUserImage"
HELD = ("accounts", "images")
"""What the three calls need, in the middle of their work: the guard and the first message come before."""


class OverGrpc:
    """The calls by a channel."""

    def __init__(self, channel):
        self.unary = channel.unary_unary(
            GET_ACCOUNT,
            adapter_service_pb2.GetAccountRequest.SerializeToString,
            adapter_service_pb2.GetAccountResponse.FromString,
        )
        self.stream = channel.unary_stream(
            EXPORT_USER, export_pb2.ExportUserRequest.SerializeToString, export_pb2.ExportUserResponse.FromString
        )
        self.upload = channel.stream_unary(
            UPLOAD_IMAGE,
            users_service_pb2.UploadUserImageRequest.SerializeToString,
            users_service_pb2.UploadUserImageResponse.FromString,
        )

    def calls(self, people, ann, seconds):
        account = adapter_service_pb2.GetAccountRequest(provider="google", provider_account_id="1")
        pieces = pieces_of(ann.id, an_image())
        return {
            "unary": self._ended(self.unary(account, metadata=people.secret, timeout=seconds)),
            "stream": self._told(ann, seconds),
            "upload": self._ended(self.upload(pieces, metadata=ann.bearer, timeout=seconds)),
        }

    async def _ended(self, call):
        try:
            await call
        except grpc.aio.AioRpcError as error:
            return error.code().name
        return "OK"

    async def _told(self, ann, seconds):
        call = self.stream(export_pb2.ExportUserRequest(id=ann.id), metadata=ann.bearer, timeout=seconds)
        try:
            async for _ in call:
                await asyncio.sleep(0)
        except grpc.aio.AioRpcError as error:
            return error.code().name
        finally:
            call.cancel()
        return "OK"


class OverRest:
    """The calls by a gateway."""

    def __init__(self, session, url):
        self._session = session
        self._url = url

    def calls(self, people, ann, seconds):
        bearer = dict(ann.bearer)
        form = a_form(an_image())
        return {
            "unary": self._ended("GET", "/adapter/get-account/google/1", dict(people.secret), seconds),
            "stream": self._ended("GET", f"/auth/{ann.id}/export", bearer, seconds),
            "upload": self._ended(
                "PUT", f"/auth/upload-image/{ann.id}", {**bearer, "content-type": FORM_TYPE}, seconds, form
            ),
        }

    async def _ended(self, verb, path, headers, seconds, body=None):
        more = {} if seconds is None else {"grpc-timeout": f"{int(seconds * 1000)}m"}
        try:
            async with self._session.request(verb, self._url + path, headers={**headers, **more}, data=body) as answer:
                await answer.read()
        except aiohttp.ClientPayloadError:  # the answer had begun
            return "DEADLINE_EXCEEDED"
        return {504: "DEADLINE_EXCEEDED"}.get(answer.status, str(answer.status))


@pytest.fixture(params=["port", "in process", "REST in one process", "REST in two processes"])
def door(request, channel, server, shared_gateways, shared_http):
    """A way to call the server."""
    if request.param.startswith("REST"):
        return OverRest(shared_http, shared_gateways[request.param.removeprefix("REST in ")])
    return OverGrpc(channel if request.param == "port" else server.channel)


@pytest.fixture
async def ann(people):
    """Somebody who is signed in."""
    return await people.signed_in()


@pytest.fixture
async def held(database_url, ann):
    """Keeps the statements of the calls waiting in the database, until the test ends."""
    holder = await asyncpg.connect(database_url)
    await holder.execute(f"BEGIN; LOCK TABLE {', '.join(HELD)} IN ACCESS EXCLUSIVE MODE")
    yield
    await holder.close()


async def statements(sql):
    """What the server's connections work on in the database, but for the sweep of images, which comes when it comes."""
    return await sql.fetch(
        """
        SELECT state, wait_event_type, left(query, 80)
          FROM pg_stat_activity
         WHERE application_name = 'gatepost' AND state <> 'idle' AND pid <> pg_backend_pid()
           AND query NOT LIKE '%remove_at <= $1%'
        """
    )


async def all_wait(sql, calls):
    """Returns once each of the calls waits in the database."""
    try:
        await asyncio.wait_for(backends_that_wait(sql, len(calls)), ENDS_WITHIN_SECONDS)
    except TimeoutError:
        pytest.fail(f"waiting: {await statements(sql)}; calls: {calls}")


async def assert_ends_in_database(sql):
    async def ended():
        return not await statements(sql)

    try:
        await asyncio.wait_for(until(ended), ENDS_WITHIN_SECONDS)
    except TimeoutError:
        pytest.fail(f"still at work: {await statements(sql)}")


@pytest.mark.requirement(7)
async def test_the_callers_deadline_ends_the_statement(door, people, ann, sql, held):
    for seconds in (0.5, 2, 8):  # which a busy machine may take to bring them there
        calls = {kind: asyncio.ensure_future(call) for kind, call in door.calls(people, ann, seconds).items()}
        waiting = asyncio.ensure_future(backends_that_wait(sql, len(calls)))
        ends = dict(zip(calls, await asyncio.gather(*calls.values()), strict=True))
        if waiting.done():
            break
        waiting.cancel()
        await asyncio.wait({waiting})

    assert waiting.done()
    assert not waiting.cancelled()
    assert ends == dict.fromkeys(calls, "DEADLINE_EXCEEDED")
    await assert_ends_in_database(sql)


@pytest.mark.requirement(7)
async def test_a_caller_that_goes_away_ends_the_statement(door, people, ann, sql, held):
    calls = {kind: asyncio.ensure_future(call) for kind, call in door.calls(people, ann, None).items()}
    await all_wait(sql, calls)

    for call in calls.values():
        call.cancel()
    await asyncio.wait(calls.values())

    await assert_ends_in_database(sql)


@pytest.mark.requirement(7)
async def test_the_servers_own_deadline_ends_the_statement(settings, ann, held, sql, monkeypatch):
    monkeypatch.setattr(deadlines, "LEAST_PAUSE_SECONDS", 0.5)
    own = settings.model_copy(update=dict.fromkeys(("longest_call", "longest_upload"), timedelta(seconds=0.5)))
    async with running(own) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        people = People(channel, own.adapter_secret.get_secret_value())
        doors = {"port": OverGrpc(channel), "in process": OverGrpc(server.channel)}
        calls = {
            f"{kind} {where}": asyncio.ensure_future(call)
            for where, door in doors.items()
            for kind, call in door.calls(people, ann, None).items()
        }
        await all_wait(sql, calls)

        ends = dict(zip(calls, await asyncio.gather(*calls.values()), strict=True))

        assert ends == dict.fromkeys(calls, "DEADLINE_EXCEEDED")
        await assert_ends_in_database(sql)
