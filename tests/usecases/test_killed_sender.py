"""A server that is killed between the mail server's 250 and the end of the mail's row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import asyncpg
import pytest

from auth_server.domain.mail_retries import LEASE
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from auth_server.usecases.mail_worker import MailWorker, Turn
from auth_server.usecases.outbox import Outbox
from tests.cli.command import QUICK
from tests.cli.serving import COMPLETE, serving, told_by
from tests.conftest import Clock
from tests.mails import a_mail
from tests.smtp import MailServer
from tests.waiting import until

WAITS_TO_END_THE_ROW = """
    SELECT pid
      FROM pg_stat_activity
     WHERE query LIKE 'DELETE FROM outbox WHERE id = %' AND wait_event_type = 'Lock'
    """


@pytest.fixture
def victim(settings: AuthServerSettings, server: MailServer, tmp_path: Path) -> Iterator[Popen[bytes]]:
    """A server in a process of its own, which sends mails."""
    own = {
        "GATEPOST_DATABASE_URL": settings.database_url.get_secret_value(),
        "GATEPOST_SEALING_KEYS": settings.sealing_keys.get_secret_value(),
        "GATEPOST_MAIL_URL": f"smtp://127.0.0.1:{server.port}",
        "GATEPOST_MAIL_FROM": "no-reply@example.org",
        "GATEPOST_LINK_BASE_URL": "https://app.example.org",
    }
    with serving("auth", tmp_path / "log", **{**COMPLETE, **QUICK, **own}) as process:
        told_by(tmp_path / "log", "grpc_target")
        yield process


@pytest.mark.requirement(52)
@pytest.mark.timeout(180)
async def test_a_mail_arrives_with_one_id_though_its_server_is_killed_when_it_was_sent(
    db: Database,
    sql: asyncpg.Connection,
    clock: Clock,
    outbox: Outbox,
    server: MailServer,
    victim: Popen[bytes],
    worker: MailWorker,
) -> None:
    clock.stopped_at = None  # as that of the other process
    server.answering.clear()
    await outbox.put(db, a_mail())
    await server.has_taken(1)
    async with sql.transaction():
        await sql.execute("LOCK TABLE outbox IN SHARE MODE")  # the end of the row waits behind it
        server.answering.set()
        # Over another connection: a transaction sees the activity of its first look for ever.
        backend = await until(lambda: db.fetchrow(WAITS_TO_END_THE_ROW))
        victim.kill()
        victim.wait()
        await sql.execute("SELECT pg_terminate_backend($1)", backend["pid"])  # else it would do what it was told

    assert await worker.send_next() is Turn.NOTHING_DUE
    clock.advance(LEASE)
    assert await worker.send_next() is Turn.SENT

    assert len(server.ids) == 2
    assert len(set(server.ids)) == 1
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 0
