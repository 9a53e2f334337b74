"""The page for people, made from the OpenAPI document."""

from __future__ import annotations

from http_gateway.headers import CACHEABLE, headers_for

DOCS_HEADERS = headers_for("text/html; charset=utf-8", Cache_Control=CACHEABLE)


def docs_page(openapi: bytes) -> bytes:
    """The page as HTML."""
    return b"<!doctype html><pre>" + openapi
