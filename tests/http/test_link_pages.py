"""The pages that mailed links lead to, in front of a server whose answers the test decides."""

import base64
import hashlib
import json
import logging
import re

import aiohttp
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2

from gatepost.v1 import auth_emails_pb2, auth_passwords_pb2
from http_gateway.app import running
from http_gateway.pages.style import STYLE
from http_gateway.settings import GatewaySettings
from tests.http.conftest import Client
from tests.http.test_docs_page import Page
from tests.http.test_problems import an_info, refusing

TOKEN = "0123456789abcdef" * 4
PASSWORD = "ein Weg + nach Größe"
FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
PAGES = {
    "/reset-password": ("ResetPassword", auth_passwords_pb2.ResetPasswordResponse()),
    "/verify-email": ("VerifyEmail", auth_emails_pb2.VerifyEmailResponse()),
    "/confirm-email": ("ConfirmEmailChange", auth_emails_pb2.ConfirmEmailChangeResponse()),
}


class Shown(Page):
    """The page as a parser sees it."""

    def __init__(self, text):
        self.fields = {}
        super().__init__(text)
        self.said = " ".join(" ".join(self.text).split())

    def handle_starttag(self, tag, attrs):
        super().handle_starttag(tag, attrs)
        if tag == "input":
            self.open.pop()
            self.fields[dict(attrs)["name"]] = dict(attrs).get("value")


@pytest.fixture
def send(client):
    """Posts a form as a browser does."""

    async def post(path, headers=FORM, **fields):
        return await client("POST", path, data=aiohttp.FormData(fields)(), headers=headers)

    return post


@pytest.fixture
def reset(send):
    """Posts the form for a new password."""

    async def post(headers=FORM, **fields):
        filled_in = {"token": TOKEN, "new_password": PASSWORD, "repeated": PASSWORD} | fields
        return await send("/reset-password", headers, **filled_in)

    return post


@pytest.mark.requirement(51)
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("verb", ["GET", "HEAD"])
async def test_following_a_link_calls_nothing(client, script, verb, path):
    seen = await client(verb, f"{path}?token={TOKEN}")

    assert seen.status == 200
    assert script.requests == []
    if verb == "GET":
        assert Shown(seen.text).fields["token"] == TOKEN


@pytest.mark.parametrize("path", PAGES)
async def test_a_form_that_is_sent_calls_its_rpc_once(send, script, path):
    rpc, reply = PAGES[path]
    script.answers(reply)

    seen = await send(path, token=TOKEN, new_password=PASSWORD, repeated=PASSWORD)

    assert seen.status == 200
    assert "form" not in Shown(seen.text).tags
    [(called, request, metadata)] = script.requests
    assert (called, request.token) == (rpc, TOKEN)
    assert metadata["x-client-address"] == "127.0.0.1"
    assert metadata["x-request-id"] == seen.headers["x-request-id"]
    if rpc == "ResetPassword":
        assert request.new_password == PASSWORD


@pytest.mark.requirement(13)
@pytest.mark.parametrize("path", PAGES)
async def test_nothing_keeps_a_page_or_tells_where_it_came_from(client, script, path):
    for seen in (await client("GET", f"{path}?token={TOKEN}"), await client("GET", path)):
        assert seen.headers["cache-control"] == "no-store"
        assert seen.headers["referrer-policy"] == "no-referrer"
        assert seen.headers["x-content-type-options"] == "nosniff"
        assert seen.headers["x-robots-tag"] == "noindex"


async def test_a_page_runs_and_loads_nothing_but_its_own_style(client):
    seen = await client("GET", f"/reset-password?token={TOKEN}")

    style = seen.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert seen.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert not Shown(seen.text).tags & {"script", "link", "img", "iframe", "object", "a"}


@pytest.mark.requirement(13)
async def test_neither_token_nor_password_is_logged_or_shown_again(client, reset, script, caplog):
    caplog.set_level(logging.DEBUG)
    script.answer = refusing("INVALID_ARGUMENT", "no", an_info("ONE_TIME_TOKEN_INVALID"))

    answers = [await reset(), await reset(repeated="another one"), await client("GET", f"/verify-email?token=x{TOKEN}")]

    logged = json.dumps([record.__dict__ for record in caplog.records], default=str)
    assert '"reason": "REQUEST_INVALID"' in logged
    assert TOKEN not in logged
    for secret in (PASSWORD, "another one"):
        assert secret not in logged
        assert all(secret not in answer.text for answer in answers)


@pytest.mark.parametrize(
    "query",
    ["", "?token=", f"?token={TOKEN[:-1]}", f"?token={TOKEN}&token={TOKEN}", "?token=%22%3E%3Cscript%3E", "?\ud800"],
)
async def test_a_link_that_is_not_whole_is_told_so_and_never_quoted(client, query):
    seen = await client("GET", f"/reset-password{query.encode('utf-8', 'replace').decode()}")

    page = Shown(seen.text)
    assert seen.status == 400
    assert page.tags.isdisjoint({"form", "script"})
    assert "This link does not work" in page.said


