"""Tokens, good and hostile, before a verifier that is in sync."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from signing import Pair, good_claims

from gatepost_client import AccessTokenInvalidError

NOW = int(time.time())


def b64(value: bytes | str) -> str:
    encoded = value.encode() if isinstance(value, str) else value
    return base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()


def forged(header: object, claims: object, sign=lambda _: b"s" * 64) -> str:
    signed = f"{b64(json.dumps(header))}.{b64(json.dumps(claims))}"
    return f"{signed}.{b64(sign(signed.encode()))}"


async def refusal_of(verifier, token: str) -> str:
    """Why the token is refused."""
    with pytest.raises(AccessTokenInvalidError) as caught:
        await verifier.verify(token)
    return caught.value.why


async def test_a_good_token_says_whom_it_speaks_of(gatepost, verifier):
    now = int(time.time())
    token = gatepost.pair.signed(
        sub="01890000-0000-7000-8000-000000000001", role="operator", amr=["pwd"], iat=now, exp=now + 600
    )

    claims = await verifier.verify(token)

    assert claims.user_id == "01890000-0000-7000-8000-000000000001"
    assert (claims.email, claims.name, claims.email_verified, claims.role) == (
        "ada@example.org",
        "Ada",
        True,
        "operator",
    )
    assert claims.methods == ("pwd",)
    assert claims.issue_time == datetime.fromtimestamp(now, UTC)
    assert claims.expire_time == datetime.fromtimestamp(now + 600, UTC)


async def test_a_token_costs_no_call_while_in_sync(gatepost, verifier):
    calls = gatepost.key_calls

    for _ in range(20):
        await verifier.verify(gatepost.pair.signed())

    assert (gatepost.token_calls, gatepost.key_calls) == (0, calls)
    assert (verifier.counters.accepted, verifier.counters.questions) == (20, 0)


@pytest.mark.requirement(34)
@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
async def test_each_key_verifies_tokens_of_its_own_algorithm(algorithm, gatepost, verifying):
    pair = Pair("another", algorithm)
    gatepost.published.append(pair)

    async with verifying() as verifier:
        assert await verifier.verify(pair.signed())
        assert await refusal_of(verifier, Pair("another", algorithm).signed()) == "signature"


def in_a_minute():
    """Of when the test runs, which may be minutes after it was collected."""
    return int(time.time()) + 60


WRONG_CLAIMS = [
    ("issuer", {"iss": "https://evil.example"}),
    ("issuer", {"iss": None}),
    ("issuer", {"iss": "gatepost "}),
    ("audience", {"aud": "another-service"}),
    ("audience", {"aud": ["another-service"]}),
    ("audience", {"aud": None}),
    ("audience", {"aud": {"gatepost": True}}),
    ("sub", {"sub": None}),
    ("sub", {"sub": "ada@example.org"}),
    ("sub", {"sub": "01890000-0000-7000-8000-00000000000\u0661"}),
    ("sid", {"sid": None}),
    ("sid", {"sid": "*"}),
    ("jti", {"jti": None}),
    ("jti", {"jti": ""}),
    ("jti", {"jti": "\u00e9", "sid": "\u00e9" * 36}),
    ("times", {"iat": None}),
    ("times", {"nbf": None}),
    ("times", {"exp": None}),
    ("times", {"exp": float("inf")}),
    ("times", {"exp": True}),
    ("times", {"exp": str(NOW + 600)}),
    ("expired", {"exp": NOW - 6}),
    ("not yet valid", {"nbf": in_a_minute}),
    ("not yet valid", {"iat": in_a_minute}),
    ("amr", {"amr": "mfa"}),
    ("amr", {"amr": [1]}),
    ("life too long", {"exp": NOW + 901, "iat": NOW}),
    ("life too long", {"exp": 10**30}),
]


@pytest.mark.requirement(35)
@pytest.mark.parametrize(
    ("why", "changes"),
    WRONG_CLAIMS,
    # Not by their values, which hold the time: all workers must name a test alike.
    ids=[f"{why} {number}" for number, (why, _) in enumerate(WRONG_CLAIMS)],
)
async def test_a_claim_that_is_missing_or_wrong_refuses_the_token(why, changes, gatepost, verifier):
    claims = {name: value() if callable(value) else value for name, value in changes.items()}

    given = await refusal_of(verifier, gatepost.pair.signed(**claims))

    assert given == ("sid" if changes.get("jti") == "\u00e9" else why)
    assert verifier.counters.refused[given] == 1


def public_pem(pair: Pair) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return pair.private.public_key().public_bytes(serialization.Encoding.PEM, form)


def with_raw_header(pair: Pair, header: str) -> str:
    """A token that our key has signed, with any header."""
    signed = f"{b64(header)}.{b64(json.dumps(good_claims()))}"
    return f"{signed}.{b64(pair.private.sign(signed.encode()))}"


HOSTILE = {
    "no algorithm": lambda p: jwt.encode(good_claims(), None, "none", headers={"typ": "at+jwt", "kid": p.kid}),
    "alg none with a signature": lambda p: forged({"alg": "none", "typ": "at+jwt", "kid": p.kid}, good_claims()),
    "alg null with our signature": lambda p: with_raw_header(p, '{"alg":null,"typ":"at+jwt","kid":"key-1"}'),
    "alg none with our signature": lambda p: with_raw_header(p, '{"alg":"none","typ":"at+jwt","kid":"key-1"}'),
    "another alg with our signature": lambda p: with_raw_header(p, '{"alg":"ES256","typ":"at+jwt","kid":"key-1"}'),
    "HS256 with the public key as PEM": lambda p: forged(
        {"alg": "HS256", "typ": "at+jwt", "kid": p.kid},
        good_claims(),
        lambda signed: hmac.digest(public_pem(p), signed, hashlib.sha256),
    ),
    "HS256 with the raw public key": lambda p: forged(
        {"alg": "HS256", "typ": "at+jwt", "kid": p.kid},
        good_claims(),
        lambda signed: hmac.digest(p.private.public_key().public_bytes_raw(), signed, hashlib.sha256),
    ),
    "another algorithm than the key's": lambda p: Pair(p.kid, "ES256").signed(),
    "another key under our id": lambda p: Pair(p.kid).signed(),
    "an unknown key": lambda p: Pair("unknown").signed(),
    "a key in the header": lambda p: p.signed({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AA"}}),
    "a key's address in the header": lambda p: p.signed({"jku": "https://evil.example/keys"}),
    "a certificate's address in the header": lambda p: p.signed({"x5u": "https://evil.example/cert"}),
    "something critical": lambda p: with_raw_header(p, '{"alg":"EdDSA","typ":"at+jwt","kid":"key-1","crit":["exp"]}'),
    "an unencoded payload": lambda p: with_raw_header(p, '{"alg":"EdDSA","typ":"at+jwt","kid":"key-1","b64":false}'),
    "no key id": lambda p: with_raw_header(p, '{"alg":"EdDSA","typ":"at+jwt"}'),
    "a key id that is no text": lambda p: with_raw_header(p, '{"alg":"EdDSA","typ":"at+jwt","kid":["key-1"]}'),
    "a JWT of another type": lambda p: p.signed({"typ": "JWT"}),
    "a type in other letters": lambda p: p.signed({"typ": "at+JWT"}),
    "an id_token": lambda p: p.signed({"typ": "id+jwt"}),
    "no type": lambda p: with_raw_header(p, '{"alg":"EdDSA","kid":"key-1"}'),
    "no JSON in the header": lambda p: with_raw_header(p, "{"),
    "a list for a header": lambda p: with_raw_header(p, "[]"),
    "a nest for a header": lambda p: with_raw_header(p, "[" * 5000),
    "a huge token": lambda p: p.signed(name="x" * 1_000_000),
    "a refresh token": lambda _: "f" * 64,
    "nothing": lambda _: "",
    "dots": lambda _: "..",
    "four parts": lambda p: p.signed() + ".e30",
    "no signature": lambda p: p.signed().rpartition(".")[0] + ".",
    "half a signature": lambda p: p.signed()[:-43],
    "padding": lambda p: p.signed() + "==",
    "a line end": lambda p: p.signed() + "\n",
    "letters that are not ASCII": lambda p: "\u00e9" + p.signed(),
    "digits that are not ASCII": lambda p: p.signed()[:-1] + "\u0661",
    "a lone surrogate": lambda p: p.signed()[:-1] + "\ud800",
    "claims that are no object": lambda p: with_claims(p, b"[]"),
    "claims that are no JSON": lambda p: with_claims(p, b"\xff"),
    "another text for the same signature": lambda p: same_signature_otherwise(p.signed()),
}


def with_claims(pair: Pair, claims: bytes) -> str:
    return jwt.PyJWS().encode(claims, pair.private, "EdDSA", headers={"typ": "at+jwt", "kid": pair.kid})


def same_signature_otherwise(token: str) -> str:
    """The last of 86 characters has four bits that are not the signature's."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


