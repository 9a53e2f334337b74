"""The pages that mailed links lead to, as a person meets them: without script, by the keyboard, from another site."""

from __future__ import annotations

import asyncpg
import pytest
from playwright.async_api import Page

from auth_server.domain.mails import MailKind
from auth_server.storage.database import Database
from tests.e2e.browsers import Windows
from tests.e2e.mailed_links import MailedLinks
from tests.e2e.strangers import Stranger
from tests.people import PASSWORD, People, refused

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]  # tests/http/test_link_pages.py judges the same pages
NEW = "une phrase assez longue"


@pytest.fixture
def links(shared_gateways: dict[str, str], db: Database, sql: asyncpg.Connection) -> MailedLinks:
    """Makes links to the pages of a gateway."""
    return MailedLinks(shared_gateways["one process"], db, sql)


async def submit(window: Page, password: str, repeated: str | None = None) -> None:
    await window.get_by_label("New password").fill(password)
    await window.get_by_label("The same password again").fill(password if repeated is None else repeated)
    await window.get_by_role("button", name="Change password").click()


@pytest.mark.requirement(47, 49)
async def test_a_password_is_reset_by_the_keyboard_alone_without_script(
    links: MailedLinks, windows: Windows, people: People
) -> None:
    person = await people.signed_in()
    window = await windows.open(script=False)
    await window.goto(await links.that_resets(person.id))

    await window.keyboard.press("Tab")
    await window.keyboard.type(NEW)
    await window.keyboard.press("Tab")
    await window.keyboard.type(NEW)
    await window.keyboard.press("Enter")

    await window.get_by_role("heading", name="Your password is changed").wait_for()
    assert "token" not in window.url
    assert await window.context.cookies() == []
    assert (await people.login(person.email, NEW)).id == person.id
    with refused("CREDENTIALS_INVALID"):
        await people.login(person.email, PASSWORD)
    assert windows.complaints == []


@pytest.mark.requirement(51)
async def test_opening_a_link_again_and_again_uses_nothing_up(
    links: MailedLinks, windows: Windows, people: People
) -> None:
    person = await people.signed_in()
    link = await links.that_verifies(person.id)
    for _ in range(3):
        window = await windows.open()
        await window.goto(link)

    await window.get_by_role("button", name="Confirm address").click()

    await window.get_by_role("heading", name="Your email address is confirmed").wait_for()
    await window.goto(link)
    await window.get_by_role("button", name="Confirm address").click()
    assert "Perhaps it was used already" in await window.get_by_role("alert").inner_text()


@pytest.mark.requirement(20)
async def test_a_refused_password_is_told_at_its_field_and_leaves_the_link_good(
    links: MailedLinks, windows: Windows, people: People
) -> None:
    person = await people.signed_in()
    window = await windows.open(script=False)
    await window.goto(await links.that_resets(person.id))

    await submit(window, "password1")

    field = window.get_by_label("New password")
    assert await window.title() == "Error: Choose a new password · Gatepost"
    assert await field.get_attribute("aria-invalid") == "true"
    assert "Many people have this password" in await window.locator("#new_password-wrong").inner_text()
    assert "new_password-wrong" in (await field.get_attribute("aria-describedby") or "").split()
    assert await window.locator("#new_password:focus").count() == 1
    assert await field.input_value() == ""
    await submit(window, NEW, "something else entirely")
    assert "The two passwords were not the same." in await window.content()
    await submit(window, NEW)
    await window.get_by_role("heading", name="Your password is changed").wait_for()


@pytest.mark.requirement(50)
async def test_a_new_address_is_confirmed_unless_it_is_taken_by_then(
    links: MailedLinks, windows: Windows, people: People
) -> None:
    person, taken = await people.signed_in(), await people.registered()
    window = await windows.open(script=False)
    await window.goto(await links.of(MailKind.CONFIRM_NEW_EMAIL, person.id, taken))
    await window.get_by_role("button", name="Change address").click()
    assert "belongs to another account" in await window.get_by_role("alert").inner_text()
    await window.goto(await links.of(MailKind.CONFIRM_NEW_EMAIL, person.id, "new@example.org"))

    await window.get_by_role("button", name="Change address").click()

    await window.get_by_role("heading", name="Your email address is changed").wait_for()
    assert await links.address_of(person.id) == "new@example.org"


async def test_a_french_browser_gets_french_pages(links: MailedLinks, windows: Windows, people: People) -> None:
    person = await people.signed_in()
    window = await windows.open(language="fr-CA", script=False)
    await window.goto(await links.that_resets(person.id))

    await window.get_by_label("Nouveau mot de passe").fill("password1")
    await window.get_by_label("Le même mot de passe").fill("password1")
    await window.get_by_role("button", name="Changer le mot de passe").click()

    assert await window.title() == "Erreur\u00a0: Choisissez un nouveau mot de passe · Gatepost"
    assert "Beaucoup de gens ont ce mot de passe" in await window.content()
    assert await window.locator("html").get_attribute("lang") == "fr"


async def test_another_site_cannot_send_the_form(
    links: MailedLinks, windows: Windows, people: People, evil: Stranger
) -> None:
    person = await people.signed_in()
    page, _, token = (await links.that_verifies(person.id)).partition("?token=")
    evil.page = f'<form method=post action="{page}"><input name=token value="{token}"></form>'
    window = await windows.open()
    await window.goto(evil.url)

    await window.evaluate("document.forms[0].submit()")

    assert "not sent from this page" in await window.get_by_role("alert").inner_text()
    assert not await links.is_verified(person.id)
    await window.get_by_role("button", name="Confirm address").click()
    await window.get_by_role("heading", name="Your email address is confirmed").wait_for()
    assert await links.is_verified(person.id)


async def test_another_site_cannot_frame_the_page(
    links: MailedLinks, windows: Windows, people: People, evil: Stranger
) -> None:
    person = await people.signed_in()
    evil.page = f'<iframe src="{await links.that_verifies(person.id)}"></iframe>'
    window = await windows.open()

    await window.goto(evil.url)

    assert await window.frame_locator("iframe").get_by_role("button").count() == 0
    assert any("frame-ancestors" in complaint for complaint in windows.complaints)


async def test_over_plain_http_between_machines_the_form_is_taken_at_the_second_try(
    links: MailedLinks, windows: Windows, people: People
) -> None:
    """A browser says no Sec-Fetch-Site there, and `Origin: null` by the page's own policy."""
    person = await people.signed_in()
    window = await windows.open(script=False)
    await window.goto((await links.that_verifies(person.id)).replace("127.0.0.1", "gatepost.test"))

    await window.get_by_role("button", name="Confirm address").click()

    assert "not sent from this page" in await window.get_by_role("alert").inner_text()
    await window.get_by_role("button", name="Confirm address").click()
    await window.get_by_role("heading", name="Your email address is confirmed").wait_for()
    assert await links.is_verified(person.id)
