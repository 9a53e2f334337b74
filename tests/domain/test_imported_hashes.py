"""Hashes of other systems, each by vectors that the libraries named beside them made."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_server.domain.imported_hashes import FORMATS, HashRefusedError, read

PASSWORD = "p\N{LATIN SMALL LETTER A WITH DIAERESIS}ssword \N{CHECK MARK}"
# Of the project in the README of github.com/firebase/scrypt, as its hash is.
SIGNER_KEY = base64.b64decode(
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
)
FIREBASE = (
    "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==$42xEC+ixf3L2lw==$"
    "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
)
BCRYPT = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

VECTORS = {
    # crypt_blowfish 1.3 (wrapper.c, test_data), whose $2a$, $2b$ and $2y$ are the same for these passwords
    f"$2a$05${BCRYPT}": ("bcrypt", 32, "U*U"),
    f"$2b$05${BCRYPT}": ("bcrypt", 32, "U*U"),
    f"$2y$05${BCRYPT}": ("bcrypt", 32, "U*U"),
    # Django 5.2
    "bcrypt$$2b$04$YmYg4GzT6tU2CT/C61Lr9uT9iFuY4.mIJwYXkIiCdSkM5cyfH3Ary": ("bcrypt", 16, PASSWORD),
    "bcrypt_sha256$$2b$04$dUfdsv9euf8LcWFUdqo8K.urnCOg/lnLwKCwL/nUmvcPeT15vVQs6": ("bcrypt", 16, PASSWORD),
    "argon2$argon2id$v=19$m=64,t=1,p=2$c2Vhc2FsdDIwMjU$yLHny4UYU1g+Ff7T/nOgKqgN+KSPlARuN0ORoK11ndA": (
        "argon2id",
        64,
        PASSWORD,
    ),
    "pbkdf2_sha256$1000$seasalt2025$lOns6bX6tYK/CSom7WoNCidFz7UHsvBGI2ZIqKtRDjs=": ("pbkdf2-sha256", 1000, PASSWORD),
    "pbkdf2_sha1$1000$seasalt2025$NConTZ0Qlmv/LHHP9ppr6q9Z2DQ=": ("pbkdf2-sha1", 1000, PASSWORD),
    "scrypt$256$seasalt2025$8$5$"
    "Q8VyXeGky/lkYhWNVQQJttGY7pi1tWOJBZWsvIi/XHtj5h72w6OFUBY08SZqVCU4RtfPMa3XAV5Fhxq0IIm+Yw==": (
        "scrypt",
        10240,
        PASSWORD,
    ),
    # argon2-cffi 25.1
    "$argon2id$v=19$m=256,t=2,p=2$XTVL1dBsWFTXOfR8hDjEUg$GdCWYiDLoYedERMlNvkjj6nak2vQ3p95J3+lMJ3j89Q": (
        "argon2id",
        512,
        PASSWORD,
    ),
    # the reference implementation's test.c, of phc-winner-argon2
    "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc": (
        "argon2id",
        512,
        "password",
    ),
    # passlib 1.7.4
    "$pbkdf2$1000$BOAcg3Cu1fqf07rXGgNAyA$uQCr/WxFrJOX5R0MRG0gCzfPJk0": ("pbkdf2-sha1", 1000, PASSWORD),
    "$pbkdf2-sha256$1000$D4FwDuE8p3TuvTcmZGwNIQ$kMyxpGFYFMSwlSC3Vu943yr4dAeKxju./reEnnmzD0Q": (
        "pbkdf2-sha256",
        1000,
        PASSWORD,
    ),
    "$pbkdf2-sha512$1000$X4ux1hqjVIqxVkqJESIkZA$3CMMpiPvD/FuIhpu8.y3JrvidqimLkzhHYu8Lbhejpc2MKuVmog9"
    ".PnUxMg8vs/8mpPU94hFCv9Nu/h.1nmUYA": ("pbkdf2-sha512", 1000, PASSWORD),
    "$scrypt$ln=8,r=8,p=1$Ruid0/p/D0HIea8VYgzh3A$5dYATyktjf5Q1zQm8J0HXSoFe/xZrfoBYqzLRZnlBio": (
        "scrypt",
        2048,
        PASSWORD,
    ),
    "$P$6u1PjYdBD.k2x8rvGfVyutnByeWU/l.": ("phpass", 256, PASSWORD),
    "$H$6b5oZFJ68TeJ2utIWEG1Sr/zuY9o0n0": ("phpass", 256, PASSWORD),
    # test.php of phpass 0.5
    "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0": ("phpass", 2048, "test12345"),
    FIREBASE: ("firebase", 2**17, "user1password"),
}


@pytest.mark.requirement(24)
@pytest.mark.parametrize("text", VECTORS, ids=lambda text: text[:24])
def test_a_hash_of_another_system_matches_its_password_and_no_other(text: str) -> None:
    format_, cost, password = VECTORS[text]

    found = read(text, SIGNER_KEY)

    assert (found.format, found.cost) == (format_, cost)
    assert found.matches(password.encode())
    assert not found.matches(password.encode() + b"x")


@pytest.mark.requirement(24)
def test_there_is_a_vector_for_every_format() -> None:
    assert {format_ for format_, _, _ in VECTORS.values()} == set(FORMATS)


@pytest.mark.requirement(24)
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"$2b$15${BCRYPT}", "its cost is 15"),
        (f"$2b$03${BCRYPT}", "its cost is 3"),
        ("$argon2id$v=19$m=131073,t=1,p=1$c29tZXNhbHQ$" + "A" * 43, "its m is 131073"),
        ("$argon2id$v=19$m=131072,t=5,p=1$c29tZXNhbHQ$" + "A" * 43, "its m times t is 655360"),
        ("$argon2id$v=19$m=256,t=4294967295,p=1$c29tZXNhbHQ$" + "A" * 43, "its t is"),
        ("$argon2id$v=19$m=256,t=1,p=33$c29tZXNhbHQ$" + "A" * 43, "its p is 33"),
        ("$argon2id$v=19$m=15,t=1,p=2$c29tZXNhbHQ$" + "A" * 43, "its m is less than 8 p"),
        ("$argon2id$v=19$m=256,t=1,p=1$c29tZXNhbHQ$" + "A" * 400, "its digest has 300 bytes"),
        ("$argon2id$v=16$m=256,t=1,p=1$c29tZXNhbHQ$" + "A" * 43, "its version"),
        ("$pbkdf2-sha256$2500001$c2FsdA$" + "A" * 43, "its iterations is 2500001"),
        ("$pbkdf2-sha512$1000001$c2FsdA$" + "A" * 86, "its iterations is 1000001"),
        ("pbkdf2_sha256$99999999999999999999$salt$" + "A" * 43, "its iterations is no number"),
        ("pbkdf2_sha256$1000$salt$" + "A" * 86, "its digest has 64 bytes"),
        ("$scrypt$ln=18,r=8,p=1$c2FsdA$" + "A" * 43, "bytes of memory"),
        ("$scrypt$ln=17,r=8,p=3$c2FsdA$" + "A" * 43, "its N times r times p is 3145728"),
        ("$scrypt$ln=64,r=8,p=1$c2FsdA$" + "A" * 43, "its ln is 64"),
        ("$scrypt$ln=16,r=1,p=1$c2FsdA$" + "A" * 43, "its N is too large for its r"),
        ("scrypt$3$salt$8$1$" + "A" * 43, "its N is no power of two"),
        ("scrypt$2$salt$33$1$" + "A" * 43, "its r is 33"),
        ("scrypt$2$salt$8$17$" + "A" * 43, "its p is 17"),
        (FIREBASE.replace("n=14", "n=15"), "its n is 15"),
        (FIREBASE.replace("r=8", "r=9"), "its r is 9"),
        (FIREBASE[:-8], "its hash has 60 bytes"),
        ("$P$I" + "a" * 30, "its rounds are 2^20"),
        ("$P$" + "z" + "a" * 30, "its rounds are 2^63"),
        ("$2x$05$" + BCRYPT, "its format is not known"),
        ("$argon2i$v=19$m=256,t=1,p=1$c29tZXNhbHQ$" + "A" * 43, "its format is not known"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "its format is not known"),
        ("gp1$pepper$$2b$04$" + BCRYPT, "its format is not known"),
        ("im1$pepper$bcrypt$16$AAAA", "its format is not known"),
        ("", "its format is not known"),
        ("$2b$" * 200, "more than 512 characters"),
    ],
)
def test_what_is_no_hash_or_costs_too_much_is_refused_before_anything_is_hashed(text: str, why: str) -> None:
    with pytest.raises(HashRefusedError, match=why.replace("^", r"\^")):
        read(text, SIGNER_KEY)


@pytest.mark.requirement(24)
def test_a_hash_of_firebase_needs_the_key_of_its_project() -> None:
    with pytest.raises(HashRefusedError, match="GATEPOST_FIREBASE_SIGNER_KEY"):
        read(FIREBASE)
    assert not read(FIREBASE, bytes(64)).matches(b"user1password")


@pytest.mark.requirement(18, 24)
def test_a_nul_does_not_end_a_password_of_bcrypt() -> None:
    found = read(f"$2a$05${BCRYPT}")

    assert not found.matches(b"U*U\0")
    assert not found.matches(b"U*U\0U*U")


@pytest.mark.requirement(24)
@given(
    start=st.sampled_from([text[:cut] for text in VECTORS for cut in (3, 9, 24, 60)]),
    rest=st.text("$,=./+0123456789abmtprnlvsZ\N{ARABIC-INDIC DIGIT ONE}\n", max_size=60),
)
def test_any_other_text_is_read_or_refused(start: str, rest: str) -> None:
    try:
        found = read(start + rest, SIGNER_KEY)
    except HashRefusedError:
        return
    assert found.format in FORMATS
