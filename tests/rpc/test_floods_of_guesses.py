"""Floods of wrong secrets and passwords, whose budgets answer slowly: others are served."""

import asyncio

import asyncpg
import pytest

from gatepost.v1 import adapter_service_pb2
from gatepost.v1.auth_emails_pb2 import VerifyEmailRequest
from tests.challenges import complete
from tests.people import refused
from tests.waiting import backends_that_wait

FLOOD = 30
"""More than the server has connections to the database."""


@pytest.fixture
async def held_budgets(database_url, db):
    """Keeps every look into a budget waiting, and those that say whose it is; releases it."""
    holder = await asyncpg.connect(database_url)
    await holder.execute("BEGIN; LOCK TABLE budgets, sign_in_challenges, one_time_tokens IN ACCESS EXCLUSIVE MODE")
    yield holder
    await holder.close()


@pytest.fixture(params=["adapter secrets", "passwords", "challenges", "links"])
def guess(request, people):
    """Guesses once, wrongly."""

    async def secret():
        asked = adapter_service_pb2.GetUserByEmailRequest(email="nobody@example.org")
        with refused("ADAPTER_SECRET_INVALID"):
            await people.adapter.GetUserByEmail(asked, metadata=[("x-auth-secret", "wrong")])

    async def password():
        with refused("CREDENTIALS_INVALID"):
            await people.login("nobody@example.org", "wrong password")

    async def challenge():
        with refused("CHALLENGE_INVALID"):
            await complete(people, "ab" * 32, "000000")

    async def link():
        with refused("ONE_TIME_TOKEN_INVALID"):
            await people.auth.VerifyEmail(VerifyEmailRequest(token="ab" * 32))

    return {"adapter secrets": secret, "passwords": password, "challenges": challenge, "links": link}[request.param]


@pytest.mark.requirement(5)
async def test_guesses_leave_others_their_connections_to_the_database(people, sql, settings, held_budgets, guess):
    assert settings.database_pool_size < FLOOD
    guesses = [asyncio.create_task(guess()) for _ in range(FLOOD)]
    await backends_that_wait(sql, 1)

    asked = adapter_service_pb2.GetUserByEmailRequest(email="nobody@example.org")
    await people.adapter.GetUserByEmail(asked, metadata=people.secret, timeout=2)

    assert not any(each.done() for each in guesses)
    await held_budgets.execute("ROLLBACK")
    await asyncio.wait_for(asyncio.gather(*guesses), 30)
