"""What Auth.js's adapter keeps of authenticators, as @auth/core relies on it."""

import asyncio

import grpc
import pytest

from auth_server.domain.mails import MailKind
from gatepost.v1 import adapter_pb2
from gatepost.v1 import adapter_service_pb2 as pb
from tests.passkeys import text_of
from tests.people import reason_of, refused, violations_of
from tests.rpc.passkeys import by_passkey

NOBODY = "01890000-0000-7000-8000-000000000000"


async def find(people, credential_id):
    answer = await people.adapter.GetAuthenticator(
        pb.GetAuthenticatorRequest(credential_id=credential_id), metadata=people.secret
    )
    return answer.authenticator if answer.HasField("authenticator") else None


async def of_user(people, user_id):
    request = pb.ListAuthenticatorsRequest(user_id=user_id)
    return list((await people.adapter.ListAuthenticators(request, metadata=people.secret)).authenticators)


async def advance(people, credential_id, counter):
    request = pb.UpdateAuthenticatorCounterRequest(credential_id=credential_id, counter=counter)
    answer = await people.adapter.UpdateAuthenticatorCounter(request, metadata=people.secret)
    return answer.authenticator


async def audited(sql, event):
    rows = await sql.fetch("SELECT user_id::text, outcome FROM audit_events WHERE event = $1", event)
    return [tuple(row) for row in rows]


async def test_an_authenticator_comes_back_whole(people):
    user = await people.a_user()
    given = adapter_pb2.Authenticator(
        credential_id=bytes(range(256)) * 3,
        user_id=user.id,
        provider_account_id="an/account+of=theirs",
        credential_public_key=b"\0key\xff",
        counter=2**32 - 1,
        credential_device_type="multiDevice",
        credential_backed_up=True,
        transports="internal,hybrid",
    )

    made = await people.adapter.CreateAuthenticator(
        pb.CreateAuthenticatorRequest(authenticator=given), metadata=people.secret
    )

    assert made.authenticator == given
    assert await find(people, given.credential_id) == given
    assert await of_user(people, user.id) == [given]


async def test_a_user_has_their_own_authenticators_the_oldest_first(people):
    ann, bob = await people.a_user(), await people.a_user()
    own = [await people.an_authenticator(ann.id) for _ in range(3)]
    await people.an_authenticator(bob.id)

    assert await of_user(people, ann.id) == own


@pytest.mark.parametrize("user_id", ["", "none", "\0", NOBODY])
async def test_who_is_no_user_has_none(people, user_id):
    assert await of_user(people, user_id) == []


@pytest.mark.parametrize("credential_id", [b"", b"nobody's", b"\0" * 10_000])
async def test_credentials_of_any_form_are_looked_up(people, credential_id):
    assert await find(people, credential_id) is None


async def test_a_credential_belongs_to_one_user(people):
    ann, bob = await people.a_user(), await people.a_user()
    made = await people.an_authenticator(ann.id)

    for user in (ann, bob):
        with refused("AUTHENTICATOR_TAKEN", grpc.StatusCode.ALREADY_EXISTS):
            await people.an_authenticator(user.id, credential_id=made.credential_id)

    assert await find(people, made.credential_id) == made


@pytest.mark.parametrize("user_id", [NOBODY, "none"])
async def test_nobody_gets_no_authenticator(people, user_id):
    with refused("USER_NOT_FOUND", grpc.StatusCode.NOT_FOUND):
        await people.an_authenticator(user_id)


async def test_a_twenty_first_authenticator_is_refused(people):
    ann, bob = await people.a_user(), await people.a_user()
    for _ in range(20):
        await people.an_authenticator(ann.id)

    with refused("TOO_MANY_AUTHENTICATORS", grpc.StatusCode.FAILED_PRECONDITION):
        await people.an_authenticator(ann.id)

    assert await people.an_authenticator(bob.id)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("credential_id", b""),
        ("credential_id", b"x" * 1024),
        ("credential_public_key", b""),
        ("credential_public_key", b"x" * 8193),
        ("credential_device_type", "otherDevice"),
        ("provider_account_id", ""),
        ("transports", "usb\0"),
    ],
)
async def test_what_is_no_authenticator_is_refused(people, field, value):
    user = await people.a_user()

    with refused("REQUEST_INVALID") as caught:
        await people.an_authenticator(user.id, **{field: value})

    assert violations_of(caught.value) == [f"authenticator.{field}"]


@pytest.mark.requirement(32)
async def test_a_counter_that_has_grown_is_kept(people):
    made = await people.an_authenticator((await people.a_user()).id)
    grown = adapter_pb2.Authenticator()
    grown.CopyFrom(made)
    grown.counter = 7

    assert await advance(people, made.credential_id, 7) == grown
    assert await find(people, made.credential_id) == grown


