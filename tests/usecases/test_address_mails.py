"""Addresses, all the way: mails go out to those whom they concern, and their links are good."""

import pytest

from gatepost.v1 import auth_emails_pb2 as pb
from gatepost.v1.users_service_pb2 import GetUserRequest
from tests.mails import sent_to, text_of, token_of
from tests.people import PASSWORD


@pytest.mark.requirement(15, 26)
async def test_who_registers_is_mailed_a_link_and_the_owner_a_notice(people, worker, server):
    ann = await people.signed_in(email="Ann@example.org", locale="fr")
    [link] = await sent_to(worker, server, "Ann@example.org")
    await people.auth.VerifyEmail(pb.VerifyEmailRequest(token=token_of(link)))
    await people.registered(email="ann@example.org")
    [_, notice] = await sent_to(worker, server, "Ann@example.org")

    assert f"https://app.example.org/verify-email?token={token_of(link)}" in text_of(link)
    assert "Confirmez" in link["Subject"]
    assert "token=" not in text_of(notice)
    assert len(server.taken) == 2
    answer = await people.users.GetUser(GetUserRequest(id=ann.id), metadata=ann.bearer)
    assert answer.user.HasField("email_verified")


@pytest.mark.requirement(15, 50)
async def test_a_new_address_confirms_by_its_mail_and_the_old_one_is_told(people, worker, server):
    ann = await people.signed_in(email="old@example.org")
    asked = pb.ChangeEmailRequest(new_email="new@example.org", current_password=PASSWORD)
    await people.auth.ChangeEmail(asked, metadata=ann.bearer)
    [link] = await sent_to(worker, server, "new@example.org")
    await people.auth.ConfirmEmailChange(pb.ConfirmEmailChangeRequest(token=token_of(link)))
    [_, notice] = await sent_to(worker, server, "old@example.org")

    assert f"https://app.example.org/confirm-email?token={token_of(link)}" in text_of(link)
    assert "was changed" in notice["Subject"]
    assert len(server.taken) == 3
    assert (await people.login("new@example.org")).id == ann.id