@pytest.mark.requirement(34, 35)
@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_token_is_refused(make, gatepost, verifier):
    assert await refusal_of(verifier, make(gatepost.pair)) in {"form", "header", "key", "signature"}

    assert verifier.counters.accepted == 0
    assert gatepost.token_calls == 0


@pytest.mark.requirement(34)
def test_a_key_with_a_shared_secret_is_no_key():
    from gatepost_client.contract.keys_service_pb2 import JsonWebKey
    from gatepost_client.keys import verifying_keys

    ours = Pair("ours").published
    kinds = {
        "shared": JsonWebKey(kty="oct", alg="HS256", kid="shared"),
        "mislabelled": JsonWebKey(kty="OKP", crv="Ed25519", alg="HS256", kid="mislabelled", x=ours.x),
        "for encryption": JsonWebKey(kty="OKP", crv="Ed25519", alg="EdDSA", use="enc", kid="for encryption", x=ours.x),
        "another curve": JsonWebKey(kty="OKP", crv="Ed448", alg="EdDSA", kid="another curve", x=ours.x),
        "nameless": JsonWebKey(kty="OKP", crv="Ed25519", alg="EdDSA", x=ours.x),
        "broken": JsonWebKey(kty="OKP", crv="Ed25519", alg="EdDSA", kid="broken", x="AA"),
    }

    assert verifying_keys([*kinds.values(), ours]).keys() == {"ours"}


