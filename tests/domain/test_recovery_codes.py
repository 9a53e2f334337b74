"""Recovery codes: how many bits they have, how they may be typed, and what is kept of them."""

import math
import re

import pytest

from auth_server.domain.recovery_codes import ALPHABET, CHARACTERS, find_code, hash_of, new_codes

CODE = "7K0QM-1ZX9A"


@pytest.mark.requirement(30)
def test_codes_are_ten_of_fifty_bits_each():
    codes = [code for _ in range(20) for code in new_codes()]

    assert len(set(codes)) == 200
    assert all(re.fullmatch(r"[0-9A-Z]{5}-[0-9A-Z]{5}", code) for code in codes)
    assert CHARACTERS * math.log2(len(set(ALPHABET))) == 50
    assert {character for code in codes for character in code} == {*ALPHABET, "-"}  # 2,000 draws miss one in 10**26


@pytest.mark.parametrize(
    "typed", [CODE, "7k0qm1zx9a", " 7K0QM 1ZX9A ", "7KOQM-IZX9A", "7koqm-lzx9a", "7K0Q-M1ZX-9A", "7K0QM--1ZX9A"]
)
def test_a_code_may_be_typed_as_it_is_read(typed):
    assert find_code(typed) == "7K0QM1ZX9A"


@pytest.mark.parametrize("typed", ["", "7K0QM-1ZX9", "7K0QM-1ZX9AA", "7K0QM-1ZX9U", "7K0QM_1ZX9A", "7\u017f0QM-1ZX9A"])
def test_what_is_no_code_is_none(typed):
    assert find_code(typed) is None


@pytest.mark.requirement(30)
def test_a_hash_is_good_under_its_users_secret_alone():
    made = hash_of(find_code(CODE), b"a" * 20)

    assert hash_of(CODE, b"a" * 20) == made
    assert hash_of(CODE, b"b" * 20) != made
    assert hash_of("7K0QM-1ZX9B", b"a" * 20) != made
    assert len(made) == 32
