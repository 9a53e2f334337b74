"""Signing in by a passkey."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auth_server.domain.audit_events import note_subject
from auth_server.domain.authenticator_errors import AuthenticatorCounterRegressedError
from auth_server.domain.authenticators import Authenticator
from auth_server.domain.clients import Client
from auth_server.domain.errors import UserNotFoundError
from auth_server.domain.methods import PASSKEY
from auth_server.domain.passkey_errors import PasskeyInvalidError
from auth_server.domain.passkey_options import CHALLENGE_LIFE, request_options, user_handle_of
from auth_server.domain.passkey_proofs import (
    CHALLENGE,
    CHALLENGE_BYTES,
    CREDENTIAL,
    Answer,
    Assertion,
    ProofError,
    RelyingParty,
    asserted,
    belongs_to,
    challenge_hash,
    find_challenge,
    find_credential_id,
)
from auth_server.domain.secrets import new_token, token_hash
from auth_server.storage import authenticators, passkey_challenges, users
from auth_server.storage.database import Database, Db
from auth_server.usecases.authenticators import tell_of_copy
from auth_server.usecases.new_sign_ins import NewSignIns, SignedIn
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.passkeys import party_of


@dataclass(frozen=True, slots=True)
class PasskeySignIns:
    """Sign-ins that a passkey alone begins: it proves possession of a key, and that its holder is there."""

    db: Database
    party: RelyingParty | None
    new_sign_ins: NewSignIns
    outbox: Outbox
    clock: Callable[[], datetime]

    async def begin(self) -> tuple[dict[str, Any], str]:
        """What to ask a browser for, and the ceremony token with which `finish` takes its answer, once.

        Raises:
            PasskeysNotSetUpError: no setting says for which pages.
        """
        party, challenge, token = party_of(self.party), secrets.token_bytes(CHALLENGE_BYTES), new_token()
        await passkey_challenges.put_for_sign_in(
            self.db, challenge_hash(challenge), token_hash(token), self.clock() + CHALLENGE_LIFE
        )
        return request_options(party, challenge), token

    async def finish(self, ceremony_token: str, answer: Answer, client: Client) -> SignedIn:
        """Signs the user in whose passkey has signed.

        Raises:
            PasskeysNotSetUpError: no setting says for which pages.
            PasskeyInvalidError: the answer is not good, or its challenge is not; this uses it up. Or the user is gone
                or disabled, which is not said.
            AuthenticatorCounterRegressedError: the signature is good, but the passkey's counter has not grown; its user
                is told by mail.
        """
        party, challenge = party_of(self.party), find_challenge(answer)
        if challenge is None or not await passkey_challenges.redeem_for_sign_in(
            self.db, challenge_hash(challenge), token_hash(ceremony_token), self.clock()
        ):
            raise PasskeyInvalidError(rule=CHALLENGE)
        known = await self._known(answer)
        note_subject(user_id=known.user_id)
        try:
            said = asserted(answer, challenge, party, known.public_key)
        except ProofError as error:
            raise PasskeyInvalidError(rule=error.rule) from None
        # Whether it may be backed up is decided when it is made (WebAuthn level 3, section 6.1.3).
        if said.device_type != known.device_type:
            raise PasskeyInvalidError(rule=CREDENTIAL)
        return await self._signed_in(known, said, client)

    async def _known(self, answer: Answer) -> Authenticator:
        credential_id = find_credential_id(answer)
        known = credential_id and await authenticators.find(self.db, credential_id)
        if not known or not known.is_passkey or not belongs_to(answer, user_handle_of(known.user_id)):
            raise PasskeyInvalidError(rule=CREDENTIAL)
        return known

    async def _signed_in(self, known: Authenticator, said: Assertion, client: Client) -> SignedIn:
        user = await users.find(self.db, known.user_id)
        if user is None:
            raise PasskeyInvalidError(rule=CREDENTIAL)
        entry = await self.new_sign_ins.entry_for(user.id)

        async def work(db: Db) -> SignedIn | None:
            # The user's row before the passkey's, as the deletion of a user locks them.
            await authenticators.share_owner(db, user.id)
            now = self.clock()
            advanced = await authenticators.advance(
                db, known.credential_id, said.counter, now, is_passkey=True, backed_up=said.backed_up
            )
            return await self.new_sign_ins.begin_in(db, entry, user, client, PASSKEY) if advanced else None

        try:
            signed_in = await self.db.transaction(work)
        except UserNotFoundError:
            raise PasskeyInvalidError(rule=CREDENTIAL) from None
        if signed_in is None:
            if not await tell_of_copy(self.db, self.outbox, known, self.clock()):
                raise PasskeyInvalidError(rule=CREDENTIAL)
            raise AuthenticatorCounterRegressedError
        return signed_in
