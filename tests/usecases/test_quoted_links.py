"""What a mail server says of a mail that it refuses, where it quotes the mail's link."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from auth_server.storage.database import Database
from auth_server.usecases.mail_worker import MailWorker
from auth_server.usecases.outbox import Outbox
from tests.mails import a_link
from tests.smtp import MailServer

TOKEN = "0123456789abcdef" * 4


@pytest.mark.requirement(58)
@pytest.mark.parametrize("quoted", [TOKEN, TOKEN.upper(), TOKEN[:40], f"https%3A//app/?token%3D{TOKEN}&x"])
async def test_no_token_is_kept_of_a_link_that_a_refusal_quotes(
    db: Database, sql: asyncpg.Connection, outbox: Outbox, worker: MailWorker, server: MailServer, quoted: str
) -> None:
    await outbox.put(db, a_link(values={"name": "Ada", "token": TOKEN}, expires=datetime.now(UTC) + timedelta(hours=1)))
    server.refuse_data = [f"554 5.7.1 4F1D2A3B4C: the link {quoted} is on a list"]

    await worker.send_next()

    told = await sql.fetchval("SELECT last_error FROM outbox")
    assert told.startswith("554 5.7.1 4F1D2A3B4C: the link ")
    assert TOKEN[:16] not in told.lower()
    assert told.endswith(" is on a list")
