"""A mail server by TLS that is down, refuses, breaks sessions off and comes back: every mail arrives."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from auth_server.mailing import MailingError, mailing, outbox_of
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from auth_server.usecases import mail_senders
from tests.certificates import Authority
from tests.conftest import Clock
from tests.mails import a_mail
from tests.smtp import PASSWORD, USER, mail_server, only_user, tls_context
from tests.waiting import until

PEOPLE = [f"person{number}@example.org" for number in range(20)]


async def until_all_have_left(sql: asyncpg.Connection, clock: Clock) -> None:
    """Lets the time of rest pass, whenever all mails that wait do rest, until none waits."""

    async def rest_by_rest() -> bool:
        row = await sql.fetchrow(
            "SELECT count(*) AS waiting, count(lease) AS under_way, min(due_at) AS next"
            "  FROM outbox WHERE dead_at IS NULL"
        )
        assert row
        if row["waiting"] and not row["under_way"] and row["next"] > clock():
            clock.advance(row["next"] - clock())
            await sql.execute("NOTIFY gatepost_outbox")  # else they look every five seconds
        return not row["waiting"]

    await until(rest_by_rest)


@pytest.mark.requirement(52)
@pytest.mark.timeout(180)
async def test_every_mail_arrives_through_whatever_a_mail_server_does(
    settings: AuthServerSettings,
    db: Database,
    sql: asyncpg.Connection,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mail_senders, "LONGEST_PAUSE_SECONDS", 0.02)
    authority, outbox = Authority(), outbox_of(settings, clock)
    options = {"require_starttls": True, "auth_required": True, "authenticator": only_user}
    async with mail_server(tls_context=tls_context(authority, tmp_path, "localhost"), **options) as server:
        own = settings.model_copy(
            update={
                "mail_url": type(settings.database_url)(
                    f"smtp://{USER}:{PASSWORD.replace(' ', '%20')}@localhost:{server.port}"
                ),
                "mail_tls_ca": authority.write(tmp_path / "ca.pem"),
            }
        )
        await server.stop()
        async with AsyncExitStack() as servers:
            for _ in range(2):
                await servers.enter_async_context(mailing(own, db, clock))
            for recipient in PEOPLE:
                await outbox.put(db, a_mail(recipient))
            await until(lambda: sql.fetchval("SELECT count(*) FROM outbox WHERE last_error IS NOT NULL"))
            server.refuse_sender = ["451 4.7.1 not now"]
            server.refuse_recipient = ["450 4.2.0 greylisted"] * 5
            server.refuse_data = ["452 4.3.1 the disk is full"] * 3
            server.drop_before_data, server.drop_after_data = 3, 2
            await server.start()
            await server.has_taken(5)
            await server.stop()  # in the middle of it
            await server.start()
            await until_all_have_left(sql, clock)

    arrived = Counter(str(mail["To"]) for mail in server.taken)
    assert sorted(arrived) == sorted(PEOPLE)
    assert len(set(server.ids)) == len(PEOPLE)
    assert all(session["tls"] and session["user"] == USER for session in server.sessions)
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 0


async def test_where_no_mail_server_is_set_mails_wait_and_the_log_says_so(
    settings: AuthServerSettings,
    db: Database,
    sql: asyncpg.Connection,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with mailing(settings, db, clock):
        await outbox_of(settings, clock).put(db, a_mail())

    assert "mails wait until GATEPOST_MAIL_URL says where they go" in caplog.text
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 1


async def test_authorities_that_cannot_be_read_stop_the_start(
    settings: AuthServerSettings, db: Database, clock: Clock, tmp_path: Path
) -> None:
    url = type(settings.database_url)("smtps://mail.example.org")
    own = settings.model_copy(update={"mail_url": url, "mail_tls_ca": tmp_path / "missing.pem"})

    with pytest.raises(MailingError, match="GATEPOST_MAIL_TLS_CA"):
        async with mailing(own, db, clock):
            pass
