"""Serves ASGI applications as production does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The URL of the application, which a real server serves meanwhile."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, ws="wsproto", lifespan="on")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Not by serve() and shutdown(), which wait in steps of a tenth of a second.
    await server.startup([listener])
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    for each in server.servers:
        each.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    while server.server_state.connections:  # noqa: ASYNC110 (uvicorn tells nobody)
        await asyncio.sleep(0.005)
    await server.lifespan.shutdown()
