"""The steps in the life of signing keys, which all servers take together: whoever comes first has done it for all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.key_lives import KEPT_FOR, KeyLife, KeyPlan, KeyState, removed_at
from auth_server.domain.secrets import Seal, SealBrokenError, identity_of
from auth_server.domain.signing_keys import Algorithm, KeyBrokenError, SigningKey, make_key, packed, unpacked
from auth_server.storage import signing_keys
from auth_server.storage.database import Db
from auth_server.storage.signing_keys import StoredKey

log = logging.getLogger(__name__)


def opened(key: StoredKey, seal: Seal) -> SigningKey:
    """The stored key with its private half.

    Raises:
        SealBrokenError: it was sealed under a key that is not in the ring.
        KeyBrokenError: it cannot be read.
    """
    life = key.life
    return unpacked(life.kid, life.algorithm, seal.open(key.sealed, identity_of("signing_keys", life.kid)))


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """What makes keys, and moves them on when it is time."""

    db: Db
    seal: Seal
    plan: KeyPlan

    async def step(self, stored: Sequence[StoredKey], now: datetime) -> bool:
        """Takes the step that is due after these keys; whether there was one, so that they are to be read anew.

        What was read here only says what to try: each statement asks for it again.
        """
        lives = [key.life for key in stored]
        if any((at := removed_at(life)) and at < now for life in lives):
            await self._remove(now)
            return True
        await self._publish_halves(stored)
        if self.plan.algorithm is Algorithm.HS256:
            return False
        by_state = {life.state: life for life in lives}
        active, following = by_state.get(KeyState.ACTIVE), by_state.get(KeyState.NEXT)
        if active is None and following is not None:
            _tell("a signing key was put in the place of none", await signing_keys.promote_next(self.db, now))
            return True
        if active is None or following is None:
            await self.make(KeyState.NEXT if active else KeyState.ACTIVE, now)
            return True
        return await self._follow(following, lives, now)

    async def make(self, state: KeyState, now: datetime) -> None:
        """Makes the next or the active key, unless there is one."""
        key = await asyncio.to_thread(make_key, self.plan.algorithm)  # an RSA key takes long
        sealed = self.seal.close(packed(key), identity_of("signing_keys", key.kid))
        ready = now if state is KeyState.ACTIVE else now + self.plan.publication
        await signing_keys.offer(self.db, key.verifying, state, sealed, now=now, ready=ready)

    async def rotate(self, now: datetime) -> str | None:
        """The id of the next key, if it took over by this call, as it does when that is due."""
        due_since = now - self.plan.interval if self.plan.interval else None
        kid = await signing_keys.rotate(self.db, now, due_since=due_since, algorithm=self.plan.algorithm)
        _tell("the signing key was rotated", kid)
        return kid

    async def _follow(self, following: KeyLife, lives: Sequence[KeyLife], now: datetime) -> bool:
        if self.plan.outdates(following) and following.ready <= now:
            kid = await signing_keys.withdraw_next(self.db, self.plan.algorithm, now)
            _tell("a next signing key of another algorithm was withdrawn", kid)
            return True
        at = self.plan.rotates_at(lives)
        if at is None or now < at:
            return False
        await self.rotate(now)
        return True

    async def _remove(self, now: datetime) -> None:
        for kid in await signing_keys.remove(self.db, now - KEPT_FOR):
            _tell("a signing key was removed", kid)

    async def _publish_halves(self, stored: Sequence[StoredKey]) -> None:
        """Adds what an older version did not store, so that the key can outlive its private half."""
        for key in stored:
            if key.public_jwk is None and key.sealed:
                try:
                    verifying = opened(key, self.seal).verifying
                except (SealBrokenError, KeyBrokenError):
                    continue  # whoever loads the keys says so
                await signing_keys.publish_half(self.db, verifying)


def _tell(what: str, kid: str | None) -> None:
    if kid:
        log.info(what, extra={"kid": kid})
