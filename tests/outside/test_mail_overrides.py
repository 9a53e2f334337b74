"""An operator's own templates: what they may replace, and what is refused before a mail needs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from auth_server.app import StartError, running
from auth_server.domain.mails import MailKind
from auth_server.outside.mail_templates import MailTemplates, MailTemplatesError
from auth_server.settings import AuthServerSettings

LINK = {"link": "https://shop.example.org/page?token=1", "minutes": "30"}
TEXT = "Subject: Hallo {{ product }}\n\nHallo {{ name }}\n{{ link }}\n"
HTML = "<p>Hallo {{ name }} <a href='{{ link }}'>hier</a></p>"


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return folder


def refusal_of(folder: Path, files: dict[str, str]) -> str:
    with pytest.raises(MailTemplatesError) as refusal:
        MailTemplates("Shop", written(folder, files))
    return str(refusal.value)


def test_a_file_of_the_folder_wins_and_the_others_stay(tmp_path: Path) -> None:
    templates = MailTemplates("Shop", written(tmp_path, {"en/verify-email.html": HTML}))

    verify = templates.rendered(MailKind.VERIFY_EMAIL, "en", {"name": "<Ada", **LINK})
    reset = templates.rendered(MailKind.RESET_PASSWORD, "en", LINK)

    assert verify.subject == "Confirm your email address for Shop"
    assert reset.html.startswith("<!doctype html>")
    assert "hier" not in reset.html
    assert MailTemplates("Shop").rendered(MailKind.VERIFY_EMAIL, "en", LINK).html.startswith("<!doctype html>")


def test_values_are_escaped_in_an_operators_page_too(tmp_path: Path) -> None:
    templates = MailTemplates("Shop", written(tmp_path, {"en/verify-email.html": HTML}))

    mail = templates.rendered(MailKind.VERIFY_EMAIL, "en", {"name": "Ada & 'Co'", **LINK})

    assert mail.html == "<p>Hallo Ada &amp; &#39;Co&#39; <a href='https://shop.example.org/page?token=1'>hier</a></p>"


def test_one_layout_changes_every_page_and_may_build_on_ours(tmp_path: Path) -> None:
    own = '{% extends "packaged/layout.html" %}{% block brand %}{% include "_logo.html" %}{% endblock %}'
    templates = MailTemplates("Shop", written(tmp_path, {"layout.html": own, "_logo.html": "<b>The Shop</b>"}))

    for locale in ("en", "fr"):
        mail = templates.rendered(MailKind.PASSWORD_CHANGED, locale, {})
        assert "<b>The Shop</b>" in mail.html
        assert mail.html.startswith("<!doctype html>")


def test_a_further_language_needs_no_more_than_its_files(tmp_path: Path) -> None:
    templates = MailTemplates(
        "Shop", written(tmp_path, {"de-AT/verify-email.txt": TEXT, "de-AT/verify-email.html": HTML})
    )

    assert templates.rendered(MailKind.VERIFY_EMAIL, "de-at", LINK).subject == "Hallo Shop"
    assert templates.rendered(MailKind.VERIFY_EMAIL, "de", LINK).subject.startswith("Confirm")
    assert templates.rendered(MailKind.PASSWORD_CHANGED, "de-AT", {}).text.startswith("Hello")


def test_a_mounted_folders_own_links_are_no_templates(tmp_path: Path) -> None:
    (tmp_path / "..2026_11_22").mkdir()
    mounted = written(tmp_path / "..2026_11_22", {"en/address-taken.html": "<p>mounted</p>"})
    (tmp_path / "en").symlink_to(mounted / "en")

    mail = MailTemplates("Shop", tmp_path).rendered(MailKind.ADDRESS_TAKEN, "en", {})

    assert mail.html == "<p>mounted</p>"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"fr/verify_email.html": HTML}, "fr/verify_email.html is the template of no mail"),
        ({"verify-email.html": HTML}, "verify-email.html is the template of no mail"),
        ({"en/verify-email.htm": HTML}, "en/verify-email.htm is the template of no mail"),
        ({"de/verify-email.txt": TEXT}, "de/verify-email.txt has no de/verify-email.html beside it"),
        ({"EN/verify-email.txt": TEXT, "EN/verify-email.html": HTML}, "EN and en are one locale in two folders"),
        ({"en/verify-email.txt": "Hallo\n{{ link }}"}, "en/verify-email.txt must begin with a line `Subject: ...`"),
        (
            {"en/verify-email.txt": "Subject: \n\n{{ link }}"},
            "en/verify-email.txt must begin with a line `Subject: ...`",
        ),
        ({"en/verify-email.txt": "Subject: x\n\n{{ lnk }}"}, "en/verify-email.txt: 'lnk' is undefined"),
        ({"en/verify-email.txt": "Subject: x\n\nHallo"}, "en/verify-email.txt does not show the link"),
        ({"fr/reset-password.html": "<p>Bonjour"}, "fr/reset-password.html does not show the link"),
        ({"en/verify-email.html": "<p>\n{% if %}"}, "en/verify-email.html, line 2: "),
        ({"layout.html": "{% block title %}"}, "layout.html, line 1: "),
        ({"layout.html": '{% extends "layout.html" %}'}, "verify-email.html extends or includes itself"),
        ({"en/layout.html": '{% extends "en/nowhere.html" %}'}, "verify-email.html: en/nowhere.html"),
        ({"en/email-changed.txt": "Subject: {{ 1 // 0 }}"}, "en/email-changed.txt: integer division"),
        ({"en/email-changed.txt": "Subject: {{ link }}"}, "en/email-changed.txt: 'link' is undefined"),
        ({"en/email-changed.html": "{{ ''.__class__.__mro__ }}"}, "en/email-changed.html: access to attribute"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_template_that_would_fail_is_refused_at_once(tmp_path: Path, files: dict[str, str], said: str) -> None:
    assert said in refusal_of(tmp_path, files)


def test_a_file_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "verify-email.txt").write_bytes(b"Subject: \xe9t\xe9\n\n{{ link }}")

    assert "en/verify-email.txt: " in refusal_of(tmp_path, {})


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MailTemplatesError, match="missing is no folder of templates"):
        MailTemplates("Shop", tmp_path / "missing")


async def test_a_server_whose_templates_fail_does_not_start(settings: AuthServerSettings, tmp_path: Path) -> None:
    written(tmp_path, {"en/verify-email.txt": "Subject: x\n\nno link"})

    with pytest.raises(
        StartError, match=r"templates of mails cannot be used: en/verify-email\.txt does not show the link"
    ):
        async with running(settings.model_copy(update={"mail_templates": tmp_path})):
            pass
