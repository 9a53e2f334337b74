"""Throttling: how often somebody may guess, before anything of the guess is evaluated."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from auth_server.domain.budgets import Budget, Draw, Limits, Share, draw_of, subject_of
from auth_server.domain.clients import Client
from auth_server.domain.device_tokens import DeviceTokens, generation_of
from auth_server.domain.errors import DatabaseUnavailableError, ThrottledError
from auth_server.domain.secrets import token_hash
from auth_server.storage import budgets, challenges, one_time_tokens
from auth_server.storage.budgets import Spent
from auth_server.storage.database import Db

log = logging.getLogger(__name__)

LEAST_WAIT = timedelta(seconds=1)
STATEMENTS_AT_ONCE = 2
"""A flood of guesses waits for its own budgets; else it would hold every connection to the database, and the event loop
for as long as the statements of all its connections take."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a call has taken, to be given back."""

    draws: tuple[Draw, ...]
    forgives: tuple[bytes, ...] = ()
    """The shares whose failures a success forgets as well."""
    is_kept: bool = False
    """Whether nothing of it is ever given back."""


@dataclass(frozen=True, slots=True)
class Throttling:
    """The budgets of all servers on one database."""

    db: Db
    key: bytes
    limits: Limits
    most_failures: int
    devices: DeviceTokens
    clock: Callable[[], datetime]
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STATEMENTS_AT_ONCE))

    async def take(
        self,
        budget: Budget,
        client: Client,
        account: tuple[str, ...] = (),
        *,
        device_token: str = "",
        device_of: str = "",
        link_token: str = "",
        challenge: str = "",
    ) -> Taken:
        """Takes from every share that the call falls under, or from none.

        `device_of` is the address that a device token is for, where that is not what names the account. The challenge
        of a sign-in names both.

        Who brings a good link takes from the link's own share, and gets nothing back. A device that is known takes from
        its own share and from that of the known devices of the account, and once they are spent as others do: from the
        account's, the address block's, where the client's address is known, and everybody's. Once everybody's is
        spent, some budgets have a spare one for the block.

        Raises:
            ThrottledError: one of them is spent; it says when that is over.
        """
        if link_token and await self._is_live(link_token):
            link = self._draws(budget, (Share.LINK, (token_hash(link_token).hex(),)))
            return await self._first_of(budget, Taken(link, is_kept=True))
        if challenge:
            async with self.turns:
                owner = await challenges.find_owner(self.db, token_hash(challenge), self.clock())
            account, device_of = ((str(owner[0]),), owner[1] or "") if owner else ((), "")
        return await self._first_of(budget, *self._ways(budget, client, account, device_token, device_of))

    async def take_from_account(self, budget: Budget, account: str) -> Taken:
        """Takes from the account's share alone: who calls is signed in, or vouched for by the front end.

        Guesses at this one account are all that they could make, and a share with others would only let these keep them
        out.

        Raises:
            ThrottledError: it is spent; the error says when that is over.
        """
        return await self._first_of(budget, Taken(self._draws(budget, (Share.ACCOUNT, (account,)))))

    async def _is_live(self, link_token: str) -> bool:
        async with self.turns:
            return await one_time_tokens.is_live(self.db, token_hash(link_token), self.clock())

    async def _first_of(self, budget: Budget, *ways: Taken) -> Taken:
        """The first of these of which nothing is spent."""
        spent: list[Spent] = []
        for way in ways:
            if any(draw.share is each.share for draw in way.draws for each in spent):
                continue
            async with self.turns:
                found = await budgets.take(self.db, way.draws, self.most_failures, self.clock())
            if found is None:
                return way
            spent.append(found)
        soonest = min(spent, key=lambda each: each.wait)
        log.info("throttled", extra={"budget": budget.value, "share": soonest.share.value})
        raise ThrottledError(retry_after=max(soonest.wait, LEAST_WAIT))

    async def give_back(self, taken: Taken) -> None:
        """Undoes a take: nothing was guessed. What the call answers does not depend on it."""
        if taken.is_kept:
            return
        try:
            await budgets.give_back(self.db, taken.draws, self.clock())
        except DatabaseUnavailableError:
            log.warning("not given back")

    async def succeed(self, taken: Taken) -> None:
        """Undoes a take whose guess was right, and with it the wrong ones are consecutive no more."""
        if taken.is_kept:
            return
        try:
            await budgets.forgive(self.db, taken.draws, taken.forgives, self.clock())
        except DatabaseUnavailableError:
            log.warning("not given back")

    async def make_whole(self, email: str | None, user_id: UUID) -> None:
        """Gives the shares of a user back whose password is a new one, of which nothing was guessed yet.

        Devices that prove it begin with a share of their own.
        """
        subjects = [subject_of(self.key, Budget.REAUTHENTICATION, Share.ACCOUNT, str(user_id))]
        if email:
            subjects.append(subject_of(self.key, Budget.LOGIN, Share.ACCOUNT, email))
        try:
            await budgets.make_whole(self.db, subjects)
        except DatabaseUnavailableError:
            log.warning("not given back")

    def device_token(self, email: str, user_id: UUID, password_version: int | None, presented: str = "") -> str:
        """What makes the device known that has just proven this password of the user, or set it.

        One that is known already stays the same.
        """
        now = self.clock()
        device = self.devices.find_device(presented, email, now)
        return self.devices.make(email, generation_of(user_id, password_version), now, device.id if device else None)

    def _ways(
        self, budget: Budget, client: Client, account: tuple[str, ...], device_token: str, device_of: str
    ) -> Iterator[Taken]:
        """What the call may take instead of what."""
        forgives: tuple[bytes, ...] = ()
        address = device_of or (account[0] if account else "")
        device = self.devices.find_device(device_token, address, self.clock()) if device_token and address else None
        if device is not None:
            # A code is the same secret whatever the password: else each new one would bring tries of its own.
            devices = account if budget is Budget.SECOND_FACTOR else (*account, device.generation)
            draws = self._draws(budget, (Share.DEVICE, (*account, device.id)), (Share.DEVICES, devices))
            yield Taken(draws, (subject_of(self.key, budget, Share.ACCOUNT, *account),))
            forgives = (subject_of(self.key, budget, Share.DEVICES, *devices),)
        block = (client.block,) if client.block else None
        others = ((Share.ACCOUNT, account or None), (Share.BLOCK, block))
        yield Taken(self._draws(budget, *others, (Share.ALL, ())), forgives)
        if block and Share.SPARE in self.limits[budget]:
            yield Taken(self._draws(budget, *others, (Share.SPARE, block)), forgives)

    def _draws(self, budget: Budget, *shares: tuple[Share, tuple[str, ...] | None]) -> tuple[Draw, ...]:
        found = (draw_of(self.key, self.limits, budget, share, *whose) for share, whose in shares if whose is not None)
        return tuple(draw for draw in found if draw is not None)
