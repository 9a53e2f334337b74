"""What one installation of `gatepost up` keeps in its data folder: secrets, the note of what runs, log and mails."""

from __future__ import annotations

import base64
import json
import secrets
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gatepost_cli.private_files import FileLock, make_folder, write_file
from gatepost_cli.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGES = "images"
"""The folder of users' images in a data folder."""
_SECRETS = ("adapter_secret", "peppers", "sealing_keys")


@dataclass(frozen=True)
class Run:
    """What runs now, for programs that want to reach it."""

    http_url: str
    grpc_target: str
    adapter_secret: str
    database_url: str
    pids: dict[str, int]


class Installation:
    """A data folder, in which one `gatepost up` runs at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()
        self.postgres_folder = self.folder / "postgres"
        self.log_path = self.folder / "gatepost.log"
        self.mail_folder = self.folder / "mail"
        """Where mails go in place of being sent."""
        self.image_folder = self.folder / IMAGES
        self._lock = FileLock(self.folder / "up.lock")
        self._run_path = self.folder / "run.json"
        self._secrets_path = self.folder / "secrets.json"

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """Keeps the folder for this process; the note of what runs is gone afterwards.

        Raises:
            RefusalError: another process has it, or it cannot be written.
        """
        make_folder(self.folder)
        if not self._lock.take():
            running = self._read(self._run_path).get("http_url")
            where = f" and serves {running}" if running else ""
            raise RefusalError(
                f"`gatepost up` already runs in {self.folder}{where}; end it, or choose another --data-dir"
            )
        try:
            self._run_path.unlink(missing_ok=True)  # that of a process that was killed
            yield
        finally:
            self._run_path.unlink(missing_ok=True)
            self._lock.release()

    def secrets(self) -> dict[str, str]:
        """The secrets of this installation, made at its first start; to be called while it is occupied.

        Raises:
            RefusalError: the file of secrets was damaged.
        """
        if not self._secrets_path.exists():
            # In one piece or not at all: what the first start sealed must open at the second.
            made = {"adapter_secret": secrets.token_urlsafe(32), "peppers": _key_ring(), "sealing_keys": _key_ring()}
            write_file(self._secrets_path, json.dumps(made, indent=2).encode())
        kept = self._read(self._secrets_path)
        if not all(isinstance(kept.get(name), str) for name in _SECRETS):
            raise RefusalError(
                f"{self._secrets_path} is damaged; restore it from a backup, or start anew in another --data-dir"
            )
        return {name: kept[name] for name in _SECRETS}

    def find_secrets(self) -> dict[str, str]:
        """The secrets that this installation has, as far as it has any; may be called while another process has it.

        Raises:
            RefusalError: they may not be read by this user.
        """
        try:
            kept = self._read(self._secrets_path)
        except PermissionError as error:
            raise RefusalError(f"{self._secrets_path} may not be read by this user") from error
        return {name: kept[name] for name in _SECRETS if isinstance(kept.get(name), str)}

    def note(self, run: Run) -> None:
        """Writes down what runs."""
        write_file(self._run_path, json.dumps(asdict(run), indent=2).encode())

    def database_url(self) -> str | None:
        """The database of the `gatepost up` that runs in this folder; None if none does."""
        url = self._read(self._run_path).get("database_url")
        return url if isinstance(url, str) else None

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            content = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def _key_ring() -> str:
    return f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
