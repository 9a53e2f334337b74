"""Ending what a squatter left, when the owner of the address arrives by another way.

Whoever registers an address that is not theirs chooses its password or adds a passkey, signs in, and waits for the
owner to arrive by a provider or a mailed link, into the same user ("pre-hijacking", Sudhodanan and Paverd, USENIX
Security 2022; OWASP ASVS 5.0, 6.8.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.mails import MailKind
from auth_server.storage import audit, emails, one_time_tokens, sign_ins, squatters
from auth_server.storage.database import Db
from auth_server.usecases.notices import notify
from auth_server.usecases.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Squatters:
    """Users whose address nobody has proven, but somebody chose a password or registered an authenticator for."""

    outbox: Outbox
    clock: Callable[[], datetime]

    async def expel(self, db: Db, user_id: UUID) -> None:
        """Ends what opens a user with an unverified address: password, passkeys, second factor, sign-ins and the like.

        Sessions and pending tokens, too. Nothing happens to a user with neither password nor authenticator, nor to one
        whose address is verified. Run it in the transaction by which somebody else arrives, before whatever verifies
        the address; the user's row stays locked until its end.
        """
        now = self.clock()
        owner = await emails.hold(db, user_id)
        had_password = await squatters.take_password(db, user_id, now)
        had_authenticators = await squatters.take_authenticators(db, user_id)
        if owner is None or owner.email is None or not (had_password or had_authenticators):
            return
        await squatters.drop_second_factor(db, user_id)
        await sign_ins.end_all(db, user_id, None, "password changed" if had_password else "ended", now)
        await one_time_tokens.void_all(db, user_id)
        await audit.record(db, AuditEvent.SQUATTER_EXPELLED, user_id, now)
        await notify(self.outbox, db, MailKind.PASSWORD_CHANGED if had_password else MailKind.PASSKEY_REMOVED, user_id)
