"""Folders, files and locks that belong to one user alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from typing import TYPE_CHECKING

from gatepost_cli.refusals import RefusalError

if TYPE_CHECKING:
    from pathlib import Path


def make_folder(folder: Path) -> None:
    """Makes a folder that only its user can change, or takes one that is so.

    Whoever else could write in it could plant secrets and programs of their own, or lead what is written elsewhere.

    Raises:
        RefusalError: it cannot be made or written, or others can write in it.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            # As root the database server runs as another user, who passes through to its own 0700 folders.
            folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        found = folder.stat()
        if not stat.S_ISDIR(found.st_mode):
            raise RefusalError(f"{folder} is not a folder; choose another data folder")
        if found.st_uid != os.geteuid():
            raise RefusalError(f"the data folder {folder} belongs to another user; choose one of your own")
        if found.st_mode & 0o022:
            raise RefusalError(
                f"others may write in the data folder {folder}; run `chmod go-w` on it, or choose another"
            )
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError
    except OSError as error:
        raise RefusalError(
            f"the data folder {folder} cannot be written ({error.strerror or 'permission denied'}); choose another one"
        ) from error


def make_folder_of(folder: Path, uid: int, gid: int) -> None:
    """Makes a folder that only this user can enter, or takes over the caller's own.

    Raises:
        RefusalError: it is somebody else's, or no folder.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (uid, os.geteuid()):
        raise RefusalError(f"{folder} belongs to another user; remove it or choose another data folder")
    if found.st_uid != uid:
        os.chown(folder, uid, gid, follow_symlinks=False)
    folder.chmod(0o700)


def open_file(path: Path, flags: int) -> int:
    """A descriptor of a file that only its user can read.

    Raises:
        RefusalError: what is there is no file of this user's alone.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_nlink > 1:
        os.close(descriptor)
        raise RefusalError(f"{path} is not a file of yours alone; remove it")
    return descriptor


def write_file(path: Path, content: bytes) -> None:
    """Writes a file that only the folder's owner can read; a reader sees the old or the new one, whole."""
    fresh = path.with_name(f"{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    with os.fdopen(open_file(fresh, os.O_WRONLY | os.O_EXCL), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


class FileLock:
    """A lock that the kernel gives back when its holders are gone, however they ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """The open file, which a child process may inherit and so hold the lock on."""
        if self._descriptor is None:
            self._descriptor = open_file(self.path, os.O_RDWR)
        return self._descriptor

    def take(self) -> bool:
        """Whether the lock is now held, by no one else."""
        return self._try(fcntl.LOCK_EX)

    def share(self) -> bool:
        """Whether the lock is now held, beside others who share it."""
        return self._try(fcntl.LOCK_SH)

    def wait(self, *, shared: bool = False, timeout_seconds: float = 60) -> None:
        """Takes or shares the lock as soon as it is free.

        Raises:
            RefusalError: it did not come free in time.
        """
        end = time.monotonic() + timeout_seconds
        while not (self.share() if shared else self.take()):
            if time.monotonic() > end:
                raise RefusalError(f"another process has held {self.path} for {timeout_seconds:.0f} s; end it first")
            time.sleep(0.01)

    def release(self) -> None:
        """Lets go; a child process that inherited the lock keeps it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _try(self, how: int) -> bool:
        try:
            fcntl.flock(self.descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
