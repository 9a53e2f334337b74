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

from auth_server.domain.access_tokens import AccessTokenPolicy, KeyUnknownError, sign, verify
from auth_server.domain.errors import AccessTokenInvalidError
from auth_server.domain.signing_keys import Algorithm, make_key, shared_key
from auth_server.domain.users import Role, User
from tests.keys import rsa_key

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
POLICY = AccessTokenPolicy("issuer", "audience", timedelta(minutes=15))
SECRET = "a-secret-that-all-guards-share-0123456789"
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
AT = int(NOW.timestamp())


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


@pytest.fixture(scope="module", params=list(Algorithm))
def key(request):
    """A key of each algorithm."""
    if request.param is Algorithm.HS256:
        return shared_key(SECRET)
    return rsa_key() if request.param is Algorithm.RS256 else make_key(request.param)


def another(key):
    """A key of the same algorithm."""
    if key.algorithm is Algorithm.HS256:
        return shared_key(SECRET[::-1])
    return rsa_key(1) if key.algorithm is Algorithm.RS256 else make_key(key.algorithm)


def header_of(key, **changes):
    given = {"typ": "at+jwt", "kid": key.kid} | changes
    return {name: value for name, value in given.items() if value != "absent"}


def signed(key, header=None, by=None, **changes):
    by = by or key
    text = header_of(key) if header is None else header
    return jwt.encode(claims(**changes), by.material, algorithm=by.algorithm.value, headers=text)


def judge(token, *keys, now=NOW, policy=POLICY):
    return verify(token, keys={key.kid: key.verifying for key in keys}, policy=policy, now=now)


@pytest.mark.requirement(34)
def test_a_token_speaks_of_its_user_and_sign_in(key):
    token = sign(ANN, FAMILY, ["pwd"], key=key, policy=POLICY, now=NOW, ends=ENDS)

    bearer = judge(token.text, key)

    assert (bearer.user_id, bearer.family_id) == (ANN.id, FAMILY)


@pytest.mark.requirement(34, 35)
def test_a_token_holds_the_claims_that_readers_know(key):
    token = sign(ANN, FAMILY, ["pwd"], key=key, policy=POLICY, now=NOW, ends=ENDS)

    header = jwt.get_unverified_header(token.text)
    body = jwt.decode(token.text, options={"verify_signature": False})

    assert header == {"alg": key.algorithm.value, "typ": "at+jwt", "kid": key.kid}
    assert body["sub"] == str(ANN.id)
    assert body["email"] == body["username"] == "ann@example.org"
    assert (body["name"], body["email_verified"], body["role"]) == ("Ann", True, "user")
    assert body["amr"] == ["pwd"]
    assert body.keys() >= {"iss", "aud", "sid", "jti", "iat", "nbf", "exp"}


def test_a_token_of_which_nothing_is_proven_says_nothing_of_methods(key):
    token = sign(ANN, FAMILY, [], key=key, policy=POLICY, now=NOW, ends=ENDS)

    assert "amr" not in jwt.decode(token.text, options={"verify_signature": False})
    assert judge(token.text, key).methods == ()


def test_an_unverified_address_shows_in_the_token(key):
    token = sign(replace(ANN, email_verified=None), FAMILY, ["pwd"], key=key, policy=POLICY, now=NOW, ends=ENDS)

    assert jwt.decode(token.text, options={"verify_signature": False})["email_verified"] is False


@pytest.mark.requirement(36)
def test_lives_differ_but_never_pass_fifteen_minutes():
    key = make_key(Algorithm.EDDSA)
    lives = {sign(ANN, FAMILY, ["pwd"], key=key, policy=POLICY, now=NOW, ends=ENDS).expires - NOW for _ in range(200)}

    assert len(lives) > 10
    assert timedelta(minutes=13, seconds=29) <= min(lives)
    assert max(lives) <= timedelta(minutes=15)


@pytest.mark.requirement(39)
@pytest.mark.parametrize("left", [timedelta(0), timedelta(milliseconds=900), timedelta(minutes=7)])
def test_a_token_never_outlives_its_sign_in(key, left):
    token = sign(ANN, FAMILY, ["pwd"], key=key, policy=POLICY, now=NOW, ends=NOW + left)

    assert NOW <= token.expires <= NOW + left
    assert jwt.decode(token.text, options={"verify_signature": False})["exp"] == int(token.expires.timestamp())


def test_the_good_token_of_these_tests_is_good(key):
    assert judge(signed(key), key).user_id == ANN.id


@pytest.mark.requirement(35)
@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"])
def test_a_token_without_a_claim_is_refused(key, claim):
    with pytest.raises(AccessTokenInvalidError):
        judge(signed(key, **{claim: None}), key)


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
        {"amr": "mfa"},
        {"amr": [["mfa"]]},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(key, wrong):
    with pytest.raises(AccessTokenInvalidError):
        judge(signed(key, **wrong), key)


