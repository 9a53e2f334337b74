"""Deleting a user: nothing that is theirs stays."""

import asyncio
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from auth_server.domain.mails import MailKind
from auth_server.mailing import outbox_of
from gatepost.v1 import adapter_pb2, adapter_service_pb2, export_pb2
from gatepost.v1 import auth_emails_pb2 as emails_pb
from gatepost.v1 import users_service_pb2 as pb
from tests.faults import Fault, content_of
from tests.images import an_image, upload
from tests.mails import a_mail
from tests.people import PASSWORD, refused
from tests.personal_data import PERSONAL
from tests.waiting import backends_that_wait

STATEMENTS = 7


async def a_verification_token(people, identifier, token):
    request = adapter_service_pb2.CreateVerificationTokenRequest()
    request.verification_token.identifier = identifier
    request.verification_token.token = token
    request.verification_token.expires.CopyFrom(Timestamp(seconds=4_000_000_000))
    await people.adapter.CreateVerificationToken(request, metadata=people.secret)


async def by_the_user(people, user):
    await people.users.DeleteUser(pb.DeleteUserRequest(id=user.id), metadata=user.bearer)


async def by_the_adapter(people, user):
    request = adapter_service_pb2.AdapterServiceDeleteUserRequest(id=user.id)
    await people.adapter.DeleteUser(request, metadata=people.secret)


@pytest.mark.requirement(63)
@pytest.mark.parametrize("delete", [by_the_user, by_the_adapter])
async def test_verification_tokens_of_the_address_go_with_the_user(people, sql, delete):
    ann = await people.signed_in(email="Ann@example.org")
    await a_verification_token(people, "ann@EXAMPLE.org", "a" * 64)
    await a_verification_token(people, "bob@example.org", "b" * 64)

    await delete(people, ann)

    assert await sql.fetch("SELECT identifier FROM verification_tokens") == [("bob@example.org",)]
    assert await sql.fetchval("SELECT count(*) FROM users") == 0


@pytest.mark.requirement(63)
@pytest.mark.parametrize("delete", [by_the_user, by_the_adapter])
async def test_the_image_leaves_its_store_with_the_user(people, sql, image_folder, delete):
    ann, bob = await people.signed_in(), await people.signed_in()
    urls = [await upload(people, user, an_image()) for user in (ann, bob)]
    gone, stays = (image_folder / url.rpartition("/")[2] for url in urls)
    assert gone.exists()

    await delete(people, ann)

    assert not gone.exists()
    assert stays.exists()
    assert [str(row["user_id"]) for row in await sql.fetch("SELECT user_id FROM images")] == [bob.id]


async def test_a_user_who_is_not_there_is_not_deleted(people):
    ann = await people.signed_in()
    await by_the_user(people, ann)

    with refused("ACCESS_TOKEN_INVALID"):
        await by_the_user(people, ann)
    request = adapter_service_pb2.AdapterServiceDeleteUserRequest(id=ann.id)
    answer = await people.adapter.DeleteUser(request, metadata=people.secret)

    assert not answer.HasField("user")


@pytest.mark.requirement(63)
async def test_a_fault_at_any_statement_erases_nothing(people, db, sql, settings, clock, monkeypatch):
    ann = await people.signed_in()
    await people.a_session(ann.id)
    await a_verification_token(people, ann.email, "a" * 64)
    await outbox_of(settings, clock).put(db, a_mail(ann.email, user_id=None))
    before = await content_of(sql, PERSONAL)
    fault = Fault(monkeypatch)

    for number in range(1, STATEMENTS + 1):
        fault.set_at(number)
        with refused("DATABASE_UNAVAILABLE"):
            await by_the_user(people, ann)
        assert await content_of(sql, PERSONAL) == before
    fault.set_at(STATEMENTS + 1)
    await by_the_user(people, ann)

    assert fault.seen == STATEMENTS
    assert {table for table, rows in (await content_of(sql, PERSONAL)).items() if rows} == {
        "audit_events",
        "revocations",
    }


