"""A real browser, Debian's Chromium: its windows, and what they complained of."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

HOW = "chromium is missing: install it (on Debian: apt-get install chromium) so that it is on PATH"
PATIENCE_MS = 8000.0
# Names that no resolver knows lead here: to a browser they are other sites, and no loopback.
_OTHER_SITES = "--host-resolver-rules=MAP *.test 127.0.0.1"


def find_chromium() -> str | None:
    """The browser's program, if this machine has one."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@asynccontextmanager
async def chromium(program: str) -> AsyncIterator[Browser]:
    """The browser, which runs meanwhile, without a window on a screen."""
    with TemporaryDirectory(prefix="gatepost-chromium-") as home:
        async with async_playwright() as playwright:
            # A home of its own: what it keeps there goes with it, and nobody's own settings come in.
            env: dict[str, Any] = {"HOME": home, "XDG_CONFIG_HOME": str(Path(home) / "config")}
            browser = await playwright.chromium.launch(executable_path=program, args=[_OTHER_SITES], env=env)
            try:
                yield browser
            finally:
                await browser.close()


@dataclass(slots=True)
class Windows:
    """Opens windows, each of a person of its own: no cookie, cache or history is shared."""

    browser: Browser
    complaints: list[str] = field(default_factory=list)
    """What pages threw, and what the console holds as errors, such as a breach of the page's policy."""
    requests: list[str] = field(default_factory=list)
    """The URLs that the windows asked for, in order."""
    opened: list[BrowserContext] = field(default_factory=list)

    async def open(self, *, language: str = "en-GB", script: bool = True, **more: Any) -> Page:
        """An empty window; `language` is what the browser says it reads, `script` whether it runs any."""
        context = await self.browser.new_context(locale=language, java_script_enabled=script, **more)
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("console", lambda said: self._keep(said.text) if said.type == "error" else None)
        context.on("request", lambda request: self.requests.append(request.url))
        self.opened.append(context)
        return await context.new_page()

    def _keep(self, complaint: str) -> None:
        # An answer other than success is no complaint of the page's.
        if not complaint.startswith("Failed to load resource: the server responded with"):
            self.complaints.append(complaint)

    async def close(self) -> None:
        """Closes them all."""
        for context in self.opened:
            await context.close()
