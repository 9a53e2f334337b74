"""What the database keeps of a refresh opens with the presented token alone."""

import hashlib
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from auth_server.domain.secrets import KeyRing, identity_of
from tests.people import refresh


def opened(row, key):
    """The sealed answer in this row, opened from first principles with a key of 32 bytes."""
    sealed, identity = row["sealed_answer"], identity_of("refresh_tokens", str(row["family_id"]), "1")
    return AESGCM(key).decrypt(sealed[1:13], sealed[13:], identity)


def keys_from(secret):
    """Every key that somebody might make of it."""
    for material in (secret, secret.hex().encode(), secret.hex().upper().encode()):
        yield material[:32].ljust(32, b"\0")
        yield hashlib.sha256(material).digest()
        for info in (b"", b"gatepost refresh answer v1"):
            yield HKDF(SHA256(), 32, salt=None, info=info).derive(material)


@pytest.mark.requirement(36, 58)
async def test_no_row_holds_a_token_or_a_request_id(people, sql):
    signed_in, request_id = await people.signed_in(), uuid4()
    pair = await refresh(people, signed_in.refresh_token, request_id=str(request_id))

    rows = await sql.fetch("SELECT token_hash, sealed_answer, request_id_hash FROM refresh_tokens")
    kept = b" ".join(value for row in rows for value in row.values() if value)

    for secret in (signed_in.refresh_token, pair.refresh_token):
        assert secret.encode() not in kept
        assert bytes.fromhex(secret) not in kept
    for text in (str(request_id).encode(), request_id.hex.encode(), request_id.bytes, pair.access_token[-40:].encode()):
        assert text not in kept


@pytest.mark.requirement(58)
async def test_a_kept_answer_opens_with_nothing_of_the_database_nor_the_key_rings(people, sql, settings):
    signed_in, request_id = await people.signed_in(), uuid4()
    await refresh(people, signed_in.refresh_token, request_id=str(request_id))
    rows = await sql.fetch("SELECT * FROM refresh_tokens ORDER BY generation")
    others = await sql.fetch("SELECT sealed FROM signing_keys") + await sql.fetch("SELECT id FROM users")
    rings = [KeyRing.of(ring.get_secret_value()).active[1] for ring in (settings.sealing_keys, settings.peppers)]

    values = [value for row in [*rows, *others] for value in row.values()]
    known = [value if isinstance(value, bytes) else str(value).encode() for value in values if value is not None]

    for secret in (*known, *rings, request_id.bytes):
        for key in keys_from(secret):
            with pytest.raises(InvalidTag):
                opened(rows[1], key)
    right = HKDF(SHA256(), 32, salt=None, info=b"gatepost refresh answer v1").derive(signed_in.refresh_token.encode())
    assert opened(rows[1], right)


@pytest.mark.requirement(38)
async def test_what_was_kept_is_wiped_when_the_successor_is_used(people, sql):
    signed_in, request_id = await people.signed_in(), str(uuid4())
    pair = await refresh(people, signed_in.refresh_token, request_id=request_id)

    await refresh(people, pair.refresh_token, request_id=request_id)

    rows = await sql.fetch("SELECT sealed_answer, request_id_hash FROM refresh_tokens ORDER BY generation")
    assert [(row["sealed_answer"] is None, row["request_id_hash"] is None) for row in rows] == [
        (True, True), (True, True), (False, False),
    ]  # fmt: skip
