"""Says which dependencies of pyproject.toml the locks lack, or hold in another version."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Ends with 1 if a lock has to be written again."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    client = tomllib.loads((ROOT / "clients" / "python" / "pyproject.toml").read_text())["project"]
    run, dev = project["project"]["dependencies"], project["dependency-groups"]["dev"]
    # The client's tests run in our environment.
    clients = [*client["dependencies"], *client["optional-dependencies"]["aiohttp"]]
    stale = [*stale_in("run", run), *stale_in("dev", [*run, *dev, *clients])]
    for line in stale:
        print(f"{line}; run scripts/lock")
    sys.exit(bool(stale))


def stale_in(lock: str, dependencies: list[str]) -> list[str]:
    """A sentence for each dependency that the lock does not fulfil."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    pinned = {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.M)}
    stale = []
    for dependency in map(Requirement, dependencies):
        version = pinned.get(canonicalize_name(dependency.name))
        if version is None:
            stale.append(f"requirements/{lock}.txt lacks {dependency}")
        elif not dependency.specifier.contains(version, prereleases=True):
            stale.append(f"requirements/{lock}.txt has {dependency.name} {version}, not {dependency}")
    return stale


if __name__ == "__main__":
    main()