@pytest.mark.requirement(35)
@pytest.mark.parametrize("kind", ["JWT", "at+JWT", "rt+jwt", "id+jwt", "", None])
def test_a_token_of_another_kind_is_refused(key, kind):
    with pytest.raises(AccessTokenInvalidError):
        judge(signed(key, header_of(key, typ=kind)), key)


@pytest.mark.requirement(34)
@pytest.mark.parametrize(
    "changes",
    [
        {"kid": "absent"},
        {"jwk": {"kty": "OKP"}},
        {"jku": "https://example.org/keys"},
        {"x5u": "https://example.org/keys"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"]},
        {"zip": "DEF"},
    ],
    ids=str,
)
def test_nothing_that_a_header_brings_along_is_believed(key, changes):
    with pytest.raises(AccessTokenInvalidError):
        judge(signed(key, header_of(key, **changes)), key)


@pytest.mark.requirement(34)
def test_a_key_that_the_header_brings_along_does_not_verify(key):
    foreign = make_key(Algorithm.EDDSA)

    with pytest.raises(AccessTokenInvalidError):
        judge(signed(key, header_of(key, jwk=dict(foreign.verifying.jwk)), by=foreign), key)


@pytest.mark.requirement(34)
def test_a_key_that_is_not_known_is_told_from_a_bad_token(key):
    with pytest.raises(KeyUnknownError):
        judge(signed(key), another(key))
    with pytest.raises(AccessTokenInvalidError):
        judge(signed(key, header_of(key, typ="JWT")), another(key))


@pytest.mark.requirement(34)
@pytest.mark.parametrize("name", ["none", "None", "nOnE"])
def test_a_token_without_a_signature_is_refused(key, name):
    for signature in ("", part("signature")):
        with pytest.raises(AccessTokenInvalidError):
            judge(f"{part(json.dumps({'alg': name, **header_of(key)}))}.{part(json.dumps(claims()))}.{signature}", key)


@pytest.mark.requirement(34)
@pytest.mark.parametrize("form", ["PEM", "DER", "JWK", "id"])
def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_refused(key, form):
    if key.algorithm is Algorithm.HS256:
        secret = key.kid.encode()  # nothing else of it is known
    else:
        public, info = key.verifying.material, serialization.PublicFormat.SubjectPublicKeyInfo
        secret = {
            "PEM": public.public_bytes(serialization.Encoding.PEM, info),
            "DER": public.public_bytes(serialization.Encoding.DER, info),
            "JWK": json.dumps(dict(key.verifying.jwk)).encode(),
            "id": key.kid.encode(),
        }[form]
    head, body = (part(json.dumps(each)) for each in ({"alg": "HS256", **header_of(key)}, claims()))

    with pytest.raises(AccessTokenInvalidError):
        judge(f"{head}.{body}.{part(hmac.digest(secret, f'{head}.{body}'.encode(), hashlib.sha256))}", key)


@pytest.mark.requirement(34)
def test_a_key_verifies_by_its_own_algorithm_alone(key):
    """A token that names this key is no better for being well signed by another known key, of another algorithm."""
    known = [make_key(Algorithm.EDDSA), make_key(Algorithm.ES256), rsa_key(1), shared_key(SECRET[::-1])]
    others = [other for other in known if other.algorithm is not key.algorithm]
    assert len(others) == 3

    for other in others:
        with pytest.raises(AccessTokenInvalidError):
            judge(signed(key, by=other), key, *known)


@pytest.mark.requirement(34)
@pytest.mark.parametrize("name", ["RS384", "PS256", "ES384", "HS512", "EdDSA2", "Ed25519"])
def test_another_algorithm_of_the_same_family_is_refused(key, name):
    _, body, signature = signed(key).split(".")
    renamed = part(json.dumps({"alg": name, **header_of(key)}))

    with pytest.raises(AccessTokenInvalidError):
        judge(f"{renamed}.{body}.{signature}", key)


def part(value: str | bytes) -> str:
    encoded = value.encode() if isinstance(value, str) else value
    return base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()


@pytest.mark.requirement(34)
def test_a_token_of_another_key_under_our_key_id_is_refused(key):
    with pytest.raises(AccessTokenInvalidError):
        judge(signed(key, by=another(key)), key)


@pytest.mark.requirement(34)
def test_a_token_that_was_changed_is_refused(key):
    head, _, signature = signed(key).split(".")

    with pytest.raises(AccessTokenInvalidError):
        judge(f"{head}.{part(json.dumps(claims(sub='01890000-0000-7000-8000-00000000000f')))}.{signature}", key)


@pytest.mark.requirement(34)
@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é.é.é", "a" * 5000, "eyJhbGciOiJFZERTQSJ9.e30."])
def test_other_texts_are_no_tokens(key, text):
    with pytest.raises(AccessTokenInvalidError):
        judge(text, key)


def test_a_token_is_good_until_it_expires(key):
    token = sign(ANN, FAMILY, ["pwd"], key=key, policy=POLICY, now=NOW, ends=ENDS)

    assert judge(token.text, key, now=token.expires - timedelta(seconds=1))
    with pytest.raises(AccessTokenInvalidError):
        judge(token.text, key, now=token.expires + timedelta(seconds=6))
