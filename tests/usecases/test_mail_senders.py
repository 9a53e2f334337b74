"""The tasks that send mails while a server runs."""

import asyncio

import pytest

from auth_server.storage.database import connected
from auth_server.storage.listening import listening
from auth_server.storage.outbox import CHANNEL
from auth_server.usecases import mail_senders
from auth_server.usecases.mail_senders import MailSenders
from auth_server.usecases.mail_worker import Turn
from tests.mails import a_mail
from tests.waiting import until


@pytest.fixture
def make_senders(database_url, make_worker):
    """Makes the senders of several servers; they look for mails once an hour, unless they are told of one."""

    def make(**options):
        def connect():
            return listening(database_url, CHANNEL, prepared=True)

        return MailSenders(make_worker(), connect, **{"concurrency": 2, "poll_seconds": 3600.0, **options})

    return make


@pytest.fixture
def senders(make_senders):
    return make_senders()


async def is_empty(sql):
    return not await sql.fetchval("SELECT count(*) FROM outbox")


async def is_waited_for(sql):
    """Whether somebody listens, and has come to rest."""
    return await sql.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gatepost outbox' AND query LIKE 'LISTEN%'"
    )


@pytest.mark.requirement(52)
async def test_mails_that_waited_and_mails_that_come_are_sent_at_once(db, sql, outbox, senders, server):
    await outbox.put(db, a_mail("first@example.org"))
    async with senders.sending():
        await server.has_taken(1)
        await until(lambda: is_waited_for(sql))
        await outbox.put(db, a_mail("second@example.org"))
        await server.has_taken(2)
        await until(lambda: is_empty(sql))


@pytest.mark.requirement(52)
async def test_mails_that_nobody_tells_of_are_found(db, sql, outbox, make_senders, server):
    async with make_senders(poll_seconds=0.02).sending():
        await until(lambda: is_waited_for(sql))
        await sql.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gatepost outbox'"
        )
        await outbox.put(db, a_mail())
        await server.has_taken(1)


@pytest.mark.requirement(52)
async def test_several_servers_share_the_mails(db, sql, outbox, make_senders, server):
    async with make_senders().sending(), make_senders().sending():
        for number in range(20):
            await outbox.put(db, a_mail(f"person{number}@example.org"))
        await until(lambda: is_empty(sql))

    assert len(server.ids) == len(set(server.ids)) == 20


@pytest.mark.requirement(52)
async def test_a_mail_server_that_comes_back_gets_every_mail(db, sql, caplog, monkeypatch, outbox, senders, server):
    caplog.set_level("INFO", "auth_server")
    monkeypatch.setattr(mail_senders, "LONGEST_PAUSE_SECONDS", 0.02)
    await server.stop()
    async with senders.sending():
        for number in range(3):
            await outbox.put(db, a_mail(f"person{number}@example.org"))
        await until(lambda: has_logged(caplog, "no mail can be sent"))
        await server.start()
        await until(lambda: is_empty(sql))

    assert len(set(server.ids)) == 3
    assert sum(record.message == "no mail can be sent" for record in caplog.records) == 1
    assert "mails can be sent again" in caplog.text
    own = [vars(record) for record in caplog.records if record.name.startswith("auth_server")]
    assert "person" not in repr(own)


async def has_logged(caplog, text):
    return text in caplog.text


@pytest.mark.requirement(52, 64)
async def test_mails_that_only_newer_servers_know_are_left_to_them(db, sql, outbox, worker, server):
    await outbox.put(db, a_mail("ada@example.org"))
    await sql.execute("UPDATE outbox SET kind = 'of-tomorrow'")
    await outbox.put(db, a_mail("bob@example.org"))

    assert [await worker.send_next() for _ in range(2)] == [Turn.SENT, Turn.NOTHING_DUE]

    assert [mail["To"] for mail in server.taken] == ["bob@example.org"]
    assert await sql.fetchval("SELECT lease IS NULL FROM outbox WHERE kind = 'of-tomorrow'")


@pytest.mark.requirement(52)
async def test_a_server_that_stops_finishes_the_mails_under_way(db, sql, outbox, senders, server):
    server.answering.clear()
    async with senders.sending():
        await outbox.put(db, a_mail())
        await server.has_taken(1)
        asyncio.get_running_loop().call_later(0.05, server.answering.set)

    assert await is_empty(sql)


@pytest.mark.requirement(52)
async def test_a_server_that_stops_waits_for_no_mail_server_for_long(db, sql, monkeypatch, outbox, senders, server):
    monkeypatch.setattr(mail_senders, "GRACE_SECONDS", 0.05)
    server.answering.clear()
    async with senders.sending():
        await outbox.put(db, a_mail())
        await server.has_taken(1)

    server.answering.set()
    assert not await is_empty(sql)


async def test_a_database_that_is_away_ends_no_sender(database_url, caplog, monkeypatch, make_worker):
    monkeypatch.setattr(mail_senders, "LONGEST_PAUSE_SECONDS", 0.01)
    async with connected(database_url, size=1) as away:
        pass
    nowhere = "postgresql://u@127.0.0.1:1/nowhere"
    senders = MailSenders(
        make_worker(db=away), lambda: listening(nowhere, CHANNEL, prepared=True), concurrency=1, poll_seconds=0.01
    )

    async with senders.sending():
        for text in ("the outbox cannot be read", "nobody tells of new mails") * 2:
            await until(lambda text=text: has_logged(caplog, text))
            caplog.clear()