@pytest.mark.parametrize("token", ["", TOKEN.upper(), '"><script>alert(1)</script>', TOKEN + "\n"])
async def test_a_sent_token_that_is_none_is_never_quoted(send, script, token):
    seen = await send("/verify-email", token=token)

    assert seen.status == 400
    assert "script" not in seen.text
    assert script.requests == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"repeated": "something else"}, "The two passwords were not the same."),
        ({"repeated": ""}, "The two passwords were not the same."),
        ({"new_password": "", "repeated": ""}, "Enter a new password."),
    ],
)
async def test_a_password_is_to_be_entered_twice(reset, script, fields, said):
    seen = await reset(**fields)

    page = Shown(seen.text)
    assert seen.status == 400
    assert said in page.said
    assert page.fields == {"token": TOKEN, "new_password": None, "repeated": None}
    assert script.requests == []


TOO_SHORT = error_details_pb2.BadRequest(
    field_violations=[
        error_details_pb2.BadRequest.FieldViolation(
            field="new_password", description="the password must have at least 15 characters"
        )
    ]
)
SOON = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=3))


def refused_for(rule):
    return error_details_pb2.ErrorInfo(reason="PASSWORD_REFUSED", domain="gatepost", metadata={"rule": rule})


@pytest.mark.parametrize(
    ("code", "details", "status", "said", "once_more"),
    [
        ("INVALID_ARGUMENT", [an_info("ONE_TIME_TOKEN_INVALID")], 400, "Perhaps it was used already", False),
        ("INVALID_ARGUMENT", [refused_for("too_short"), TOO_SHORT], 400, "must have at least 15 characters", True),
        ("INVALID_ARGUMENT", [refused_for("common")], 400, "Many people have this password", True),
        ("INVALID_ARGUMENT", [refused_for("a rule of next year")], 400, "This password is not accepted.", True),
        ("INVALID_ARGUMENT", [an_info("REQUEST_INVALID"), TOO_SHORT], 400, "This password is not accepted.", True),
        ("ALREADY_EXISTS", [an_info("EMAIL_TAKEN")], 409, "belongs to another account", False),
        ("RESOURCE_EXHAUSTED", [an_info("HASHING_BUSY"), SOON], 429, "Try again in a moment.", True),
        ("UNAVAILABLE", [], 503, "Try again in a moment.", True),
        ("INTERNAL", [an_info("INTERNAL")], 500, "the fault is ours", True),
    ],
)
async def test_a_refusal_is_told_in_the_page(reset, script, code, details, status, said, once_more):
    script.answer = refusing(code, "words of the server", *details)

    seen = await reset()

    page = Shown(seen.text)
    assert (seen.status, seen.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert said in page.said
    assert "words of the server" not in page.said
    assert page.said.startswith("Error: ")
    assert page.fields.get("token") == (TOKEN if once_more else None)
    assert seen.headers.get("retry-after") == ("3" if SOON in details else None)


async def test_a_form_of_another_kind_or_too_large_is_refused_in_the_page(client, send, script):
    as_json = await client("POST", "/verify-email", json={"token": TOKEN})
    too_large = await send("/verify-email", token=TOKEN, more="x" * 65536)

    assert (as_json.status, too_large.status) == (415, 413)
    assert all(seen.headers["content-type"].startswith("text/html") for seen in (as_json, too_large))
    assert script.requests == []


async def test_where_a_front_end_has_pages_the_gateway_has_none(http_session, scripted_channel, script):
    settings = GatewaySettings(http_port=0, link_base_url="https://front.example.org")

    async with running(settings, scripted_channel) as gateway:
        client = Client(http_session, gateway.http_url)
        statuses = [(await client("GET", f"{path}?token={TOKEN}")).status for path in PAGES]

    assert statuses == [404] * 3


async def test_the_products_name_is_shown_and_never_markup(http_session, scripted_channel, script):
    settings = GatewaySettings(http_port=0, product_name="Fish & <b>Chips</b>")

    async with running(settings, scripted_channel) as gateway:
        seen = await Client(http_session, gateway.http_url)("GET", f"/verify-email?token={TOKEN}")

    page = Shown(seen.text)
    assert "Fish & <b>Chips</b>" in page.said
    assert "b" not in page.tags


def luminance(colour):
    """Relative luminance of `#rgb` or `#rrggbb` (WCAG 2.2)."""
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    shares = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(scheme):
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[scheme]))

    def contrast(one, other):
        low, high = sorted((luminance(colours[one]), luminance(colours[other])))
        return (high + 0.05) / (low + 0.05)

    # WCAG 2.2, 1.4.3 for texts and 1.4.11 for the edges of what is operated.
    texts = [("ink", "panel"), ("ink", "paper"), ("soft", "panel"), ("bad", "panel"), ("on-act", "act")]
    assert all(contrast(*pair) >= 4.5 for pair in texts)
    assert all(contrast(*pair) >= 3 for pair in [("line", "panel"), ("act", "panel"), ("bad", "paper")])
