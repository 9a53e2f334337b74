"""Limits of mails: nobody's mailbox is flooded, and nobody's mails are kept back by what others ask for."""

import pytest

from tests.mails import a_mail, sent_to, token_of
from tests.resets import NEW_PASSWORD

LIMIT = 5
SPELLINGS = [f"ada+{number}@example.org" for number in range(LIMIT + 2)]


@pytest.mark.requirement(53)
async def test_asking_for_other_spellings_of_an_address_keeps_no_link_back(people, resets, worker, server, sql):
    email = await people.registered(email="ada@example.org")
    await sql.execute("DELETE FROM outbox")
    for spelling in SPELLINGS:
        await resets.ask(spelling)

    await resets.ask(email)

    assert len(await sent_to(worker, server, email)) == 1


@pytest.mark.requirement(37, 53)
async def test_another_account_of_a_like_address_keeps_no_notice_back(db, sql, outbox):
    for spelling in SPELLINGS:
        await outbox.put(db, a_mail(spelling))

    assert await outbox.put(db, a_mail("ada@example.org", proven=True))
    assert await sql.fetchval("SELECT count(*) FROM outbox") == LIMIT + 1


@pytest.mark.requirement(47, 53)
async def test_accounts_of_one_mailbox_that_nobody_has_proven_share_a_limit(
    people, resets, worker, server, sql, caplog
):
    for spelling in SPELLINGS:
        await people.registered(email=spelling)
    await sql.execute("DELETE FROM outbox")
    first = SPELLINGS[0]
    await resets.ask(first)
    [link] = await sent_to(worker, server, first)

    for spelling in SPELLINGS:
        await resets.ask(spelling)
    await resets.ask(first)
    links = await sent_to(worker, server, first)

    assert len(server.taken) == LIMIT
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 0
    assert "mail not sent" in caplog.text
    # The one that was kept back has voided nothing.
    assert len(links) == 2
    await resets.reset(token_of(links[-1]), NEW_PASSWORD)
    assert token_of(link) != token_of(links[-1])
