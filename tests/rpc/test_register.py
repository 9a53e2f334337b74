import asyncio
from dataclasses import replace

import grpc
import pytest

from auth_server.domain.mails import MailKind
from gatepost.v1 import auth_service_pb2 as pb
from gatepost.v1 import user_pb2
from tests.mails import waiting_mails
from tests.people import PASSWORD, refused, rule_of, violations_of


async def register(people, **fields):
    given = {"name": "Ann", "email": "ann@example.org", "password": PASSWORD} | fields
    return (await people.auth.Register(pb.RegisterRequest(**given))).user


async def test_a_person_who_has_registered_can_log_in(people):
    profile = user_pb2.Profile(country="France", founded_year=1999, annual_operating_budget=1.5)

    registered = await register(people, profile=profile, locale="fr-CA")
    answer = await people.auth.Login(pb.LoginRequest(email="ann@example.org", password=PASSWORD))

    assert (registered.name, registered.email, registered.profile) == ("Ann", "ann@example.org", profile)
    assert (answer.user.name, answer.user.email, answer.user.profile) == ("Ann", "ann@example.org", profile)
    assert registered.locale == answer.user.locale == "fr-CA"
    assert not answer.user.HasField("email_verified")


async def test_a_taken_address_gets_the_same_answer_and_changes_nothing(people, sql):
    first = await register(people)
    before = await sql.fetchrow("SELECT users::text FROM users")

    second = await register(people, email="ann@example.org", password="another password")

    assert second == first
    assert await sql.fetchrow("SELECT users::text FROM users") == before


@pytest.mark.requirement(26)
async def test_a_new_address_is_mailed_a_link_and_the_owner_of_a_taken_one_a_notice(people, mailbox, sql):
    await register(people, locale="fr")
    link = await mailbox.take_one(MailKind.VERIFY_EMAIL)
    assert (link.recipient, link.locale, "token" in link.values) == ("ann@example.org", "fr", True)

    await register(people, name="Eve", email="ANN@example.org", locale="de")

    # In the language and by the name of who has the address: a stranger's words reach nobody.
    notice = await mailbox.take_one(MailKind.ADDRESS_TAKEN)
    assert (notice.recipient, notice.locale, notice.values) == ("ann@example.org", "fr", {"name": "Ann"})
    events = await sql.fetch("SELECT event, user_id FROM audit_events ORDER BY id")
    assert [(row["event"], row["user_id"]) for row in events] == [
        ("registered", link.user_id),
        ("registration-refused", None),
    ]


@pytest.mark.requirement(26)
async def test_what_waits_for_a_new_and_a_taken_address_differs_in_its_kind_alone(people, sql, settings):
    await register(people)
    await register(people)

    new, taken = await waiting_mails(sql, settings)

    assert new == replace(taken, kind=MailKind.VERIFY_EMAIL)
    assert (new.user_id, new.values, new.locale, new.expires) == (None, {}, None, None)


@pytest.mark.requirement(53)
async def test_over_the_limit_of_mails_the_answer_is_the_same(people, mailbox):
    answers = {(await register(people)).SerializeToString() for _ in range(8)}

    assert len(answers) == 1
    assert len(await mailbox.take()) == 6  # one link, and five notices


@pytest.mark.requirement(26)
async def test_nobody_is_mailed_for_a_user_who_is_gone_or_disabled_meanwhile(people, mailbox, sql):
    for change in ("DELETE FROM users", "UPDATE users SET disabled_at = now()"):
        await register(people)
        await register(people)
        await sql.execute(change)
        assert await mailbox.take() == []


@pytest.mark.requirement(52)
@pytest.mark.parametrize(
    "trigger",
    [
        "TRIGGER refuse BEFORE INSERT ON outbox FOR EACH ROW",
        "CONSTRAINT TRIGGER refuse AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
    ],
    ids=["the mail fails", "the end fails"],
)
async def test_a_user_and_their_mail_are_there_both_or_neither(people, sql, trigger):
    await sql.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;"
        f"CREATE {trigger} EXECUTE FUNCTION refuse()"
    )
    try:
        with refused("INTERNAL"):
            await register(people)
    finally:
        await sql.execute("DROP FUNCTION refuse CASCADE")

    for table in ("users", "outbox", "audit_events"):
        assert await sql.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_of_twenty_who_register_one_address_one_is_made(people, sql):
    answers = await asyncio.gather(*(register(people) for _ in range(20)))

    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert await sql.fetchval("SELECT count(*) FROM users") == 1


@pytest.mark.requirement(17, 20)
@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("1234567", "too_short"),
        ("x" * 257, "too_long"),
        ("Football1", "common"),
        ("Ann@example.org", "email"),
        ("Gatepost2026", "product"),
    ],
)
async def test_a_password_that_breaks_a_rule_is_refused_by_its_name(people, sql, password, rule):
    with refused("PASSWORD_REFUSED", grpc.StatusCode.INVALID_ARGUMENT) as caught:
        await register(people, password=password)

    assert (violations_of(caught.value), rule_of(caught.value)) == (["password"], rule)
    assert password not in str(caught.value)
    assert await sql.fetchval("SELECT count(*) FROM users") == 0


@pytest.mark.requirement(17)
@pytest.mark.parametrize("password", ["x" * 256, "\N{PILE OF POO}" * 64, "        ", "a\0b\0c\0d\0e"])
async def test_a_password_may_have_any_characters(people, password):
    email = await people.registered(password=password)

    assert (await people.login(email, password)).id


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": "ann"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "a@b\0.org"}, "email"),
        ({"email": "a" * 250 + "@example.org"}, "email"),
        ({"name": ""}, "name"),
        ({"name": "A\0"}, "name"),
        ({"locale": "français"}, "locale"),
        ({"locale": "fr_CA"}, "locale"),
        ({"profile": user_pb2.Profile(founded_year=-1)}, "profile.founded_year"),
        ({"profile": user_pb2.Profile(annual_operating_budget=float("inf"))}, "profile.annual_operating_budget"),
    ],
    ids=str,
)
async def test_a_field_that_breaks_its_rule_is_named(people, fields, field):
    with refused("REQUEST_INVALID") as caught:
        await register(people, **fields)

    assert violations_of(caught.value) == [field]


async def test_the_password_is_stored_as_a_versioned_hash_alone(people, sql):
    await register(people)

    row = await sql.fetchrow("SELECT password_hash, users::text AS text FROM users")

    assert row["password_hash"].startswith("gp1$pepper$$2b$04$")
    assert PASSWORD not in row["text"]
