"""The examples of our NextAuth package's README, as the compiler sees them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.nextauth import PACKAGE
from tests.e2e.programs import run

STAND_INS = PACKAGE / "types" / "stand-ins"


def examples(text: str) -> list[tuple[str, str]]:
    """The path and content of each file that a part of the README shows."""
    return re.findall(r"```ts\n// (\S+)\n(.*?)```", text, re.DOTALL)


def written(files: list[tuple[str, str]], folder: Path, **aliases: Path) -> Path:
    """A project of these files, and the installed packages; aliases take the place of packages."""
    for path, text in files:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "node_modules").symlink_to(PACKAGE / "node_modules")
    paths = {"gatepost-nextauth": [str(PACKAGE / "src" / "index.ts")]}
    paths |= {name.replace("_", "-"): [str(file)] for name, file in aliases.items()}
    options = {
        "target": "ES2022",
        "lib": ["ES2022", "DOM", "DOM.Iterable"],
        "module": "ESNext",
        "moduleResolution": "bundler",
        "types": [],
        "strict": True,
        "noEmit": True,
        "skipLibCheck": True,
        "esModuleInterop": True,
        "paths": paths,
    }
    include = ["**/*.ts", str(STAND_INS / "next.d.ts")]
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": include}))
    return folder


async def compiles(node: str, project: Path) -> None:
    said = await run(node, PACKAGE / "node_modules" / "typescript" / "bin" / "tsc", "--project", project)
    assert said.ok, said.out + said.errors


@pytest.mark.usefixtures("our_compiler")
async def test_the_examples_fit_into_their_frameworks(node: str, tmp_path: Path) -> None:
    before, _, after = (PACKAGE / "README.md").read_text().partition("### Auth.js v5")
    v4, (*v5, types) = examples(before), examples(after)
    assert [len(v4), len(v5)] == [5, 2]

    await compiles(node, written([*v4, types], tmp_path / "v4"))
    await compiles(node, written([v4[0], *v5], tmp_path / "v5", next_auth=STAND_INS / "next-auth-v5.d.ts"))
