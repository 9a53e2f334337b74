"""A forgotten password, all the way: the worker makes the link as it sends the mail, and the link is good."""

from datetime import timedelta

import pytest

from tests.mails import sent_to, text_of, token_of
from tests.resets import NEW_PASSWORD


@pytest.mark.requirement(15, 48)
async def test_the_mailed_link_resets_the_password_and_a_notice_follows(people, resets, worker, server, sql):
    ann = await people.signed_in(email="Ann@example.org", locale="fr-CA")
    await sql.execute("DELETE FROM outbox")

    await resets.ask("aNN@EXAMPLE.org")
    await resets.ask("nobody@example.org")
    [link] = await sent_to(worker, server, "Ann@example.org")
    await resets.reset(token_of(link))
    [_, notice] = await sent_to(worker, server, "Ann@example.org")

    assert f"https://app.example.org/reset-password?token={token_of(link)}" in text_of(link)
    assert "passe" in link["Subject"]
    assert "passe" in notice["Subject"]
    assert "token=" not in text_of(notice)
    assert len(server.taken) == 2
    assert (await people.login(ann.email, NEW_PASSWORD)).id == ann.id
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 0


@pytest.mark.requirement(47, 52)
async def test_a_link_is_good_though_the_mail_server_was_away_for_an_hour(people, resets, worker, server, clock, sql):
    email = await people.registered()
    await sql.execute("DELETE FROM outbox")
    clock.stopped_at = clock()
    server.refuse_recipient = ["450 4.2.1 later"] * 3
    await resets.ask(email)

    for _ in range(4):
        sent = await sent_to(worker, server, email)
        clock.advance(timedelta(minutes=20))

    clock.advance(timedelta(minutes=-20))
    [link] = sent
    await resets.reset(token_of(link))
    assert await people.login(email, NEW_PASSWORD)
