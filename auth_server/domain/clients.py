"""The client that a call comes from: its address, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import unquote

LONGEST_AGENT_CHARACTERS = 256
LONGEST_ADDRESS_CHARACTERS = 45  # IPv6, the last 32 bits of it written as IPv4
MOST_KNOWN = 4096
"""How many texts are remembered as they are read: reading those of a call takes as long as sealing an event."""
BLOCK_BITS = {4: 24, 6: 56}
NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Client:
    """Where a call comes from; each is None where it is not known."""

    address: str | None = None
    """An IP address."""
    agent: str | None = None
    """The user agent, as the client names itself."""

    @property
    def block(self) -> str | None:
        """The block of addresses that most likely are one party's: /24 of IPv4, /56 of IPv6 (RIPE-690, 4.2).

        An address of IPv6 that is made of one of IPv4 lies in the block of that one: behind NAT64 all of IPv4 would
        else be one block, and by 6to4 each of its addresses 256.
        """
        if self.address is None:
            return None
        address = ip_address(self.address)
        if isinstance(address, IPv6Address):
            address = _ipv4_in(address) or address
        return str(ip_network((address, BLOCK_BITS[address.version]), strict=False))


def client_of(address: object, agent: object) -> Client:
    """The client of these texts; what is no IP address counts as none, and of an agent its printable beginning."""
    # Cut before they are remembered: who calls may make them of any length.
    return _client_of(
        address.partition("%")[0][: LONGEST_ADDRESS_CHARACTERS + 1] if isinstance(address, str) else None,
        agent[:LONGEST_AGENT_CHARACTERS] if isinstance(agent, str) else None,
    )


@lru_cache(MOST_KNOWN)
def address_of_peer(peer: str) -> str:
    """The IP address of a gRPC peer, such as `ipv4:192.0.2.1:4711` or `ipv6:%5B2001:db8::1%5D:4711`; else empty."""
    kind, _, rest = unquote(peer).partition(":")
    if kind not in ("ipv4", "ipv6"):
        return ""
    return rest.rpartition(":")[0].strip("[]")


def _ipv4_in(address: IPv6Address) -> IPv4Address | None:
    """The address of IPv4 that this one was made of: by 6to4 (RFC 3056) or NAT64 (RFC 6052, 2.1)."""
    if address in NAT64:
        return IPv4Address(address.packed[-4:])
    return address.sixtofour


@lru_cache(MOST_KNOWN)
def _client_of(address: str | None, agent: str | None) -> Client:
    shown = "".join(each for each in agent or "" if each.isprintable())
    return Client(_canonical(address) if address else None, shown or None)


def _canonical(address: str) -> str | None:
    """The address, whose zone may be any text; one of IPv4 as such where it comes over a socket of IPv6."""
    if len(address) > LONGEST_ADDRESS_CHARACTERS:
        return None
    try:
        found = ip_address(address)
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)
