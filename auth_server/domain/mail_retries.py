"""When a mail is tried again."""

from __future__ import annotations

from datetime import timedelta

FIRST = timedelta(seconds=30)
LONGEST = timedelta(hours=1)  # RFC 5321, section 4.5.4.1: 30 minutes and more, sooner at first
LEASE = timedelta(minutes=2)
"""How long a worker has a mail for itself; one that died in between gives it back by that."""
TRY = timedelta(minutes=1)
"""How long one try may take: well within the lease, so that no two workers send one mail at once."""


def delay_after(attempts: int, chance: float) -> timedelta:
    """How long a mail rests after so many refusals: twice as long each time, by chance up to half as long.

    `chance` lies between 0 and 1; it keeps the mails that one outage has gathered from coming all at once.
    """
    doubled: timedelta = FIRST * 2 ** min(attempts - 1, 16)
    return min(doubled, LONGEST) * (1 - chance / 2)
