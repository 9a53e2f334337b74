"""Whether what an authenticator answers is good (WebAuthn level 3, sections 7.1 and 7.2)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from webauthn import base64url_to_bytes, verify_authentication_response, verify_registration_response
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_attestation_object,
    parse_cbor,
    parse_client_data_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AttestationFormat, AttestationObject, CredentialDeviceType

from auth_server.domain.cbor import end_of_item

Answer = Mapping[str, Any]
"""What `PublicKeyCredential.toJSON()` gives in a browser."""

CHALLENGE_BYTES = 32
ALGORITHMS = (
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
"""Those that WebAuthn level 3, section 5.4, recommends, the one to prefer first."""
CHALLENGE, ORIGIN, CREDENTIAL = "challenge", "origin", "credential"

_LONGEST_CREDENTIAL_ID_BYTES = 1023
_HEAD_BYTES = 37  # the hash of the RP's id, flags, the counter
_AAGUID_BYTES = 16
_HAS_CREDENTIAL, _HAS_EXTENSIONS = 0x40, 0x80
_RSA_BITS, _RSA_EXPONENT = range(2048, 4097), 65537
# As Auth.js's adapters call them.
_DEVICE_TYPES = {
    CredentialDeviceType.SINGLE_DEVICE: "singleDevice",
    CredentialDeviceType.MULTI_DEVICE: "multiDevice",
}
# Of others the statement would have to be verified, which was not asked for and would be believed of nobody.
_FORMATS = (AttestationFormat.NONE, AttestationFormat.PACKED)
# The library's own, and what it lets through of values that it did not expect.
_MALFORMED = (
    WebAuthnException,
    InvalidSignature,
    UnsupportedAlgorithm,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


class ProofError(Exception):
    """What was answered is not good; `rule` is what it breaks."""

    def __init__(self, rule: str) -> None:
        """A refusal by this rule."""
        super().__init__(rule)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom passkeys are made for: a domain, what people call it, and the origins of the pages that may ask."""

    id: str
    name: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A credential that an authenticator has made."""

    id: bytes
    public_key: bytes
    counter: int
    device_type: str
    backed_up: bool
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an authenticator that signed says of itself now."""

    counter: int
    device_type: str
    backed_up: bool


def find_challenge(answer: Answer) -> bytes | None:
    """The challenge that the answer says to be of; None where it says none of ours."""
    try:
        challenge = parse_client_data_json(_bytes_of(answer, "clientDataJSON")).challenge
    except _MALFORMED:
        return None
    return challenge if len(challenge) == CHALLENGE_BYTES else None


def find_credential_id(answer: Answer) -> bytes | None:
    """The id of the credential that has signed, as the answer says."""
    try:
        found = base64url_to_bytes(answer["rawId"])
    except _MALFORMED:
        return None
    return found if 0 < len(found) <= _LONGEST_CREDENTIAL_ID_BYTES else None


def belongs_to(answer: Answer, user_handle: bytes) -> bool:
    """Whether the authenticator keeps the credential for this user (WebAuthn level 3, section 7.2, step 6)."""
    try:
        return hmac.compare_digest(_bytes_of(answer, "userHandle"), user_handle)
    except _MALFORMED:
        return False


def registered(answer: Answer, challenge: bytes, party: RelyingParty) -> NewCredential:
    """The credential that was made upon this challenge, with the user verified.

    Attestation is not asked for, and only its absence or a signature by the credential itself is let through.

    Raises:
        ProofError: it is not good.
    """
    try:
        _check_client(answer, party)
        attestation = _attestation_of(answer)
        if attestation.fmt not in _FORMATS or attestation.att_stmt.x5c:
            raise ProofError(CREDENTIAL)
        verified = verify_registration_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
        if verified.credential_id != find_credential_id(answer):
            raise ProofError(CREDENTIAL)
        _check_key(verified.credential_public_key)
    except _MALFORMED:
        raise ProofError(CREDENTIAL) from None
    return NewCredential(
        id=verified.credential_id,
        public_key=verified.credential_public_key,
        counter=verified.sign_count,
        device_type=_DEVICE_TYPES[verified.credential_device_type],
        backed_up=verified.credential_backed_up,
        transports=_transports_of(answer),
    )


def asserted(answer: Answer, challenge: bytes, party: RelyingParty, public_key: bytes) -> Assertion:
    """What the authenticator says that signed this challenge by this key, with the user verified.

    Its counter is to be judged by the statement that keeps it.

    Raises:
        ProofError: it is not good.
    """
    try:
        _check_client(answer, party)
        _check_shape(_bytes_of(answer, "authenticatorData"))
        verified = verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=public_key,
            # The library would judge it before the signature: anybody could make an authenticator look copied.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except _MALFORMED:
        raise ProofError(CREDENTIAL) from None
    return Assertion(
        verified.new_sign_count, _DEVICE_TYPES[verified.credential_device_type], verified.credential_backed_up
    )


def _bytes_of(answer: Answer, field: str) -> bytes:
    return base64url_to_bytes(answer["response"][field])


def _check_client(answer: Answer, party: RelyingParty) -> None:
    client = parse_client_data_json(_bytes_of(answer, "clientDataJSON"))
    if client.origin not in party.origins:
        raise ProofError(ORIGIN)
    if client.cross_origin:  # a page of ours within another's: whoever clicked there may have meant something else
        raise ProofError(ORIGIN)


def _attestation_of(answer: Answer) -> AttestationObject:
    """The attestation object, whose shape and whose authenticator data's shape is harmless."""
    attestation = _bytes_of(answer, "attestationObject")
    if end_of_item(attestation) != len(attestation):
        raise ValueError("more than one item")
    _check_shape(parse_cbor(attestation)["authData"])
    return parse_attestation_object(attestation)


def _check_shape(authenticator: object) -> None:
    """Passes where all CBOR in authenticator data (WebAuthn level 3, section 6.1) may be decoded."""
    if not isinstance(authenticator, bytes):  # the library makes bytes of lists and of maps' keys
        raise TypeError("no bytes")
    flags, at = authenticator[_HEAD_BYTES - 5], _HEAD_BYTES
    if flags & _HAS_CREDENTIAL:
        at += _AAGUID_BYTES
        at = end_of_item(authenticator, at + 2 + int.from_bytes(authenticator[at : at + 2], "big"))
    if flags & _HAS_EXTENSIONS:
        at = end_of_item(authenticator, at)
    if at != len(authenticator):
        raise ValueError("another length than its flags say")


def _check_key(public_key: bytes) -> None:
    """Passes where the key is one of the algorithm that it names: the library takes any that it knows."""
    decoded = decode_credential_public_key(public_key)
    key = decoded_public_key_to_cryptography(decoded)
    is_good = {
        COSEAlgorithmIdentifier.EDDSA: isinstance(key, Ed25519PublicKey),
        COSEAlgorithmIdentifier.ECDSA_SHA_256: (
            isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
        ),
        COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256: (
            isinstance(key, RSAPublicKey) and key.key_size in _RSA_BITS and key.public_numbers().e == _RSA_EXPONENT
        ),
    }
    if not is_good.get(decoded.alg):
        raise ProofError(CREDENTIAL)


def _transports_of(answer: Answer) -> tuple[str, ...]:
    """How the browser says that it reaches the authenticator; what no browser says is left out."""
    given = answer["response"].get("transports")
    known = ("ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb")
    return tuple(each for each in known if isinstance(given, list) and each in given)


def challenge_hash(challenge: bytes) -> bytes:
    """The SHA-256 of a challenge, which is all that we keep of it."""
    return hashlib.sha256(challenge).digest()
