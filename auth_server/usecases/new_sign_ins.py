"""The beginning of a sign-in: what every way to prove oneself comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.clients import Client
from auth_server.domain.errors import UserNotFoundError
from auth_server.domain.ids import new_id
from auth_server.domain.methods import Proof
from auth_server.domain.refresh_tokens import RefreshLives, TokenPair
from auth_server.domain.second_factor_errors import SecondFactorRequiredError
from auth_server.domain.secrets import new_token, token_hash
from auth_server.domain.users import User
from auth_server.storage import audit, challenges, refresh_tokens
from auth_server.storage.audit import Entry
from auth_server.storage.database import Database, Db
from auth_server.usecases.access import Access

CHALLENGE_LIFE = timedelta(minutes=5)
"""How long a first proof waits for the second factor."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user, the first pair of tokens of their sign-in, and what it began by."""

    user: User
    tokens: TokenPair
    proof: Proof


@dataclass(frozen=True, slots=True)
class NewSignIns:
    """Begins sign-ins, none of which comes past a second factor."""

    db: Database
    access: Access
    lives: RefreshLives
    clock: Callable[[], datetime]

    async def begin(self, user: User, client: Client, proof: Proof) -> SignedIn:
        """The sign-in of a user who has proven this.

        Raises:
            SecondFactorRequiredError: they have a second factor, and did not prove it; what completes the sign-in is in
                its metadata, as `challenge`.
            UserNotFoundError: the user was deleted or disabled meanwhile, or has another password.
        """
        try:
            return await self.begin_in(self.db, await self.entry_for(user.id), user, client, proof)
        except UserNotFoundError:
            challenge = new_token()
            expires = self.clock() + CHALLENGE_LIFE
            if not await challenges.put(self.db, token_hash(challenge), user.id, proof, expires):
                raise
        raise SecondFactorRequiredError(metadata={"challenge": challenge})

    async def entry_for(self, user_id: UUID) -> Entry:
        """The event of a sign-in that is to begin; ask for it outside of any transaction."""
        return await audit.entry_of(self.db, AuditEvent.SIGNED_IN, user_id, self.clock())

    async def begin_in(self, db: Db, entry: Entry, user: User, client: Client, proof: Proof) -> SignedIn:
        """The same, in the transaction of this db.

        Raises:
            UserNotFoundError: as above, or the user has a second factor, and did not prove it.
        """
        now, token, family_id = self.clock(), new_token(), new_id()
        ends = now + self.lives.absolute
        expires = self.lives.expiry_of(now, ends)
        await refresh_tokens.start_family(
            db,
            family_id,
            user.id,
            token_hash(token),
            now=now,
            expires=expires,
            ends=ends,
            client=client,
            proof=proof,
            entry=entry,
        )
        access_token = self.access.token_for(user, family_id, proof.methods, expires)
        return SignedIn(user, TokenPair(access_token, token), proof)
