"""Carries out a Dockerfile without a container engine: its steps in order, each stage in a folder as its root."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Shell = Callable[[str, Path, Mapping[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction, such as RUN, with what follows it."""

    word: str
    rest: str


@dataclass
class Stage:
    """What a FROM begins."""

    name: str
    base: str
    steps: list[Step] = field(default_factory=list)

    def last(self, word: str) -> str | None:
        """What the last such instruction says, which is the one that counts."""
        return next((step.rest for step in reversed(self.steps) if step.word == word), None)

    def program(self, word: str) -> list[str]:
        """The words of an ENTRYPOINT or CMD in its JSON form."""
        words: list[str] = json.loads(self.last(word) or "[]")
        return words

    @property
    def variables(self) -> dict[str, str]:
        """What ENV sets."""
        pairs = (pair for step in self.steps if step.word == "ENV" for pair in step.rest.split())
        return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def stages_of(text: str) -> list[Stage]:
    """The stages of a Dockerfile, in order."""
    stages: list[Stage] = []
    for step in _steps_of(text):
        if step.word == "FROM":
            base, _, name = re.sub(r"--\S+\s+", "", step.rest).partition(" AS ")
            stages.append(Stage(name or str(len(stages)), base))
        elif stages:
            stages[-1].steps.append(step)
    return stages


def _steps_of(text: str) -> Iterator[Step]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word:
            yield Step(word.upper(), rest.strip())


class Builder:
    """Builds stages one after the other, every one at the same root, as in an engine; earlier ones are set aside."""

    def __init__(self, folder: Path, context: Path, shell: Shell) -> None:
        self.root = folder / "root"
        self._aside = folder / "stages"
        self._context = context
        self._shell = shell

    async def build(self, stages: list[Stage]) -> None:
        """Builds all; the last one stands at the root in the end."""
        self._aside.mkdir()
        for before, stage in zip([None, *stages], stages, strict=False):
            if before:
                self.root.rename(self._aside / before.name)
            self.root.mkdir()
            await self._carry_out(stage)

    def inside(self, text: str) -> str:
        """The text with the paths of the image as they are here."""
        return re.sub(r"(?<![\w./:$}])/(?=(opt|build|app|srv|code)\b)", f"{self.root}/", text)

    async def _carry_out(self, stage: Stage) -> None:
        workdir = self.root
        variables: dict[str, str] = {}
        for step in stage.steps:
            if step.word == "WORKDIR":
                workdir = self.root / step.rest.lstrip("/")
                workdir.mkdir(parents=True, exist_ok=True)
            elif step.word == "ENV":
                variables = stage.variables
            elif step.word == "COPY":
                self._copy(step.rest, workdir)
            elif step.word == "RUN":
                await self._shell(self.inside(step.rest), workdir, variables)

    def _copy(self, rest: str, workdir: Path) -> None:
        *sources, target = rest.split()
        source_root = self._context
        if sources[0].startswith("--from="):
            source_root = self._aside / sources.pop(0).removeprefix("--from=")
        place = self.root / target.lstrip("/") if target.startswith("/") else workdir / target
        for source in sources:
            found = source_root / source.lstrip("/")
            if found.is_dir():
                shutil.copytree(found, place, symlinks=True, dirs_exist_ok=True)
            else:
                to = place / found.name if target.endswith("/") else place
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(found, to)
