"""Installs one of the locks in requirements/ into .venv, and shows how far it is."""

from __future__ import annotations

import contextlib
import fcntl
import re
import shutil
import subprocess
import sys
import threading
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
MADE_AT = VENV / "made-at"
UNFINISHED = VENV / "unfinished"
LOCK = VENV / "lock"
PIP_LOG = VENV / "pip.log"
# The development set holds all that the service needs to run.
SETS = {"run": ["run"], "dev": ["dev", "run"]}


class Progress:
    """One line that says what happens, written over on a terminal and now and then elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._is_terminal = sys.stderr.isatty()
        self._shown: tuple[str, int] | None = None

    def show(self, doing: str, count: int, name: str) -> None:
        """Says it, unless it has just been said."""
        count = min(count, self._total)
        shown = (doing, count if self._is_terminal else count // 10)
        if shown == self._shown:
            return
        self._shown = shown
        line = f"{doing} {count}/{self._total} {name}"
        sys.stderr.write(f"\r\x1b[K{line}" if self._is_terminal else f"{line}\n")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leaves the terminal's line empty."""
        if self._is_terminal:
            sys.stderr.write("\r\x1b[K")


def main() -> None:
    """Installs the set that is named on the command line, unless another process just did."""
    wanted = sys.argv[1]
    try:
        VENV.mkdir(exist_ok=True)
        with locked():
            if not is_installed(wanted):
                make_environment()
                install(wanted)
    except PermissionError as error:
        sys.exit(f"{error.filename or VENV} cannot be written: use a checkout of your own, or its owner's account.")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; the next start begins it anew.")


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Keeps a second installation waiting."""
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another process that installs into .venv", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_installed(wanted: str) -> bool:
    """Whether this lock, as it is now, is installed here."""
    copy = VENV / f"installed-{wanted}.txt"
    return is_whole() and copy.exists() and copy.read_bytes() == lock_of(wanted).read_bytes()


def is_whole() -> bool:
    """Whether .venv can be used: finished, for this place, with a Python that still exists."""
    made_at = MADE_AT.read_text().strip() if MADE_AT.exists() else None
    return made_at == str(VENV) and (VENV / "bin" / "python").exists() and not UNFINISHED.exists()


def lock_of(wanted: str) -> Path:
    """The file that names every package of a set with its hashes."""
    return ROOT / "requirements" / f"{wanted}.txt"


def make_environment() -> None:
    """Makes .venv anew, unless it can be used."""
    if is_whole():
        return
    for path in VENV.iterdir():
        if path == LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    print(f"making {VENV.name} with Python {sys.version.split()[0]}", file=sys.stderr)
    UNFINISHED.touch()
    venv.create(VENV, with_pip=True, symlinks=True)
    MADE_AT.write_text(f"{VENV}\n")


def install(wanted: str) -> None:
    """Installs every package of a set, of the hashes in its lock, and remembers that."""
    lock = lock_of(wanted)
    UNFINISHED.touch()
    for copy in VENV.glob("installed-*.txt"):
        copy.unlink()
    run_pip(["install", "--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-user", "-r", str(lock)], lock)
    for part in SETS[wanted]:
        shutil.copyfile(lock_of(part), VENV / f"installed-{part}.txt")
    UNFINISHED.unlink()


def run_pip(arguments: list[str], lock: Path) -> None:
    """Runs pip as the user has configured it, with its progress in one line and its words in a file."""
    command = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", *arguments]
    progress = Progress(len(re.findall(r"^[\w.-]+==", lock.read_text(), re.MULTILINE)))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:  # noqa: S603
        said = follow(pip, progress)
    progress.clear()
    PIP_LOG.write_text("".join(said))
    if pip.returncode:
        reasons = [line.strip() for line in said if line.startswith("ERROR")] or said[-1:]
        sys.exit("pip could not install {}: {}\nAll it said is in {}.".format(lock.name, " ".join(reasons), PIP_LOG))


def follow(pip: subprocess.Popen[str], progress: Progress) -> list[str]:
    """Shows what pip is at until it ends, and answers its lines."""
    said: list[str] = []
    installing = threading.Event()
    watcher = threading.Thread(target=watch_packages, args=(pip, progress, installing), daemon=True)
    watcher.start()
    collected = 0
    for line in pip.stdout or ():
        said.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            collected += 1
            progress.show("fetching", collected, re.split(r"[=\s]", line.partition(": ")[2] or line[11:])[0])
        elif line.startswith("WARNING: Retrying") and said.count(line) == 1:
            print(f"\n{line.strip()}", file=sys.stderr)
        elif line.startswith("Installing collected"):
            installing.set()
    installing.set()
    watcher.join()
    return said


def watch_packages(pip: subprocess.Popen[str], progress: Progress, installing: threading.Event) -> None:
    """Shows the packages as they appear: pip itself is silent while it installs them."""
    site_packages = next((VENV / "lib").glob("python3*/site-packages"))
    before = len(list(site_packages.glob("*.dist-info")))
    installing.wait()
    while pip.poll() is None:
        found = sorted(site_packages.glob("*.dist-info"), key=lambda path: path.stat().st_mtime)
        if len(found) > before:
            progress.show("installing", len(found) - before, found[-1].name.split("-")[0])
        with contextlib.suppress(subprocess.TimeoutExpired):
            pip.wait(0.2)


if __name__ == "__main__":
    main()
