"""The page of mails in development: what it shows, to whom, and what a mail's own HTML may do there."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path

import aiohttp
import grpc
import pytest
from pydantic import ValidationError

from http_gateway.app import running
from http_gateway.settings import GatewaySettings
from tests.http.conftest import Client
from tests.http.test_docs_page import Page

LINK = "http://127.0.0.1:8080/reset-password?token=0123&x=1"
HOSTILE = """<!doctype html><html><head><base target="_top"><script>alert(1)</script></head>
<body onload="alert(2)"><form action="https://evil.example"><img src="https://evil.example/pixel"></form>Ça</body></html>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mail") / "not made yet"


@pytest.fixture(scope="module")
async def url(scripted_channel: grpc.aio.Channel, folder: Path) -> AsyncIterator[str]:
    settings = GatewaySettings(http_port=0, environment="development", dev_mail_folder=folder)
    async with running(settings, scripted_channel) as gateway:
        yield gateway.http_url


@pytest.fixture
def page(http_session: aiohttp.ClientSession, url: str, folder: Path) -> Client:
    """A client of the page, whose folder is empty."""
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    return Client(http_session, url)


def put(folder: Path, number: int = 1, *, html: str | None = "<p>Hello</p>", **headers: str) -> str:
    """Writes a mail as a transport would, and answers its name."""
    message = EmailMessage()
    given = {"Subject": "Reset", "To": "ada@example.com", "From": "Shop <no-reply@shop.example>", **headers}
    for name, value in given.items():
        message[name] = value
    message["Date"] = f"Sun, 22 Nov 2026 11:{number // 60 % 60:02}:{number % 60:02} +0100"
    message.set_content(f"Hello <b>Ada</b> & co,\n\n{LINK}.\n\nNumber {number}\n")
    if html is not None:
        message.add_alternative(html, subtype="html")
    name = f"20261122T10{number // 60 % 60:02}{number % 60:02}-{number:032x}"
    (folder / f"{name}.eml").write_bytes(message.as_bytes(policy=SMTPUTF8))
    return name


async def test_the_list_shows_the_newest_first_and_leads_to_each(page: Client, folder: Path) -> None:
    older, newer = put(folder, 1), put(folder, 2, Subject="Joyeux Noël", To="grace@example.com")

    seen = await page("GET", "/dev/mail")

    assert seen.status == 200
    assert Page(seen.text).links[-2:] == [f"/dev/mail/{newer}", f"/dev/mail/{older}"]
    assert "Joyeux Noël" in seen.text
    assert "grace@example.com" in seen.text
    assert "2026-11-22 10:00:02" in seen.text


async def test_an_empty_list_says_so_even_where_the_folder_is_missing(page: Client, folder: Path) -> None:
    os.rmdir(folder)

    seen = await page("GET", "/dev/mail")

    assert seen.status == 200
    assert "There is none yet" in seen.text


async def test_the_list_asks_for_itself_again_until_it_is_told_not_to(page: Client) -> None:
    live, still = await page("GET", "/dev/mail"), await page("GET", "/dev/mail?live=no")

    assert '<meta http-equiv="refresh" content="2">' in live.text
    assert "http-equiv" not in still.text


async def test_the_list_shows_two_hundred_and_counts_the_others(page: Client, folder: Path) -> None:
    for number in range(203):
        put(folder, number, html=None)

    seen = await page("GET", "/dev/mail")

    assert seen.text.count("<tr>") == 201
    assert "And 3 older ones." in seen.text
    assert "10:03:22" in seen.text


async def test_a_mail_shows_its_headers_its_text_with_links_and_its_html_in_a_frame(page: Client, folder: Path) -> None:
    name = put(folder, Subject="Reset <i>")

    seen = await page("GET", f"/dev/mail/{name}")

    assert "<h1>Reset &lt;i&gt;</h1>" in seen.text
    assert "<dd>ada@example.com</dd>" in seen.text
    assert "Hello &lt;b&gt;Ada&lt;/b&gt; &amp; co," in seen.text
    escaped = LINK.replace("&", "&amp;")
    assert f'<a href="{escaped}">{escaped}</a>.' in seen.text
    frame = re.search(r"<iframe [^>]*>", seen.text)
    assert frame
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame[0]
    assert f'src="/dev/mail/{name}/html"' in frame[0]


