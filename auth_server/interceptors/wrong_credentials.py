"""Counts the adapter secrets and service credentials that are wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from auth_server.domain.budgets import Budget
from auth_server.domain.clients import Client
from auth_server.domain.errors import AuthError, DatabaseUnavailableError, ThrottledError
from auth_server.usecases.throttling import STATEMENTS_AT_ONCE, Throttling

MOST_REMEMBERED = 1024


class WrongCredentials:
    """Answers those who present wrong ones, and tells them to wait once they have done so too often.

    Only the wrong ones are counted. A right one is let in at once, and costs no look into a budget: it has 256 bits,
    which nobody guesses, and so nobody who is near a front end can keep it out.
    """

    def __init__(self, throttling: Throttling, seconds: Callable[[], float] = time.monotonic) -> None:
        self._throttling = throttling
        self._seconds = seconds
        # Apart from those of throttling itself: who waits here finds out without a statement that all is spent.
        self._turns = asyncio.Semaphore(STATEMENTS_AT_ONCE)
        self._spent_until: dict[str, float] = {}

    async def refusal(self, client: Client, wrong: AuthError) -> AuthError:
        """What to answer a client whose credential is wrong; a block that is to wait costs no statement."""
        block = client.block or ""
        spent = self._find_spent(block)
        if spent is not None:
            return spent
        async with self._turns:
            spent = self._find_spent(block)  # by those who were before
            return await self._refusal(block, client, wrong) if spent is None else spent

    async def _refusal(self, block: str, client: Client, wrong: AuthError) -> AuthError:
        try:
            await self._throttling.take(Budget.CREDENTIAL, client)
        except ThrottledError as spent:
            self._remember(block, spent.retry_after or timedelta(0))
            return spent
        except DatabaseUnavailableError:
            return wrong
        return wrong

    def _find_spent(self, block: str) -> ThrottledError | None:
        left = self._spent_until.get(block, float("-inf")) - self._seconds()
        return ThrottledError(retry_after=timedelta(seconds=left)) if left > 0 else None

    def _remember(self, block: str, wait: timedelta) -> None:
        self._spent_until.pop(block, None)
        while len(self._spent_until) >= MOST_REMEMBERED:
            del self._spent_until[next(iter(self._spent_until))]  # the oldest
        self._spent_until[block] = self._seconds() + wait.total_seconds()
