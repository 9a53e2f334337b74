"""Completing a sign-in by the second factor."""

from __future__ import annotations

from dataclasses import dataclass

from auth_server.domain.audit_events import note_subject
from auth_server.domain.clients import Client
from auth_server.domain.errors import UserNotFoundError
from auth_server.domain.second_factor_errors import ChallengeInvalidError
from auth_server.domain.secrets import token_hash
from auth_server.storage import challenges, users
from auth_server.storage.database import Db
from auth_server.usecases.new_sign_ins import NewSignIns, SignedIn
from auth_server.usecases.second_factors import SecondFactors


@dataclass(frozen=True, slots=True)
class SignInCompletion:
    """What a challenge and a code come to."""

    new_sign_ins: NewSignIns
    second_factors: SecondFactors

    async def complete(self, challenge: str, code: str, client: Client) -> SignedIn:
        """Signs the challenge's user in, whose first proof it stands for.

        Challenge and code are used up by the transaction that begins the sign-in, or neither is: a wrong code leaves
        the challenge good, and of two callers with one challenge the other has lost no code.

        Raises:
            ChallengeInvalidError: the challenge is unknown, expired, used or void.
            SecondFactorInvalidError: the code is wrong or used.
        """
        hashed, begin = token_hash(challenge), self.new_sign_ins
        found = await challenges.find_owner(begin.db, hashed, begin.clock())
        if found is None:
            raise ChallengeInvalidError
        user_id, email = found
        note_subject(user_id=user_id, email=email)
        entry = await begin.entry_for(user_id)

        async def work(db: Db) -> SignedIn:
            redeemed = await challenges.redeem(db, hashed, begin.clock())
            user = await users.find(db, redeemed.user_id) if redeemed else None
            if redeemed is None or user is None:
                raise ChallengeInvalidError
            method = await self.second_factors.check(db, user.id, code)
            return await begin.begin_in(db, entry, user, client, redeemed.proof.with_second_factor(method))

        try:
            return await begin.db.transaction(work)
        except UserNotFoundError:  # they were disabled or deleted in this moment
            raise ChallengeInvalidError from None
