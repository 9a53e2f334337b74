"""Argon2id (RFC 9106): the PHC string, as argon2-cffi and passlib write it, and Django's."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from argon2.low_level import Type, core, error_to_str, ffi

from auth_server.domain.imported_hashes.formats import (
    FEWEST_DIGEST_BYTES,
    MOST_DIGEST_BYTES,
    MOST_MEMORY_BYTES,
    MOST_SALT_BYTES,
    HashRefusedError,
    decoded,
    fields,
    number,
    pairs,
)

VERSION = 19
MOST_KIBIBYTES = MOST_MEMORY_BYTES // 1024
MOST_WORK_KIBIBYTES = 2**19
"""Memory times passes: 0.6 s; RFC 9106's second choice (64 MiB, 3 passes) is 196,608, Django's 204,800."""
MOST_LANES = 16
_FEWEST_SALT_BYTES = 8  # RFC 9106, section 3.1


@dataclass(frozen=True, slots=True)
class Argon2idHash:
    """An Argon2id hash; `cost` is KiB of memory times passes."""

    salt: bytes
    digest: bytes
    passes: int
    kibibytes: int
    lanes: int
    format: str = "argon2id"

    @property
    def cost(self) -> int:
        """KiB of memory times passes."""
        return self.kibibytes * self.passes

    def matches(self, password: bytes) -> bool:
        """Whether it is of this password, by one thread: the lanes are computed one after the other.

        The function for raw hashes would start a thread a lane, beside those that the hash pool bounds and whose time
        is measured.
        """
        out = ffi.new("uint8_t[]", len(self.digest))
        secret, salt = ffi.new("uint8_t[]", password), ffi.new("uint8_t[]", self.salt)
        given = {  # what is not given is zero, as are the default flags
            "version": VERSION,
            "out": out,
            "outlen": len(self.digest),
            "pwd": secret,
            "pwdlen": len(password),
            "salt": salt,
            "saltlen": len(self.salt),
            "t_cost": self.passes,
            "m_cost": self.kibibytes,
            "lanes": self.lanes,
            "threads": 1,
        }
        code = core(ffi.new("argon2_context *", given), Type.ID.value)
        if code:
            raise MemoryError(error_to_str(code))  # all else was ruled out when the hash was read
        return hmac.compare_digest(bytes(ffi.buffer(out)), self.digest)


def read(text: str) -> Argon2idHash:
    """The hash that is spelt so.

    Raises:
        HashRefusedError: it is none, of a version before 1.3, or costs too much.
    """
    _, _, version, costs, salt, digest = fields(text.removeprefix("argon2"), 6)
    if version != f"v={VERSION}":
        raise HashRefusedError(f"its version is not {VERSION}")
    memory, passes, lanes = pairs(costs, "m", "t", "p")
    found = Argon2idHash(
        decoded(salt, "its salt", least=_FEWEST_SALT_BYTES, most=MOST_SALT_BYTES),
        decoded(digest, "its digest", least=FEWEST_DIGEST_BYTES, most=MOST_DIGEST_BYTES),
        number(passes, "its t", most=MOST_WORK_KIBIBYTES),
        number(memory, "its m", least=8, most=MOST_KIBIBYTES),
        number(lanes, "its p", most=MOST_LANES),
    )
    if found.kibibytes < 8 * found.lanes:
        raise HashRefusedError("its m is less than 8 p")
    if found.cost > MOST_WORK_KIBIBYTES:
        raise HashRefusedError(f"its m times t is {found.cost}, and must be {MOST_WORK_KIBIBYTES} at the most")
    return found
