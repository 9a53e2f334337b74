"""JSON as nobody's client writes it: what each body gets, from a route that is strict and from one that is not."""

from functools import reduce

import pytest

DEEP = 5000
NO_JSON = {
    "a byte order mark": b'\xef\xbb\xbf{"email":"a@b.org"}',
    "UTF-16": '{"email":"a@b.org"}'.encode("utf-16"),
    "a byte that is no UTF-8": b'{"email":"a\xff@b.org"}',
    "an overlong NUL": b'{"email":"a\xc0\x80@b.org"}',
    "a surrogate in UTF-8": b'{"email":"a\xed\xa0\x80@b.org"}',
    "a lone high surrogate": b'{"email":"\\ud800@b.org"}',
    "a lone low surrogate": b'{"email":"\\udc00@b.org"}',
    "a lone surrogate in a key": b'{"\\ud800":1}',
    "a number beyond any double": b'{"email":1e999}',
    "a number of 400 digits": b'{"email":1' + b"0" * 400 + b"}",
    "NaN": b'{"email":NaN}',
    "a comma at the end": b'{"email":"a@b.org",}',
    "a comment": b'{"email":"a@b.org"} // a',
    "a second value": b'{"email":"a@b.org"}{}',
    "single quotes": b"{'email':'a@b.org'}",
    "a tab in a text": b'{"email":"a\t@b.org"}',
    "an end too early": b'{"email":"a@b.org"',
    "arrays without an end": b"[" * DEEP,
    "arrays of great depth": b"[" * DEEP + b"]" * DEEP,
    "objects of great depth": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "a NUL": b"\0",
}
NO_OBJECT = {"null": b"null", "a text": b'"a@b.org"', "a number": b"1", "an array": b"[]"}
TWICE = {
    "a key twice": b'{"email":"a@b.org","email":"c@d.org"}',
    "a key twice, once escaped": b'{"email":"a@b.org","\\u0065mail":"c@d.org"}',
    "a key twice within": b'{"email":"a@b.org","x":{"y":1,"y":1}}',
}
NO_EMAIL = {
    "a NUL in a text": b'{"email":"a\\u0000@b.org"}',
    "a number": b'{"email":5}',
    "a number beyond 64 bits": b'{"email":18446744073709551616}',
    "an array": b'{"email":["a@b.org"]}',
    "an object": b'{"email":{"email":"a@b.org"}}',
    "null": b'{"email":null}',
    "nothing": b"",
    "another spelling": b'{"EMAIL":"a@b.org"}',
}


async def told(rest, path, bodies):
    """Status and reason of each body, by its name."""
    headers = {"x-auth-secret": rest.adapter_secret, "content-type": "application/json"}
    answers = {name: await rest.call("POST", path, raw=body, headers=headers) for name, body in bodies.items()}
    return {name: (answer.status, answer.reason) for name, answer in answers.items()}


@pytest.mark.requirement(11)
@pytest.mark.parametrize("path", ["/auth/forgot-password", "/adapter/signup"])
async def test_a_body_that_is_no_plain_object_is_refused(rest, path):
    no_json, no_object = await told(rest, path, NO_JSON), await told(rest, path, NO_OBJECT | TWICE)

    assert no_json == dict.fromkeys(NO_JSON, (400, "JSON_INVALID"))
    assert no_object == dict.fromkeys(NO_OBJECT | TWICE, (400, "REQUEST_INVALID"))


@pytest.mark.requirement(11)
async def test_a_value_of_another_kind_is_refused(rest):
    found = await told(rest, "/auth/forgot-password", NO_EMAIL)

    assert found == dict.fromkeys(NO_EMAIL, (400, "REQUEST_INVALID"))


@pytest.mark.requirement(11)
async def test_a_key_by_both_spellings_is_refused(rest):
    answer = await rest.call(
        "POST",
        "/adapter/get-session",
        {"sessionToken": "a", "session_token": "a"},
        headers={"x-auth-secret": rest.adapter_secret},
    )

    assert (answer.status, answer.reason) == (400, "REQUEST_INVALID")
    assert answer.json["errors"] == [
        {"field": "session_token", "detail": "is given twice, the other time as sessionToken"}
    ]


@pytest.mark.requirement(11)
async def test_unknown_keys_of_the_adapter_may_hold_anything(rest):
    deep = reduce(lambda inner, _: [inner], range(90), [])
    odd = {"deep": deep, "huge": 2**70, "nul": "\0", "\0": 1, "__proto__": {}, "": None}

    answer = await rest.adapter("POST", "/signup", {"email": "ada@example.org", "name": "Ada"} | odd)

    assert answer.status == 200
    assert answer.json["email"] == "ada@example.org"
