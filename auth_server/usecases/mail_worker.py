"""Sending the mails that wait in the outbox, one at a time."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import uuid4

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.domain.links import Links
from auth_server.domain.mail_retries import LEASE, TRY, delay_after
from auth_server.domain.mails import Mail, MailKind, is_deliverable
from auth_server.domain.secrets import SealBrokenError
from auth_server.outside.mail import MailTransport, RefusedForGoodError, RefusedForNowError, TransportAwayError
from auth_server.outside.mail_messages import Envelope, Sender, message_of
from auth_server.outside.mail_templates import MailTemplates, life_values
from auth_server.storage import leased_mails
from auth_server.storage.database import Database, Db
from auth_server.storage.leased_mails import LeasedMail
from auth_server.usecases.outbox import Outbox

log = logging.getLogger(__name__)

LONGEST_ERROR = 500
EXPIRED = "its link has expired"
_PART_OF_TOKEN = re.compile(r"[0-9A-Fa-f]{16,}")  # what is left of one that is cut shorter is no use

Preparer = Callable[[Db, str, datetime], Awaitable[Mail | None]]
"""Makes the mail that an address asked for, in a transaction of its own; None where nobody has the address."""


class Turn(Enum):
    """What came of looking for a mail."""

    NOTHING_DUE = auto()
    SENT = auto()
    NOT_SENT = auto()
    """It was postponed, buried, or had nobody to go to."""


class _OverLimitError(Exception):
    """The mailbox has had so many mails of this kind."""


class _LeaseLostError(Exception):
    """Another worker has the mail by now."""


@dataclass(frozen=True, slots=True)
class MailWorker:
    """Takes mails from the outbox to the transport; as many as one likes may work at once, in any number of servers.

    A mail is sent at least once, and twice only where a worker dies, or is too slow, between the transport's yes and
    the end of the row. Both copies then have one Message-ID.
    """

    db: Database
    outbox: Outbox
    transport: MailTransport
    templates: MailTemplates
    links: Links
    sender: Sender
    preparers: Mapping[MailKind, Preparer]
    clock: Callable[[], datetime]

    async def send_next(self) -> Turn:
        """Sends the mail that has been due for longest, if there is one.

        Raises:
            TransportAwayError: no mail can leave at present; this one was given back.
            DatabaseUnavailableError: the database cannot be reached; a mail that was leased comes back by itself.
        """
        now = self.clock()
        leased = await leased_mails.lease(self.db, uuid4(), now=now, until=now + LEASE)
        if leased is None:
            return Turn.NOTHING_DUE
        try:
            return await self._send(leased)
        except DatabaseUnavailableError:
            raise
        except TransportAwayError as error:
            await leased_mails.give_back(self.db, leased, _line(error), self.clock())
            raise
        except RefusedForGoodError as error:
            await self._bury(leased, _line(error))
        except RefusedForNowError as error:
            await self._postpone(leased, _line(error))
        except _LeaseLostError:
            log.warning("another worker has the mail by now", extra=_about(leased))
        except Exception as error:  # such as a template's fault: no mail may keep the others from being sent
            log.exception("a mail could not be sent", extra=_about(leased))
            await self._postpone(leased, type(error).__name__, alone=True)
        return Turn.NOT_SENT

    async def _send(self, leased: LeasedMail) -> Turn:
        mail = await self._mail_of(leased)
        if mail is None:
            return Turn.NOT_SENT
        if mail.expires is not None and mail.expires <= self.clock():
            await self._bury(leased, EXPIRED, wiped=True)
            return Turn.NOT_SENT
        rendered = self.templates.rendered(mail.kind, mail.locale, self._values_of(mail))
        message = message_of(rendered, self.sender, Envelope(leased.id, mail.recipient, leased.created_at))
        try:
            async with asyncio.timeout(TRY.total_seconds()):
                await self.transport.send(message)
        except TimeoutError as error:
            raise RefusedForNowError("the mail server took too long") from error
        if not await leased_mails.remove(self.db, leased):
            raise _LeaseLostError
        log.info("mail sent", extra=_about(leased))
        return Turn.SENT

    async def _mail_of(self, leased: LeasedMail) -> Mail | None:
        """The mail, opened; None where it was for nobody, and is gone."""
        is_over = leased.expires is not None and leased.expires <= self.clock()
        prepare = self.preparers.get(leased.kind)
        if prepare and (leased.user_id is None or is_over):
            try:
                return await self.db.transaction(lambda db: self._prepared(db, leased, prepare))
            except _OverLimitError:  # it took back the new link, so that the one that was mailed before stays good
                await leased_mails.remove(self.db, leased)
                return None
        try:
            values = self.outbox.values_of(leased.id, leased.recipient, leased.sealed)
        except SealBrokenError as error:
            raise RefusedForGoodError("its values do not open: the sealing key is missing") from error
        return Mail(leased.kind, leased.recipient, leased.locale, leased.user_id, values, leased.expires)

    async def _prepared(self, db: Db, leased: LeasedMail, prepare: Preparer) -> Mail | None:
        """The mail that was asked for, kept so that a second try sends the same; asked for anew where it is too old."""
        mail = await prepare(db, leased.recipient, self.clock())
        if mail is None or not is_deliverable(mail.recipient):
            kept = await leased_mails.remove(db, leased)
            mail = None
        else:
            if leased.user_id is None and not await self.outbox.admits(db, mail):
                raise _OverLimitError
            sealed = self.outbox.sealed_values_of(leased.id, mail)
            kept = await leased_mails.prepare(db, leased, mail, sealed)
        if not kept:
            raise _LeaseLostError
        return mail

    def _values_of(self, mail: Mail) -> dict[str, str]:
        values = {name: value for name, value in mail.values.items() if name != "token"}
        if "token" in mail.values:
            values["link"] = self.links.of(mail.kind, mail.values["token"])
        if mail.expires is not None:
            values |= life_values(mail.expires - self.clock())
        return values

    async def _postpone(self, leased: LeasedMail, error: str, *, alone: bool = False) -> None:
        now = self.clock()
        if now >= leased.give_up_at:
            await self._bury(leased, error)
            return
        due_at = now + delay_after(leased.attempts + 1, secrets.randbelow(1000) / 1000)
        await leased_mails.postpone(self.db, leased, error, due_at, alone=alone)
        log.info("mail postponed", extra={**_about(leased), "seconds": round((due_at - now).total_seconds())})

    async def _bury(self, leased: LeasedMail, error: str, *, wiped: bool = False) -> None:
        await leased_mails.bury(self.db, leased, error, self.clock(), wiped=wiped)
        log.warning("mail is dead", extra=_about(leased))


def _about(leased: LeasedMail) -> dict[str, object]:
    """What a log may hold of a mail: nobody's address, and not the server's words, which often hold one."""
    return {"mail_id": str(leased.id), "kind": leased.kind.value, "attempts": leased.attempts + 1}


def _line(error: Exception) -> str:
    """The error as one line, for operators to read in a terminal.

    Filters that refuse a mail for its link quote the link: what may be of its token is taken out.
    """
    told = _PART_OF_TOKEN.sub("[...]", str(error))
    return "".join(letter if letter.isprintable() else " " for letter in told)[:LONGEST_ERROR]
