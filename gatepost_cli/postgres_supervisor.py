"""The process beside an embedded PostgreSQL, which stops it when its last user is gone.

Run as a file of its own, by the bare interpreter: it starts in milliseconds and imports nothing of the project.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def supervise(users_lock: str, server_lock: int, account: dict[str, Any], command: list[str]) -> None:
    """Runs the server until no process holds the users' lock any more."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def end_with_supervisor() -> None:
        for ending in _ENDINGS:
            signal.signal(ending, signal.SIG_DFL)
        # Should the supervisor itself be killed, the kernel asks the server for a fast shutdown.
        if libc:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)

    for ending in _ENDINGS:
        signal.signal(ending, signal.SIG_IGN)

    server = subprocess.Popen(  # noqa: S603
        command,
        pass_fds=[server_lock],
        preexec_fn=end_with_supervisor,  # noqa: PLW1509 (this process has one thread)
        **account,
    )
    os.close(server_lock)
    users = os.open(users_lock, os.O_RDWR)
    # Granted when the last user is gone, even one that was killed; newcomers wait until this process has ended.
    fcntl.flock(users, fcntl.LOCK_EX)
    if server.poll() is None:
        server.send_signal(signal.SIGINT)  # a fast shutdown
    server.wait()


def main() -> None:
    """Leaves its parent, so that nobody has to wait for it, and supervises."""
    users_lock, server_lock, account, *command = sys.argv[1:]
    if os.fork():
        os._exit(0)
    os.setsid()
    supervise(users_lock, int(server_lock), json.loads(account), command)


if __name__ == "__main__":
    main()
