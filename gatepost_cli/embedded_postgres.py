"""A PostgreSQL of one's own in a folder, shared by any number of processes and gone after the last of them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from gatepost_cli import postgres_supervisor
from gatepost_cli.postgres_account import account_of
from gatepost_cli.postgres_binaries import Binaries, find_binaries
from gatepost_cli.private_files import FileLock, make_folder, make_folder_of, open_file
from gatepost_cli.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_PORT = 5432  # names the socket's file; nothing listens on TCP
_LONGEST_SOCKET_FOLDER_BYTES = 85  # sun_path holds 104 bytes on macOS and 108 on Linux, the file's name included
_LARGEST_LOG_BYTES = 2**20
_INHERITED = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class EmbeddedPostgres:
    """A running server while inside `with`; a later one finds the same data.

    Access is by a unix socket in a folder that only the server's user can enter (mode 0700), and root. That folder is
    the whole check, so the server trusts every connection: `peer` would compare the system's names of users, and root
    connects to a server that runs as somebody else, whose name differs between machines.
    """

    def __init__(self, folder: str | Path, conf: Mapping[str, str] | None = None) -> None:
        self.folder = Path(folder).absolute()
        self._conf = dict(conf or {})
        self._data = self.folder / "data"
        # start: held while one process starts or stops the server. refs: shared by every user; who can take it alone
        # is the last. users: shared likewise; the supervisor waits for it. server: held by the server's processes.
        self._start, self._refs, self._users, self._server = (
            FileLock(self.folder / f"{name}.lock") for name in ("start", "refs", "users", "server")
        )

    @property
    def dsn(self) -> str:
        """A URL for asyncpg and for PostgreSQL's own programs."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._socket_folder), safe='/')}&port={_PORT}"

    @property
    def pid(self) -> int:
        """The server's process id.

        Raises:
            RefusalError: it does not run.
        """
        status = self._status()
        if not status:
            raise RefusalError(f"no PostgreSQL runs in {self.folder}")
        return int(status[0])

    @property
    def version(self) -> str:
        """The server's version, such as 18.6."""
        return self._binaries.version

    @property
    def bin(self) -> Path:
        """The folder of pg_dump, psql and the others, of the server's version."""
        return self._binaries.folder

    def __enter__(self) -> Self:
        """Starts the server, or joins the one that runs.

        Raises:
            RefusalError: it cannot run here; the message says why and what to do.
        """
        make_folder(self.folder)
        try:
            self._start.wait()
            self._users.wait(shared=True)  # while a supervisor stops the previous server
            self._refs.wait(shared=True)
            self._account = account_of(self._data)
            self._binaries = self._binaries_of_data()
            self._run()
        except BaseException:
            self._release()
            raise
        self._start.release()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leaves; the last one to leave waits for the server's end."""
        try:
            self._start.wait()
            last = self._refs.take()
            self._users.release()
            if last:
                # Had we not waited, the first process of a container would take the server down with it, uncleanly.
                self._server.wait(timeout_seconds=20)
        finally:
            self._release()

    def _release(self) -> None:
        for lock in (self._server, self._users, self._refs, self._start):
            lock.release()

    def _binaries_of_data(self) -> Binaries:
        try:
            return find_binaries(int((self._data / "PG_VERSION").read_text()))
        except FileNotFoundError:
            return find_binaries()

    @property
    def _socket_folder(self) -> Path:
        folder = self.folder / "socket"
        if len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER_BYTES:
            return folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path("/tmp") / f"gatepost-{digest}"  # noqa: S108 (refused where another user owns it)

    def _run(self, timeout_seconds: float = 60) -> None:
        end = time.monotonic() + timeout_seconds
        launched = False
        while time.monotonic() < end:
            if self._server.take():  # no process of a server lives
                if launched:
                    break
                self._launch()
                launched = True
                self._server.release()
            elif self._is_ready():
                return
            time.sleep(0.01)
        last_lines = (self.folder / "server.log").read_text(errors="replace").splitlines()[-4:]
        raise RefusalError(f"PostgreSQL did not start in {self.folder}: {' '.join(last_lines)}")

    def _is_ready(self) -> bool:
        status = self._status()
        if len(status) < 8 or status[7].strip() != "ready":
            return False
        try:
            os.kill(int(status[0]), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # it lives, and is another user's
        return True

    def _status(self) -> list[str]:
        """The lines of postmaster.pid: the first is the process id, the eighth the server's state."""
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _launch(self) -> None:
        binaries = self._runnable_binaries()
        make_folder_of(self._socket_folder, self._account.uid, self._account.gid)
        if not (self._data / "PG_VERSION").exists():
            self._make_data(binaries)
        (self._data / "postmaster.pid").unlink(missing_ok=True)  # stale: its server does not hold the lock
        conf = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_folder),
            "unix_socket_permissions": "0700",
            "port": str(_PORT),
            "log_error_verbosity": "terse",  # a DETAIL holds the row
            **self._conf,
        }
        settings = [part for name, value in conf.items() for part in ("-c", f"{name}={value}")]
        self._start_supervisor([str(binaries.folder / "postgres"), "-D", str(self._data), *settings])

    def _runnable_binaries(self) -> Binaries:
        account = self._account
        if not account.switch:
            return self._binaries
        closed = account.first_closed(self.folder)
        if closed:
            raise RefusalError(
                f"started by root, PostgreSQL runs as the user {account.name}, who cannot enter {closed}; choose a"
                " data folder that everybody can reach, such as /var/lib/gatepost"
            )
        if self._binaries.run_by(account.uid, account.gid):
            return self._binaries
        return self._binaries.copied_to(self.folder)  # such as from a virtual environment below /root

    def _make_data(self, binaries: Binaries) -> None:
        fresh = self.folder / "data.new"  # an interrupted initdb is never taken for a database
        shutil.rmtree(fresh, ignore_errors=True)
        make_folder_of(fresh, self._account.uid, self._account.gid)
        # The built-in locale sorts alike on every machine and survives an upgrade of the C library.
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"] if binaries.major >= 17 else ["--locale=C"]
        sync = ["--no-sync"] if self._conf.get("fsync") == "off" else []
        command = [str(binaries.folder / "initdb"), "-D", str(fresh), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        made = subprocess.run(  # noqa: S603
            [*command, "--no-instructions", *locale, *sync],
            env=_environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **self._account.switch,
        )
        if made.returncode:
            raise RefusalError(f"PostgreSQL could not make a database in {self.folder}: {made.stderr.strip()}")
        fresh.rename(self._data)

    def _start_supervisor(self, command: list[str]) -> None:
        log_path = self.folder / "server.log"
        if log_path.exists() and log_path.stat().st_size > _LARGEST_LOG_BYTES:
            log_path.rename(self.folder / "server.log.1")
        supervisor = [sys.executable, "-I", "-S", str(Path(postgres_supervisor.__file__).absolute())]
        locks = [str(self._users.path), str(self._server.descriptor), json.dumps(self._account.switch)]
        with os.fdopen(open_file(log_path, os.O_WRONLY | os.O_APPEND), "wb") as log:
            subprocess.run(  # noqa: S603
                [*supervisor, *locks, *command],
                env=_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[self._server.descriptor],
                check=True,
            )


def _environment() -> dict[str, str]:
    """What the server needs of the caller's environment: none of its secrets, which its backends could read."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
