"""Reads the compact form of signed tokens, strictly (RFC 7515, RFC 8725)."""

from __future__ import annotations

import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from gatepost_client.errors import AccessTokenInvalidError

LONGEST_TOKEN_CHARACTERS = 8 * 1024
TYPE = "at+jwt"
# What our tokens carry. Anything else (jwk, jku, x5u, crit, b64) would ask to be believed or understood.
HEADER = frozenset({"alg", "typ", "kid"})

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)").fullmatch
_TO_BASE64 = bytes.maketrans(b"-_", b"+/")
_PADDING = (b"", b"", b"==", b"=")


@dataclass(frozen=True, slots=True)
class Token:
    """A token in its parts; nothing of it is believed before its signature is."""

    algorithm: str
    key_id: str
    signed: bytes
    payload: str
    signature: bytes


def read(text: str) -> Token:
    """The token's parts.

    Raises:
        AccessTokenInvalidError: malformed, too long, of another type, or with a header that is not ours.
    """
    # As a length check comes first, a huge text costs nothing.
    found = _COMPACT(text) if len(text) <= LONGEST_TOKEN_CHARACTERS else None
    if found is None:
        raise AccessTokenInvalidError("form")
    head, payload, signature = found.groups()
    header = _object_of(head)
    if header.keys() != HEADER or header["typ"] != TYPE:
        raise AccessTokenInvalidError("header")
    algorithm, key_id = header["alg"], header["kid"]
    if not isinstance(algorithm, str) or not isinstance(key_id, str):
        raise AccessTokenInvalidError("header")
    return Token(algorithm, key_id, text[: found.end(2)].encode("ascii"), payload, _signature_of(signature))


def payload_of(token: Token) -> dict[str, Any]:
    """The claims of a token whose signature is good.

    Raises:
        AccessTokenInvalidError: they are no JSON object.
    """
    return _object_of(token.payload)


def _object_of(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_decoded(part))
    except (ValueError, RecursionError):
        raise AccessTokenInvalidError("form") from None
    if not isinstance(value, dict):
        raise AccessTokenInvalidError("form")
    return value


def _signature_of(part: str) -> bytes:
    try:
        signature = _decoded(part)
    except ValueError:
        raise AccessTokenInvalidError("form") from None
    # The last character has bits that say nothing: one signature has one text.
    if binascii.b2a_base64(signature, newline=False).rstrip(b"=") != part.encode().translate(_TO_BASE64):
        raise AccessTokenInvalidError("form")
    return signature


def _decoded(part: str) -> bytes:
    """The bytes of base64url without padding.

    Raises:
        ValueError: no text has so many characters.
    """
    return binascii.a2b_base64(part.encode("ascii").translate(_TO_BASE64) + _PADDING[len(part) % 4])
