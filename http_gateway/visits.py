"""One HTTP request on its way through the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aiohttp import web
from aiohttp.web_request import BaseRequest

from http_gateway.problems import Manners


@dataclass(slots=True)
class Visit:
    """A request whose route is found."""

    request: BaseRequest
    request_id: str
    values: tuple[str, ...]
    """The values of the path's fields, decoded, in order."""
    query: str
    """The query string as it was received."""


class Route(Protocol):
    """What answers the visits of one verb and path."""

    @property
    def name(self) -> str:
        """Verb and path template; holds no value of a request."""

    @property
    def manners(self) -> Manners:
        """How refusals are worded here."""

    async def answer(self, visit: Visit) -> web.StreamResponse:
        """The answer to a visit.

        Raises:
            RefusedError: the visit gets a problem instead.
        """
