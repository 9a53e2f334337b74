"""A folder in place of a mail server, for development: every mail is a file."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path

from auth_server.outside.mail import TransportAwayError

SUFFIX = ".eml"


class MailFolder:
    """Writes each mail to `<time>-<id>.eml`, which is there whole or not at all, for its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Writes the mail; a mail that comes again, by its Message-ID, is the same file.

        Raises:
            TransportAwayError: the folder cannot be written.
        """
        try:
            await asyncio.to_thread(self._write, message)
        except OSError as error:
            raise TransportAwayError(f"the folder cannot be written: {error.strerror}") from error

    async def close(self) -> None:
        """Nothing is held."""

    def _write(self, message: EmailMessage) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / _name_of(message)
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes(policy=SMTPUTF8))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
        _sync(self._folder)  # the outbox forgets the mail now, and that is on the disk, too


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name_of(message: EmailMessage) -> str:
    """Sorts by the mail's own date; of the Message-ID only what no path can mean."""
    written = getattr(message["Date"], "datetime", None) or datetime.now(UTC)
    mail_id = "".join(letter for letter in str(message["Message-ID"]).partition("@")[0] if letter.isalnum())
    return f"{written:%Y%m%dT%H%M%S}-{mail_id}{SUFFIX}"
