import json

import jwt
import pytest

from auth_server.domain.signing_keys import (
    Algorithm,
    KeyBrokenError,
    make_key,
    packed,
    published_key,
    shared_key,
    unpacked,
)
from tests.keys import rsa_key

PAIRS = [Algorithm.EDDSA, Algorithm.ES256, Algorithm.RS256]


def a_key(algorithm):
    return rsa_key() if algorithm is Algorithm.RS256 else make_key(algorithm)


@pytest.mark.requirement(41)
@pytest.mark.parametrize("algorithm", PAIRS)
def test_a_key_comes_back_as_it_was_packed(algorithm):
    key = a_key(algorithm)

    again = unpacked(key.kid, algorithm, packed(key))

    assert packed(again) == packed(key)
    assert again.verifying.jwk == key.verifying.jwk


@pytest.mark.parametrize("algorithm", PAIRS)
def test_what_is_packed_for_another_key_is_broken(algorithm):
    with pytest.raises(KeyBrokenError, match="of another key"):
        unpacked("another", algorithm, packed(a_key(algorithm)))


@pytest.mark.parametrize(("written", "read"), [(a, b) for a in PAIRS for b in PAIRS if a is not b])
def test_a_key_of_another_algorithm_is_broken(written, read):
    key = a_key(written)

    with pytest.raises(KeyBrokenError):
        unpacked(key.kid, read, packed(key))
    with pytest.raises(KeyBrokenError):
        published_key(key.kid, read, key.verifying.jwk)


@pytest.mark.parametrize("algorithm", PAIRS)
def test_a_published_key_verifies_what_its_private_half_signs(algorithm):
    key = a_key(algorithm)
    token = jwt.encode({"sub": "1"}, key.material, algorithm=algorithm.value)

    published = published_key(key.kid, algorithm, json.loads(json.dumps(dict(key.verifying.jwk))))

    assert jwt.decode(token, published.material, algorithms=[algorithm.value]) == {"sub": "1"}


@pytest.mark.parametrize("algorithm", PAIRS)
def test_members_of_another_key_are_broken(algorithm):
    key = a_key(algorithm)

    members = dict(key.verifying.jwk)
    for name in members:
        for changed in (members | {name: "AAAA"}, {other: members[other] for other in members if other != name}):
            with pytest.raises(KeyBrokenError):
                published_key(key.kid, algorithm, changed)


@pytest.mark.requirement(34)
def test_an_rsa_key_has_3072_bits():
    assert rsa_key().material.key_size == 3072


@pytest.mark.parametrize(
    ("algorithm", "members"),
    [
        (Algorithm.EDDSA, {"kty", "crv", "x"}),
        (Algorithm.ES256, {"kty", "crv", "x", "y"}),
        (Algorithm.RS256, {"kty", "n", "e"}),
    ],
)
def test_only_public_members_are_published(algorithm, members):
    assert a_key(algorithm).verifying.jwk.keys() == members


def test_a_key_id_is_the_thumbprint_that_rfc_8037_computes():
    # RFC 8037, appendix A.1 and A.3.
    private = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")

    key = unpacked("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", Algorithm.EDDSA, private)

    assert key.verifying.jwk["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def test_a_key_id_is_the_thumbprint_that_rfc_7638_computes():
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
        "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
        "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8aw"
        "apJzKnqDKgw"
    )

    key = published_key(
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", Algorithm.RS256, {"kty": "RSA", "n": n, "e": "AQAB"}
    )

    assert key.algorithm is Algorithm.RS256


def test_the_id_of_a_shared_key_is_stable_and_tells_nothing_of_the_secret():
    secret = "a-secret-that-all-guards-share-0123456789"

    key = shared_key(secret)

    assert key.kid == shared_key(secret).kid != shared_key(secret[::-1]).kid
    assert key.verifying.jwk is None
    assert not any(secret[at : at + 4] in key.kid for at in range(len(secret) - 4))


def test_no_key_id_looks_like_an_option_of_a_command():
    assert not any(make_key(Algorithm.EDDSA).kid.startswith("-") for _ in range(500))


def test_no_key_pair_is_made_for_a_shared_secret():
    with pytest.raises(ValueError, match="HS256"):
        make_key(Algorithm.HS256)


@pytest.mark.parametrize("algorithm", PAIRS)
def test_a_key_shows_nothing_when_printed(algorithm):
    key = a_key(algorithm)

    assert key.kid not in repr(key)
    assert "jwk" not in repr(key.verifying)
