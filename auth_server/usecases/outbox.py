"""Putting mails into the outbox, within limits."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from auth_server.domain.ids import new_id
from auth_server.domain.mails import GIVE_UP_AFTER, Allowance, Mail, MailKind, MailLimits, is_deliverable, mailbox_of
from auth_server.domain.secrets import Seal, identity_of
from auth_server.storage import outbox
from auth_server.storage.database import Db

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outbox:
    """Where mails wait until a worker has sent them."""

    seal: Seal
    limits: MailLimits
    limit_key: bytes
    clock: Callable[[], datetime]

    async def put(self, db: Db, mail: Mail) -> bool:
        """Whether the mail was written, to be sent once the transaction that this db is of has been committed.

        Over a limit, to an address that cannot be one, or for a user who is gone meanwhile, nothing is written, and
        the log says so: what a caller is answered must not depend on it.
        """
        if not is_deliverable(mail.recipient):
            log.warning("mail not written", extra={"kind": mail.kind.value, "cause": "no address"})
            return False
        mail_id, now = new_id(), self.clock()
        sealed = self.sealed_values_of(mail_id, mail)
        row = outbox.NewRow(mail_id, mail, sealed, created_at=now, give_up_at=now + GIVE_UP_AFTER)
        if not await outbox.add(db, row, self._of_address(mail), self._of_account(mail)):
            log.warning("mail not written", extra={"kind": mail.kind.value, "cause": "limit, or no such user"})
            return False
        return True

    def sealed_values_of(self, mail_id: UUID, mail: Mail) -> bytes:
        """The mail's values as its row holds them."""
        return self.seal.close(orjson.dumps(dict(mail.values)), row_identity(mail_id, mail.recipient))

    def values_of(self, mail_id: UUID, recipient: str, sealed: bytes | None) -> Mapping[str, str]:
        """What a row was sealed with; nothing where that has been wiped.

        Raises:
            SealBrokenError: it does not open.
        """
        if sealed is None:
            return {}
        values: dict[str, str] = orjson.loads(self.seal.open(sealed, row_identity(mail_id, recipient)))
        return values

    async def admits(self, db: Db, mail: Mail) -> bool:
        """Whether the mail that a request has become may be sent: it now counts against its mailbox, unless proven."""
        if mail.proven or await outbox.take(db, self._of_mailbox(mail), self.clock()):
            return True
        log.warning("mail not sent", extra={"kind": mail.kind.value, "cause": "limit"})
        return False

    def _of_address(self, mail: Mail) -> Allowance:
        """What the mail counts against.

        An address that is proven has a limit of its own, else whoever registers another spelling of it would keep its
        owner's mails back; so has one that is merely asked for, as nobody may have it. The spellings of a mailbox that
        nobody has proven share one, else each of them would bring as many.
        """
        if mail.proven or mail.is_request:
            address = mail.recipient.encode().lower().decode()  # folded in ASCII alone, as users' addresses are
            return Allowance.of(self._subject(mail.kind, "address", address), self.limits.per_address)
        return self._of_mailbox(mail)

    def _of_mailbox(self, mail: Mail) -> Allowance:
        return Allowance.of(self._subject(mail.kind, "mailbox", mailbox_of(mail.recipient)), self.limits.per_address)

    def _of_account(self, mail: Mail) -> Allowance | None:
        if mail.user_id is None:
            return None
        return Allowance.of(self._subject(mail.kind, "account", str(mail.user_id)), self.limits.per_account)

    def _subject(self, kind: MailKind, what: str, which: str) -> bytes:
        """Every kind has a limit of its own: who asks for resets of another's password must not silence the notices."""
        return hmac.digest(self.limit_key, identity_of(kind.value, what, which), hashlib.sha256)


def row_identity(mail_id: UUID, recipient: str) -> bytes:
    """What a row's sealed values are bound to: moved to another row or recipient, they do not open."""
    return identity_of("outbox", str(mail_id), recipient)
