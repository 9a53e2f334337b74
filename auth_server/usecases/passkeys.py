"""The passkeys of a user who is signed in."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.authenticator_errors import AuthenticatorNotFoundError, TooManyAuthenticatorsError
from auth_server.domain.authenticators import MOST_AUTHENTICATORS, Authenticator
from auth_server.domain.mails import MailKind
from auth_server.domain.passkey_errors import PasskeyRefusedError, PasskeysNotSetUpError
from auth_server.domain.passkey_options import CHALLENGE_LIFE, base64url_of, creation_options
from auth_server.domain.passkey_proofs import (
    CHALLENGE,
    CHALLENGE_BYTES,
    Answer,
    NewCredential,
    ProofError,
    RelyingParty,
    challenge_hash,
    find_challenge,
    registered,
)
from auth_server.storage import audit, authenticators, passkey_challenges
from auth_server.storage.database import Database, Db
from auth_server.usecases.access import SignedInCaller
from auth_server.usecases.notices import notify
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.owners import get_proven_owner
from auth_server.usecases.reauthentication import Reauthentication
from auth_server.usecases.second_factors import SecondFactors


@dataclass(frozen=True, slots=True)
class Passkeys:
    """Adding, listing, renaming and removing passkeys."""

    db: Database
    party: RelyingParty | None
    reauthentication: Reauthentication
    second_factors: SecondFactors
    outbox: Outbox
    clock: Callable[[], datetime]

    async def begin(self, caller: SignedInCaller, current_password: str | None, code: str) -> dict[str, Any]:
        """What to ask the caller's browser for, whose answer `finish` takes of the same sign-in, once.

        The code is looked at where the caller has a second factor, which the passkey is to get past.

        Raises:
            PasskeysNotSetUpError: no setting says for which pages.
            CurrentPasswordInvalidError, ReauthenticationRequiredError, HashingBusyError, AccessTokenInvalidError: as
                Reauthentication says.
            SecondFactorRequiredError, SecondFactorInvalidError, ThrottledError: as SecondFactors.ask says.
            EmailNotVerifiedError: the caller's address is not verified: a squatter's passkey would outlive them.
            TooManyAuthenticatorsError: the caller has as many as a user may.
        """
        party = party_of(self.party)
        version = await self.reauthentication.proven(caller, current_password)
        challenge = secrets.token_bytes(CHALLENGE_BYTES)

        async def work(db: Db) -> dict[str, Any]:
            await self.reauthentication.hold(db, caller, version)
            owner = await get_proven_owner(db, caller.user_id)
            await self.second_factors.ask(db, caller.user_id, code)
            known = await authenticators.of_user(db, caller.user_id)
            if len(known) >= MOST_AUTHENTICATORS:
                raise TooManyAuthenticatorsError
            expires = self.clock() + CHALLENGE_LIFE
            await passkey_challenges.put_for_registration(
                db, challenge_hash(challenge), caller.sign_in_id, password_version=version, expires=expires
            )
            return creation_options(party, caller.user_id, owner.email or owner.name or party.name, challenge, known)

        async with self.second_factors.counted(caller.user_id):
            return await self.db.transaction(work)

    async def finish(self, caller: SignedInCaller, answer: Answer, name: str | None) -> Authenticator:
        """The passkey that the caller has from now on; a mail tells them.

        Raises:
            PasskeysNotSetUpError: no setting says for which pages.
            PasskeyRefusedError: the answer is not good, or its challenge is not; this uses it up.
            AccessTokenInvalidError: the sign-in has ended meanwhile, or the password is another one.
            EmailNotVerifiedError: the caller's address is not verified.
            AuthenticatorTakenError: the credential is registered already.
            TooManyAuthenticatorsError: the caller has as many as a user may.
        """
        party, challenge = party_of(self.party), find_challenge(answer)
        version = challenge and await passkey_challenges.redeem_for_registration(
            self.db, challenge_hash(challenge), caller.sign_in_id, self.clock()
        )
        if challenge is None or version is None:
            raise PasskeyRefusedError(rule=CHALLENGE)
        try:
            made = registered(answer, challenge, party)
        except ProofError as error:
            raise PasskeyRefusedError(rule=error.rule) from None

        async def work(db: Db) -> Authenticator:
            await self.reauthentication.hold(db, caller, int(version))
            await get_proven_owner(db, caller.user_id)
            now = self.clock()
            added = _authenticator_of(made, caller.user_id, name, now)
            if not await authenticators.create(db, added):
                raise TooManyAuthenticatorsError
            await audit.record(db, AuditEvent.AUTHENTICATOR_ADDED, caller.user_id, now)
            await notify(self.outbox, db, MailKind.PASSKEY_ADDED, caller.user_id)
            return added

        return await self.db.transaction(work)

    async def all_of(self, caller: SignedInCaller) -> list[Authenticator]:
        """The caller's passkeys, and the authenticators that a front end has registered, the oldest first."""
        return await authenticators.of_user(self.db, caller.user_id)

    async def rename(self, caller: SignedInCaller, credential_id: bytes, name: str) -> Authenticator:
        """The caller's passkey, which is called so now.

        Raises:
            AuthenticatorNotFoundError: the caller has no such one.
        """
        renamed = await authenticators.rename(self.db, credential_id, caller.user_id, name)
        if renamed is None:
            raise AuthenticatorNotFoundError
        return renamed

    async def remove(self, caller: SignedInCaller, credential_id: bytes, current_password: str | None) -> None:
        """Removes the caller's passkey; a mail tells them.

        Raises:
            CurrentPasswordInvalidError, ReauthenticationRequiredError, HashingBusyError, AccessTokenInvalidError: as
                Reauthentication says.
            AuthenticatorNotFoundError: the caller has no such one.
        """
        version = await self.reauthentication.proven(caller, current_password)

        async def work(db: Db) -> None:
            await self.reauthentication.hold(db, caller, version)
            if not await authenticators.remove(db, credential_id, caller.user_id):
                raise AuthenticatorNotFoundError
            await audit.record(db, AuditEvent.AUTHENTICATOR_REMOVED, caller.user_id, self.clock())
            await notify(self.outbox, db, MailKind.PASSKEY_REMOVED, caller.user_id)

        await self.db.transaction(work)


def party_of(party: RelyingParty | None) -> RelyingParty:
    """Whom passkeys are made for.

    Raises:
        PasskeysNotSetUpError: no setting says it.
    """
    if party is None:
        raise PasskeysNotSetUpError
    return party


def _authenticator_of(made: NewCredential, user_id: UUID, name: str | None, now: datetime) -> Authenticator:
    return Authenticator(
        credential_id=made.id,
        user_id=user_id,
        provider_account_id=base64url_of(made.id),
        public_key=made.public_key,
        counter=made.counter,
        device_type=made.device_type,
        backed_up=made.backed_up,
        transports=made.transports,
        name=name,
        created_at=now,
        last_used_at=None,
        is_passkey=True,
    )
