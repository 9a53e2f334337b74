"""Bodies, paths, query strings and headers as nobody's client would write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_from_bytes

from google.protobuf.descriptor import Descriptor
from hypothesis import strategies as st

from gatepost.v1.options_pb2 import flatten
from http_gateway.bindings import Binding
from http_gateway.json.fields import kind_of
from tests.fuzz.messages import FITTING, TEXTS

DEEP = 5000
NO_TIME = "0n"
# One JSON value each, as it is written.
VALUES = [
    "null", "true", "0", "-0", "-1", "1.5", "1e999", "-1e999", "1e-999", "1" + "0" * 400, "18446744073709551616",
    "9223372036854775808", "1e19", "0.1e1", "[]", "{}", "[null]", "[[]]", '{"":null}', '""', '"\\u0000"', '"a\\u0000b"',
    '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\uffff"', '"\\u202e"', '"' + "é" * 300 + '"',
    '"' + "x" * 20_000 + '"', '"9999-12-31T23:59:59.999999999Z"', '"0001-01-01T00:00:00Z"', '"2026-02-30T00:00:00Z"',
    '"1e400"', '"NaN"', '"-Infinity"', "[" * 60 + "]" * 60, '{"a":' * 60 + "1" + "}" * 60, '["\\u0000"]',
    '{"\\u0000":"\\u0000"}', '{"\\ud800":1}', '{"id":{"id":{"id":1}}}',
]  # fmt: skip
# Bodies that are JSON objects of the wrong sort, or no JSON.
BODIES = [
    b"", b" ", b"\x00", b"\xef\xbb\xbf{}", "{}".encode("utf-16"), "{}".encode("utf-32"), b"\xff\xfe", b'{"a":"\xff"}',
    b'{"a":"\xc0\x80"}', b'{"a":"\xed\xa0\x80"}', b"{", b"{}}", b"{} {}", b"{'a':1}", b"{a:1}", b'{"a":1,}', b"[1,]",
    b"// x\n{}", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":01}', b'{"a":+1}', b'{"a":.5}', b'{"a":0x1}', b'{"a":"\t"}',
    b'{"a":"\\x"}', b'{"a":"\\u12"}', b"null", b"true", b"1", b'"x"', b"[]", b"[" * DEEP, b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP, b'{"":1}', b'{"__proto__":{}}', b'{"a":1,"a":2}', b"{}" + b" " * 60_000,
    b"{" + b",".join(b'"k%d":1' % n for n in range(3000)) + b"}",
]  # fmt: skip


def odd_bodies(binding: Binding) -> Iterator[bytes]:
    """Every odd body for a route: each of BODIES, each of VALUES in each field, each field twice and by both names."""
    yield from BODIES
    for json_name, name in _keys_of(binding):
        key = json.dumps(json_name)
        for value in VALUES:
            yield f"{{{key}:{value}}}".encode()
        yield f'{{{key}:"a",{key}:"b"}}'.encode()
        yield f'{{{key}:"a","{name}":"b"}}'.encode()
        yield f'{{"{json_name.upper()}":"a","{json_name}\\u0000":"b"}}'.encode()


def bodies(binding: Binding) -> st.SearchStrategy[bytes]:
    """Objects of the route's own keys, in either spelling, with fitting and odd values; and odd bodies."""
    keys = [key for pair in _keys_of(binding) for key in pair] or ["a"]

    @st.composite
    def objects(draw: st.DrawFn) -> bytes:
        found = []
        for key in draw(st.lists(st.sampled_from(keys), max_size=6)):
            fitting = FITTING.get(key) or FITTING.get(_by_json_name(binding).get(key, ""), ["Ada"])
            odd = draw(st.sampled_from([False, False, True]))
            value = draw(st.sampled_from(VALUES)) if odd else json.dumps(draw(st.sampled_from(fitting)))
            found.append(f"{json.dumps(key)}:{value}")
        return ("{" + ",".join(found) + "}").encode()

    return st.one_of(objects(), objects(), st.sampled_from(BODIES), st.binary(max_size=60))


SEGMENTS = st.one_of(
    st.sampled_from(["<user>", "<session>", "<account>", "<reset token>", "<sign-in>"]),
    st.sampled_from(
        ["%00", "%", "%zz", "%ff", "%2e%2e", "..", ".", "%2F", ";a=b", "%0d%0a", "a%20b", "+", "%F0%9F%98%80"]
    ),
    TEXTS.map(lambda text: quote(text, safe="")[:3000]),
    st.binary(max_size=12).map(quote_from_bytes),
)


def queries(names: list[str]) -> st.SearchStrategy[str]:
    """Query strings of these names, and of others."""
    name = st.sampled_from([*names, *names, "a", "", "%00", "__proto__", "update_mask", "updateMask"])
    odd = [
        "",
        "=",
        "%",
        "%00",
        "%ff",
        "1e999",
        "9" * 400,
        "-1",
        "null",
        "<email>",
        "a@b.org",
        "200",
        "201",
        "+",
        "a&&b",
    ]
    value = st.one_of(st.sampled_from(odd), TEXTS.map(lambda text: quote(text)[:2000]))
    return st.lists(st.tuples(name, value), max_size=4).map(lambda pairs: "&".join(f"{n}={v}" for n, v in pairs))


@st.composite
def headers(draw: st.DrawFn) -> dict[str, str]:
    """Headers beside the credential, in what HTTP allows and no more."""
    odd = {
        "content-type": ["text/plain", "application/json; charset=utf-16", "text/xml", "", "multipart/form-data",
                         "application/x-www-form-urlencoded", "application/problem+json", "a/b; x=\"", "image/png"],
        "grpc-timeout": [NO_TIME, "1H", "99999999H", "123456789S", "-1S", "1", "S", "1s", "٣S"],
        "x-request-id": ["", "x" * 65, "a b", "é", "a" * 64],
        "cookie": ["next-auth.session-token=", "next-auth.session-token=<session>", "=;=;", "a" * 3000,
                   "next-auth.session-token.0=a; next-auth.session-token.1=b", "next-auth.session-token=\"é\""],
        "x-forwarded-for": ["1.2.3.4, ::1", "unknown", "é", ",,,", "1" * 300],
        "user-agent": ["", "é" * 300, "x" * 3000],
        "content-encoding": ["gzip", "identity", "br, gzip"],
        "accept-encoding": ["*;q=0", "gzip"],
        "accept": ["text/html", "*/*;q=0"],
        "if-none-match": ["*", '"x"', 'W/"', "x" * 500],
        "origin": ["null", "https://evil.example"],
        "host": ["evil.example", "[::1", "a b", ""],
    }  # fmt: skip
    names = draw(st.lists(st.sampled_from(sorted(odd)), max_size=3, unique=True))
    return {name: draw(st.sampled_from(odd[name])) for name in names}


def _keys_of(binding: Binding) -> list[tuple[str, str]]:
    """The keys that the route's body has, by json_name and by the proto's name."""
    field = binding.body_field
    return list(_fields(binding.method.input_type if field is None else kind_of(field)))


def _fields(kind: Descriptor) -> Iterator[tuple[str, str]]:
    for field in kind.fields:
        options: Any = field.GetOptions()
        if options.Extensions[flatten] and field.message_type is not None:
            yield from _fields(field.message_type)
        else:
            yield field.json_name, field.name


def _by_json_name(binding: Binding) -> dict[str, str]:
    return dict(_keys_of(binding))
