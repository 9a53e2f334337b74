"""Programs that tests run: what they said, and how they ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Said:
    """What a program said, and whether it was content."""

    ok: bool
    out: str
    errors: str


async def run(*command: object, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Said:
    """Runs a program to its end."""
    async with running(*command, cwd=cwd, env=env) as process:
        out, errors = await process.communicate()
    return Said(process.returncode == 0, out.decode(), errors.decode())


@asynccontextmanager
async def running(
    *command: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that runs meanwhile."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
