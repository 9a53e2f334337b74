import asyncio
from uuid import UUID

import grpc
import pytest

from auth_server.domain.mails import MailKind
from auth_server.storage import authenticators
from tests.mails import waiting_mails
from tests.passkeys import SoftAuthenticator
from tests.people import refused
from tests.rpc.passkeys import by_passkey, families, request_options, sign_in
from tests.waiting import backends_that_wait


@pytest.mark.requirement(32)
async def test_a_passkey_that_counts_nothing_signs_in_again_and_again(people, sql, ann, anns):
    for _ in range(2):
        assert (await by_passkey(people, anns, counter=0)).id == ann.id


@pytest.mark.requirement(32)
async def test_of_two_at_once_with_one_counter_one_signs_in(people, sql, ann, anns):
    ceremonies = [await request_options(people) for _ in range(2)]
    answers = [(anns.get(options, counter=5), token) for options, token in ceremonies]
    before = await families(sql)

    outcomes = await asyncio.gather(*(sign_in(people, *each) for each in answers), return_exceptions=True)

    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert await families(sql) == before + 1


@pytest.mark.requirement(32, 61)
@pytest.mark.parametrize("counter", [0, 4, 5])
async def test_a_counter_that_does_not_grow_is_refused_audited_and_mailed(people, sql, settings, ann, anns, counter):
    await by_passkey(people, anns, counter=5)
    await sql.execute("DELETE FROM audit_events")
    before = await families(sql)

    with refused("AUTHENTICATOR_COUNTER_REGRESSED", grpc.StatusCode.UNAUTHENTICATED):
        await by_passkey(people, anns, counter=counter)

    assert await families(sql) == before
    assert await sql.fetchval("SELECT counter FROM authenticators") == 5
    [mail] = await waiting_mails(sql, settings)
    assert (mail.kind, mail.recipient, mail.locale) == (MailKind.PASSKEY_COPIED, "Ann@example.org", "fr")
    events = await sql.fetch("SELECT event, outcome, user_id::text FROM audit_events ORDER BY id")
    assert [tuple(event) for event in events] == [
        ("authenticator-copied", "ok", ann.id),
        ("refused", "AUTHENTICATOR_COUNTER_REGRESSED", ann.id),
    ]


@pytest.mark.requirement(32)
async def test_who_cannot_sign_makes_no_passkey_look_copied(people, sql, ann, anns):
    await by_passkey(people, anns, counter=5)
    forger = SoftAuthenticator(credential_id=anns.credential_id, user_handle=anns.user_handle)

    with refused("PASSKEY_INVALID"):
        await by_passkey(people, forger, counter=4)

    assert await sql.fetchval("SELECT count(*) FROM outbox") == 0


@pytest.mark.requirement(32)
async def test_a_passkey_that_is_removed_meanwhile_signs_nobody_in(people, sql, ann, anns):
    options, token = await request_options(people)
    before = await families(sql)

    async with sql.transaction():
        await authenticators.remove(sql, anns.credential_id, UUID(ann.id))
        signing_in = asyncio.ensure_future(sign_in(people, anns.get(options), token))
        await backends_that_wait(sql)

    with refused("PASSKEY_INVALID"):
        await signing_in
    assert await families(sql) == before
    assert await sql.fetchval("SELECT count(*) FROM outbox") == 0
