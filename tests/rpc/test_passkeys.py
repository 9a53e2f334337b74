import asyncio
from datetime import timedelta
from uuid import UUID

import grpc
import pytest

from auth_server.domain.authenticators import MOST_AUTHENTICATORS
from auth_server.domain.mails import MailKind
from gatepost.v1 import passkey_service_pb2 as pb
from tests.mails import waiting_mails
from tests.passkeys import EDDSA, ES256, PRESENT, RS256, SoftAuthenticator, bytes_of, text_of
from tests.people import PASSWORD, refused, rule_of
from tests.rpc.passkeys import a_passkey, by_passkey, creation_options, keep, request_options, verified
from tests.rpc.test_change_password import change
from tests.waiting import backends_that_wait


async def listed(people, who):
    return list((await people.passkeys.ListPasskeys(pb.ListPasskeysRequest(), metadata=who.bearer)).passkeys)


async def remove(people, who, passkey_id, password=PASSWORD):
    request = pb.DeletePasskeyRequest(id=passkey_id, current_password=password)
    await people.passkeys.DeletePasskey(request, metadata=who.bearer)


@pytest.mark.requirement(32)
async def test_the_browser_is_asked_for_what_signs_in_by_itself(people, sql):
    ann = await verified(people, sql, email="ann@example.org")
    known = await a_passkey(people, ann)

    options = await creation_options(people, ann)

    assert len(bytes_of(options.pop("challenge"))) == 32
    assert options == {
        "rp": {"id": "example.org", "name": "Gatepost"},
        "user": {"id": text_of(UUID(ann.id).bytes), "name": "ann@example.org", "displayName": "ann@example.org"},
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in (EDDSA, ES256, RS256)],
        "timeout": 300_000,
        "excludeCredentials": [
            {"type": "public-key", "id": text_of(known.credential_id), "transports": ["hybrid", "internal"]}
        ],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }


@pytest.mark.requirement(32)
async def test_a_passkey_is_kept_listed_renamed_and_removed(people, sql):
    ann, bob = await verified(people, sql), await verified(people, sql)
    authenticator = SoftAuthenticator()

    kept = await keep(people, ann, authenticator.create(await creation_options(people, ann)), name="Ann's phone")

    assert (kept.id, kept.name, kept.signs_in) == (text_of(authenticator.credential_id), "Ann's phone", True)
    assert await listed(people, ann) == [kept]
    request = pb.RenamePasskeyRequest(id=kept.id, name="Old phone")
    renamed = (await people.passkeys.RenamePasskey(request, metadata=ann.bearer)).passkey
    assert (renamed.id, renamed.name) == (kept.id, "Old phone")
    for attempt in (people.passkeys.RenamePasskey(request, metadata=bob.bearer), remove(people, bob, kept.id)):
        with refused("AUTHENTICATOR_NOT_FOUND", grpc.StatusCode.NOT_FOUND):
            await attempt
    assert await listed(people, bob) == []
    await remove(people, ann, kept.id)
    assert await listed(people, ann) == []
    with refused("PASSKEY_INVALID"):
        await by_passkey(people, authenticator)


@pytest.mark.requirement(61)
async def test_the_user_is_told_of_it_by_mail_and_it_is_audited(people, sql, settings):
    ann = await verified(people, sql, email="Ann@example.org", locale="fr")
    await sql.execute("DELETE FROM outbox; DELETE FROM audit_events")

    authenticator = await a_passkey(people, ann)
    await remove(people, ann, text_of(authenticator.credential_id))

    mails = await waiting_mails(sql, settings)
    assert sorted((mail.kind, mail.recipient, mail.locale) for mail in mails) == [
        (MailKind.PASSKEY_ADDED, "Ann@example.org", "fr"),
        (MailKind.PASSKEY_REMOVED, "Ann@example.org", "fr"),
    ]
    events = await sql.fetch("SELECT event, user_id::text FROM audit_events ORDER BY id")
    assert [tuple(event) for event in events] == [
        ("authenticator-added", ann.id),
        ("authenticator-removed", ann.id),
    ]


