"""Which of the system's users a PostgreSQL server runs as."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Account:
    """A user of the system."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        """The user's name, or number where it has none here."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    @property
    def switch(self) -> dict[str, Any]:
        """What `subprocess` needs in order to run as this user; nothing where the caller is this user."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def first_closed(self, folder: Path) -> Path | None:
        """The folder on the way to this one that the user cannot enter, if there is one."""
        if self._enters(folder):
            return None
        return next(path for path in (*reversed(folder.parents), folder) if not self._enters(path))

    def _enters(self, folder: Path) -> bool:
        # Asked as this user: modes alone do not tell about groups and access lists.
        return subprocess.run(["test", "-x", folder], check=False, **self.switch).returncode == 0  # noqa: S603, S607


def account_of(data: Path) -> Account:
    """The account that owns the server's data, or would if there were any."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if data.exists():  # whatever the account's name is here
        owner = data.stat()
        return Account(owner.st_uid, owner.st_gid)
    known = {account.pw_name: account for account in pwd.getpwall()}
    account = known.get("postgres") or known["nobody"]  # PostgreSQL refuses root
    return Account(account.pw_uid, account.pw_gid)
