"""Lists of passwords that are known to those who guess: the one that we ship, and the operator's own."""

from __future__ import annotations

from pathlib import Path

from auth_server.domain.bloom_filters import BloomFilter
from auth_server.domain.password_rules import folded

COMMON_PASSWORDS = Path(__file__).parent / "passwords" / "common.bloom"
MOST_LINES = 1_000_000  # some 100 MB of memory


class PasswordListError(Exception):
    """The operator's list cannot be used; the text says why."""


def common_passwords() -> BloomFilter:
    """Common and breached passwords of 8 characters and more, folded; passwords/NOTICE.md says whose lists they are."""
    return BloomFilter.read(COMMON_PASSWORDS.read_bytes())


def listed_passwords(path: Path | None) -> frozenset[str]:
    """The passwords of a file, one a line, folded; none without a file.

    Raises:
        PasswordListError: it cannot be read, is not UTF-8, or is too long.
    """
    if path is None:
        return frozenset()
    listed: set[str] = set()
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if number > MOST_LINES:
                    raise PasswordListError(f"the list of passwords {path} has more than {MOST_LINES} lines")
                # Spaces count in a password, the end of a line does not.
                listed.add(folded(line.rstrip("\r\n")))
    except OSError as error:
        raise PasswordListError(f"the list of passwords {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PasswordListError(f"the list of passwords {path} is not UTF-8") from error
    return frozenset(listed - {""})
