import asyncio
from datetime import UTC, datetime

import pytest

from auth_server.domain.secrets import token_hash
from auth_server.domain.services import Service
from auth_server.storage import services
from tests.services import a_service

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def numbers(db, name):
    """The numbers of the service's living secrets."""
    [note] = [each for each in await services.all_services(db) if each.name == name]
    return [secret.number for secret in note.secrets]


async def rotate(db, name, secret):
    rotation = await services.rotate(db, name, token_hash(secret), NOW)
    return rotation and (rotation.number, rotation.replaced)


async def finds(db, secret):
    return await services.find_by_secret(db, token_hash(secret)) is not None


async def test_the_older_secret_still_works_beside_the_newer_one(db):
    made = await a_service(db)

    assert await rotate(db, made.name, "second") == (2, None)

    assert await finds(db, made.secret)
    assert await finds(db, "second")


async def test_a_third_secret_takes_the_place_of_the_oldest(db):
    made = await a_service(db)
    await rotate(db, made.name, "second")

    assert await rotate(db, made.name, "third") == (3, 1)

    assert [await finds(db, secret) for secret in (made.secret, "second", "third")] == [False, True, True]
    assert await numbers(db, made.name) == [2, 3]


@pytest.mark.parametrize("revoked", [1, 2])
async def test_after_one_of_two_is_revoked_the_next_one_leaves_the_other_alone(db, revoked):
    made = await a_service(db)
    await rotate(db, made.name, "second")

    assert await services.revoke_secret(db, made.name, revoked)
    left = await numbers(db, made.name)
    number, replaced = await rotate(db, made.name, "next")

    assert left == [3 - revoked]
    assert replaced is None
    assert await numbers(db, made.name) == [*left, number]


async def test_a_secret_is_revoked_once(db):
    made = await a_service(db)

    assert await services.revoke_secret(db, made.name, 1)
    assert not await services.revoke_secret(db, made.name, 1)
    assert not await services.revoke_secret(db, "nobody", 1)
    await rotate(db, made.name, "next")
    assert len(await numbers(db, made.name)) == 1


async def test_whoever_rotates_at_once_two_secrets_live(db):
    made = await a_service(db)

    answers = await asyncio.gather(*(rotate(db, made.name, f"secret {n}") for n in range(30)))

    assert sorted(number for number, _ in answers) == list(range(2, 32))
    assert await numbers(db, made.name) == [30, 31]


async def test_rotating_and_revoking_at_once_leaves_two_at_the_most(db):
    made = await a_service(db)

    for round_number in range(10):
        [newest, *_] = reversed(await numbers(db, made.name) or [0])
        await asyncio.gather(
            rotate(db, made.name, f"a{round_number}"),
            services.revoke_secret(db, made.name, newest),
            rotate(db, made.name, f"b{round_number}"),
        )
        assert len(await numbers(db, made.name)) in (1, 2)


async def test_a_revoked_service_has_no_secret_and_its_name_is_gone_for_good(db):
    made = await a_service(db, certificate_names=["billing.internal"])

    assert await services.revoke(db, made.name, NOW)

    assert not await services.revoke(db, made.name, NOW)
    assert await rotate(db, made.name, "second") is None
    assert not await finds(db, made.secret)
    assert await services.find_by_certificate(db, ["billing.internal"]) is None
    with pytest.raises(services.ServiceNameTakenError):
        await services.add(db, Service(made.name, frozenset(), False), [], token_hash("new"), NOW)
    await a_service(db, certificate_names=["billing.internal"])


async def test_of_many_that_add_one_name_one_wins(db):
    service = Service("billing", frozenset(), False)

    answers = await asyncio.gather(
        *(services.add(db, service, [], token_hash(f"secret {n}"), NOW) for n in range(10)), return_exceptions=True
    )

    assert answers.count(1) == 1
    assert sum(isinstance(answer, services.ServiceNameTakenError) for answer in answers) == 9
    assert await numbers(db, "billing") == [1]


async def test_a_certificates_name_belongs_to_one_service(db):
    await a_service(db, certificate_names=["billing.internal"])

    with pytest.raises(services.CertificateNameTakenError):
        await a_service(db, certificate_names=["other.internal", "billing.internal"])

    assert len(await services.all_services(db)) == 1
