"""Throttling: how often somebody may guess, before anything of the guess is evaluated."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth_server.domain.budgets import Budget, Draw, Limits, Share, draw_of, subject_of
from auth_server.domain.clients import Client
from auth_server.domain.device_tokens import DeviceTokens
from auth_server.domain.errors import DatabaseUnavailableError, ThrottledError
from auth_server.storage import budgets
from auth_server.storage.database import Db

log = logging.getLogger(__name__)

LEAST_WAIT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a call has taken, to be given back."""

    draws: tuple[Draw, ...]
    forgives: tuple[bytes, ...] = ()
    """The shares whose failures a success forgets as well."""


@dataclass(frozen=True, slots=True)
class Throttling:
    """The budgets of all servers on one database."""

    db: Db
    key: bytes
    limits: Limits
    most_failures: int
    devices: DeviceTokens
    clock: Callable[[], datetime]

    async def take(
        self, budget: Budget, client: Client, account: tuple[str, ...] = (), device_token: str = ""
    ) -> Taken:
        """Takes from every share that the call falls under, or from none.

        A device that is known takes from its own share and from that of all known devices of the account: strangers
        spend neither. Others take from the account's, their address block's, where the client's address is known, and
        everybody's.

        Raises:
            ThrottledError: one of them is spent; it says when that is over.
        """
        taken = self._of(budget, client, account, device_token)
        spent = await budgets.take(self.db, taken.draws, self.most_failures, self.clock())
        if spent is not None:
            log.info("throttled", extra={"budget": budget.value, "share": spent.share.value})
            raise ThrottledError(retry_after=max(spent.wait, LEAST_WAIT))
        return taken

    async def give_back(self, taken: Taken) -> None:
        """Undoes a take: nothing was guessed. What the call answers does not depend on it."""
        try:
            await budgets.give_back(self.db, taken.draws)
        except DatabaseUnavailableError:
            log.warning("not given back")

    async def succeed(self, taken: Taken) -> None:
        """Undoes a take whose guess was right, and with it the wrong ones are consecutive no more."""
        try:
            await budgets.forgive(self.db, taken.draws, taken.forgives, self.clock())
        except DatabaseUnavailableError:
            log.warning("not given back")

    async def make_whole(self, email: str | None, user_id: UUID) -> None:
        """Gives all of a user's shares back whose password is a new one, of which nothing was guessed yet."""
        subjects = [subject_of(self.key, Budget.REAUTHENTICATION, Share.ACCOUNT, str(user_id))]
        if email:
            subjects += [subject_of(self.key, Budget.LOGIN, share, email) for share in (Share.ACCOUNT, Share.DEVICES)]
        try:
            await budgets.make_whole(self.db, subjects)
        except DatabaseUnavailableError:
            log.warning("not given back")

    def device_token(self, email: str, presented: str = "") -> str:
        """What makes the device known that has just proven the address's password; a known one stays the same."""
        now = self.clock()
        return self.devices.make(email, now, self.devices.known_device(presented, email, now))

    def _of(self, budget: Budget, client: Client, account: tuple[str, ...], device_token: str) -> Taken:
        if device_token and account:
            device = self.devices.known_device(device_token, account[0], self.clock())
            if device is not None:
                draws = self._draws(budget, (Share.DEVICE, (*account, device)), (Share.DEVICES, account))
                return Taken(draws, (subject_of(self.key, budget, Share.ACCOUNT, *account),))
        return Taken(
            self._draws(
                budget,
                (Share.ACCOUNT, account or None),
                (Share.BLOCK, (client.block,) if client.block else None),
                (Share.ALL, ()),
            )
        )

    def _draws(self, budget: Budget, *shares: tuple[Share, tuple[str, ...] | None]) -> tuple[Draw, ...]:
        found = (draw_of(self.key, self.limits, budget, share, *whose) for share, whose in shares if whose is not None)
        return tuple(draw for draw in found if draw is not None)
