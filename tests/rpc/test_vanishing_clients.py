"""Clients that vanish at any point of a request leave nothing behind: no task, no open file, no place."""

import asyncio
import random

import psutil
import pytest

from tests.images import FORM_TYPE, a_form, an_image, upload
from tests.waiting import until

CLIENTS = 200
AT_ONCE = 20
SETTLED_WITHIN_SECONDS = 30
HEAD = b"Host: x\r\nContent-Type: application/json\r\n"


def requests_of(people, ann):
    """What the clients send, whole."""
    bearer = b"Authorization: " + dict(ann.bearer)["authorization"].encode() + b"\r\n"
    form, sign_in = a_form(an_image()), b'{"email":"nobody@example.org","password":"a wrong password"}'
    put = f"PUT /auth/upload-image/{ann.id} HTTP/1.1\r\nHost: x\r\n".encode() + bearer
    put += f"Content-Type: {FORM_TYPE}\r\nContent-Length: {len(form)}\r\n".encode()
    export = f"GET /auth/{ann.id}/export HTTP/1.1\r\nHost: x\r\n".encode() + bearer + b"\r\n"
    secret = dict(people.secret)["x-auth-secret"].encode()
    return (
        put + b"\r\n" + form,
        put + b"Expect: 100-continue\r\n\r\n" + form,
        export * 8,
        export.replace(b"GET", b"HEAD"),
        b"GET /adapter/get-account/google/1 HTTP/1.1\r\nx-auth-secret: " + secret + b"\r\n" + HEAD + b"\r\n",
        b"POST /auth/login HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(sign_in) + sign_in,
    )


async def vanish(port, request, chance):
    """Sends the request, or a part of it, and is gone soon after."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request[: chance.choice([len(request), chance.randrange(1, len(request))])])
    await asyncio.sleep(chance.choice([0, 0.002, 0.01, 0.04]))
    if chance.random() < 0.5:
        writer.transport.abort()
    writer.close()
    reader.feed_eof()


@pytest.mark.requirement(5, 7)
@pytest.mark.parametrize("where", ["one process", "two processes"])
async def test_clients_that_vanish_leave_nothing_behind(where, settings, people, shared_gateways):
    ann = await people.signed_in()
    await upload(people, ann, an_image())  # starts what stays
    port = int(shared_gateways[where].rpartition(":")[2])
    requests, chance, turns = requests_of(people, ann), random.Random(where), asyncio.Semaphore(AT_ONCE)
    tasks = len(asyncio.all_tasks())

    async def once(number):
        async with turns:
            await vanish(port, requests[number % len(requests)], chance)

    await asyncio.gather(*(once(number) for number in range(AT_ONCE)))
    files = psutil.Process().num_fds() + settings.database_pool_size
    await asyncio.gather(*(once(number) for number in range(CLIENTS)))

    async def settled():
        return len(asyncio.all_tasks()) <= tasks and psutil.Process().num_fds() <= files

    async with asyncio.timeout(SETTLED_WITHIN_SECONDS):
        await until(settled)
    await asyncio.gather(*(upload(people, ann, an_image()) for _ in range(2)))
