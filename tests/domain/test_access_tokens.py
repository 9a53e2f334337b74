import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth_server.domain.access_tokens import AccessTokenPolicy, SigningKey, sign, verify
from auth_server.domain.errors import AccessTokenInvalidError
from auth_server.domain.users import Role, User

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY = SigningKey("key-1", Ed25519PrivateKey.generate())
POLICY = AccessTokenPolicy("issuer", "audience", timedelta(minutes=15))
KEYS = {KEY.kid: KEY.public}
ANN = User(
    id=UUID("01890000-0000-7000-8000-000000000001"),
    name="Ann",
    email="ann@example.org",
    email_verified=NOW,
    image=None,
    profile={},
    role=Role.USER,
    created_at=NOW,
    updated_at=NOW,
)
FAMILY = UUID("01890000-0000-7000-8000-000000000002")
ENDS = NOW + timedelta(days=14)
HEADER = {"typ": "at+jwt", "kid": KEY.kid}


def claims(**changes):
    at = int(NOW.timestamp())
    good = {
        "iss": "issuer",
        "aud": "audience",
        "sub": str(ANN.id),
        "sid": str(FAMILY),
        "jti": "j",
        "iat": at,
        "nbf": at,
        "exp": at + 900,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(header=HEADER, key=KEY.private, algorithm="EdDSA", **changes):
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=header)


def judge(token, now=NOW, policy=POLICY):
    return verify(token, keys=KEYS, policy=policy, now=now)


def test_a_token_speaks_of_its_user_and_sign_in():
    token = sign(ANN, FAMILY, key=KEY, policy=POLICY, now=NOW, ends=ENDS)

    bearer = judge(token.text)

    assert (bearer.user_id, bearer.family_id) == (ANN.id, FAMILY)


@pytest.mark.requirement(34, 35)
def test_a_token_holds_the_claims_that_readers_know():
    token = sign(ANN, FAMILY, key=KEY, policy=POLICY, now=NOW, ends=ENDS)

    header = jwt.get_unverified_header(token.text)
    body = jwt.decode(token.text, options={"verify_signature": False})

    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": "key-1"}
    assert body["sub"] == str(ANN.id)
    assert body["email"] == body["username"] == "ann@example.org"
    assert (body["name"], body["email_verified"], body["role"]) == ("Ann", True, "user")
    assert body.keys() >= {"iss", "aud", "sid", "jti", "iat", "nbf", "exp"}


def test_an_unverified_address_shows_in_the_token():
    token = sign(replace(ANN, email_verified=None), FAMILY, key=KEY, policy=POLICY, now=NOW, ends=ENDS)

    assert jwt.decode(token.text, options={"verify_signature": False})["email_verified"] is False


@pytest.mark.requirement(36)
def test_lives_differ_but_never_pass_fifteen_minutes():
    lives = {sign(ANN, FAMILY, key=KEY, policy=POLICY, now=NOW, ends=ENDS).expires - NOW for _ in range(200)}

    assert len(lives) > 10
    assert timedelta(minutes=13, seconds=29) <= min(lives)
    assert max(lives) <= timedelta(minutes=15)


@pytest.mark.requirement(39)
@pytest.mark.parametrize("left", [timedelta(0), timedelta(milliseconds=900), timedelta(minutes=7)])
def test_a_token_never_outlives_its_sign_in(left):
    token = sign(ANN, FAMILY, key=KEY, policy=POLICY, now=NOW, ends=NOW + left)

    assert NOW <= token.expires <= NOW + left
    assert jwt.decode(token.text, options={"verify_signature": False})["exp"] == int(token.expires.timestamp())


def test_the_good_token_of_these_tests_is_good():
    assert judge(signed()).user_id == ANN.id


@pytest.mark.requirement(35)
@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"])
def test_a_token_without_a_claim_is_refused(claim):
    with pytest.raises(AccessTokenInvalidError):
        judge(signed(**{claim: None}))


AT = int(NOW.timestamp())


@pytest.mark.requirement(35)
@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "other"},
        {"aud": "other"},
        {"aud": ["other"]},
        {"sub": "ann@example.org"},
        {"sub": ""},
        {"sid": "1"},
        {"jti": 1},
        {"exp": AT - 6},
        {"exp": str(AT + 900)},
        {"exp": True},
        {"exp": float("inf")},
        {"nbf": AT + 60},
        {"iat": AT + 60},
        {"iat": "now"},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(wrong):
    with pytest.raises(AccessTokenInvalidError):
        judge(signed(**wrong))


@pytest.mark.requirement(35)
@pytest.mark.parametrize("kind", ["JWT", "at+JWT", "rt+jwt", "id+jwt", "", None])
def test_a_token_of_another_kind_is_refused(kind):
    with pytest.raises(AccessTokenInvalidError):
        judge(signed(header={"typ": kind, "kid": KEY.kid}))


@pytest.mark.requirement(34)
@pytest.mark.parametrize(
    "header",
    [
        {"typ": "at+jwt"},
        {"typ": "at+jwt", "kid": "unknown"},
        {"typ": "at+jwt", "kid": KEY.kid, "jwk": {"kty": "OKP"}},
        {"typ": "at+jwt", "kid": KEY.kid, "jku": "https://example.org/keys"},
        {"typ": "at+jwt", "kid": KEY.kid, "x5u": "https://example.org/keys"},
        {"typ": "at+jwt", "kid": KEY.kid, "crit": ["exp"]},
    ],
    ids=str,
)
def test_nothing_that_a_header_brings_along_is_believed(header):
    with pytest.raises(AccessTokenInvalidError):
        judge(signed(header=header))


@pytest.mark.requirement(34)
def test_a_token_without_a_signature_is_refused():
    with pytest.raises(AccessTokenInvalidError):
        judge(jwt.encode(claims(), None, algorithm="none", headers=HEADER))


@pytest.mark.requirement(34)
@pytest.mark.parametrize("form", ["PEM", "Raw"])
def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_refused(form):
    if form == "PEM":
        secret = KEY.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    else:
        secret = KEY.public.public_bytes_raw()
    head, body = (part(json.dumps(each)) for each in ({"alg": "HS256", **HEADER}, claims()))

    with pytest.raises(AccessTokenInvalidError):
        judge(f"{head}.{body}.{part(hmac.digest(secret, f'{head}.{body}'.encode(), hashlib.sha256))}")


def part(value: str | bytes) -> str:
    encoded = value.encode() if isinstance(value, str) else value
    return base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()


@pytest.mark.requirement(34)
def test_a_token_of_another_key_under_our_key_id_is_refused():
    with pytest.raises(AccessTokenInvalidError):
        judge(signed(key=Ed25519PrivateKey.generate()))


@pytest.mark.requirement(34)
@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é.é.é", "a" * 5000, "eyJhbGciOiJFZERTQSJ9.e30."])
def test_other_texts_are_no_tokens(text):
    with pytest.raises(AccessTokenInvalidError):
        judge(text)


def test_a_token_is_good_until_it_expires():
    token = sign(ANN, FAMILY, key=KEY, policy=POLICY, now=NOW, ends=ENDS)

    assert judge(token.text, now=token.expires - timedelta(seconds=1))
    with pytest.raises(AccessTokenInvalidError):
        judge(token.text, now=token.expires + timedelta(seconds=6))
