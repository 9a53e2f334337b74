"""The keys of access tokens, as this server has loaded them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from auth_server.domain.key_lives import RELOAD_EVERY, KeyPlan, KeyState
from auth_server.domain.secrets import Seal, SealBrokenError
from auth_server.domain.signing_keys import KeyBrokenError, SigningKey, VerifyingKey, published_key
from auth_server.storage import signing_keys
from auth_server.storage.database import Db
from auth_server.storage.signing_keys import StoredKey
from auth_server.usecases.key_rotation import KeyRotation, opened

MOST_STEPS = 4  # in one turn; the first start takes two
_PUBLISHED = (KeyState.ACTIVE, KeyState.NEXT, KeyState.RETIRED)


class KeysUnreadableError(Exception):
    """A stored key cannot be read; the text says which, and what to do."""


@dataclass(frozen=True, slots=True)
class _KeySet:
    signing: SigningKey | None = None
    verifying: Mapping[str, VerifyingKey] = field(default_factory=dict)
    published: tuple[VerifyingKey, ...] = ()


class Keys:
    """The loaded keys. They stay in use while the database is away."""

    def __init__(
        self, db: Db, seal: Seal, plan: KeyPlan, clock: Callable[[], datetime], shared: SigningKey | None = None
    ) -> None:
        """With no key yet; `shared`, where given, is the HS256 key that signs instead of the stored ones."""
        self._db = db
        self._seal = seal
        self._rotation = KeyRotation(db, seal, plan)
        self._clock = clock
        self._shared = shared
        self._set = _KeySet()
        self._opened: Mapping[str, SigningKey] = {}
        self._begun = self._taken = 0
        self._looking = asyncio.Lock()
        self._looked_at_seconds = float("-inf")

    @property
    def signing(self) -> SigningKey:
        """The key that signs now."""
        if self._set.signing is None:
            raise RuntimeError("no key is there to sign with")
        return self._set.signing

    @property
    def verifying(self) -> Mapping[str, VerifyingKey]:
        """The keys whose tokens are believed, by key id."""
        return self._set.verifying

    @property
    def published(self) -> tuple[VerifyingKey, ...]:
        """The public keys: the active one, the next, then the retired. A shared secret is never among them."""
        return self._set.published

    async def tend(self) -> None:
        """What every server does about once a second: takes the steps that are due, and loads the keys.

        Raises:
            KeysUnreadableError: a stored key does not open; all others are loaded.
            DatabaseUnavailableError: the database cannot be reached; what was loaded stays in use.
        """
        number, stored = await self._read()
        for _ in range(MOST_STEPS):
            if not await self._rotation.step(stored, self._clock()):
                break
            number, stored = await self._read()
        self._take(number, stored)

    async def look_again(self) -> None:
        """Loads the keys because a token names an unknown one; at most once a second, so that forged ids cost nothing.

        Raises:
            KeysUnreadableError, DatabaseUnavailableError: as `tend`.
        """
        async with self._looking:  # who comes meanwhile waits for what this one finds
            now_seconds = asyncio.get_running_loop().time()
            if now_seconds - self._looked_at_seconds < RELOAD_EVERY.total_seconds():
                return
            self._looked_at_seconds = now_seconds
            self._take(*await self._read())

    async def _read(self) -> tuple[int, Sequence[StoredKey]]:
        """The stored keys, and the number of this reading."""
        self._begun = number = self._begun + 1
        return number, await signing_keys.all_keys(self._db)

    def _take(self, number: int, stored: Sequence[StoredKey]) -> None:
        """Puts the stored keys into use, as far as they can be read; not if a later reading was here first."""
        if number < self._taken:
            return
        self._taken = number
        unreadable: list[str] = []
        private: dict[str, SigningKey] = {}
        public: dict[KeyState, list[VerifyingKey]] = {state: [] for state in _PUBLISHED}
        for key in stored:
            if key.life.state is KeyState.REVOKED:
                continue
            try:
                if self._shared is None and key.life.state is not KeyState.RETIRED:
                    private[key.life.kid] = self._opened.get(key.life.kid) or opened(key, self._seal)
                public[key.life.state].append(self._verifying_of(key))
            except (SealBrokenError, KeyBrokenError) as error:
                unreadable.append(_told(key, error))
        self._opened = private
        self._set = self._key_set_of(public)
        if unreadable:
            raise KeysUnreadableError("; ".join(unreadable))

    def _verifying_of(self, key: StoredKey) -> VerifyingKey:
        known = self._set.verifying.get(key.life.kid)  # an id is a thumbprint: the same id is the same key
        if known:
            return known
        if key.public_jwk is None:
            return opened(key, self._seal).verifying
        return published_key(key.life.kid, key.life.algorithm, key.public_jwk)

    def _key_set_of(self, public: Mapping[KeyState, Sequence[VerifyingKey]]) -> _KeySet:
        published = tuple(key for state in _PUBLISHED for key in public[state])
        verifying = {key.kid: key for key in published}
        if self._shared:
            return _KeySet(self._shared, {**verifying, self._shared.kid: self._shared.verifying}, published)
        before = self._set.signing
        signing = next((self._opened.get(key.kid) for key in public[KeyState.ACTIVE]), None)
        if signing is None and before and before.kid in verifying:
            signing = before  # the active key does not open here; the one before is believed a while yet
        return _KeySet(signing, verifying, published)


def _told(key: StoredKey, error: Exception) -> str:
    if isinstance(error, SealBrokenError):
        return f"the signing key {key.life.kid} does not open: GATEPOST_SEALING_KEYS lacks the key that sealed it"
    return str(error)
