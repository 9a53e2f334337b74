"""Going on with a sign-in, and ending it, by its refresh token."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_server.domain.audit_events import AuditEvent, note_subject
from auth_server.domain.errors import RefreshTokenInvalidError
from auth_server.domain.mails import Mail, MailKind
from auth_server.domain.refresh_answers import open_answer, seal_answer
from auth_server.domain.refresh_tokens import (
    KeptAnswer,
    PresentedToken,
    RefreshLives,
    ReplayWindows,
    TokenPair,
    hash_of_request_id,
)
from auth_server.domain.secrets import new_token, token_hash
from auth_server.storage import audit, refresh_tokens
from auth_server.storage.database import Database, Db
from auth_server.storage.refresh_tokens import EndReason
from auth_server.usecases.access import Access
from auth_server.usecases.outbox import Outbox

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Presentation:
    """A refresh token as it comes, when, and as a part of which request."""

    token: str
    request_id_hash: bytes | None
    now: datetime

    @property
    def hash(self) -> bytes:
        """What the token is kept as."""
        return token_hash(self.token)


@dataclass(frozen=True, slots=True)
class Refreshing:
    """What happens to a refresh token."""

    db: Database
    access: Access
    lives: RefreshLives
    windows: ReplayWindows
    outbox: Outbox
    clock: Callable[[], datetime]

    async def refresh(self, token: str, request_id: UUID | None) -> TokenPair:
        """The pair that follows a refresh token, made once: all who ask within a window get the same.

        A used token that comes outside of its windows, or after its successor was used, ends the family
        (RFC 9700, 4.14.2), which its owner is told by mail (OWASP ASVS 5.0, 6.3.5).

        Raises:
            RefreshTokenInvalidError: unknown, expired, of an ended sign-in, used and not to be answered again, or
                of a sign-in that lacks the user's second factor, which ends.
        """
        presentation = Presentation(token, hash_of_request_id(request_id) if request_id else None, self.clock())
        found = await self._get(presentation.hash)
        if found.is_good(presentation.now):
            pair = await self._rotate(found, presentation)
            if pair:
                return pair
            # Another caller was first, or the sign-in ended meanwhile.
            found = await self._get(presentation.hash)
        return await self._again(found, presentation)

    async def end(self, token: str) -> None:
        """Ends the sign-in that the refresh token belongs to, if it has not ended."""
        presented = token_hash(token)
        owner = await refresh_tokens.find_owner(self.db, presented)
        if owner is not None:
            await self._end(presented, owner, AuditEvent.SIGNED_OUT, "logout")

    async def _end(self, presented: bytes, owner: UUID, event: AuditEvent, reason: EndReason) -> None:
        now = self.clock()
        entry = await audit.entry_of(self.db, event, owner, now)
        await refresh_tokens.end_family(self.db, presented, reason, now, entry)

    async def _get(self, presented: bytes) -> PresentedToken:
        found = await refresh_tokens.find(self.db, presented)
        if found is None:
            raise RefreshTokenInvalidError
        return found

    async def _rotate(self, found: PresentedToken, presentation: Presentation) -> TokenPair | None:
        """The new pair, which is kept with the change that makes it; None where the token is good no more."""
        expires = self.lives.expiry_of(presentation.now, found.family_expires)
        pair = TokenPair(self.access.token_for(found.owner, found.family_id, found.methods, expires), new_token())
        rotated = await refresh_tokens.rotate(
            self.db,
            presentation.hash,
            found.family_id,
            token_hash(pair.refresh_token),
            now=presentation.now,
            expires=expires,
            answer=self._kept(pair, found, presentation),
        )
        return pair if rotated else None

    def _kept(self, pair: TokenPair, found: PresentedToken, presentation: Presentation) -> KeptAnswer | None:
        if not self.windows.are_open(presentation.request_id_hash):
            return None
        sealed = seal_answer(pair, presentation.token, found.family_id, found.generation)
        return KeptAnswer(sealed, presentation.request_id_hash)

    async def _again(self, found: PresentedToken, presentation: Presentation) -> TokenPair:
        """The answer to the token's use, once more; else the end of its family."""
        now = presentation.now
        note_subject(user_id=found.owner.id)
        if found.lacks_second_factor:
            await self._end(presentation.hash, found.owner.id, AuditEvent.SIGN_IN_ENDED, "ended")
            raise RefreshTokenInvalidError
        if found.used_at is None or not found.family_lives(now):
            raise RefreshTokenInvalidError
        kept = found.answer
        if kept and self.windows.admit(now - found.used_at, kept, presentation.request_id_hash):
            if found.owner_disabled:
                raise RefreshTokenInvalidError
            return open_answer(kept.sealed, presentation.token, found.family_id, found.generation)
        family_id = await self._end_reused(found, presentation)
        if family_id:
            log.warning("a used refresh token came again; its family is ended", extra={"family_id": str(family_id)})
        raise RefreshTokenInvalidError

    async def _end_reused(self, found: PresentedToken, presentation: Presentation) -> UUID | None:
        """The family, which ends by this call, and its owner is told; None where it has ended, and was told of."""
        owner, now = found.owner, presentation.now
        entry = await audit.entry_of(self.db, AuditEvent.REFRESH_TOKEN_REUSED, owner.id, now)

        async def work(db: Db) -> UUID | None:
            ended = await refresh_tokens.end_family(db, presentation.hash, "reuse", now, entry)
            if ended is not None and owner.email:
                values = {"name": owner.name or ""}
                mail = Mail(
                    MailKind.SIGN_IN_ENDED,
                    owner.email,
                    owner.locale,
                    owner.id,
                    values,
                    None,
                    proven=owner.email_verified is not None,
                )
                await self.outbox.put(db, mail)
            return ended

        return await self.db.transaction(work)