@pytest.mark.requirement(23, 32)
@pytest.mark.parametrize("password", ["wrong", None])
async def test_a_stolen_access_token_adds_and_removes_no_passkey(people, sql, password):
    ann = await verified(people, sql)
    authenticator = await a_passkey(people, ann)

    for attempt in (
        creation_options(people, ann, password),
        remove(people, ann, text_of(authenticator.credential_id), password),
    ):
        with refused("CURRENT_PASSWORD_INVALID", grpc.StatusCode.INVALID_ARGUMENT):
            await attempt

    assert await sql.fetchval("SELECT count(*) FROM passkey_challenges") == 0
    assert len(await listed(people, ann)) == 1


@pytest.mark.requirement(32)
async def test_who_has_no_password_adds_one_within_five_minutes_of_signing_in(people, sql, clock):
    ann = await people.by_provider()
    await sql.execute("UPDATE users SET email_verified = now()")
    await creation_options(people, ann, None)
    clock.advance(timedelta(minutes=5))

    with refused("REAUTHENTICATION_REQUIRED", grpc.StatusCode.FAILED_PRECONDITION):
        await creation_options(people, ann, None)


@pytest.mark.requirement(32, 55)
async def test_nobody_has_a_passkey_for_an_address_that_is_not_proven(people, sql):
    squatter = await people.signed_in()
    with refused("EMAIL_NOT_VERIFIED", grpc.StatusCode.FAILED_PRECONDITION):
        await creation_options(people, squatter)
    ann = await verified(people, sql)
    answer = SoftAuthenticator().create(await creation_options(people, ann))
    await sql.execute("UPDATE users SET email_verified = NULL")

    with refused("EMAIL_NOT_VERIFIED"):
        await keep(people, ann, answer)

    assert await sql.fetchval("SELECT count(*) FROM authenticators") == 0


@pytest.mark.requirement(55)
async def test_a_squatters_authenticators_go_when_the_owner_arrives(people, sql):
    ann = await verified(people, sql)
    authenticator = await a_passkey(people, ann)
    await sql.execute("UPDATE users SET email_verified = NULL")

    await people.an_account(ann.id)

    with refused("PASSKEY_INVALID"):
        await by_passkey(people, authenticator)
    assert await sql.fetchval("SELECT count(*) FROM authenticators") == 0


async def used_up(people, ann, answer, clock):
    await keep(people, ann, answer)
    return ann


async def used_up_by_a_bad_one(people, ann, answer, clock):
    bad = answer | {"type": "password"}
    with refused("PASSKEY_REFUSED"):
        await keep(people, ann, bad)
    return ann


async def replaced(people, ann, answer, clock):
    await creation_options(people, ann)
    return ann


async def expired(people, ann, answer, clock):
    clock.advance(timedelta(minutes=5))
    return ann


async def of_another_sign_in(people, ann, answer, clock):
    return await people.login(ann.email)


async def of_nobody(people, ann, answer, clock):
    options, _ = await request_options(people)
    answer.update(SoftAuthenticator().create({"user": {"id": "eA"}, "challenge": options["challenge"]}))
    return ann


@pytest.mark.requirement(32)
@pytest.mark.parametrize("end", [used_up, used_up_by_a_bad_one, replaced, expired, of_another_sign_in, of_nobody])
async def test_a_challenge_is_good_once_for_five_minutes_and_for_the_sign_in_that_asked(people, sql, clock, end):
    ann = await verified(people, sql)
    answer = SoftAuthenticator().create(await creation_options(people, ann))
    before = await sql.fetchval("SELECT count(*) FROM authenticators")

    who = await end(people, ann, answer, clock)
    with refused("PASSKEY_REFUSED", grpc.StatusCode.INVALID_ARGUMENT) as caught:
        await keep(people, who, answer)

    assert rule_of(caught.value) == "challenge"
    assert await sql.fetchval("SELECT count(*) FROM authenticators") == before + (end is used_up)


@pytest.mark.requirement(32)
async def test_of_two_answers_to_one_challenge_at_once_one_is_kept(people, sql):
    ann = await verified(people, sql)
    options = await creation_options(people, ann)

    answers = [SoftAuthenticator().create(options) for _ in range(2)]
    outcomes = await asyncio.gather(*(keep(people, ann, answer) for answer in answers), return_exceptions=True)

    assert sum(isinstance(outcome, pb.Passkey) for outcome in outcomes) == 1
    assert await sql.fetchval("SELECT count(*) FROM authenticators") == 1


