"""Where a gateway is reached that listens on an address."""

from __future__ import annotations


def http_url_of(host: str, port: int) -> str:
    """The URL without a slash at its end; who listens on all addresses is reached at the loopback one."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  nothing binds here
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
