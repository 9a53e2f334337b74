"""Authenticator apps of users, as they are on a phone: they know the secret and the time."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from auth_server.domain.one_time_codes import STEP_SECONDS, code_of, new_secret, step_of
from auth_server.domain.secrets import KeyRing, Seal
from auth_server.settings import AuthServerSettings
from auth_server.usecases.second_factors import identity_of_factor
from gatepost.v1 import second_factor_service_pb2 as pb
from tests.conftest import Clock
from tests.people import PASSWORD, People, SignedIn


@dataclass(slots=True)
class App:
    """An authenticator app with one secret; `next_code` is one that was not shown before."""

    secret: bytes
    clock: Clock
    shown: int = 0
    """The youngest step that was shown."""

    @property
    def step(self) -> int:
        return step_of(self.clock())

    def code(self, away: int = 0) -> str:
        """The code of the present step, or of one so many steps away."""
        return code_of(self.secret, self.step + away)

    def next_code(self) -> str:
        """A code that is good now and that no code before it spoils; the server's clock goes on if it must."""
        step = max(self.shown + 1, self.step)
        while step > self.step + 1:
            self.clock.advance(timedelta(seconds=STEP_SECONDS))
        self.shown = step
        return code_of(self.secret, step)

    def used_code(self) -> str:
        """The code that was shown last, whatever the time is by now."""
        return code_of(self.secret, self.shown)


def wrong(code: str) -> str:
    """A code of this form that is another one."""
    return f"{(int(code) + 500_000) % 1_000_000:06}"


async def turned_on(sql: asyncpg.Connection, settings: AuthServerSettings, clock: Clock, user_id: UUID | str) -> App:
    """The app of a user who has a second factor from now on, past the server."""
    user_id, secret, now = UUID(str(user_id)), new_secret(), clock()
    sealed = Seal(KeyRing.of(settings.sealing_keys.get_secret_value())).close(secret, identity_of_factor(user_id))
    await sql.execute(
        "INSERT INTO second_factors (user_id, sealed_secret, last_step, created_at, confirmed_at)"
        " VALUES ($1, $2, 0, $3, $3)",
        user_id, sealed, now,
    )  # fmt: skip
    return App(secret, clock)


async def begun(people: People, who: SignedIn, **password: Any) -> pb.BeginTotpResponse:
    """A secret that waits to be confirmed, by the password from registering, or as said."""
    request = pb.BeginTotpRequest(**({"current_password": PASSWORD} | password))
    return await people.second_factors.BeginTotp(request, metadata=who.bearer)


def app_of(made: pb.BeginTotpResponse, clock: Clock) -> App:
    """An app that the secret was typed into."""
    return App(base64.b32decode(made.secret), clock)


async def confirmed(people: People, who: SignedIn, code: str) -> Sequence[str]:
    """The recovery codes of who has turned the second factor on by this code."""
    answer = await people.second_factors.ConfirmTotp(pb.ConfirmTotpRequest(code=code), metadata=who.bearer)
    return answer.recovery_codes


async def with_second_factor(people: People, who: SignedIn, clock: Clock) -> tuple[App, Sequence[str]]:
    """The app and the recovery codes of a person who has turned it on, whose address is verified."""
    app = app_of(await begun(people, who), clock)
    return app, await confirmed(people, who, app.next_code())
