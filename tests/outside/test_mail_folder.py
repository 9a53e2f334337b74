"""The folder that takes mails in development."""

import os
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from uuid import UUID

import pytest

from auth_server.outside.mail import TransportAwayError
from auth_server.outside.mail_folder import MailFolder
from auth_server.outside.mail_messages import Envelope, Sender, message_of
from auth_server.outside.mail_templates import RenderedMail

AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def a_message(number, at=AT):
    rendered = RenderedMail("Grüße", "Text\n", "<p>HTML</p>\n")
    return message_of(rendered, Sender("", "no-reply@example.org"), Envelope(UUID(int=number), "zoë@example.org", at))


async def test_every_mail_is_a_file_for_its_owner_alone(tmp_path):
    folder = MailFolder(tmp_path / "some" / "mail")
    await folder.send(a_message(2, AT + timedelta(hours=1)))
    await folder.send(a_message(1))

    files = sorted((tmp_path / "some" / "mail").iterdir())

    assert [file.name for file in files] == [f"20300102T030405-{1:032x}.eml", f"20300102T040405-{2:032x}.eml"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (tmp_path / "some" / "mail").stat().st_mode & 0o777 == 0o700
    message = message_from_bytes(files[0].read_bytes(), policy=default)
    assert message["Subject"] == "Grüße"
    assert message["To"] == "zoë@example.org"


async def test_a_mail_that_comes_twice_is_one_file(tmp_path):
    folder = MailFolder(tmp_path)
    await folder.send(a_message(1))
    await folder.send(a_message(1))

    assert len(list(tmp_path.iterdir())) == 1


async def test_a_folder_that_cannot_be_written_keeps_mails_waiting(tmp_path):
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(TransportAwayError):
        await MailFolder(tmp_path / "file").send(a_message(1))


@pytest.mark.requirement(52)
async def test_a_mail_is_on_the_disk_before_the_outbox_forgets_it(tmp_path, monkeypatch):
    synced = []

    def sync(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((path.suffix, sorted(file.suffix for file in tmp_path.iterdir())))

    monkeypatch.setattr(os, "fsync", sync)
    await MailFolder(tmp_path).send(a_message(1))

    assert synced == [(".new", [".new"]), ("", [".eml"])]
