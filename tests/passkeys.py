"""An authenticator of software, which does as told: also what no honest one would do."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

RP_ID = "example.org"
ORIGIN = "https://app.example.org"
PRESENT, VERIFIED, MAY_BE_BACKED_UP, BACKED_UP, HAS_CREDENTIAL, HAS_EXTENSIONS = 1, 4, 8, 16, 64, 128
ES256, EDDSA, RS256 = -7, -8, -257

Answer = dict[str, Any]
Attest = Callable[["SoftAuthenticator", bytes], tuple[str, dict[str, Any]]]


def text_of(value: bytes) -> str:
    """The bytes as base64url."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    """The bytes that base64url spells."""
    return base64.urlsafe_b64decode(text + "===")


def a_key(algorithm: int) -> Any:
    """A new private key of the algorithm."""
    if algorithm == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == RS256:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def cose_of(key: Any, algorithm: int) -> dict[int, Any]:
    """The public half as a COSE_Key (RFC 9053, section 7; RFC 8230), called of this algorithm."""
    public = key.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {1: 1, 3: algorithm, -1: 6, -2: public.public_bytes_raw()}
    numbers = public.public_numbers()
    if isinstance(public, rsa.RSAPublicKey):
        length = (numbers.n.bit_length() + 7) // 8
        return {1: 3, 3: algorithm, -1: numbers.n.to_bytes(length, "big"), -2: numbers.e.to_bytes(3, "big")}
    length = (public.curve.key_size + 7) // 8
    curve = {"secp256r1": 1, "secp384r1": 2}[public.curve.name]
    return {1: 2, 3: algorithm, -1: curve, -2: numbers.x.to_bytes(length, "big"), -3: numbers.y.to_bytes(length, "big")}


@dataclass
class SoftAuthenticator:
    """Holds one credential; what its methods are given besides the options is what it answers instead."""

    algorithm: int = ES256
    key: Any = None
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    counter: int = 0
    user_handle: bytes = b""
    flags: int = PRESENT | VERIFIED

    def __post_init__(self) -> None:
        self.key = self.key or a_key(self.algorithm)

    def create(
        self,
        options: dict[str, Any],
        *,
        rp_id: str = RP_ID,
        flags: int | None = None,
        cose: dict[Any, Any] | bytes | None = None,
        attest: Attest = lambda _, __: ("none", {}),
        extensions: bytes = b"",
        **client: Any,
    ) -> Answer:
        """What `navigator.credentials.create` answers, as JSON; `client` changes the client data.

        `attest` answers the format and the statement of an attestation, by this and by what it is to sign.
        """
        self.user_handle = bytes_of(options["user"]["id"])
        flags = HAS_CREDENTIAL | (self.flags if flags is None else flags) | (HAS_EXTENSIONS if extensions else 0)
        public = cose if isinstance(cose, bytes) else cbor2.dumps(cose or cose_of(self.key, self.algorithm))
        id_and_key = len(self.credential_id).to_bytes(2, "big") + self.credential_id + public
        authenticator = self._head(rp_id, flags, self.counter) + bytes(16) + id_and_key + extensions
        said = client_data({"type": "webauthn.create", "challenge": options["challenge"]} | client)
        kind, statement = attest(self, authenticator + hashlib.sha256(bytes_of(said)).digest())
        return self._answer(
            clientDataJSON=said,
            attestationObject=text_of(cbor2.dumps({"fmt": kind, "attStmt": statement, "authData": authenticator})),
            transports=["internal", "hybrid"],
        )

    def get(
        self,
        options: dict[str, Any],
        *,
        rp_id: str | None = None,
        flags: int | None = None,
        counter: int | None = None,
        user_handle: bytes | None = None,
        extensions: bytes = b"",
        **client: Any,
    ) -> Answer:
        """What `navigator.credentials.get` answers, as JSON; each counts one more, unless a counter is given."""
        if counter is None:
            counter = self.counter = self.counter + 1
        flags = (self.flags if flags is None else flags) | (HAS_EXTENSIONS if extensions else 0)
        authenticator = self._head(rp_id or options["rpId"], flags, counter) + extensions
        written = client_data({"type": "webauthn.get", "challenge": options["challenge"]} | client)
        signature = self.sign(authenticator + hashlib.sha256(bytes_of(written)).digest())
        return self._answer(
            clientDataJSON=written,
            authenticatorData=text_of(authenticator),
            signature=text_of(signature),
            userHandle=text_of(self.user_handle if user_handle is None else user_handle),
        )

    def _head(self, rp_id: str, flags: int, counter: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + counter.to_bytes(4, "big")

    def sign(self, signed: bytes) -> bytes:
        """Its signature."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(signed)
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(signed, padding.PKCS1v15(), SHA256())
        signature: bytes = self.key.sign(signed, ec.ECDSA(SHA256()))
        return signature

    def _answer(self, **response: Any) -> Answer:
        identifier = text_of(self.credential_id)
        return {
            "id": identifier,
            "rawId": identifier,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }


def client_data(said: dict[str, Any]) -> str:
    """What the browser has signed of itself and the page; that of ORIGIN unless it says otherwise."""
    return text_of(json.dumps({"origin": ORIGIN, "crossOrigin": False} | said).encode())
