"""Our package for NextAuth and Auth.js with their real cores, in Node.js, against a running Gatepost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.nextauth import built, passes

pytestmark = pytest.mark.timeout(60)
in_one_form = pytest.mark.parametrize("shared_gateway_url", ["in one process"], indirect=True)


@pytest.fixture(scope="module")
async def package(node: str, our_compiler: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The entry of the package, compiled."""
    entry: Path = await built(node, tmp_path_factory.mktemp("gatepost-nextauth"))
    return str(entry)


@in_one_form
@pytest.mark.requirement(57)
@pytest.mark.parametrize(
    "suite", ["adapter-suite.mjs", "adapter-accounts-suite.mjs", "adapter-sessions-suite.mjs", "sign-in-suite.mjs"]
)
async def test_the_cores_find_what_they_rely_on(node: str, package: str, suite: str, gateway_url: str) -> None:
    await passes(node, suite, gateway_url, GATEPOST_NEXTAUTH=package)


@in_one_form
@pytest.mark.requirement(57)
async def test_no_failure_on_the_way_becomes_a_session(node: str, package: str, gateway_url: str) -> None:
    await passes(node, "outage-suite.mjs", gateway_url, GATEPOST_NEXTAUTH=package)


@pytest.mark.requirement(57)
async def test_people_log_in_by_password(node: str, package: str, gateway_url: str) -> None:
    await passes(node, "nextauth-login-suite.mjs", gateway_url, GATEPOST_NEXTAUTH=package)
