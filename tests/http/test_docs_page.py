import json
from html.parser import HTMLParser

import pytest

from gatepost.v1.errors_pb2 import ErrorReason
from http_gateway.docs.page import docs_page
from tests.contract.doors import DOORS

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Checks that elements close in order, and gathers ids, links and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.text = [], [], [], set(), []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []
        assert not {"style", "onclick", "src"} & given.keys()
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
async def page(client):
    return Page((await client("GET", "/docs")).text)


async def test_the_page_shows_every_door(page):
    text = " ".join(" ".join(page.text).split())

    for door in DOORS:
        assert f"{door.verb} {door.path.replace('=**', '')}" in text


async def test_the_page_explains_every_reason(page):
    reasons = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118

    assert reasons <= set(page.ids)


async def test_every_link_leads_somewhere(page):
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link == "/openapi.json" or link.removeprefix("#") in page.ids


async def test_the_page_runs_and_loads_nothing(client, page):
    policy = (await client("GET", "/docs")).headers["content-security-policy"]

    assert not page.tags & {"script", "link", "img", "iframe", "form", "object"}
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


async def test_the_style_sheet_is_the_one_that_the_policy_lets_through(client):
    import base64
    import hashlib

    seen = await client("GET", "/docs")

    style = seen.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in seen.headers["content-security-policy"]


async def test_the_page_and_the_document_are_kept_by_their_etags(client):
    for path in ("/docs", "/openapi.json"):
        first = await client("GET", path)
        again = await client("GET", path, headers={"if-none-match": f'W/"other", {first.headers["etag"]}'})

        assert (first.status, again.status, again.text) == (200, 304, "")
        assert "max-age" in first.headers["cache-control"]


async def test_the_document_is_the_generated_one(client):
    document = json.loads((await client("GET", "/openapi.json")).text)

    assert document["info"]["title"] == "Gatepost"


def test_text_of_the_contract_is_never_markup(client):
    document = {
        "info": {"title": "<b>", "version": "v1", "description": "<i> & `<u>`"},
        "tags": [],
        "paths": {},
        "components": {"schemas": {"ErrorReason": {"description": "", "x-reasons": {"A": "<s>"}}}},
    }

    page = Page(docs_page(json.dumps(document).encode()).decode())

    assert not page.tags & {"b", "i", "u", "s"}
