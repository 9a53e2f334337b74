"""The database's URL as people write it, and as asyncpg takes it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

# What Prisma adds for itself (the article's URL has them); PostgreSQL would refuse the connection for them.
PRISMAS_OWN = frozenset(
    {
        "channel_binding",
        "connect_timeout",
        "connection_limit",
        "pgbouncer",
        "pool_timeout",
        "single_use_connections",
        "socket_timeout",
        "sslaccept",
        "sslidentity",
        "sslpassword",
        "statement_cache_size",
    }
)


def connection_options(url: str, application_name: str) -> dict[str, Any]:
    """What asyncpg.connect takes for this URL; Prisma's `schema` becomes the search path.

    Raises:
        ValueError: the URL cannot be read.
    """
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if name not in PRISMAS_OWN and name != "schema"]
    settings = {"application_name": application_name}
    schema = dict(query).get("schema", "public")
    if schema != "public":
        settings["search_path"] = '"' + schema.replace('"', '""') + '"'
    dsn = urlunsplit(parts._replace(query=urlencode(kept, safe="/")))
    return {"dsn": dsn, "server_settings": settings}