async def test_a_mail_without_html_has_no_frame(page: Client, folder: Path) -> None:
    name = put(folder, html=None)

    assert "<iframe" not in (await page("GET", f"/dev/mail/{name}")).text


async def test_a_mails_html_is_sandboxed_wherever_it_is_opened(page: Client, folder: Path) -> None:
    name = put(folder, html=HOSTILE)

    seen = await page("GET", f"/dev/mail/{name}/html")

    policy = seen.headers["content-security-policy"].split("; ")
    assert policy[0] == "sandbox allow-popups allow-popups-to-escape-sandbox"
    assert {"default-src 'none'", "form-action 'none'", "frame-ancestors 'self'", "img-src data:"} <= set(policy)
    assert "script-src" not in seen.headers["content-security-policy"]
    assert seen.text.startswith('<!doctype html><base target="_blank"><html>')
    assert "Ça" in seen.text
    assert seen.headers["content-type"] == "text/html; charset=utf-8"


async def test_the_source_is_the_file_as_plain_text(page: Client, folder: Path) -> None:
    name = put(folder, html=HOSTILE)

    seen = await page("GET", f"/dev/mail/{name}/source")

    assert seen.text.encode() == (folder / f"{name}.eml").read_bytes()
    assert seen.headers["content-type"] == "text/plain; charset=utf-8"
    assert seen.headers["x-content-type-options"] == "nosniff"


async def test_the_pages_run_nothing_are_kept_by_nobody_and_shown_in_no_frame(page: Client, folder: Path) -> None:
    name = put(folder)

    for path in ("/dev/mail", f"/dev/mail/{name}", "/dev/mail/unknown"):
        headers = (await page("GET", path)).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("name", ["unknown", "..%2Fsecret", "%2E%2E%2fsecret", ".hidden", "a%00b", "x" * 200])
async def test_a_name_that_is_no_mail_finds_nothing(page: Client, folder: Path, name: str) -> None:
    (folder.parent / "secret.eml").write_text("Subject: secret")
    (folder / ".hidden.eml").write_text("Subject: secret")

    for form in ("", "/html", "/source"):
        seen = await page("GET", f"/dev/mail/{name}{form}")
        assert seen.status == 404
        assert "No such mail" in seen.text


async def test_files_that_are_no_mails_are_left_out(page: Client, folder: Path) -> None:
    put(folder)
    os.rename(folder / f"{put(folder, 2)}.eml", folder / "half-written.new")
    (folder / "a name <b>.eml").write_text("Subject: x")

    assert (await page("GET", "/dev/mail")).text.count("<tr>") == 2


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "localhost.evil.example", "192.168.1.2", "[", ""]
)
async def test_a_name_that_was_turned_to_this_machine_sees_no_mail(page: Client, folder: Path, host: str) -> None:
    name = put(folder)

    for path in ("/dev/mail", f"/dev/mail/{name}", f"/dev/mail/{name}/html", f"/dev/mail/{name}/source"):
        seen = await page("GET", path, headers={"host": host})
        assert seen.status == 404
        assert "on this machine alone" in seen.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "shop.localhost:1", "127.0.0.2", "[::1]:8080"])
async def test_the_machine_itself_sees_its_mails_by_any_name(page: Client, host: str) -> None:
    assert (await page("GET", "/dev/mail", headers={"host": host})).status == 200


async def test_without_the_folder_there_is_no_such_page(client: Client) -> None:
    assert (await client("GET", "/dev/mail")).status == 404


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "not for production"),
        ({"environment": "development", "http_host": "0.0.0.0"}, "loopback"),
        ({"environment": "development", "http_host": "shop.example"}, "loopback"),
    ],
)
def test_mails_are_shown_in_development_and_on_loopback_alone(
    tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    with pytest.raises(ValidationError, match=rf"GATEPOST_DEV_MAIL_FOLDER .*{said}"):
        GatewaySettings(dev_mail_folder=tmp_path, **settings)
