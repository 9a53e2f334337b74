"""Our package for NextAuth and Auth.js, built from its sources, and suites in Node.js that run against a gateway."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.conftest import ADAPTER_SECRET
from tests.e2e.programs import run

SUITES = Path(__file__).parent / "node"
PACKAGE = Path(__file__).parents[2] / "clients" / "nextauth"


async def built(node: str, folder: Path) -> Path:
    """The package's entry, compiled into a folder."""
    shutil.copy(PACKAGE / "package.json", folder)
    compiler = PACKAGE / "node_modules" / "typescript" / "bin" / "tsc"
    said = await run(node, compiler, "--project", PACKAGE / "tsconfig.json", "--outDir", folder / "dist")
    assert said.ok, said.out + said.errors
    return folder / "dist" / "index.js"


async def passes(node: str, suites: str | Iterable[str], gateway_url: str, **environment: str) -> None:
    """Runs suites, several of them in one process; what failed is shown."""
    named = [suites] if isinstance(suites, str) else suites
    script = "".join(f"await import('./{suite}');" for suite in named)
    environment |= {
        "PATH": os.environ["PATH"],
        "GATEPOST_BASE_URL": gateway_url,
        "GATEPOST_ADAPTER_SECRET": ADAPTER_SECRET,
    }
    options = ["--test-reporter=spec", "--test-timeout=60000", "--input-type=module"]
    said = await run(node, *options, "--eval", script, cwd=SUITES, env=environment)
    assert said.ok, said.out.rpartition("failing tests:")[2] + said.errors
    assert "pass 0" not in said.out
