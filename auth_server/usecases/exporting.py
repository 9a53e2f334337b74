"""Telling a user all that is held of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.audit_seal import AuditSeal
from auth_server.domain.errors import UserNotFoundError
from auth_server.domain.exports import Held, HeldAuditEvent, HeldImage, HeldUser, held_account_of, held_mail_of
from auth_server.domain.ids import get_user_id
from auth_server.domain.image_errors import ImageNotFoundError
from auth_server.domain.images import Picture
from auth_server.storage import audit, authenticators, exports, second_factors
from auth_server.storage.database import Db
from auth_server.usecases.accounts import Accounts
from auth_server.usecases.images import Images
from auth_server.usecases.outbox import Outbox

PAGE = 500
"""Rows of a statement, which sorts all that the user has: of 40,000 sessions, pages of 25 took 38 seconds."""
SIGN_INS_PAGE = 25
"""Of sign-ins, each of which brings the times of thousands of refreshes."""

Key = TypeVar("Key")
Row = TypeVar("Row")
Read = Callable[[Db, Key, Row | None, int], Awaitable[list[Row]]]


@dataclass(frozen=True, slots=True)
class Exporting:
    """The export of a user."""

    db: Db
    accounts: Accounts
    outbox: Outbox
    images: Images
    audit_seal: AuditSeal
    clock: Callable[[], datetime]

    async def of(self, user_id: str) -> AsyncIterator[Held]:
        """All that is held of the user, the user first.

        It is read while it is told, in pages: a reader who takes long keeps no transaction open. What changes
        meanwhile is told as it was or as it is.

        Raises:
            UserNotFoundError: there is no such user.

        Raises, from the iterator:
            ImageStoreUnavailableError: the user has an image, and its store cannot be reached.
            SealBrokenError: something that was sealed does not open.
        """
        held = await exports.find_user(self.db, get_user_id(user_id))
        if held is None:
            raise UserNotFoundError
        await audit.record(self.db, AuditEvent.USER_EXPORTED, held.user.id, self.clock())
        return self._told(held)

    async def _told(self, held: HeldUser) -> AsyncIterator[Held]:
        yield held
        user_id, email = held.user.id, held.user.email
        async for account in self._pages(exports.accounts, user_id):
            yield held_account_of(self.accounts.opened(account))
        for proof in await self._proofs(user_id):
            yield proof
        async for session in self._pages(exports.sessions, user_id):
            yield session
        async for sign_in in self._pages(exports.sign_ins, user_id, SIGN_INS_PAGE):
            yield sign_in
        if email is not None:
            async for token in self._pages(exports.verification_tokens, email):
                yield token
        async for one_time_token in self._pages(exports.one_time_tokens, user_id):
            yield one_time_token
        async for challenge in self._pages(exports.challenges, user_id):
            yield challenge
        async for mail in self._pages(exports.mails, (user_id, email)):
            yield held_mail_of(mail, self.outbox.values_of(mail.id, mail.recipient, mail.sealed))
        async for image in self._pages(exports.images, user_id):
            yield HeldImage(image, await self._find_picture(image.name))
        async for event, key in self._pages(exports.audit_events, user_id):
            yield HeldAuditEvent(event, self.audit_seal.personal_of(event, key))
        async for revocation in self._pages(exports.revocations, user_id):
            yield revocation

    async def _proofs(self, user_id: UUID) -> list[Held]:
        """What the user signs in with besides a password."""
        second_factor = await second_factors.find_held(self.db, user_id)
        found: list[Held] = [*await authenticators.of_user(self.db, user_id)]
        return [*found, second_factor] if second_factor is not None else found

    async def _find_picture(self, name: str) -> Picture | None:
        """What the store has under this name.

        Raises:
            ImageStoreUnavailableError: nobody knows: an export without it would pass for all there is.
        """
        try:
            return await self.images.get(name)
        except ImageNotFoundError:
            return None

    async def _pages(self, read: Read[Key, Row], key: Key, size: int = PAGE) -> AsyncIterator[Row]:
        """The rows of all pages."""
        last: Row | None = None
        while page := await read(self.db, key, last, size):
            for row in page:
                yield row
            if len(page) < size:
                return
            last = page[-1]
