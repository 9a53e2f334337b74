"""An image as it would run: its files under a folder, its program as its user, in its environment."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.dockerfile import Builder, Stage
from tests.e2e.programs import run, running


@dataclass(frozen=True, slots=True)
class Image:
    """An image's root folder, and the last stage's words."""

    root: Path
    stage: Stage
    builder: Builder
    switch: list[str]
    """What a command begins with, to be run as the image's user."""

    @property
    def environment(self) -> dict[str, str]:
        """What its processes find; the base's Python is not in the root."""
        given = {name: self.builder.inside(value) for name, value in self.stage.variables.items()}
        return given | {"PATH": given["PATH"].replace("$PATH", "/usr/bin:/bin")}

    @property
    def command(self) -> list[str]:
        """The image's program, as whoever the image says."""
        [program, *rest] = self.stage.program("ENTRYPOINT")
        return [*self.switch, shutil.which(program, path=self.environment["PATH"]) or program, *rest]


def a_folder(prefix: str) -> Path:
    """An empty folder that the image's user may pass."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o711)
    return folder


async def base_python(stage: Stage) -> tuple[Path, list[str]]:
    """A Python that the stage's user may run, and what runs a command as this user."""
    own = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    if os.geteuid() != 0:
        return own, []
    user, _, group = (stage.last("USER") or "").partition(":")
    switch = ["setpriv", f"--reuid={user}", f"--regid={group or user}", "--clear-groups", "--no-new-privs"]
    for python in (own, Path("/usr/bin") / own.name):
        if (await run(*switch, "/bin/sh", "-c", f"{python} -c ''")).ok:
            return python, switch
    # A Python in root's own folder opens to root alone: then it is a root without any power.
    return own, ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]


async def build_context(checkout: Path, folder: Path) -> Path:
    """What an engine would be sent: the checkout's files, of those that .dockerignore lets through."""
    listed = await run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=checkout)
    let_through = {rule[1:] for rule in (checkout / ".dockerignore").read_text().split() if rule.startswith("!")}
    for name in listed.out.split("\0"):
        if name.partition("/")[0] in let_through and (checkout / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(checkout / name, folder / name)
    return folder


def make_read_only(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def make_writable(root: Path) -> None:
    """So that it can be deleted."""
    for path in (root, *root.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(path.stat().st_mode | stat.S_IWUSR)


def files_in(root: Path) -> Iterator[str]:
    return (str(path.relative_to(root)) for path in root.rglob("*"))


@asynccontextmanager
async def serving(
    image: Image, environment: Mapping[str, str], *arguments: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The image's program while it serves, which it says on standard error."""
    migrated = await run(*image.command, "migrate", cwd=Path("/"), env=environment)
    assert migrated.ok, migrated.errors
    async with running(*image.command, *arguments, cwd=Path("/"), env=environment) as process:
        assert process.stderr is not None
        said = b""
        while b"grpc_target" not in said:  # behind warnings of what is not set up
            line = await process.stderr.readline()
            assert line, said
            said += line
        yield process


async def is_healthy(image: Image, environment: Mapping[str, str]) -> bool:
    """What an engine would find."""
    check = (image.stage.last("HEALTHCHECK") or "").partition("CMD ")[2]
    return (await run(*image.switch, "/bin/sh", "-c", check, cwd=Path("/"), env=environment)).ok
