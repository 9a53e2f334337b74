"""The pictures of mails in docs/ are those of the mails as they are."""

from __future__ import annotations

from PIL import Image

from scripts.mail_pictures import FOLDER, HASH, hash_of, mails, page_of_pictures


def test_there_is_a_picture_of_every_mail_as_it_is() -> None:
    out_of_date = []
    for name, mail in mails():
        with Image.open(FOLDER / name) as picture:
            out_of_date += [name] if picture.info[HASH] != hash_of(mail) else []

    assert out_of_date == [], "run scripts/mail-pictures, and look at the pictures"
    assert {path.name for path in FOLDER.glob("*.png")} == {name for name, _ in mails()}


def test_the_page_shows_every_picture() -> None:
    assert (FOLDER / "README.md").read_text("utf-8") == page_of_pictures()
