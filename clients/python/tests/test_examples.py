"""The README's examples, run as they are printed beside a real Gatepost."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import grpc
import pytest
from serving import served

from gatepost_client import GatepostError
from tests.services import a_service

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCKS = re.findall(r"^## (.+?)$.*?^```python\n(.*?)^```$", README.read_text(), re.M | re.S)
EXAMPLES: dict[str, str] = dict(BLOCKS)


def example(title: str) -> dict[str, object]:
    """What the example of this heading defines."""
    [source] = [source for heading, source in EXAMPLES.items() if title in heading]
    names: dict[str, object] = {"__name__": "example"}
    exec(compile(source, f"README: {title}", "exec", dont_inherit=True), names)
    return names


@pytest.fixture(autouse=True)
async def environment(server, db, monkeypatch):
    """What `gatepost services add` of the README gives, and the address."""
    service = await a_service(db, "gatepost.v1.TokenService/*", "gatepost.v1.UsersService/GetUser")
    monkeypatch.setenv("GATEPOST_TARGET", server.grpc_target)
    monkeypatch.setenv("GATEPOST_SERVICE_CREDENTIAL", f"{service.name}:{service.secret}")


def bearer(person) -> dict[str, str]:
    return {"authorization": f"Bearer {person.access_token}"}


def test_there_are_four():
    assert [next(word for word in ("Call", "FastAPI", "aiohttp", "gRPC") if word in title) for title in EXAMPLES] == [
        "Call",
        "FastAPI",
        "aiohttp",
        "gRPC",
    ]


async def test_calling(people):
    ann = await people.signed_in()
    name_of = example("Call")["name_of"]

    assert await name_of(ann.id) == "Person"
    assert await name_of("01890000-0000-7000-8000-000000000001") is None


async def test_fastapi(people):
    ann = await people.signed_in()
    app = example("FastAPI")["app"]

    async with served(app) as url, aiohttp.ClientSession(url) as http:
        async with http.get("/healthz") as answer:
            assert answer.status == 200
        async with http.get("/me") as answer:
            assert answer.status == 401
        async with http.get("/me", headers=bearer(ann)) as answer:
            assert await answer.json() == {"user": ann.id, "email": ann.email}
        async with http.get("/admin/numbers", headers=bearer(ann)) as answer:
            assert answer.status == 403


async def test_aiohttp(people, aiohttp_client):
    ann = await people.signed_in()
    service = await aiohttp_client(example("aiohttp")["app"])

    assert await (await service.get("/prices/1")).json() == {"price": 7}
    assert (await service.get("/orders/1")).status == 401
    answer = await service.get("/orders/1", headers=bearer(ann))
    assert await answer.json() == {"order": "1", "user": ann.id}
    assert (await service.get("/orders", headers=bearer(ann))).status == 403


async def test_grpc(people):
    ann = await people.signed_in()
    serving = example("gRPC")["serving"]

    async with serving("127.0.0.1:0") as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        who_am_i = channel.unary_unary("/orders.v1.Orders/WhoAmI")
        assert await who_am_i(b"", metadata=list(bearer(ann).items())) == ann.id.encode()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await who_am_i(b"")

    assert GatepostError.of(caught.value).reason == "CREDENTIAL_MISSING"
