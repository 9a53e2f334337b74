"""A `gatepost up` of its own, whose mails are read in a browser."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.async_api import Page

from tests.cli.command import Up, running_up

PATIENCE_SECONDS = 30.0


@contextmanager
def up_with_mails() -> Iterator[Up]:
    """It runs meanwhile."""
    made = Path(tempfile.mkdtemp(prefix="gatepost mails "))
    made.chmod(0o755)
    with running_up(made / "data") as running:
        yield running
    shutil.rmtree(made)


async def open_mail(window: Page, url: str, subject: str) -> None:
    """Opens the newest mail of this subject from the list, as soon as it stands there."""
    link = window.get_by_role("link", name=re.compile(subject))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await link.count():
            await window.goto(f"{url}/dev/mail")
            await asyncio.sleep(0.1)
    await link.first.click()
    await window.get_by_role("heading", level=1, name=re.compile(subject)).wait_for()