@pytest.mark.requirement(32)
async def test_a_counter_that_has_not_grown_is_refused_audited_and_mailed(people, sql, mailbox):
    user = await people.a_user()
    made = await people.an_authenticator(user.id, counter=7)
    await mailbox.take()

    for counter in (7, 6, 0):
        with refused("AUTHENTICATOR_COUNTER_REGRESSED", grpc.StatusCode.UNAUTHENTICATED):
            await advance(people, made.credential_id, counter)

    assert await find(people, made.credential_id) == made
    assert await audited(sql, "refused") == [(user.id, "AUTHENTICATOR_COUNTER_REGRESSED")] * 3
    assert await audited(sql, "authenticator-copied") == [(user.id, "ok")] * 3
    assert {(mail.kind, mail.recipient) for mail in await mailbox.take()} == {(MailKind.PASSKEY_COPIED, user.email)}


@pytest.mark.requirement(32)
async def test_of_two_signatures_at_once_with_one_counter_one_is_good(people):
    made = await people.an_authenticator((await people.a_user()).id, counter=7)

    answers = await asyncio.gather(*(advance(people, made.credential_id, 8) for _ in range(5)), return_exceptions=True)

    refusals = [reason_of(each) for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert refusals == ["AUTHENTICATOR_COUNTER_REGRESSED"] * 4


@pytest.mark.requirement(32)
async def test_an_authenticator_that_does_not_count_signs_again_and_again(people):
    made = await people.an_authenticator((await people.a_user()).id, counter=0)

    for _ in range(2):
        assert await advance(people, made.credential_id, 0) == made


async def test_the_counter_of_a_credential_that_nobody_has_is_refused(people):
    with refused("AUTHENTICATOR_NOT_FOUND", grpc.StatusCode.NOT_FOUND):
        await advance(people, b"nobody's", 1)


async def test_an_authenticator_that_is_added_is_audited_and_mailed(people, sql, mailbox):
    user = await people.a_user()

    made = await people.an_authenticator(user.id)
    with refused("AUTHENTICATOR_TAKEN"):
        await people.an_authenticator(user.id, credential_id=made.credential_id)

    assert await audited(sql, "authenticator-added") == [(user.id, "ok")]
    assert [(mail.kind, mail.recipient) for mail in await mailbox.take()] == [(MailKind.PASSKEY_ADDED, user.email)]


async def test_an_authenticator_goes_with_the_account_beside_it(people, sql, mailbox):
    user = await people.a_user()
    kept, gone = [await people.an_authenticator(user.id) for _ in range(2)]
    for made in (kept, gone):
        account = {"type": "webauthn", "provider": "passkey", "provider_account_id": made.provider_account_id}
        await people.an_account(user.id, **account)
    await mailbox.take()

    request = pb.UnlinkAccountRequest(provider="passkey", provider_account_id=gone.provider_account_id)
    await people.adapter.UnlinkAccount(request, metadata=people.secret)

    assert await of_user(people, user.id) == [kept]
    assert await audited(sql, "authenticator-removed") == [(user.id, "ok")]
    assert [mail.kind for mail in await mailbox.take()] == [MailKind.PASSKEY_REMOVED]


async def test_an_authenticator_stays_when_a_providers_account_of_its_name_goes(people):
    user = await people.a_user(email=None)
    made = await people.an_authenticator(user.id)
    await people.an_account(user.id, provider_account_id=made.provider_account_id)

    request = pb.UnlinkAccountRequest(provider="google", provider_account_id=made.provider_account_id)
    await people.adapter.UnlinkAccount(request, metadata=people.secret)

    assert await of_user(people, user.id) == [made]


@pytest.mark.requirement(32)
async def test_passkeys_of_ours_are_none_of_the_front_ends(people, sql, ann, anns):
    """It would list them to strangers who type an address, and sign their holder in as whoever linked such an id."""
    name = text_of(anns.credential_id)
    await people.an_account(ann.id, type="webauthn", provider="passkey", provider_account_id=name)

    assert await find(people, anns.credential_id) is None
    assert await of_user(people, ann.id) == []
    with refused("AUTHENTICATOR_NOT_FOUND", grpc.StatusCode.NOT_FOUND):
        await advance(people, anns.credential_id, 2**32 - 1)
    request = pb.UnlinkAccountRequest(provider="passkey", provider_account_id=name)
    await people.adapter.UnlinkAccount(request, metadata=people.secret)

    assert (await by_passkey(people, anns)).id == ann.id
    with refused("AUTHENTICATOR_TAKEN", grpc.StatusCode.ALREADY_EXISTS):
        await people.an_authenticator(ann.id, credential_id=anns.credential_id)
