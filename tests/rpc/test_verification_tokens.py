import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gatepost.v1 import adapter_pb2
from gatepost.v1 import adapter_service_pb2 as pb
from tests.people import refused

EXPIRES = datetime(2030, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


async def create(people, identifier="ann@example.org", token="t" * 64, expires=EXPIRES):
    given = adapter_pb2.VerificationToken(identifier=identifier, token=token, expires=expires)
    request = pb.CreateVerificationTokenRequest(verification_token=given)
    return (await people.adapter.CreateVerificationToken(request, metadata=people.secret)).verification_token


async def use(people, identifier="ann@example.org", token="t" * 64):
    request = pb.UseVerificationTokenRequest(identifier=identifier, token=token)
    answer = await people.adapter.UseVerificationToken(request, metadata=people.secret)
    return answer.verification_token if answer.HasField("verification_token") else None


async def test_a_token_is_good_once(people):
    made = await create(people)

    assert await use(people) == made
    assert await use(people) is None


async def test_of_fifty_at_once_one_gets_it(people):
    made = await create(people)

    answers = await asyncio.gather(*(use(people) for _ in range(50)))

    assert [answer for answer in answers if answer] == [made]


async def test_a_wrong_identifier_burns_nothing(people):
    made = await create(people)

    assert await use(people, identifier="bob@example.org") is None
    assert await use(people, identifier="ANN@example.org") is None
    assert await use(people) == made


async def test_an_identifier_may_have_several(people):
    one, other = await create(people, token="1"), await create(people, token="2")

    assert (await use(people, token="2"), await use(people, token="1")) == (other, one)


async def test_an_identifier_need_not_be_an_address(people):
    made = await create(people, identifier="+33 6 12 34 56 78")

    assert await use(people, identifier="+33 6 12 34 56 78") == made


async def test_the_same_token_twice_is_refused(people):
    await create(people)

    with refused("VERIFICATION_TOKEN_TAKEN"):
        await create(people)


async def test_an_expired_token_is_absent_and_gone(people, sql, clock):
    await create(people, expires=datetime.now(UTC) + timedelta(hours=1))
    clock.advance(timedelta(hours=2))

    assert await use(people) is None
    assert await sql.fetchval("SELECT count(*) FROM verification_tokens") == 0


@pytest.mark.requirement(58)
async def test_a_token_is_not_stored(people, sql):
    await create(people, token="secret-token")

    text = await sql.fetchval("SELECT verification_tokens::text FROM verification_tokens")

    assert "secret-token" not in text
    assert b"secret-token".hex() not in text


@pytest.mark.parametrize("text", ["", "\0", "é"])
async def test_tokens_of_any_spelling_are_looked_up(people, text):
    assert await use(people, identifier=text, token=text) is None
