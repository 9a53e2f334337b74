"""What the gateway tells the auth server of the client that it answers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiohttp.web_request import BaseRequest

LONGEST_AGENT_CHARACTERS = 256

# What gRPC takes as the value of metadata.
_OTHER_THAN_PRINTABLE_ASCII = re.compile(r"[^\x20-\x7e]+")


def client_metadata_of(request: BaseRequest) -> Iterator[tuple[str, str]]:
    """The address of the connection, and the user agent as far as metadata holds it."""
    address = request.remote
    if address:
        yield "x-client-address", address.partition("%")[0]  # without the zone of a link-local address
    agent = request.headers.get("User-Agent")
    if agent and (shown := _OTHER_THAN_PRINTABLE_ASCII.sub("", agent[:LONGEST_AGENT_CHARACTERS]).strip()):
        yield "x-client-agent", shown
