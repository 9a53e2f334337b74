"""Whose account a way in may be added to."""

from __future__ import annotations

from uuid import UUID

from auth_server.domain.errors import AccessTokenInvalidError, EmailNotVerifiedError
from auth_server.storage import emails
from auth_server.storage.database import Db
from auth_server.storage.emails import Addressee


async def get_proven_owner(db: Db, user_id: UUID) -> Addressee:
    """The signed-in user, whose address is theirs; run it where their row is locked.

    What somebody adds to an account with another's address would outlive that other's taking it back.

    Raises:
        AccessTokenInvalidError: there is no such user any more.
        EmailNotVerifiedError: they have an address that nobody has proven.
    """
    owner = await emails.find(db, user_id)
    if owner is None:
        raise AccessTokenInvalidError
    if owner.email is not None and not owner.verified:
        raise EmailNotVerifiedError
    return owner
