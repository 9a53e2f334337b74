"""Takes pictures of the HTML mails by headless Chromium, for people to look at.

Each picture holds the hash of the page that it shows, so that a test finds those that are out of date.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import sync_playwright

from auth_server.domain.mails import MailKind
from auth_server.outside.mail_templates import LINKED_KINDS, MailTemplates, RenderedMail, life_values

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "mails"
HASH = "sha256 of the page"
LOCALES = ("en", "fr")
WIDTH_PIXELS = 640
COLOURS = 64
_LIVES = {MailKind.VERIFY_EMAIL: timedelta(hours=24), MailKind.CONFIRM_NEW_EMAIL: timedelta(hours=1)}
_LINK = "https://shop.example.org/{}?token=" + hashlib.sha256(b"a token").hexdigest()


def mails() -> Iterator[tuple[str, RenderedMail]]:
    """Every mail in every language, with the name of its picture."""
    templates = MailTemplates("Example Shop")
    for kind in MailKind:
        values = {"name": "Ada Lovelace"}
        if kind in LINKED_KINDS:
            values |= {"link": _LINK.format(kind), **life_values(_LIVES.get(kind, timedelta(minutes=30)))}
        for locale in LOCALES:
            yield f"{kind}.{locale}.png", templates.rendered(kind, locale, values)


def hash_of(mail: RenderedMail) -> str:
    """What a picture of this mail says that it shows."""
    return hashlib.sha256(mail.html.encode()).hexdigest()


def take(folder: Path, scheme: Literal["light", "dark"]) -> None:
    """Writes a picture of each mail into the folder."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        raise SystemExit("chromium is missing: install it (on Debian: apt-get install chromium) so that it is on PATH")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program) as browser:
        page = browser.new_page(viewport={"width": WIDTH_PIXELS, "height": 200}, color_scheme=scheme)
        for name, mail in mails():
            page.set_content(mail.html)
            _save(page.screenshot(full_page=True), hash_of(mail), folder / name)


def _save(png: bytes, shown: str, path: Path) -> None:
    about = PngInfo()
    about.add_text(HASH, shown)
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(COLOURS).save(path, pnginfo=about, optimize=True)


def page_of_pictures() -> str:
    """The page that shows them all, in Markdown."""
    lines = ["# The mails that Gatepost sends", "", "Written by `scripts/mail-pictures`.", ""]
    for name, mail in mails():
        lines += [f"## {mail.subject}", "", f"![{name.removesuffix('.png')}]({name})", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--dark"]:
        take(Path(sys.argv[2]), "dark")
    else:
        take(FOLDER, "light")
        (FOLDER / "README.md").write_text(page_of_pictures(), "utf-8")
