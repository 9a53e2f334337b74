"""Putting mails into the outbox: with the caller's transaction, within limits, and sealed."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from auth_server.domain.mails import MailKind
from auth_server.domain.secrets import SealBrokenError
from auth_server.mailing import outbox_of
from auth_server.usecases.outbox import row_identity
from tests.mails import a_link, a_mail, waiting_mails

LIMITS = {"mail_address_limit": 3, "mail_account_limit": 4}


@pytest.fixture
def outbox(settings, clock):
    return outbox_of(settings.model_copy(update=LIMITS), clock)


async def number_of(sql):
    return await sql.fetchval("SELECT count(*) FROM outbox")


@pytest.mark.requirement(52)
async def test_a_mail_is_there_when_its_transaction_is_committed(db, sql, settings, outbox):
    mail = a_link(locale="fr-CA")

    async def work(transaction):
        await outbox.put(transaction, mail)
        assert await number_of(sql) == 0

    await db.transaction(work)

    assert await waiting_mails(sql, settings) == [mail]


@pytest.mark.requirement(52)
async def test_a_mail_goes_with_its_transaction(db, sql, outbox):
    async def work(transaction):
        await outbox.put(transaction, a_mail())
        raise LookupError

    with pytest.raises(LookupError):
        await db.transaction(work)

    assert await number_of(sql) == 0


@pytest.mark.requirement(52)
async def test_the_values_of_a_mail_are_sealed_for_its_row_and_recipient(db, sql, settings, outbox):
    await outbox.put(db, a_mail(values={"name": "Countess", "token": "ab" * 32}))

    row = await sql.fetchrow("SELECT id, sealed, outbox::text AS all_of_it FROM outbox")
    assert b"Countess" not in row["sealed"]
    assert "ab" * 32 not in row["all_of_it"]
    for moved in (row_identity(uuid4(), "ada@example.org"), row_identity(row["id"], "eve@example.org")):
        with pytest.raises(SealBrokenError):
            outbox.seal.open(row["sealed"], moved)


@pytest.mark.requirement(53)
async def test_an_address_gets_no_more_mails_of_a_kind_than_its_limit_however_it_is_spelt(db, sql, clock, outbox):
    spellings = ["ada@example.org", "Ada@Example.org", "adA@example.org", "ada+1@example.org", "ada+2@example.org"]
    clock.stopped_at = clock()

    for address in spellings:
        await outbox.put(db, a_mail(address))
    assert await number_of(sql) == 3
    await outbox.put(db, a_mail(kind=MailKind.EMAIL_CHANGED))
    await outbox.put(db, a_mail("bob@example.org"))
    assert await number_of(sql) == 5

    clock.advance(timedelta(minutes=20))
    for address in spellings:
        await outbox.put(db, a_mail(address))
    assert await number_of(sql) == 6


@pytest.mark.requirement(53)
async def test_an_account_causes_no_more_mails_of_a_kind_than_its_limit(db, sql, people, outbox):
    user_id = UUID((await people.a_user()).id)
    await sql.execute("DELETE FROM outbox; DELETE FROM mail_allowances")

    for number in range(6):
        await outbox.put(db, a_mail(f"victim{number}@example.org", kind=MailKind.CONFIRM_NEW_EMAIL, user_id=user_id))

    assert await number_of(sql) == 4


@pytest.mark.requirement(53)
async def test_no_race_comes_past_a_limit(db, sql, outbox):
    await asyncio.gather(*(outbox.put(db, a_mail()) for _ in range(24)))

    assert await number_of(sql) == 3


@pytest.mark.requirement(53)
async def test_a_mail_over_a_limit_is_told_without_its_address(db, caplog, outbox):
    for _ in range(4):
        await outbox.put(db, a_mail("ada.lovelace@example.org"))

    [line] = [record for record in caplog.records if record.message == "mail not written"]
    assert line.kind == "password-changed"
    assert "lovelace" not in repr(vars(line))


@pytest.mark.requirement(53)
async def test_a_mail_to_what_is_no_address_is_not_written(db, sql, caplog, outbox):
    await outbox.put(db, a_mail("ada@example.org\r\nBcc: eve@example.org"))

    assert await number_of(sql) == 0
    assert "mail not written" in caplog.text


async def test_a_mail_for_a_user_who_is_gone_is_not_written(db, sql, outbox):
    await outbox.put(db, a_mail(user_id=uuid4()))

    assert await number_of(sql) == 0


async def test_mails_go_with_their_user(db, sql, people, outbox):
    user_id = UUID((await people.a_user()).id)
    await outbox.put(db, a_mail(user_id=user_id))

    await sql.execute("DELETE FROM users")

    assert await number_of(sql) == 0
