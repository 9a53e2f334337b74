"""How many files, connections among them, this process may have open."""

from __future__ import annotations

import logging
import resource

_log = logging.getLogger(__name__)

OWN_FILES = 128
"""What a process has open beside its clients' connections and the database's: logs, sockets, certificates, images."""


def make_room(connections: int) -> None:
    """Raises the process's own limit as far as so many connections need it, and warns where the system allows less.

    Many systems let a process open 1,024 files unless it asks for more; beyond, nobody could connect any more.
    """
    wanted = connections + OWN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):  # macOS has a bound below the hard limit
        allowed = soft
    if allowed < wanted:
        _log.warning("fewer connections than are set", extra={"open_files": allowed, "wanted": wanted})
