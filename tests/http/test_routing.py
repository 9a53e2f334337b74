from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_gateway.routing import RouteTable
from http_gateway.templates import decoded, template_of

ROUTES = [
    "GET /a",
    "GET /a/{id}",
    "DELETE /a/{id}",
    "GET /a/by-email",
    "POST /a/login",
    "GET /a/get/{id}",
    "GET /a/account/{provider}/{account=**}",
    "DELETE /a/account/{provider}/{account=**}",
    "GET /.well-known/keys.json",
]


def table():
    routes = RouteTable()
    for route in ROUTES:
        verb, _, path = route.partition(" ")
        routes.add(verb, template_of(path), route)
    return routes


TABLE = table()


@pytest.mark.parametrize(
    ("path", "route", "values"),
    [
        ("/a", "GET /a", ()),
        ("/a/", "GET /a", ()),
        ("/a/1", "GET /a/{id}", ("1",)),
        ("/a/1/", "GET /a/{id}", ("1",)),
        ("/a/x%2Fy", "GET /a/{id}", ("x/y",)),
        ("/a/a+b", "GET /a/{id}", ("a+b",)),
        ("/a/%ff", "GET /a/{id}", ("\ufffd",)),
        ("/a/..", "GET /a/{id}", ("..",)),
        ("/a/%2e%2e", "GET /a/{id}", ("..",)),
        ("/a/%00", "GET /a/{id}", ("\0",)),
        ("/a/get", "GET /a/{id}", ("get",)),
        ("/a/get/", "GET /a/{id}", ("get",)),
        ("/a/account", "GET /a/{id}", ("account",)),
        ("/a/by-email", "GET /a/by-email", ()),
        ("/a/by-email/", "GET /a/by-email", ()),
        ("/a/by%2Demail", "GET /a/by-email", ()),
        ("/a/get/by-email", "GET /a/get/{id}", ("by-email",)),
        ("/a/account/x", "GET /a/account/{provider}/{account=**}", ("x", "")),
        ("/a/account/x/", "GET /a/account/{provider}/{account=**}", ("x", "")),
        ("/a/account/x/1", "GET /a/account/{provider}/{account=**}", ("x", "1")),
        ("/a/account/x/1/", "GET /a/account/{provider}/{account=**}", ("x", "1/")),
        ("/a/account/x/auth0|abc", "GET /a/account/{provider}/{account=**}", ("x", "auth0|abc")),
        (
            "/a/account/x/https://id.example//u/1",
            "GET /a/account/{provider}/{account=**}",
            ("x", "https://id.example//u/1"),
        ),
        ("/a/account/x/../../b", "GET /a/account/{provider}/{account=**}", ("x", "../../b")),
        ("/a/account/x/a%2Fb%7Cc", "GET /a/account/{provider}/{account=**}", ("x", "a/b|c")),
        ("/.well-known/keys.json", "GET /.well-known/keys.json", ()),
    ],
)
def test_a_path_is_taken_as_it_was_received(path, route, values):
    found = TABLE.find(path)

    assert found is not None
    assert (found.by_verb["GET"], found.values) == (route, values)


@pytest.mark.parametrize(
    "path",
    ["", "/", "//", "a", "//a", "/a//", "/a/1//", "/b", "/a/1/2", "/a/account//1", "/a/get//", "/A", "/a/1/../.."],
)
def test_a_path_of_no_route_is_not_found(path):
    assert TABLE.find(path) is None


def test_a_literal_wins_over_a_field_whatever_the_verb():
    found = TABLE.find("/a/login")

    assert found is not None
    assert list(found.by_verb) == ["POST"]


def test_a_second_route_of_the_same_shape_is_refused():
    with pytest.raises(ValueError, match="same verb and path"):
        table().add("GET", template_of("/a/{other}"), "again")


@given(st.text(min_size=1))
def test_any_encoded_value_comes_back_from_its_path(value):
    found = TABLE.find(f"/a/get/{quote(value, safe='')}")

    assert found is not None
    assert found.values == (value,)


@given(st.text(alphabet=st.characters(exclude_characters="%", codec="utf-8")))
def test_any_value_comes_back_from_the_rest_of_a_path_unencoded(value):
    found = TABLE.find(f"/a/account/x/{value}")

    assert found is not None
    assert found.values == ("x", value)


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_decoding_never_fails(text):
    assert decoded(text).encode() is not None
