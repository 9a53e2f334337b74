"""Second factors: judging what a user is asked for beside the first proof."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from auth_server.domain import one_time_codes, recovery_codes
from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.budgets import Budget
from auth_server.domain.errors import AuthError
from auth_server.domain.mails import MailKind
from auth_server.domain.methods import ONE_TIME_CODE
from auth_server.domain.second_factor_errors import SecondFactorInvalidError, SecondFactorRequiredError
from auth_server.domain.secrets import Seal, identity_of
from auth_server.storage import audit, second_factors
from auth_server.storage.database import Db
from auth_server.storage.second_factors import SecondFactor
from auth_server.usecases.notices import notify
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.throttling import Throttling


@dataclass(frozen=True, slots=True)
class OpenedFactor:
    """An active second factor whose user's row is locked until the transaction ends."""

    user_id: UUID
    factor: SecondFactor
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """Every way in asks these, and counts what was wrong."""

    seal: Seal
    throttling: Throttling
    outbox: Outbox
    clock: Callable[[], datetime]

    async def check(self, db: Db, user_id: UUID, code: str) -> str:
        """Takes a one-time code or a recovery code of the user's active second factor, which is good no more after it.

        Run it in the transaction of what the code is for: if that comes to nothing, the code is good still. The user's
        row stays locked until its end. Answers what the code proves as a claim `amr` says it: `otp` for both, as a
        recovery code is a one-time password (RFC 8176, section 2, by RFC 4949's definition).

        Raises:
            SecondFactorInvalidError: the code is wrong or used, or the user has no active second factor.
            SealBrokenError: the secret does not open.
        """
        opened = await self.find(db, user_id)
        if opened is None:
            raise SecondFactorInvalidError
        await self.take(db, opened, code)
        return ONE_TIME_CODE

    async def ask(self, db: Db, user_id: UUID, code: str) -> None:
        """Takes a code as `check` does where the user has an active second factor; of others it is not looked at.

        Run it where the user's row is locked: else one that is being turned on is not seen.

        Raises:
            SecondFactorRequiredError: there is no code.
            SecondFactorInvalidError, SealBrokenError: as `check` does.
        """
        opened = await self.find(db, user_id)
        if opened is None:
            return
        if not code:
            raise SecondFactorRequiredError
        await self.take(db, opened, code)

    async def find(self, db: Db, user_id: UUID) -> OpenedFactor | None:
        """The user's active second factor, for what is done with it in this transaction.

        Raises:
            SealBrokenError: the secret does not open.
        """
        factor = await second_factors.hold(db, user_id)
        if factor is None:
            return None
        return OpenedFactor(user_id, factor, self.seal.open(factor.sealed_secret, identity_of_factor(user_id)))

    async def take(self, db: Db, opened: OpenedFactor, code: str) -> None:
        """Takes a one-time code or a recovery code.

        Raises:
            SecondFactorInvalidError: the code is wrong or used.
        """
        if (typed := recovery_codes.find_code(code)) is not None:
            await self._take_recovery_code(db, opened, typed)
        else:
            await self.take_one_time_code(db, opened, code)

    async def take_one_time_code(self, db: Db, opened: OpenedFactor, code: str) -> None:
        """Takes a one-time code; a recovery code is none.

        Raises:
            SecondFactorInvalidError: the code is wrong or used.
        """
        typed = one_time_codes.find_code(code)
        step = one_time_codes.find_step(opened.secret, typed, self.clock()) if typed else None
        if step is None:
            raise SecondFactorInvalidError
        # Sealed under the key in use, so that one that is to go seals nothing for long.
        resealed = self.seal.close(opened.secret, identity_of_factor(opened.user_id))
        if not await second_factors.take_step(db, opened.user_id, opened.factor, step, resealed):
            raise SecondFactorInvalidError

    @asynccontextmanager
    async def counted(self, user_id: UUID) -> AsyncIterator[None]:
        """Around what checks a code, outside of its transaction, where the contract declares no throttle for it.

        Takes from the account's budget before; a right code gives it back, and so does a refusal of another kind.

        Raises:
            ThrottledError: nothing is left of it.
        """
        taken = await self.throttling.take_from_account(Budget.SECOND_FACTOR, str(user_id))
        try:
            yield
        except AuthError as refusal:
            if not refusal.is_wrong_guess:
                await self.throttling.give_back(taken)
            raise
        await self.throttling.succeed(taken)

    async def _take_recovery_code(self, db: Db, opened: OpenedFactor, code: str) -> None:
        code_hash = recovery_codes.hash_of(code, opened.secret)
        if not await second_factors.take_recovery_code(db, opened.user_id, code_hash):
            raise SecondFactorInvalidError
        await audit.record(db, AuditEvent.RECOVERY_CODE_USED, opened.user_id, self.clock())
        await notify(self.outbox, db, MailKind.RECOVERY_CODE_USED, opened.user_id)


async def make_recovery_codes(db: Db, user_id: UUID, secret: bytes) -> tuple[str, ...]:
    """New recovery codes of the second factor with this secret, in the place of those before.

    This is the one time that they are shown. Run it where the user's row is locked.
    """
    codes = recovery_codes.new_codes()
    hashes = [recovery_codes.hash_of(code, secret) for code in codes]
    await second_factors.replace_recovery_codes(db, user_id, hashes)
    return codes


def identity_of_factor(user_id: UUID) -> bytes:
    """What a user's sealed secret is bound to: moved to another user, it does not open."""
    return identity_of("second_factors", str(user_id))
