"""Writes the filter of common and breached passwords from the lists that it is made of.

    npm pack @zxcvbn-ts/language-common@4.1.3
    pip download --no-deps django==5.2.19
    python scripts/common_passwords.py FOLDER       (where the two files are)

The same lists make the same filter on every machine.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import tarfile
import zipfile
from pathlib import Path

from auth_server.domain.bloom_filters import BloomFilter
from auth_server.domain.password_rules import LEAST_CHARACTERS, folded
from auth_server.outside.password_lists import COMMON_PASSWORDS

FALSE_POSITIVES = 1e-6
ZXCVBN = ("zxcvbn-ts-language-common-4.1.3.tgz", "package/src/passwords.json")
ZXCVBN_SHA256 = "f422773d94d630f27e08b26d7017e847bb1feb2a84809340e9c0b0c47b33e3f1"
DJANGO = ("django-5.2.19-py3-none-any.whl", "django/contrib/auth/common-passwords.txt.gz")
DJANGO_SHA256 = "29ca0fa5303165f012f3e9775e3e95a3071cdd59f219973ec1cbb308d0214a6f"


def main() -> None:
    """Writes the filter and says what it holds."""
    if len(sys.argv) != 2 or sys.argv[1] in {"-h", "--help"}:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    made = BloomFilter.of(folded_of([*of_zxcvbn(folder), *of_django(folder)]), FALSE_POSITIVES)
    COMMON_PASSWORDS.write_bytes(made.stored)
    print(
        f"{made.size} passwords, {len(made.stored)} bytes, {made.false_positives:.1e} of others seem to be among them"
    )


def folded_of(passwords: list[str]) -> set[str]:
    """Those that are long enough to be asked about, as they are asked about."""
    return {entry for entry in map(folded, passwords) if len(entry) >= LEAST_CHARACTERS}


def of_zxcvbn(folder: Path) -> list[str]:
    """The list of zxcvbn-ts, which began as Mark Burnett's of ten million."""
    archive, member = ZXCVBN
    with tarfile.open(folder / archive) as opened:
        file = opened.extractfile(member)
        text = file.read() if file else b""
    passwords: list[str] = json.loads(checked(text, ZXCVBN_SHA256))
    return passwords


def of_django(folder: Path) -> list[str]:
    """The list of Django, by Royce Williams from what Have I Been Pwned counts."""
    archive, member = DJANGO
    with zipfile.ZipFile(folder / archive) as opened:
        text = gzip.decompress(opened.read(member))
    return checked(text, DJANGO_SHA256).decode().splitlines()


def checked(text: bytes, sha256: str) -> bytes:
    """The text, which is the one that we looked at."""
    if hashlib.sha256(text).hexdigest() != sha256:
        sys.exit("a list is not the one that this script was written for")
    return text


if __name__ == "__main__":
    main()