@pytest.mark.requirement(63)
async def test_mails_to_the_address_that_are_others_stay(people, db, sql, settings, clock):
    ann, bob = await people.signed_in(), await people.signed_in()
    await sql.execute("DELETE FROM outbox")
    outbox = outbox_of(settings, clock)
    await outbox.put(db, a_mail(ann.email, user_id=UUID(bob.id)))
    await outbox.put(db, a_mail(ann.email.upper(), user_id=None))

    await by_the_user(people, ann)

    assert [str(row["user_id"]) for row in await sql.fetch("SELECT user_id FROM outbox")] == [bob.id]


async def change_by_mail(people, mailbox, user, email):
    await mailbox.take()
    asked = emails_pb.ChangeEmailRequest(new_email=email, current_password=PASSWORD)
    await people.auth.ChangeEmail(asked, metadata=user.bearer)
    link = await mailbox.take_one(MailKind.CONFIRM_NEW_EMAIL)
    await people.auth.ConfirmEmailChange(emails_pb.ConfirmEmailChangeRequest(token=link.values["token"]))


async def change_by_the_adapter(people, _, user, email):
    changed = adapter_pb2.AdapterUser(id=user.id, email=email)
    request = adapter_service_pb2.AdapterServiceUpdateUserRequest(user=changed)
    await people.adapter.UpdateUser(request, metadata=people.secret)


@pytest.mark.requirement(63)
@pytest.mark.parametrize("change", [change_by_mail, change_by_the_adapter])
async def test_what_was_typed_under_former_addresses_goes_with_the_user(people, sql, mailbox, change):
    ann = await people.signed_in(email="first@example.org")
    await change(people, mailbox, ann, "second@example.org")
    await change(people, mailbox, ann, "third@example.org")
    for typed in ("FIRST@example.org", "second@example.org", "somebody@example.org"):
        with refused("CREDENTIALS_INVALID"):
            await people.login(typed)
    typed = "SELECT count(*) FROM audit_keys WHERE user_id IS NULL AND subject LIKE 'email %'"
    assert await sql.fetchval(typed) == 3

    await by_the_adapter(people, ann)

    assert await sql.fetchval(typed) == 1


@pytest.mark.requirement(63)
async def test_an_address_that_is_changed_just_before_an_erasure_is_known_to_it(people, sql):
    with refused("CREDENTIALS_INVALID"):
        await people.login("first@example.org")
    ann = await people.signed_in(email="first@example.org")
    held = sql.transaction()
    await held.start()
    await sql.execute("SELECT FROM users FOR UPDATE")
    changed = asyncio.create_task(change_by_the_adapter(people, None, ann, "second@example.org"))
    await backends_that_wait(sql)
    erased = asyncio.create_task(by_the_adapter(people, ann))
    await backends_that_wait(sql, 2)

    await held.commit()
    await asyncio.gather(changed, erased)

    assert await sql.fetchval("SELECT count(*) FROM audit_keys WHERE subject LIKE 'email %'") == 0


@pytest.mark.requirement(63)
async def test_an_erasure_and_an_export_are_audited(people, sql):
    ann = await people.signed_in()
    call = people.users.ExportUser(export_pb2.ExportUserRequest(id=ann.id), metadata=ann.bearer)
    assert [record async for record in call]

    await by_the_user(people, ann)

    events = await sql.fetch("SELECT event FROM audit_events WHERE user_id = $1 ORDER BY id", ann.id)
    assert [row["event"] for row in events][-2:] == ["user-exported", "user-deleted"]


@pytest.mark.requirement(63)
async def test_two_deletions_at_once_are_one(people, sql):
    ann = await people.signed_in()
    for number in range(20):
        await a_verification_token(people, ann.email, f"{number:064}")
    request = adapter_service_pb2.AdapterServiceDeleteUserRequest(id=ann.id)

    answers = await asyncio.gather(*(people.adapter.DeleteUser(request, metadata=people.secret) for _ in range(5)))

    assert sum(answer.HasField("user") for answer in answers) == 1
    assert await sql.fetchval("SELECT count(*) FROM audit_events WHERE event = 'user-deleted'") == 1
