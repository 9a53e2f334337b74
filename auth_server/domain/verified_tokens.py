"""Access tokens whose signature was found good already: users send the same one again and again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from auth_server.domain.access_tokens import AccessTokenPolicy, Bearer, check_times, verify
from auth_server.domain.secrets import token_hash
from auth_server.domain.signing_keys import VerifyingKey

MOST_REMEMBERED = 10_000  # about 1 kB each


class VerifiedTokens:
    """Verifies access tokens, each token's signature once.

    A signature stays good, so it alone is remembered: times are checked each time, and a token whose key is no more
    among those given is refused as if it had never been seen. Tokens are remembered by their hash.
    """

    def __init__(self, policy: AccessTokenPolicy) -> None:
        self._policy = policy
        self._seen: dict[bytes, tuple[VerifyingKey, Bearer]] = {}

    def bearer_of(self, text: str, keys: Mapping[str, VerifyingKey], now: datetime) -> Bearer:
        """Whom the token speaks of.

        Raises:
            KeyUnknownError, AccessTokenInvalidError: as `verify`.
        """
        hashed = token_hash(text)
        seen = self._seen.get(hashed)
        if seen is not None:
            key, bearer = seen
            if keys.get(key.kid) is key:
                check_times(bearer, self._policy, now)
                return bearer
            del self._seen[hashed]
        bearer = verify(text, keys=keys, policy=self._policy, now=now)
        while len(self._seen) >= MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]  # the oldest
        self._seen[hashed] = (keys[bearer.key_id], bearer)
        return bearer
