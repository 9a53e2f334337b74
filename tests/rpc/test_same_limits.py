"""The bound of every text of a request, one character beyond it, by every door and route."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import grpc
import pytest

from buf.validate.validate_pb2 import field as rules
from gatepost.v1.options_pb2 import flatten
from http_gateway.bindings import Binding
from http_gateway.contract import contract_services, read_bindings
from http_gateway.json.fields import kind_of
from tests.people import reason_of, violations_of
from tests.rpc.callers import presented_by
from tests.rpc.calling import METHODS, answered, owner_of, request_naming
from tests.rpc.matrix import ADAPTER, ADMITTED, OPERATOR, REFRESH, SERVICE, SESSION, USER

BINDINGS = read_bindings(contract_services())
# Who is let in somewhere; an RPC that lets in several gets the first.
CALLERS = (ADAPTER, USER, REFRESH, OPERATOR, SERVICE, SESSION)
# A request line has room for 8,190 bytes, and what comes in it for no more (http_gateway/http_server.py).
LONGEST_IN_LINE = 7_000


@dataclass(frozen=True)
class Text:
    """A text of a request: where it stands, and how long it may be."""

    rpc: str
    path: tuple[Any, ...]
    longest: int

    @property
    def name(self):
        return ".".join(field.name for field in self.path)

    @property
    def too_long(self):
        return "x" * (self.longest + 1)


def texts_of(rpc, kind, above=()):
    for field in kind.fields:
        path = (*above, field)
        bound = field.GetOptions().Extensions[rules].string
        if field.type == field.TYPE_STRING and not field.is_repeated and (longest := bound.max_len or bound.max_bytes):
            if field.name != owner_of(METHODS[rpc]):  # who names nobody is refused before any rule
                yield Text(rpc, path, longest)
        elif field.message_type is not None and field.message_type.file.package == kind.file.package:
            yield from texts_of(rpc, kind_of(field), path)


TEXTS = [text for rpc, method in METHODS.items() for text in texts_of(rpc, method.input_type)]


@pytest.fixture
async def presented(people, sql, clock):
    """What a caller presents whom the RPC lets in, and whom they name."""
    made = {caller: await presented_by(caller, people, sql, clock) for caller in CALLERS}
    return lambda rpc: made[next(caller for caller in CALLERS if caller in ADMITTED[rpc])]


def holder_of(message, path):
    for field in path[:-1]:
        message = getattr(message, field.name)
    return message


async def refused_over_grpc(channel, text, metadata, named):
    """The fields at fault."""
    method = METHODS[text.rpc]
    request = request_naming(method, named)
    setattr(holder_of(request, text.path), text.path[-1].name, text.too_long)
    try:
        await answered(channel, method, request, metadata)
    except grpc.aio.AioRpcError as error:
        return reason_of(error), text.name in violations_of(error)
    return "OK", False


def sent_by_rest(binding: Binding, text, named):
    """Path and body of a request with the text; nothing where the route cannot bring so long a one."""
    first, owner = text.path[0], owner_of(METHODS[text.rpc])
    in_path = dict.fromkeys(binding.template.fields, "x") | ({owner: named} if owner else {})
    shown = [field for field in text.path if not field.GetOptions().Extensions[flatten]]
    if binding.body == first.name:
        shown = shown[1:]
    body: Any = text.too_long
    for field in reversed(shown):
        body = {field.json_name: body}
    query, name = "", ".".join(field.json_name for field in shown)
    if first in binding.query_fields or first.name in in_path:
        if text.longest > LONGEST_IN_LINE or first.message_type is not None:
            return None
        in_path[first.name], query = text.too_long, f"?{quote(first.json_name)}={text.too_long}"
        body = {}
    if owner and owner not in binding.template.fields and binding.body == "*":
        body = {owner: named} | body
    path = binding.template.text
    for field in binding.template.fields:
        path = path.replace(f"{{{field}}}", in_path[field]).replace(f"{{{field}=**}}", in_path[field])
    return path + (query if first in binding.query_fields else ""), body if binding.body else None, name


@pytest.mark.requirement(4, 11)
@pytest.mark.parametrize("door", ["port", "in process"])
async def test_what_is_too_long_is_refused_by_both_doors(door, channel, server, presented):
    through = channel if door == "port" else server.channel

    told = {(text.rpc, text.name): await refused_over_grpc(through, text, *presented(text.rpc)) for text in TEXTS}

    assert told == dict.fromkeys(told, ("REQUEST_INVALID", True))
    assert len(told) > 80


@pytest.mark.requirement(4, 11)
async def test_what_is_too_long_is_refused_by_every_route(rest, presented):
    told = {}
    for binding in BINDINGS:
        rpc = f"{binding.method.containing_service.name}/{binding.method.name}"
        for text in (text for text in TEXTS if text.rpc == rpc and not binding.takes_file):
            metadata, named = presented(rpc)
            sent = sent_by_rest(binding, text, named)
            if sent is None:
                continue
            path, body, name = sent
            answer = await rest.call(binding.verb, path, body, headers=dict(metadata))
            fields = [error["field"] for error in answer.json.get("errors", [])]
            told[binding.route, text.name] = answer.status, answer.reason, name in fields

    assert {where: (status, reason, shown) for where, (status, reason, shown) in told.items()} == {
        where: (401 if "oAuth" in where[0] else 400, "REQUEST_INVALID", True) for where in told
    }
    assert len(told) > 90