@pytest.mark.requirement(32)
@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"origin": "https://evil.test"}, "origin"),
        ({"rp_id": "evil.test"}, "credential"),
        ({"flags": PRESENT}, "credential"),
    ],
    ids=["a foreign page", "a foreign domain", "an unverified user"],
)
async def test_what_is_no_good_registration_is_not_kept(people, sql, changes, rule):
    ann = await verified(people, sql)

    with refused("PASSKEY_REFUSED", grpc.StatusCode.INVALID_ARGUMENT) as caught:
        await keep(people, ann, SoftAuthenticator().create(await creation_options(people, ann), **changes))

    assert rule_of(caught.value) == rule
    assert await sql.fetchval("SELECT count(*) FROM authenticators") == 0
    assert await sql.fetchval("SELECT user_id::text FROM audit_events WHERE outcome = 'PASSKEY_REFUSED'") == ann.id


@pytest.mark.requirement(32)
async def test_anothers_credential_is_not_taken_over(people, sql):
    ann, bob = await verified(people, sql), await verified(people, sql)
    anns = await a_passkey(people, ann)
    copied = SoftAuthenticator(credential_id=anns.credential_id)

    with refused("AUTHENTICATOR_TAKEN", grpc.StatusCode.ALREADY_EXISTS):
        await keep(people, bob, copied.create(await creation_options(people, bob)))

    assert (await by_passkey(people, anns)).id == ann.id


@pytest.mark.requirement(32)
async def test_a_user_has_twenty_at_the_most(people, sql):
    ann = await verified(people, sql)
    answer = SoftAuthenticator().create(await creation_options(people, ann))
    await sql.execute(
        "INSERT INTO authenticators (credential_id, user_id, provider_account_id, public_key, counter, device_type,"
        " backed_up, transports, created_at)"
        " SELECT decode(lpad(n::text, 4, '0'), 'hex'), $1::uuid, n::text, 'x', 0, 'singleDevice', false, '{}', now()"
        " FROM generate_series(1, $2::integer) AS n",
        UUID(ann.id),
        MOST_AUTHENTICATORS,
    )

    for attempt in (keep(people, ann, answer), creation_options(people, ann)):
        with refused("TOO_MANY_AUTHENTICATORS", grpc.StatusCode.FAILED_PRECONDITION):
            await attempt

    assert await sql.fetchval("SELECT count(*) FROM authenticators") == MOST_AUTHENTICATORS


@pytest.mark.requirement(32)
async def test_a_passkey_that_is_finished_after_the_password_changed_is_not_kept(people, sql):
    ann = await verified(people, sql)
    answer = SoftAuthenticator().create(await creation_options(people, ann))
    await change(people, ann)

    with refused("ACCESS_TOKEN_INVALID"):
        await keep(people, ann, answer)

    assert await sql.fetchval("SELECT count(*) FROM authenticators") == 0


@pytest.mark.requirement(32)
async def test_a_sign_in_that_ends_meanwhile_keeps_no_passkey(people, sql):
    ann = await verified(people, sql)
    answer = SoftAuthenticator().create(await creation_options(people, ann))

    async with sql.transaction():
        await sql.execute("UPDATE refresh_families SET ended_at = now(), ended_reason = 'ended'")
        keeping = asyncio.ensure_future(keep(people, ann, answer))
        await backends_that_wait(sql)

    with refused("ACCESS_TOKEN_INVALID"):
        await keeping
    assert await sql.fetchval("SELECT count(*) FROM authenticators") == 0


@pytest.mark.requirement(46)
async def test_challenges_and_ceremony_tokens_are_kept_as_hashes(people, sql):
    ann = await verified(people, sql)
    options = await creation_options(people, ann)
    asked, token = await request_options(people)

    rows = [row["row"] for row in await sql.fetch("SELECT c::text AS row FROM passkey_challenges AS c")]

    assert len(rows) == 2
    for secret in (bytes_of(options["challenge"]), bytes_of(asked["challenge"]), token.encode(), bytes.fromhex(token)):
        assert secret.hex() not in " ".join(rows)
