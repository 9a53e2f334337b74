"""Another site, which shows a browser what the test wants and counts what it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(slots=True)
class Stranger:
    """A site that is none of ours."""

    url: str = ""
    page: str = ""
    """The HTML of each of its pages."""
    asked: list[str] = field(default_factory=list)
    """The paths that it was asked for, in order."""

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(request.raw_path)
        return web.Response(text=self.page, content_type="text/html")


@asynccontextmanager
async def stranger() -> AsyncIterator[Stranger]:
    """The site, which is reached meanwhile by a name that only the browsers of tests know."""
    site = Stranger()
    runner = web.ServerRunner(web.Server(site.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://evil.test:{runner.addresses[0][1]}"
    yield site
    await runner.cleanup()
