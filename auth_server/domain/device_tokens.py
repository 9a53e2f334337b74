"""Device tokens: what makes a device known to an address's logins (OWASP community page "Device Cookies").

Who has one has once signed in with that address, or reset its password, on that device. It signs nobody in: it only
says that wrong passwords of strangers are not this device's. Nobody looks a user up to judge one, so it tells nothing
of which users there are.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth_server.domain.secrets import identity_of

LIFE = timedelta(days=180)
ID_BYTES = 16
EXPIRY_BYTES = 6
_FORM = re.compile(rf"01[0-9a-f]{{{2 * (EXPIRY_BYTES + ID_BYTES + 32)}}}")


@dataclass(frozen=True, slots=True, repr=False)
class DeviceTokens:
    """Makes device tokens under the first key, and judges them under all.

    `01`, the expiry in seconds since 1970, the device's id and an HMAC-SHA-256 over both and the address, in hex, which
    JavaScript never takes for a date.
    """

    keys: tuple[bytes, ...]

    def make(self, email: str, now: datetime, device_id: str | None = None) -> str:
        """A token for this address: of the device that is known already, or of a new one."""
        device = bytes.fromhex(device_id) if device_id else secrets.token_bytes(ID_BYTES)
        head = b"\x01" + int((now + LIFE).timestamp()).to_bytes(EXPIRY_BYTES, "big") + device
        return (head + _mac(self.keys[0], head, email)).hex()

    def known_device(self, token: str, email: str, now: datetime) -> str | None:
        """The id of the token's device; None where the token is not ours, has expired or is of another address."""
        if not _FORM.fullmatch(token):
            return None
        made = bytes.fromhex(token)
        head, mac = made[: 1 + EXPIRY_BYTES + ID_BYTES], made[1 + EXPIRY_BYTES + ID_BYTES :]
        if not any(hmac.compare_digest(mac, _mac(key, head, email)) for key in self.keys):
            return None
        expires = int.from_bytes(head[1 : 1 + EXPIRY_BYTES], "big")
        return head[1 + EXPIRY_BYTES :].hex() if now.timestamp() < expires else None


def _mac(key: bytes, head: bytes, email: str) -> bytes:
    address = email.encode().lower().decode()  # ASCII alone, as the database compares addresses
    return hmac.digest(key, head + identity_of(address), hashlib.sha256)
