"""What docs/second-factors.md shows to paste, in a shell, against a running Gatepost."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import asyncpg
import pytest

from tests.e2e.programs import run
from tests.people import People

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "second-factors.md").read_text("utf-8")
ADA = "ada@example.com"
"""Who has registered in the README's tour."""


@pytest.mark.parametrize("shared_gateway_url", ["in one process"], indirect=True)
@pytest.mark.requirement(30, 31)
async def test_what_the_page_shows_to_paste_does_what_it_says(
    gateway_url: str, people: People, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    await people.registered(ADA, "a long way to Tipperary")
    await sql.execute("UPDATE users SET email_verified = now()")
    pasted = tmp_path / "pasted"
    pasted.write_text("\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)))

    said = await run("bash", "-eu", pasted, env={"PATH": os.environ["PATH"], "HTTP": gateway_url})

    assert said.ok, said.errors
    begun, confirmed, completed, shown, removed = map(json.loads, said.out.splitlines())
    assert begun["uri"].startswith("otpauth://totp/")
    assert len(confirmed["recoveryCodes"]) == 10
    assert completed["user"]["email"] == ADA
    assert (shown["active"], shown["recoveryCodesLeft"]) == (True, 9)
    assert removed == {}
    assert await sql.fetchval("SELECT count(*) FROM second_factors") == 0