async def test_an_unknown_key_is_asked_for_once_a_second(gatepost, verifier):
    await asyncio.sleep(1)
    calls = gatepost.key_calls

    at_once = await asyncio.gather(*(refusal_of(verifier, Pair(f"forged-{n}").signed()) for n in range(20)))
    in_turn = [await refusal_of(verifier, Pair(f"forged-{n}").signed()) for n in range(20)]

    assert set(at_once + in_turn) == {"key"}
    assert gatepost.key_calls == calls + 1


@pytest.mark.requirement(40)
async def test_a_new_key_is_found_when_a_token_names_it(gatepost, verifier):
    await asyncio.sleep(1)
    new = Pair("key-2")
    gatepost.published.append(new)

    assert await verifier.verify(new.signed())
    assert await verifier.verify(gatepost.pair.signed())


async def test_keys_are_asked_for_again_before_they_are_too_old(gatepost, verifying):
    async with verifying(keys_max_age=timedelta(seconds=0.1)):
        calls = gatepost.key_calls
        await asyncio.sleep(0.3)

        assert gatepost.key_calls >= calls + 2


@pytest.mark.parametrize("skew", [-4, 4])
async def test_clocks_may_differ_by_the_leeway(skew, gatepost, verifying):
    async with verifying(clock=lambda: time.time() + skew, leeway=timedelta(seconds=5)) as verifier:
        assert await verifier.verify(gatepost.pair.signed())
        now = int(time.time())
        assert await verifier.verify(gatepost.pair.signed(iat=now - 600, nbf=now - 600, exp=now + 2))


@pytest.mark.parametrize(("skew", "why"), [(-10, "not yet valid"), (1000, "expired")])
async def test_clocks_that_differ_by_more_refuse(skew, why, gatepost, verifying):
    async with verifying(clock=lambda: time.time() + skew, leeway=timedelta(seconds=5)) as verifier:
        assert await refusal_of(verifier, gatepost.pair.signed()) == why


async def test_verified_claims_can_be_looked_at_again(gatepost, verifying):
    ahead = 0.0
    async with verifying(clock=lambda: time.time() + ahead) as verifier:
        claims = await verifier.verify(gatepost.pair.signed())
        assert verifier.is_still_good(claims)

        ahead = 1000.0

        assert not verifier.is_still_good(claims)
