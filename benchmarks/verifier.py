"""The client's verifier beside PyJWT alone: CPU time a token, in one process and without a network."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.measure import verdict_of
from gatepost_client.contract.keys_service_pb2 import GetJsonWebKeySetResponse, JsonWebKey
from gatepost_client.contract.token_service_pb2 import Heartbeat, InSync, WatchRevocationsResponse
from gatepost_client.verifier import AccessTokenVerifier, Client

TARGET = 0.9
"""Of PyJWT's rate, the least."""
TOKENS = 200
KEY_ID = "benchmark"
CLAIMS = ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"]


@dataclass(frozen=True, slots=True)
class VerifierSpeed:
    """Tokens a second of CPU time, medians of the rounds."""

    verifier: float
    pyjwt: float
    ratio: float
    """The verifier's rate divided by PyJWT's: the median of each round's."""

    @property
    def verdict(self) -> str:
        """Whether the target is kept."""
        return verdict_of(self.ratio >= TARGET)


def verifier_speed(rounds: int = 5, count: int = 5_000) -> VerifierSpeed:
    """What the verifier does and what `jwt.decode` with a key object does, in turns, `count` tokens a round."""
    return asyncio.run(_measured(rounds, count))


async def _measured(rounds: int, count: int) -> VerifierSpeed:
    private = Ed25519PrivateKey.generate()
    tokens = [_token(private) for _ in range(TOKENS)]
    # The loop below lets no heartbeat in, however long a busy machine takes for it.
    async with AccessTokenVerifier(_stand_in(private), stale_after=timedelta(days=1)) as verifier:
        await verifier.wait_in_sync()
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(await _rate_of_verifier(verifier, tokens, count))
            theirs.append(_rate_of_pyjwt(private.public_key(), tokens, count))
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    return VerifierSpeed(statistics.median(ours), statistics.median(theirs), ratio)


async def _rate_of_verifier(verifier: AccessTokenVerifier, tokens: list[str], count: int) -> float:
    began = time.process_time()
    for number in range(count):
        await verifier.verify(tokens[number % TOKENS])
    return count / (time.process_time() - began)


def _rate_of_pyjwt(key: Any, tokens: list[str], count: int) -> float:
    began = time.process_time()
    for number in range(count):
        jwt.decode(
            tokens[number % TOKENS],
            key,
            algorithms=["EdDSA"],
            audience="gatepost",
            issuer="gatepost",
            options={"require": CLAIMS},
        )
    return count / (time.process_time() - began)


def _token(private: Ed25519PrivateKey) -> str:
    now = int(time.time())
    claims = {
        "iss": "gatepost",
        "aud": "gatepost",
        "sub": str(uuid4()),
        "sid": str(uuid4()),
        "jti": uuid4().hex,
        "iat": now,
        "nbf": now,
        "exp": now + 850,
        "email": "ada@example.org",
        "username": "ada@example.org",
        "name": "Ada Lovelace",
        "email_verified": True,
        "role": "user",
    }
    return jwt.encode(claims, private, "EdDSA", headers={"typ": "at+jwt", "kid": KEY_ID})


def _stand_in(private: Ed25519PrivateKey) -> Client:
    """A client whose answers are at hand: what is measured makes no call."""
    members = jwt.algorithms.OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
    key = JsonWebKey(kid=KEY_ID, alg="EdDSA", use="sig", kty=members["kty"], crv=members["crv"], x=members["x"])

    async def keys(*_: Any, **__: Any) -> GetJsonWebKeySetResponse:
        return GetJsonWebKeySetResponse(keys=[key])

    class Revocations:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        async def __aiter__(self) -> AsyncIterator[WatchRevocationsResponse]:
            yield WatchRevocationsResponse(in_sync=InSync())
            while True:
                await asyncio.sleep(1)
                yield WatchRevocationsResponse(heartbeat=Heartbeat())

        def cancel(self) -> None:
            pass

    stubs = SimpleNamespace(
        keys=SimpleNamespace(GetJsonWebKeySet=keys), tokens=SimpleNamespace(WatchRevocations=Revocations)
    )
    return cast(Client, stubs)
