"""The process that imports what `gatepost` needs, once, and forks a command of itself whenever it is asked to."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
from typing import Any

# What gatepost_cli sets when it is imported, which is done by then.
IMPORTED = {"GRPC_VERBOSITY": "NONE"}


def serve(requests: socket.socket) -> list[str]:
    """Forks until nobody can ask any more; returns the command's arguments, in the process that is to become one."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for the commands
    while True:
        asked, files = request_of(requests)
        if os.fork() == 0:
            requests.close()
            return become(asked, *files)
        for file in files:
            os.close(file)


def request_of(requests: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next request, with where to tell what becomes of the command, its standard output and its standard error."""
    asked, files = b"", []
    while not asked.endswith(b"\n"):
        part, brought, *_ = socket.recv_fds(requests, 2**16, 3)
        if not part:
            os._exit(0)
        asked += part
        files += brought
    return json.loads(asked), files


def become(asked: dict[str, Any], status: int, stdout: int, stderr: int) -> list[str]:
    """Forks the command, and tells its process id and then how it ended; returns in the command alone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid:
        os.write(status, b"%d\n" % pid)
        os.close(stdout)
        os.close(stderr)
        _, how = os.waitpid(pid, 0)
        os.write(status, b"%d\n" % os.waitstatus_to_exitcode(how))
        os._exit(0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    for file in (status, stdout, stderr):
        os.close(file)
    os.environ.clear()
    os.environ.update(IMPORTED | asked["environment"])
    return list(asked["arguments"])


if __name__ == "__main__":
    from gatepost_cli import auth_channel, installation, processes, up  # noqa: F401
    from gatepost_cli.__main__ import main

    processes.load_servers()
    gc.collect()
    gc.freeze()
    sys.argv[1:] = serve(socket.socket(fileno=int(sys.argv[1])))
    main()
