"""Answers to refreshes, sealed so that only the token that was presented opens them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from auth_server.domain.access_tokens import AccessToken
from auth_server.domain.refresh_tokens import TokenPair
from auth_server.domain.secrets import KEY_BYTES, NONCE_BYTES, SealBrokenError, identity_of

PURPOSE = b"gatepost refresh answer v1"
SEALED_V1 = b"\x01"


def seal_answer(pair: TokenPair, token: str, family_id: UUID, generation: int) -> bytes:
    """The pair that this token of the family's generation is exchanged for, sealed with AES-256-GCM."""
    nonce = os.urandom(NONCE_BYTES)
    expires = int(pair.access_token.expires.timestamp())
    answer = orjson.dumps([pair.access_token.text, pair.refresh_token, expires])
    return SEALED_V1 + nonce + _cipher(token).encrypt(nonce, answer, _identity(family_id, generation))


def open_answer(sealed: bytes, token: str, family_id: UUID, generation: int) -> TokenPair:
    """The pair that was sealed, to the letter.

    Raises:
        SealBrokenError: it was sealed for another token, or changed or moved since.
    """
    nonce, text = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    if sealed[:1] != SEALED_V1:
        raise SealBrokenError
    try:
        answer = _cipher(token).decrypt(nonce, text, _identity(family_id, generation))
    except (InvalidTag, ValueError):
        raise SealBrokenError from None
    access_token, refresh_token, expires = orjson.loads(answer)
    return TokenPair(AccessToken(access_token, datetime.fromtimestamp(expires, tz=UTC)), refresh_token)


def _cipher(token: str) -> AESGCM:
    """The cipher of a key that follows from the token alone, which is nowhere kept.

    HKDF (RFC 5869) without a salt: the token itself is 256 random bits. The token's hash in the database is no way to
    the key.
    """
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=PURPOSE).derive(token.encode()))


def _identity(family_id: UUID, generation: int) -> bytes:
    return identity_of("refresh_tokens", str(family_id), str(generation))
