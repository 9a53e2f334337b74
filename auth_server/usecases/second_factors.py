"""Second factors: judging what a user is asked for beside the first proof."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
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
        factor, secret = await self._opened(db, user_id)
        if (typed := one_time_codes.find_code(code)) is not None:
            await self._take_one_time_code(db, user_id, factor, secret, typed)
        elif (typed := recovery_codes.find_code(code)) is not None:
            await self._take_recovery_code(db, user_id, secret, typed)
        else:
            raise SecondFactorInvalidError
        return ONE_TIME_CODE

    async def ask(self, db: Db, user_id: UUID, code: str) -> None:
        """Takes a code as `check` does where the user has an active second factor; of others it is not looked at.

        Run it where the user's row is locked: else one that is being turned on is not seen.

        Raises:
            SecondFactorRequiredError: there is no code.
            SecondFactorInvalidError, SealBrokenError: as `check` does.
        """
        if await second_factors.hold(db, user_id) is None:
            return
        if not code:
            raise SecondFactorRequiredError
        await self.check(db, user_id, code)

    async def check_one_time_code(self, db: Db, user_id: UUID, code: str) -> None:
        """Takes a one-time code as `check` does; a recovery code is none.

        Raises:
            SecondFactorInvalidError, SealBrokenError: as `check` does.
        """
        factor, secret = await self._opened(db, user_id)
        typed = one_time_codes.find_code(code)
        if typed is None:
            raise SecondFactorInvalidError
        await self._take_one_time_code(db, user_id, factor, secret, typed)

    async def make_recovery_codes(self, db: Db, user_id: UUID) -> tuple[str, ...]:
        """New recovery codes of the user's active second factor, in the place of those before.

        This is the one time that they are shown. The user's row stays locked until the transaction ends.

        Raises:
            SecondFactorInvalidError: the user has no active second factor.
            SealBrokenError: the secret does not open.
        """
        _, secret = await self._opened(db, user_id)
        codes = recovery_codes.new_codes()
        await second_factors.replace_recovery_codes(
            db, user_id, [recovery_codes.hash_of(code, secret) for code in codes]
        )
        return codes

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

    async def _opened(self, db: Db, user_id: UUID) -> tuple[SecondFactor, bytes]:
        factor = await second_factors.hold(db, user_id)
        if factor is None:
            raise SecondFactorInvalidError
        return factor, self.seal.open(factor.sealed_secret, identity_of_factor(user_id))

    async def _take_one_time_code(self, db: Db, user_id: UUID, factor: SecondFactor, secret: bytes, code: str) -> None:
        step = one_time_codes.find_step(secret, code, self.clock())
        if step is None:
            raise SecondFactorInvalidError
        # Sealed under the key in use, so that one that is to go seals nothing for long.
        resealed = self.seal.close(secret, identity_of_factor(user_id))
        if not await second_factors.take_step(db, user_id, factor, step, resealed):
            raise SecondFactorInvalidError

    async def _take_recovery_code(self, db: Db, user_id: UUID, secret: bytes, code: str) -> None:
        if not await second_factors.take_recovery_code(db, user_id, recovery_codes.hash_of(code, secret)):
            raise SecondFactorInvalidError
        await audit.record(db, AuditEvent.RECOVERY_CODE_USED, user_id, self.clock())
        await notify(self.outbox, db, MailKind.RECOVERY_CODE_USED, user_id)


def identity_of_factor(user_id: UUID) -> bytes:
    """What a user's sealed secret is bound to: moved to another user, it does not open."""
    return identity_of("second_factors", str(user_id))
