"""Sending what waits in the outbox: nothing is lost, whatever the mail server and other workers do."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from auth_server.domain.mail_retries import LEASE, LONGEST
from auth_server.domain.mails import GIVE_UP_AFTER, MailKind
from auth_server.outside.mail import TransportAwayError
from auth_server.storage import leased_mails
from auth_server.usecases.mail_worker import Turn
from tests.mails import a_link, a_mail, text_of, token_of

MINUTE = timedelta(minutes=1)


async def row_of(sql):
    return await sql.fetchrow("SELECT * FROM outbox")


async def sent_all(worker):
    """How many mails the worker has sent until none was due."""
    sent = 0
    while (turn := await worker.send_next()) is not Turn.NOTHING_DUE:
        sent += turn is Turn.SENT
    return sent


@pytest.mark.requirement(52)
async def test_a_mail_that_was_sent_leaves_nothing_behind(db, sql, outbox, worker, server):
    await outbox.put(db, a_mail("ada@example.org"))

    assert await worker.send_next() is Turn.SENT
    assert await worker.send_next() is Turn.NOTHING_DUE

    assert [mail["To"] for mail in server.taken] == ["ada@example.org"]
    assert await row_of(sql) is None


@pytest.mark.requirement(15)
async def test_a_mails_link_leads_to_the_configured_base(db, clock, outbox, worker, server):
    await outbox.put(db, a_link(values={"name": "Ada", "token": "cd" * 32}, expires=clock() + timedelta(hours=24)))

    await worker.send_next()

    [mail] = server.taken
    assert f"https://app.example.org/confirm-email?token={'cd' * 32}" in text_of(mail)
    assert "24 hours" in text_of(mail)


@pytest.mark.requirement(52)
async def test_mails_written_while_the_server_is_down_for_an_hour_all_arrive(db, clock, outbox, worker, server):
    await server.stop()
    people = [f"person{number}@example.org" for number in range(5)]
    for minute in range(60):
        if minute % 12 == 0:
            await outbox.put(db, a_link(people[minute // 12], expires=clock() + timedelta(hours=24)))
        with pytest.raises(TransportAwayError):
            await worker.send_next()
        clock.advance(MINUTE)
    await server.start()

    assert await sent_all(worker) == 5

    assert sorted(mail["To"] for mail in server.taken) == people


@pytest.mark.requirement(52)
async def test_a_mail_that_is_refused_for_now_is_tried_again_later_and_later(db, sql, clock, outbox, worker, server):
    server.refuse_recipient = ["450 4.2.1 later"] * 12
    await outbox.put(db, a_mail())
    rests = []

    for _ in range(12):
        assert await worker.send_next() is Turn.NOT_SENT
        assert await worker.send_next() is Turn.NOTHING_DUE
        rests.append((await row_of(sql))["due_at"] - clock())
        clock.advance(rests[-1])

    assert timedelta(seconds=15) <= rests[0] <= timedelta(seconds=30)
    assert LONGEST / 2 <= rests[-1] <= LONGEST
    assert all(later > sooner / 2 for sooner, later in pairwise(rests))
    assert (await row_of(sql))["last_error"] == "450 4.2.1 later"
    assert await worker.send_next() is Turn.SENT
    assert len(server.taken) == 1


@pytest.mark.requirement(52)
async def test_a_recipient_that_must_rest_keeps_nobody_else_waiting(db, sql, clock, outbox, worker, server):
    server.refuse_recipient = ["450 4.2.1 later"]
    await outbox.put(db, a_mail("ada@example.org"))
    await outbox.put(db, a_mail("Ada@example.org"))
    await outbox.put(db, a_mail("bob@example.org"))

    assert await sent_all(worker) == 1
    assert [mail["To"] for mail in server.taken] == ["bob@example.org"]
    clock.advance(MINUTE)

    assert await sent_all(worker) == 2


@pytest.mark.requirement(52)
@pytest.mark.parametrize("where", ["drop_before_data", "drop_after_data"])
async def test_a_mail_whose_session_broke_off_arrives_with_the_same_id(db, clock, outbox, worker, server, where):
    setattr(server, where, 2)
    await outbox.put(db, a_mail())

    for _ in range(3):
        await sent_all(worker)
        clock.advance(LONGEST)

    assert len(server.ids) == (3 if where == "drop_after_data" else 1)
    assert len(set(server.ids)) == 1
    assert len({mail["Date"] for mail in server.taken}) == 1


@pytest.mark.requirement(52)
async def test_the_mail_of_a_worker_that_died_is_sent_by_another_when_its_lease_has_ended(
    db, clock, outbox, make_worker, server
):
    dead, alive = make_worker(), make_worker()
    await outbox.put(db, a_mail())
    server.answering.clear()
    dying = asyncio.create_task(dead.send_next())
    await server.has_taken(1)
    dying.cancel()  # it has sent the mail, and comes no further
    await asyncio.wait({dying})
    server.answering.set()

    assert await alive.send_next() is Turn.NOTHING_DUE
    clock.advance(LEASE)

    assert await alive.send_next() is Turn.SENT
    assert len(server.ids) == 2
    assert len(set(server.ids)) == 1


@pytest.mark.requirement(52)
async def test_many_workers_send_each_mail_once(db, outbox, make_worker, server):
    for number in range(30):
        await outbox.put(db, a_mail(f"person{number}@example.org"))

    sent = await asyncio.gather(*(sent_all(make_worker()) for _ in range(5)))

    assert sum(sent) == len(set(server.ids)) == len(server.ids) == 30


@pytest.mark.requirement(52)
async def test_a_worker_that_was_too_slow_changes_nothing_of_anothers_mail(db, sql, clock, outbox, worker):
    await outbox.put(db, a_mail())
    now = clock()
    slow = await leased_mails.lease(db, UUID(int=1), now=now, until=now + LEASE)
    clock.advance(LEASE)
    assert await leased_mails.lease(db, UUID(int=2), now=clock(), until=clock() + LEASE)
    before = await row_of(sql)

    assert not await leased_mails.remove(db, slow)
    assert not await leased_mails.prepare(db, slow, a_mail("eve@example.org"), b"")
    await leased_mails.bury(db, slow, "error", clock(), wiped=True)
    await leased_mails.postpone(db, slow, "error", clock(), alone=False)
    await leased_mails.give_back(db, slow, "error", clock())

    assert await row_of(sql) == before


@pytest.mark.requirement(52)
async def test_a_mail_that_is_refused_for_good_is_dead_until_an_operator_wakes_it(
    db, sql, clock, outbox, worker, server
):
    server.refuse_recipient = ["550 5.1.1 no such\x1b[2J mailbox"]
    await outbox.put(db, a_mail())

    assert await worker.send_next() is Turn.NOT_SENT
    clock.advance(GIVE_UP_AFTER)
    assert await worker.send_next() is Turn.NOTHING_DUE

    row = await row_of(sql)
    assert row["dead_at"] is not None
    assert row["sealed"] is not None
    assert row["last_error"] == "550 5.1.1 no such [2J mailbox"


@pytest.mark.requirement(52)
async def test_a_mail_that_nobody_takes_for_days_is_given_up(db, sql, clock, outbox, worker, server):
    server.refuse_recipient = ["450 4.2.1 later"] * 200
    await outbox.put(db, a_mail())
    begun = clock()

    while not (await row_of(sql))["dead_at"]:
        await worker.send_next()
        clock.advance(LONGEST)

    assert GIVE_UP_AFTER <= (await row_of(sql))["dead_at"] - begun <= GIVE_UP_AFTER + LONGEST


@pytest.mark.requirement(52)
async def test_a_mail_whose_link_has_expired_is_not_sent_and_its_token_is_wiped(db, sql, clock, outbox, worker, server):
    await outbox.put(db, a_link(expires=clock() + MINUTE))
    clock.advance(MINUTE)

    assert await worker.send_next() is Turn.NOT_SENT

    assert not server.taken
    row = await row_of(sql)
    assert row["dead_at"] is not None
    assert row["sealed"] is None
    assert row["last_error"] == "its link has expired"


@pytest.mark.requirement(52)
async def test_a_mail_that_cannot_be_opened_or_written_keeps_no_other_from_being_sent(db, sql, outbox, worker, server):
    await outbox.put(db, a_mail("ada@example.org"))
    await sql.execute("UPDATE outbox SET sealed = 'nonsense'")
    await outbox.put(db, a_link("bob@example.org", values={"name": "without a token"}))
    for recipient in ("bob@example.org", "eve@example.org"):
        await outbox.put(db, a_mail(recipient))

    assert await sent_all(worker) == 2

    assert [mail["To"] for mail in server.taken] == ["bob@example.org", "eve@example.org"]
    rows = await sql.fetch("SELECT dead_at, last_error FROM outbox ORDER BY recipient")
    assert [row["dead_at"] is not None for row in rows] == [True, False]
    assert rows[0]["last_error"] == "its values do not open: the sealing key is missing"
    assert rows[1]["last_error"] == "MailTemplatesError"


class Requests:
    """Makes mails for those who asked for one."""

    def __init__(self, clock, addresses):
        self.clock = clock
        self.addresses = addresses
        self.made = []

    async def prepare(self, db, address, now):
        await db.fetchrow("SELECT 1")
        user_id = self.addresses.get(address.lower())
        if user_id is None:
            return None
        token = f"{len(self.made) + 1:064x}"
        self.made.append(token)
        return a_mail(
            address.lower(),
            kind=MailKind.RESET_PASSWORD,
            values={"name": "Ada", "token": token},
            user_id=user_id,
            expires=now + timedelta(minutes=30),
        )


def a_request(address):
    return a_mail(address, kind=MailKind.RESET_PASSWORD, values={})


@pytest.fixture
async def requests(clock, people):
    return Requests(clock, {"ada@example.org": (await people.a_user()).id})


@pytest.fixture
def preparing(make_worker, requests):
    return make_worker(preparers={MailKind.RESET_PASSWORD: requests.prepare})


@pytest.mark.requirement(52)
async def test_what_an_address_asked_for_is_made_when_it_is_sent(db, sql, outbox, preparing, requests, server):
    await outbox.put(db, a_request("Ada@example.org"))
    await outbox.put(db, a_request("nobody@example.org"))

    assert await sent_all(preparing) == 1

    [mail] = server.taken
    assert mail["To"] == "ada@example.org"
    assert token_of(mail) == requests.made[0]
    assert await row_of(sql) is None


@pytest.mark.requirement(52)
async def test_what_was_made_is_kept_for_the_next_try_until_it_has_expired(
    db, clock, outbox, preparing, requests, server
):
    server.refuse_recipient = ["450 4.2.1 later"] * 2
    await outbox.put(db, a_request("Ada@example.org"))

    assert await sent_all(preparing) == 0
    clock.advance(MINUTE)
    assert await sent_all(preparing) == 0
    assert len(requests.made) == 1
    clock.advance(timedelta(minutes=30))
    assert await sent_all(preparing) == 1

    assert len(requests.made) == 2
    assert token_of(server.taken[0]) == requests.made[1]
