import asyncio

import grpc
import pytest

from gatepost.v1 import auth_service_pb2 as pb
from gatepost.v1 import user_pb2
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
