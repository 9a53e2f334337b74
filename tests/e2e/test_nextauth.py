"""NextAuth's own cores and the article's client, in Node.js, against a running Gatepost."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import ADAPTER_SECRET
from tests.e2e.conftest import Needs

NODE_FOLDER = Path(__file__).parent / "node"

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def node(needs: Needs) -> str:
    """The path of Node.js, beside the packages that the suites need."""
    found = shutil.which("node")
    needs(found is not None, "node is missing: install Node.js 20 or newer")
    needs((NODE_FOLDER / "node_modules").is_dir(), "NextAuth is missing: run npm ci --prefix tests/e2e/node")
    assert found is not None
    return found


async def passes(node: str, suite: str, gateway_url: str) -> None:
    """Runs a suite; what it said is shown where it fails."""
    environment = {
        "PATH": os.environ["PATH"],
        "GATEPOST_BASE_URL": gateway_url,
        "GATEPOST_ADAPTER_SECRET": ADAPTER_SECRET,
    }
    process = await asyncio.create_subprocess_exec(
        *[node, "--test-reporter=spec", suite],
        cwd=NODE_FOLDER,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, said.decode()
    assert b"pass 0" not in said


@pytest.mark.requirement(57)
@pytest.mark.parametrize("suite", ["adapter-suite.mjs", "adapter-accounts-suite.mjs", "adapter-sessions-suite.mjs"])
async def test_the_articles_adapter_finds_what_the_cores_rely_on(node: str, suite: str, gateway_url: str) -> None:
    await passes(node, suite, gateway_url)
