"""Whether the way to the database is one that somebody else can stand in."""

from __future__ import annotations

import os
from urllib.parse import parse_qsl, unquote, urlsplit

from http_gateway.loopback import is_loopback

VERIFIED = frozenset({"verify-ca", "verify-full"})


def leaves_the_machine_unverified(url: str) -> bool:
    """Whether statements go to another machine, and nothing makes sure that it is the one that is meant.

    Of libpq's modes only verify-ca and verify-full look at whose certificate it is; the default takes plaintext as well
    (PostgreSQL's manual, SSL support, table "SSL mode descriptions").
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    hosts = query.get("host") or unquote(parts.netloc.rpartition("@")[2]) or os.environ.get("PGHOST", "")
    mode = query.get("sslmode") or os.environ.get("PGSSLMODE", "")
    return mode not in VERIFIED and not all(_is_here(each) for each in hosts.split(","))


def _is_here(host: str) -> bool:
    """Whether it is this machine itself, be it by a folder of Unix sockets; with or without a port."""
    if host.startswith("["):
        return is_loopback(host.partition("]")[0].removeprefix("["))
    bare = host.partition(":")[0]
    return not bare or bare.startswith("/") or is_loopback(bare)
