"""Which sign-ins and users have ended lately, as the stream of revocations tells it."""

from __future__ import annotations

from datetime import datetime, timedelta

from gatepost_client.claims import Claims


class Revocations:
    """What has ended, kept until every token that it could concern has expired."""

    def __init__(self, keep: timedelta) -> None:
        """None so far; `keep` is the longest life of a token, and the leeway it gets."""
        self._keep_seconds = keep.total_seconds()
        self._sign_ins: dict[str, float] = {}
        self._users: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._sign_ins) + len(self._users)

    def end_sign_in(self, sign_in_id: str, at: datetime) -> None:
        """Every token of the sign-in is dead."""
        self._sign_ins[sign_in_id] = max(at.timestamp(), self._sign_ins.get(sign_in_id, 0.0))

    def end_user(self, user_id: str, at: datetime) -> None:
        """Every token of the user that was issued until then is dead; one that was issued later is not."""
        self._users[user_id] = max(at.timestamp(), self._users.get(user_id, 0.0))

    def cover(self, claims: Claims) -> bool:
        """Whether a token of these claims is dead.

        A token says when it was issued in whole seconds: of those issued in the second of the revocation all are
        taken for older, because some are.
        """
        if claims.sign_in_id in self._sign_ins:
            return True
        ended = self._users.get(claims.user_id)
        return ended is not None and claims.issue_time.timestamp() <= ended

    def forget(self, now: float) -> None:
        """Drops what concerns expired tokens alone; `now` in seconds since 1970."""
        oldest = now - self._keep_seconds
        for ended in (self._sign_ins, self._users):
            for key in [key for key, at in ended.items() if at < oldest]:
                del ended[key]
