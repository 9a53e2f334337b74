"""What the gateway tells the auth server of the client that it answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp.web_request import BaseRequest

LONGEST_AGENT_CHARACTERS = 256
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# What gRPC takes as the value of metadata.
_OTHER_THAN_PRINTABLE_ASCII = re.compile(r"[^\x20-\x7e]+")
# What proxies write: an address, or one with a port; of IPv6 then in brackets.
_HOP = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[0-9.]+))(?::\d+)?")


def client_metadata_of(request: BaseRequest, proxies: Sequence[Network]) -> Iterator[tuple[str, str]]:
    """The client's address, and the user agent as far as metadata holds it.

    The address is the connection's, or where one of these proxies is at its other end the one that they tell.
    """
    address = address_of(request, proxies) if proxies else (request.remote or "").partition("%")[0]
    if address:
        yield "x-client-address", address
    agent = request.headers.get("User-Agent")
    if agent and (shown := _OTHER_THAN_PRINTABLE_ASCII.sub("", agent[:LONGEST_AGENT_CHARACTERS]).strip()):
        yield "x-client-agent", shown


def address_of(request: BaseRequest, proxies: Sequence[Network]) -> str | None:
    """The rightmost address of X-Forwarded-For that is none of these proxies'.

    Each proxy adds the address that it was called from at the right, so what stands left of a stranger is that
    stranger's word alone (OWASP ASVS 5.0, 4.1.3). None where a proxy tells no address: then it calls by itself. A text
    that is no address ends the search at the proxy that it came from.
    """
    found = _address_of(request.remote or "")
    hops = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
    told = [hop for hop in map(str.strip, hops) if hop]
    if found is not None and not told and _is_among(found, proxies):
        return None
    while found is not None and told and _is_among(found, proxies):
        before = _address_of(told.pop())
        if before is None:
            break
        found = before
    return str(found) if found is not None else None


def _address_of(text: str) -> Address | None:
    """The address without its port and zone; one of IPv4 as such where it is written as one of IPv6."""
    hop = _HOP.fullmatch(text)
    try:
        found = ip_address((hop["v6"] or hop["v4"] if hop else text).partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _is_among(address: Address, proxies: Sequence[Network]) -> bool:
    return any(address in network for network in proxies)
