"""Operators see the mails that wait or have failed, and have them sent or dropped."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from auth_server.auditing import audit_seal_of
from auth_server.domain.mails import GIVE_UP_AFTER
from auth_server.domain.secrets import KeyRing
from auth_server.mailing import outbox_of
from auth_server.usecases import mails
from gatepost.v1 import mail_service_pb2 as pb
from tests.audit import refusing_events
from tests.conftest import key_ring
from tests.faults import content_of
from tests.mails import a_link, a_mail
from tests.people import refused
from tests.services import a_service

SEAL = audit_seal_of(KeyRing.of(key_ring("seal")))


@pytest.fixture
def outbox(settings, clock):
    clock.stopped_at = clock()
    return outbox_of(settings, clock)


@pytest.fixture
async def operator(people, sql):
    signed_in = await people.signed_in()
    await sql.execute("UPDATE users SET role = 'operator'; DELETE FROM outbox")
    return signed_in


@pytest.fixture
def listed(people, operator):
    async def call(**more):
        return await people.mails.ListMails(pb.ListMailsRequest(**more), metadata=operator.bearer)

    return call


async def put(db, sql, outbox, recipient, *, dead=False, mail=a_mail):
    """The id of a mail in the outbox."""
    await outbox.put(db, mail(recipient))
    row = await sql.fetchrow("SELECT id FROM outbox WHERE recipient = $1", recipient)
    if dead:
        await sql.execute(
            "UPDATE outbox SET dead_at = due_at, give_up_at = due_at, attempts = 3, last_error = '550 no' WHERE id=$1",
            row["id"],
        )
    return str(row["id"])


@pytest.mark.requirement(52)
async def test_operators_see_whom_a_mail_goes_to_and_how_it_fares_but_not_what_it_says(
    db, sql, outbox, operator, listed
):
    waits = await put(db, sql, outbox, "waits@example.org", mail=a_link)
    dead = await put(db, sql, outbox, "dead@example.org", dead=True)

    found = {mail.id: mail for mail in (await listed()).mails}

    assert found.keys() == {waits, dead}
    assert found[waits].kind == "confirm-new-email"
    assert found[waits].recipient == "waits@example.org"
    assert found[waits].due_time.ToDatetime(UTC) == outbox.clock()
    assert not found[waits].HasField("dead_time")
    assert not found[waits].HasField("user_id")
    assert found[dead].HasField("dead_time")
    assert not found[dead].HasField("due_time")
    assert (found[dead].attempts, found[dead].last_error) == (3, "550 no")
    assert "ab" * 32 not in str(found)
    assert [mail.id for mail in (await listed(dead=True)).mails] == [dead]


async def test_mails_come_in_pages(db, sql, outbox, listed):
    ids = [await put(db, sql, outbox, f"person{number}@example.org", dead=True) for number in range(3)]

    first = await listed(page_size=2, dead=True)
    second = await listed(page_size=2, dead=True, page_token=first.next_page_token)

    assert {mail.id for mail in [*first.mails, *second.mails]} == set(ids)
    assert (len(first.mails), second.next_page_token) == (2, "")
    with refused("PAGE_TOKEN_INVALID"):
        await listed(page_token=first.next_page_token)


@pytest.mark.requirement(52)
async def test_a_dead_mail_that_is_redriven_is_as_if_it_were_new(db, sql, clock, outbox, people, operator):
    mail_id = await put(db, sql, outbox, "dead@example.org", dead=True)
    clock.advance(timedelta(minutes=5))

    await people.mails.RedriveMail(pb.RedriveMailRequest(id=mail_id), metadata=operator.bearer)

    row = await sql.fetchrow("SELECT * FROM outbox")
    assert (row["dead_at"], row["attempts"]) == (None, 0)
    assert (row["due_at"], row["give_up_at"]) == (clock(), clock() + GIVE_UP_AFTER)
    assert row["last_error"] == "550 no"


@pytest.mark.requirement(52)
async def test_only_a_dead_mail_is_redriven(db, sql, outbox, people, operator):
    waits = await put(db, sql, outbox, "waits@example.org")

    for mail_id in (waits, "01890000-0000-7000-8000-000000000000", "nonsense"):
        with refused("MAIL_NOT_FOUND"):
            await people.mails.RedriveMail(pb.RedriveMailRequest(id=mail_id), metadata=operator.bearer)


@pytest.mark.requirement(52)
async def test_a_mail_that_is_dropped_is_gone(db, sql, outbox, people, operator):
    for mail_id in (
        await put(db, sql, outbox, "waits@example.org"),
        await put(db, sql, outbox, "dead@example.org", dead=True),
    ):
        await people.mails.DropMail(pb.DropMailRequest(id=mail_id), metadata=operator.bearer)
        with refused("MAIL_NOT_FOUND"):
            await people.mails.DropMail(pb.DropMailRequest(id=mail_id), metadata=operator.bearer)

    assert await sql.fetchval("SELECT count(*) FROM outbox") == 0


@pytest.mark.requirement(52)
async def test_dead_mails_are_redriven_and_dropped_together_batch_by_batch(
    db, sql, outbox, people, operator, monkeypatch
):
    monkeypatch.setattr(mails, "BATCH", 2)
    for number in range(3):
        await put(db, sql, outbox, f"redriven{number}@example.org", dead=True)
    await put(db, sql, outbox, "waits@example.org")
    dead = "SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL"

    async def redrive():
        return (await people.mails.RedriveMails(pb.RedriveMailsRequest(), metadata=operator.bearer)).count

    async def drop():
        return (await people.mails.DropMails(pb.DropMailsRequest(), metadata=operator.bearer)).count

    assert [await redrive(), await drop(), await drop()] == [2, 1, 0]
    assert await sql.fetchval(dead) == 0
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 3


@pytest.mark.requirement(61)
async def test_what_operators_do_to_mails_is_audited_with_who_did_it_and_where(db, sql, outbox, people, operator):
    whose = (await people.a_user()).id
    first, second, third = [await put(db, sql, outbox, f"dead{number}@example.org", dead=True) for number in range(3)]
    await sql.execute("UPDATE outbox SET user_id = $2 WHERE id::text = $1", first, whose)
    await sql.execute("DELETE FROM audit_events")

    await people.mails.RedriveMail(pb.RedriveMailRequest(id=first), metadata=operator.bearer)
    await people.mails.DropMail(pb.DropMailRequest(id=first), metadata=operator.bearer)
    await people.mails.DropMails(pb.DropMailsRequest(), metadata=operator.bearer)

    rows = await sql.fetch(
        "SELECT e.event, e.user_id::text, e.target, e.rpc, e.caller, e.outcome, e.request_id, e.sealed, k.id,"
        "       k.sealed AS key"
        "  FROM audit_events AS e LEFT JOIN audit_keys AS k ON k.id = e.key_id ORDER BY e.id"
    )
    assert [tuple(row)[:4] for row in rows[:2]] == [
        ("mail-redriven", whose, f"mail:{first}", "MailService/RedriveMail"),
        ("mail-dropped", whose, f"mail:{first}", "MailService/DropMail"),
    ]
    assert sorted(tuple(row)[:4] for row in rows[2:]) == sorted(
        ("mail-dropped", None, f"mail:{each}", "MailService/DropMails") for each in (second, third)
    )
    for row in rows:
        assert (row["caller"], row["outcome"], bool(row["request_id"])) == (f"user:{operator.id}", "ok", True)
        assert SEAL.open(row["sealed"], row["key"], row["id"], row["event"]).address == "127.0.0.1"


@pytest.mark.requirement(61)
async def test_where_a_service_called_from_is_audited_of_mails_that_are_a_users(db, sql, outbox, people):
    service = await a_service(db, "gatepost.v1.MailService/DropMails")
    mail_id = await put(db, sql, outbox, "dead@example.org", dead=True)
    user_id = (await people.a_user()).id
    await sql.execute("UPDATE outbox SET user_id = $1", user_id)
    await sql.execute("DELETE FROM audit_events")

    await people.mails.DropMails(pb.DropMailsRequest(), metadata=service.basic)

    [row] = await sql.fetch(
        "SELECT e.user_id::text, e.target, e.caller, e.sealed, k.id, k.sealed AS key"
        "  FROM audit_events AS e LEFT JOIN audit_keys AS k ON k.id = e.key_id"
    )
    assert (row["user_id"], row["target"], row["caller"]) == (user_id, f"mail:{mail_id}", f"service:{service.name}")
    assert SEAL.open(row["sealed"], row["key"], row["id"], "mail-dropped").address == "127.0.0.1"


@pytest.mark.requirement(61)
async def test_what_cannot_be_audited_is_not_done_to_mails(db, sql, outbox, people, operator):
    mail_id = await put(db, sql, outbox, "dead@example.org", dead=True)
    before = await content_of(sql, ["outbox"])

    async with refusing_events(sql):
        for call, request in (
            (people.mails.RedriveMail, pb.RedriveMailRequest(id=mail_id)),
            (people.mails.RedriveMails, pb.RedriveMailsRequest()),
            (people.mails.DropMail, pb.DropMailRequest(id=mail_id)),
            (people.mails.DropMails, pb.DropMailsRequest()),
        ):
            with refused("INTERNAL"):
                await call(request, metadata=operator.bearer)

    assert await content_of(sql, ["outbox"]) == before
