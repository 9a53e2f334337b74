"""Turning one's own second factor on and off, and making recovery codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from auth_server.domain import one_time_codes
from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.exports import HeldSecondFactor
from auth_server.domain.mails import MailKind
from auth_server.domain.methods import MULTIPLE_FACTORS, ONE_TIME_CODE
from auth_server.domain.second_factor_errors import (
    SecondFactorActiveError,
    SecondFactorInvalidError,
    SecondFactorNotFoundError,
)
from auth_server.domain.secrets import Seal
from auth_server.storage import audit, second_factors, sign_ins
from auth_server.storage.database import Database, Db
from auth_server.storage.emails import Addressee
from auth_server.usecases.access import SignedInCaller
from auth_server.usecases.notices import notify
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.owners import get_proven_owner
from auth_server.usecases.reauthentication import Reauthentication
from auth_server.usecases.second_factors import (
    OpenedFactor,
    SecondFactors,
    identity_of_factor,
    make_recovery_codes,
)

WAITS = timedelta(minutes=10)
"""How long a secret may wait to be confirmed."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A secret that waits to be confirmed, as its user puts it into an app."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    expires: datetime


@dataclass(frozen=True, slots=True)
class SecondFactorChanges:
    """What users do to their own second factors.

    Raises, from every method that changes something:
        AccessTokenInvalidError: the caller's sign-in has ended meanwhile.
    """

    db: Database
    seal: Seal
    factors: SecondFactors
    reauthentication: Reauthentication
    outbox: Outbox
    product: str
    clock: Callable[[], datetime]

    async def begin(self, caller: SignedInCaller, current_password: str | None) -> Begun:
        """A new secret, which a code of it has to confirm within ten minutes; one that waited before is void.

        Raises:
            CurrentPasswordInvalidError, ReauthenticationRequiredError, HashingBusyError: as Reauthentication says.
            EmailNotVerifiedError: the user has an address that nobody has proven: its owner could never sign in.
            SecondFactorActiveError: the user has one already.
        """
        version = await self.reauthentication.proven(caller, current_password)
        secret, expires = one_time_codes.new_secret(), self.clock() + WAITS

        async def work(db: Db) -> Addressee:
            await self.reauthentication.hold(db, caller, version)
            owner = await get_proven_owner(db, caller.user_id)
            sealed = self.seal.close(secret, identity_of_factor(caller.user_id))
            if not await second_factors.begin(db, caller.user_id, sealed, expires - WAITS, expires):
                raise SecondFactorActiveError
            return owner

        owner = await self.db.transaction(work)
        label = owner.email or owner.name or str(owner.user_id)
        return Begun(one_time_codes.text_of(secret), one_time_codes.uri_of(secret, self.product, label), expires)

    async def confirm(self, caller: SignedInCaller, code: str) -> tuple[str, ...]:
        """Turns the second factor on that waits, by a code of it; answers its recovery codes.

        All other sign-ins of the user end, and their NextAuth sessions (OWASP ASVS 5.0, 7.4.3); the caller's own has
        proven the second factor by this. A mail tells the user.

        Raises:
            EmailNotVerifiedError: the user has an address that nobody has proven.
            SecondFactorNotFoundError: none waits to be confirmed.
            SecondFactorInvalidError: the code is wrong.
        """

        async def work(db: Db) -> tuple[str, ...]:
            await self.reauthentication.hold(db, caller, None)
            await get_proven_owner(db, caller.user_id)
            secret = await self._activate(db, caller.user_id, code)
            codes = await make_recovery_codes(db, caller.user_id, secret)
            await sign_ins.add_methods(db, caller.sign_in_id, (ONE_TIME_CODE, MULTIPLE_FACTORS))
            await self._end_others(db, caller, AuditEvent.SECOND_FACTOR_ADDED, MailKind.SECOND_FACTOR_ADDED)
            return codes

        return await self.db.transaction(work)

    async def make_recovery_codes(self, caller: SignedInCaller, code: str) -> tuple[str, ...]:
        """New recovery codes, by a one-time code; those before are void. A mail tells the user.

        Raises:
            SecondFactorNotFoundError: the user has no active second factor.
            SecondFactorInvalidError: the code is wrong, or a recovery code.
        """

        async def work(db: Db) -> tuple[str, ...]:
            opened = await self._hold_active(db, caller, None)
            await self.factors.take_one_time_code(db, opened, code)
            codes = await make_recovery_codes(db, caller.user_id, opened.secret)
            await audit.record(db, AuditEvent.RECOVERY_CODES_MADE, caller.user_id, self.clock())
            await notify(self.outbox, db, MailKind.RECOVERY_CODES_MADE, caller.user_id)
            return codes

        return await self.db.transaction(work)

    async def remove(self, caller: SignedInCaller, current_password: str | None, code: str) -> None:
        """Turns the second factor off, by the password and a code; recovery codes go along.

        All other sign-ins of the user end, and their NextAuth sessions. A mail tells the user.

        Raises:
            CurrentPasswordInvalidError, ReauthenticationRequiredError, HashingBusyError: as Reauthentication says.
            SecondFactorNotFoundError: the user has no active second factor.
            SecondFactorInvalidError: the code is wrong.
            ThrottledError: too many codes were wrong.
        """
        version = await self.reauthentication.proven(caller, current_password)

        async def work(db: Db) -> None:
            opened = await self._hold_active(db, caller, version)
            await self.factors.take(db, opened, code)
            await second_factors.remove(db, caller.user_id)
            await self._end_others(db, caller, AuditEvent.SECOND_FACTOR_REMOVED, MailKind.SECOND_FACTOR_REMOVED)

        async with self.factors.counted(caller.user_id):
            await self.db.transaction(work)

    async def find(self, caller: SignedInCaller) -> HeldSecondFactor | None:
        """The caller's active second factor, but for its secret."""
        held = await second_factors.find_held(self.db, caller.user_id)
        return held if held is not None and held.confirmed_at is not None else None

    async def _activate(self, db: Db, user_id: UUID, code: str) -> bytes:
        now = self.clock()
        sealed = await second_factors.find_waiting(db, user_id, now)
        if sealed is None:
            raise SecondFactorNotFoundError
        secret, typed = self.seal.open(sealed, identity_of_factor(user_id)), one_time_codes.find_code(code)
        step = one_time_codes.find_step(secret, typed, now) if typed else None
        if step is None:
            raise SecondFactorInvalidError
        if not await second_factors.confirm(db, user_id, sealed, step, now):
            raise SecondFactorNotFoundError
        return secret

    async def _hold_active(self, db: Db, caller: SignedInCaller, password_version: int | None) -> OpenedFactor:
        await self.reauthentication.hold(db, caller, password_version)
        opened = await self.factors.find(db, caller.user_id)
        if opened is None:
            raise SecondFactorNotFoundError
        return opened

    async def _end_others(self, db: Db, caller: SignedInCaller, event: AuditEvent, kind: MailKind) -> None:
        # After the change, which a sign-in that begins just now waits for: then it sees what is asked for.
        now = self.clock()
        await sign_ins.end_all(db, caller.user_id, caller.sign_in_id, "ended", now)
        await audit.record(db, event, caller.user_id, now)
        await notify(self.outbox, db, kind, caller.user_id)
