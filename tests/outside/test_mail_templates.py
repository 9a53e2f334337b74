"""What mails say: every kind in every language, with values that would like to be markup or headers."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from auth_server.domain.mails import MailKind
from auth_server.outside.mail_templates import (
    LINKED_KINDS,
    MailTemplates,
    MailTemplatesError,
    RenderedMail,
    life_values,
)

LINK = "https://shop.example.org/page?token=" + "0123456789abcdef" * 4
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Checks that elements close in order; gathers tags, links and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.text = ""
        self.language: str | None = None
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.language = given.get("lang", self.language)
        self.links += [given["href"]] if "href" in given else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def templates() -> MailTemplates:
    return MailTemplates("Shop & Sons")


def values_of(kind: MailKind, **more: str) -> dict[str, str]:
    linked = {"link": LINK, **life_values(timedelta(minutes=30))} if kind in LINKED_KINDS else {}
    return {"name": "Ada", **linked, **more}


def words_of(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("kind", MailKind)
def test_every_kind_says_the_same_in_text_and_in_html(templates: MailTemplates, kind: MailKind, locale: str) -> None:
    mail = templates.rendered(kind, locale, values_of(kind))

    page = Page(mail.html)
    shown = words_of(page.text)
    for paragraph in mail.text.strip().split("\n\n"):
        assert words_of(paragraph) in shown
    assert page.language == locale
    assert "Shop & Sons" in mail.subject
    assert set(page.links) == ({LINK} if kind in LINKED_KINDS else set())
    assert max(map(len, mail.text.splitlines())) <= 100
    assert not {"script", "img", "link", "iframe", "form"} & set(page.tags)


@pytest.mark.parametrize("kind", MailKind)
def test_every_kind_differs_between_the_languages(templates: MailTemplates, kind: MailKind) -> None:
    english, french = (templates.rendered(kind, locale, values_of(kind)) for locale in ("en", "fr"))

    assert english.text.startswith("Hello Ada,\n")
    assert french.text.startswith("Bonjour Ada,\n")
    assert english.subject != french.subject


@pytest.mark.parametrize(
    ("locale", "hello"),
    [
        ("fr-CA", "Bonjour"),
        ("FR", "Bonjour"),
        ("fr-x-a", "Bonjour"),
        ("de", "Hello"),
        (None, "Hello"),
        ("../fr", "Hello"),
    ],
)
def test_the_nearest_language_is_taken_then_the_default(
    templates: MailTemplates, locale: str | None, hello: str
) -> None:
    mail = templates.rendered(MailKind.PASSWORD_CHANGED, locale, {"name": "Ada"})

    assert mail.text.startswith(hello)


def test_another_default_locale_is_taken_where_it_is_set() -> None:
    mail = MailTemplates("Shop", default_locale="fr-FR").rendered(MailKind.PASSWORD_CHANGED, "de", {})

    assert mail.text.startswith("Bonjour,")


def test_a_default_locale_without_templates_is_refused() -> None:
    with pytest.raises(MailTemplatesError, match="default locale de has no templates of verify-email, reset-password"):
        MailTemplates("Shop", default_locale="de")


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (timedelta(minutes=29, seconds=58), "30 minutes"),
        (timedelta(seconds=1), "1 minute"),
        (timedelta(minutes=59, seconds=59), "1 hour"),
        (timedelta(hours=1, minutes=59), "1 hour"),
        (timedelta(hours=23, minutes=59, seconds=58), "24 hours"),
    ],
)
def test_the_life_of_a_link_is_told_in_whole_units(templates: MailTemplates, left: timedelta, text: str) -> None:
    mail = templates.rendered(MailKind.RESET_PASSWORD, "en", {"link": LINK, **life_values(left)})

    assert re.search(rf"works for {text}, and once", words_of(mail.text))
    assert f"works for {text}, and once" in words_of(Page(mail.html).text)


def test_a_name_is_text_and_never_markup(templates: MailTemplates) -> None:
    mail = templates.rendered(MailKind.PASSWORD_CHANGED, "en", {"name": "Ada & \"Grace\" '{{ product }}'"})

    assert "Hello Ada &amp; &#34;Grace&#34; &#39;{{ product }}&#39;," in mail.html
    assert mail.text.startswith("Hello Ada & \"Grace\" '{{ product }}',")


@pytest.mark.requirement(53)
def test_a_name_cannot_bring_a_link_into_somebodys_mailbox(templates: MailTemplates) -> None:
    mail = templates.rendered(
        MailKind.VERIFY_EMAIL, "en", values_of(MailKind.VERIFY_EMAIL, name="You won: evil.example")
    )

    assert mail.text.startswith("Hello,\n")
    assert "evil" not in mail.text + mail.html + mail.subject


@pytest.mark.requirement(53)
def test_no_value_adds_a_line_to_the_subject() -> None:
    templates = MailTemplates("Shop\r\nBcc: everybody@example.org\x00\u2028X: y")

    mail = templates.rendered(MailKind.PASSWORD_CHANGED, "en", {})

    assert mail.subject == "Your Shop Bcc: everybody@example.org X: y password was changed"
    assert "\nBcc" not in mail.text


def test_a_missing_value_is_refused_rather_than_left_out(templates: MailTemplates) -> None:
    with pytest.raises(MailTemplatesError, match=r"en/verify-email\.txt: 'link' is undefined"):
        templates.rendered(MailKind.VERIFY_EMAIL, "en", {"minutes": "30"})
    with pytest.raises(MailTemplatesError, match=r"en/verify-email\.txt: 'hours' is undefined"):
        templates.rendered(MailKind.VERIFY_EMAIL, "en", {"link": LINK})


def test_a_user_without_a_name_is_greeted_all_the_same(templates: MailTemplates) -> None:
    mail = templates.rendered(MailKind.SIGN_IN_ENDED, "fr", {})

    assert isinstance(mail, RenderedMail)
    assert mail.text.startswith("Bonjour,\n")
    assert "<p>Bonjour,</p>" in mail.html
