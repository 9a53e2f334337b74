"""What an operator does to second factors from the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from auth_server.domain.mails import MailLimits
from auth_server.domain.second_factor_errors import SecondFactorNotFoundError
from auth_server.domain.secrets import Seal, derived_key
from auth_server.settings import AuthServerSettings
from auth_server.storage import disabling
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.second_factor_resets import SecondFactorResets
from gatepost_cli.database import opened
from gatepost_cli.refusals import RefusalError
from gatepost_cli.sealing import sealing_ring

if TYPE_CHECKING:
    from auth_server.domain.secrets import KeyRing
    from auth_server.storage.database import Database, Db


async def reset(url: str, email: str) -> None:
    """Takes the second factor of the user with this address away, and has a mail tell them.

    Raises:
        RefusalError: there is no such user, they have no second factor, the sealing keys are missing, or the database
            refuses.
    """
    ring = sealing_ring(url, why="the mail that tells the user is sealed under them")
    async with opened(url) as db:
        resets = _resets(db, ring)

        async def work(inner: Db) -> bool:
            user_id = await disabling.hold_by_email(inner, email)
            if user_id is None:
                return False
            await resets.take_away(inner, user_id)
            return True

        try:
            found = await db.transaction(work)
        except SecondFactorNotFoundError as error:
            raise RefusalError(f"{email} has no second factor") from error
    if not found:
        raise RefusalError(f"no user has the address {email}")


def _resets(db: Database, ring: KeyRing) -> SecondFactorResets:
    fields = AuthServerSettings.model_fields
    limits = MailLimits(fields["mail_address_limit"].default, fields["mail_account_limit"].default)

    def clock() -> datetime:
        return datetime.now(UTC)

    outbox = Outbox(Seal(ring), limits, derived_key(ring, "mail limits"), clock)
    return SecondFactorResets(db, outbox, derived_key(ring, "throttles"), clock)
