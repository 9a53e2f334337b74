"""Device tokens: what makes a device known to an address's logins (OWASP community page "Device Cookies").

Who has one has once signed in with that address, or set its password, on that device. It signs nobody in: it only
says that wrong passwords of strangers are not this device's. Nobody looks a user up to judge one, so it tells nothing
of which users there are.

It also says under which password it was made. Whoever knew the one before, as somebody who had registered the address
before its owner came, or had it before it was given to another, so shares no tries with those who know the present one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth_server.domain.secrets import identity_of

LIFE = timedelta(days=180)
ID_BYTES = 16
EXPIRY_BYTES = 6
GENERATION_BYTES = 8
_HEAD_BYTES = 1 + EXPIRY_BYTES + GENERATION_BYTES + ID_BYTES
_FORM = re.compile(rf"02[0-9a-f]{{{2 * (_HEAD_BYTES - 1 + 32)}}}")


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device that has once proven an address's password."""

    id: str
    generation: str
    """Of all devices that proved the same password of the same user."""


def generation_of(user_id: UUID, password_version: int | None) -> str:
    """What the devices have in common that prove this password of this user."""
    made = hashlib.sha256(identity_of("devices", str(user_id), str(password_version))).digest()
    return made[:GENERATION_BYTES].hex()


@dataclass(frozen=True, slots=True, repr=False)
class DeviceTokens:
    """Makes device tokens under the first key, and judges them under all.

    `02`, the expiry in seconds since 1970, the generation, the device's id and an HMAC-SHA-256 over these and the
    address, in hex, which JavaScript never takes for a date.
    """

    keys: tuple[bytes, ...]

    def make(self, email: str, generation: str, now: datetime, device_id: str | None = None) -> str:
        """A token for this address: of the device that is known already, or of a new one."""
        device = bytes.fromhex(device_id) if device_id else secrets.token_bytes(ID_BYTES)
        expires = int((now + LIFE).timestamp()).to_bytes(EXPIRY_BYTES, "big")
        head = b"\x02" + expires + bytes.fromhex(generation) + device
        return (head + _mac(self.keys[0], head, email)).hex()

    def find_device(self, token: str, email: str, now: datetime) -> KnownDevice | None:
        """The token's device; None where the token is not ours, has expired or is of another address."""
        if not _FORM.fullmatch(token):
            return None
        made = bytes.fromhex(token)
        head, mac = made[:_HEAD_BYTES], made[_HEAD_BYTES:]
        if not any(hmac.compare_digest(mac, _mac(key, head, email)) for key in self.keys):
            return None
        expires = int.from_bytes(head[1 : 1 + EXPIRY_BYTES], "big")
        if now.timestamp() >= expires:
            return None
        return KnownDevice(head[-ID_BYTES:].hex(), head[1 + EXPIRY_BYTES : -ID_BYTES].hex())


def _mac(key: bytes, head: bytes, email: str) -> bytes:
    address = email.encode().lower().decode()  # ASCII alone, as the database compares addresses
    return hmac.digest(key, head + identity_of(address), hashlib.sha256)
