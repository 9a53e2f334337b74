"""What an operator does to the mails of the outbox from the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from auth_server.domain.errors import MailNotFoundError
from auth_server.usecases.mails import Mails
from gatepost_cli.database import opened
from gatepost_cli.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from auth_server.domain.mails import MailNote
    from auth_server.storage.database import Database

_PAGE = 200


async def all_notes(url: str, *, dead: bool) -> AsyncIterator[MailNote]:
    """Every mail, the oldest first, or every dead one.

    Raises:
        RefusalError: the database refuses.
    """
    async with opened(url) as db:
        mails, token = _mails(db), ""
        while True:
            page = await mails.page(_PAGE, token, dead=dead)
            for note in page.mails:
                yield note
            if not (token := page.next_token):
                return


async def redrive(url: str, ids: Sequence[str]) -> int:
    """Has these dead mails sent after all, or every one where none is named; how many that are.

    Raises:
        RefusalError: there is no such dead mail, or the database refuses.
    """
    async with opened(url) as db:
        mails = _mails(db)
        return await _each(ids, mails.redrive) if ids else await _batch_by_batch(mails.redrive_dead)


async def drop(url: str, ids: Sequence[str]) -> int:
    """Deletes these mails, or every dead one where none is named; how many that are.

    Raises:
        RefusalError: there is no such mail, or the database refuses.
    """
    async with opened(url) as db:
        mails = _mails(db)
        return await _each(ids, mails.drop) if ids else await _batch_by_batch(mails.drop_dead)


def _mails(db: Database) -> Mails:
    # Page tokens stay in this process, so any key does.
    return Mails(db, b"page tokens of this command", lambda: datetime.now(UTC))


async def _each(ids: Sequence[str], work: Callable[[str], Awaitable[None]]) -> int:
    for mail_id in ids:
        try:
            await work(mail_id)
        except MailNotFoundError as error:
            raise RefusalError(
                f"there is no such mail {mail_id}; `gatepost mail list` shows those that wait and those that are dead"
            ) from error
    return len(ids)


async def _batch_by_batch(work: Callable[[], Awaitable[int]]) -> int:
    total = 0
    while count := await work():
        total += count
    return total
