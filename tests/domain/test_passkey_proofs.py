import copy
import json
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from auth_server.domain.passkey_options import creation_options, request_options, user_handle_of
from auth_server.domain.passkey_proofs import (
    ProofError,
    RelyingParty,
    asserted,
    belongs_to,
    find_challenge,
    find_credential_id,
    registered,
)
from tests.passkeys import (
    BACKED_UP,
    EDDSA,
    ES256,
    MAY_BE_BACKED_UP,
    ORIGIN,
    PRESENT,
    RP_ID,
    RS256,
    VERIFIED,
    SoftAuthenticator,
    bytes_of,
    client_data,
    cose_of,
    text_of,
)

PARTY = RelyingParty(RP_ID, "Example", (ORIGIN, "https://www.example.org"))
USER = uuid4()


def creation():
    return creation_options(PARTY, USER, "ann@example.org", secrets.token_bytes(32), [])


def request():
    return request_options(PARTY, secrets.token_bytes(32))


def challenge_of(options):
    return bytes_of(options["challenge"])


def register(authenticator, **changes):
    options = creation()
    return registered(authenticator.create(options, **changes), challenge_of(options), PARTY)


@pytest.mark.requirement(32)
@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_a_passkey_is_registered_and_signs(algorithm):
    authenticator = SoftAuthenticator(algorithm)
    options = creation()

    made = registered(authenticator.create(options), challenge_of(options), PARTY)
    asked = request()
    answer = authenticator.get(asked)
    signed = asserted(answer, challenge_of(asked), PARTY, made.public_key)

    assert (made.id, made.counter, made.device_type, made.backed_up) == (
        authenticator.credential_id,
        0,
        "singleDevice",
        False,
    )
    assert made.transports == ("hybrid", "internal")
    assert (signed.counter, signed.device_type, signed.backed_up) == (1, "singleDevice", False)
    assert find_challenge(answer) == challenge_of(asked)
    assert find_credential_id(answer) == authenticator.credential_id
    assert belongs_to(answer, user_handle_of(USER))
    assert not belongs_to(answer, user_handle_of(uuid4()))


def test_what_a_credential_says_of_itself_does_no_harm():
    authenticator, asked = SoftAuthenticator(), request()

    made = register(authenticator, attest=by_itself, extensions=cbor2.dumps({"credProtect": 2}))
    answer = authenticator.get(asked, extensions=cbor2.dumps({"x": [1]}))

    assert asserted(answer, challenge_of(asked), PARTY, made.public_key).counter == 1


def test_a_synced_passkey_says_so():
    flags = PRESENT | VERIFIED | MAY_BE_BACKED_UP | BACKED_UP
    made = register(SoftAuthenticator(flags=flags))

    assert (made.device_type, made.backed_up) == ("multiDevice", True)


P384 = ec.generate_private_key(ec.SECP384R1())
WEAK = rsa.generate_private_key(65537, 1024)
OF_THREE = rsa.generate_private_key(3, 2048)
NO_POINT = {1: 2, 3: ES256, -1: 1, -2: bytes(31) + b"1", -3: bytes(32)}
WITH_TAG = {1: 2, 3: ES256, -1: 1, -2: cbor2.CBORTag(35, "(a+)+$"), -3: b"1"}
EXTENSION_WITH_TAG = cbor2.dumps({"x": cbor2.CBORTag(35, "a+")})


def by_maker(_, signed):
    """A maker's certificate and its signature (WebAuthn level 3, section 8.2), both good."""
    key = ec.generate_private_key(ec.SECP256R1())
    words = {
        NameOID.COUNTRY_NAME: "DE",
        NameOID.ORGANIZATION_NAME: "Maker",
        NameOID.ORGANIZATIONAL_UNIT_NAME: "Authenticator Attestation",
        NameOID.COMMON_NAME: "Model",
    }
    name = x509.Name([x509.NameAttribute(kind, word) for kind, word in words.items()])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    signature = key.sign(signed, ec.ECDSA(SHA256()))
    return "packed", {"alg": ES256, "sig": signature, "x5c": [certificate.public_bytes(Encoding.DER)]}


def by_itself(authenticator, signed):
    return "packed", {"alg": authenticator.algorithm, "sig": authenticator.sign(signed)}


BAD_REGISTRATIONS = {
    "of a foreign page": ({"origin": "https://evil.test"}, "origin"),
    "of a page on another port": ({"origin": f"{ORIGIN}:8443"}, "origin"),
    "of a page within a foreign one": ({"crossOrigin": True}, "origin"),
    "for a foreign domain": ({"rp_id": "evil.test"}, "credential"),
    "without the user verified": ({"flags": PRESENT}, "credential"),
    "without the user there": ({"flags": VERIFIED}, "credential"),
    "backed up though it cannot be": ({"flags": PRESENT | VERIFIED | BACKED_UP}, "credential"),
    "of a sign-in": ({"type": "webauthn.get"}, "credential"),
    "of another challenge": ({"challenge": text_of(bytes(32))}, "credential"),
    "of no algorithm": ({"cose": cose_of(SoftAuthenticator().key, 0)}, "credential"),
    "of an algorithm that is not taken": ({"cose": cose_of(P384, -35)}, "credential"),
    "of another curve than its algorithm's": ({"cose": cose_of(P384, ES256)}, "credential"),
    "of another kind of key than its algorithm's": ({"cose": cose_of(WEAK, ES256)}, "credential"),
    "of a short RSA key": ({"cose": cose_of(WEAK, RS256)}, "credential"),
    "of an RSA key of a small exponent": ({"cose": cose_of(OF_THREE, RS256)}, "credential"),
    "of a point that is on no curve": ({"cose": NO_POINT}, "credential"),
    "of a key with a tag in it": ({"cose": WITH_TAG}, "credential"),
    "of no key": ({"cose": b"\x04"}, "credential"),
    "vouched for by a maker": ({"attest": by_maker}, "credential"),
    "vouched for by nothing": ({"attest": lambda *_: ("packed", {"alg": ES256, "sig": b"1"})}, "credential"),
    "with a tag in its extensions": ({"extensions": EXTENSION_WITH_TAG}, "credential"),
    "with extensions nested without end": ({"extensions": b"\xa1\x00" * 300 + b"\x00"}, "credential"),
}  # fmt: skip


@pytest.mark.requirement(32)
@pytest.mark.parametrize("what", BAD_REGISTRATIONS)
def test_a_passkey_is_not_registered(what):
    changes, rule = BAD_REGISTRATIONS[what]

    with pytest.raises(ProofError) as caught:
        register(SoftAuthenticator(), **changes)

    assert caught.value.rule == rule


@pytest.mark.requirement(32)
def test_a_credential_of_another_id_than_it_says_is_not_registered():
    options = creation()
    other = text_of(b"another")
    answer = SoftAuthenticator().create(options) | {"id": other, "rawId": other}

    with pytest.raises(ProofError):
        registered(answer, challenge_of(options), PARTY)


def with_client(answer, **said):
    """The answer with other client data than was signed."""
    changed = copy.deepcopy(answer)
    before = json.loads(bytes_of(answer["response"]["clientDataJSON"]))
    changed["response"]["clientDataJSON"] = client_data(before | said)
    return changed


def with_response(answer, **fields):
    return answer | {"response": answer["response"] | fields}


BAD_ASSERTIONS = {
    "of a foreign page": ({"origin": "https://evil.test"}, "origin"),
    "of a page within a foreign one": ({"crossOrigin": True}, "origin"),
    "for a foreign domain": ({"rp_id": "evil.test"}, "credential"),
    "without the user verified": ({"flags": PRESENT}, "credential"),
    "without the user there": ({"flags": VERIFIED}, "credential"),
    "of a registration": ({"type": "webauthn.create"}, "credential"),
    "of another challenge": ({"challenge": text_of(bytes(32))}, "credential"),
    "with a tag in its extensions": ({"extensions": EXTENSION_WITH_TAG}, "credential"),
}


@pytest.mark.requirement(32)
@pytest.mark.parametrize("what", BAD_ASSERTIONS)
def test_nobody_signs_in(what):
    changes, rule = BAD_ASSERTIONS[what]
    authenticator = SoftAuthenticator()
    made, asked = register(authenticator), request()

    with pytest.raises(ProofError) as caught:
        asserted(authenticator.get(asked, **changes), challenge_of(asked), PARTY, made.public_key)

    assert caught.value.rule == rule


CHANGED = {
    "client data": lambda answer: with_client(answer, hint="changed"),
    "authenticator data": lambda answer: with_response(
        answer, authenticatorData=text_of(bytes_of(answer["response"]["authenticatorData"])[:36] + b"\x09")
    ),
    "signature": lambda answer: with_response(answer, signature=text_of(b"0" * 70)),
    "kind of credential": lambda answer: answer | {"type": "password"},
    "id": lambda answer: answer | {"id": "another"},
    "authenticator data that goes on": lambda answer: with_response(
        answer, authenticatorData=answer["response"]["authenticatorData"] + "AAAA"
    ),
}


@pytest.mark.requirement(32)
@pytest.mark.parametrize("what", CHANGED)
def test_what_was_changed_on_the_way_is_refused(what):
    authenticator = SoftAuthenticator()
    made, asked = register(authenticator), request()
    answer = authenticator.get(asked)
    assert asserted(answer, challenge_of(asked), PARTY, made.public_key).counter == 1

    with pytest.raises(ProofError):
        asserted(CHANGED[what](answer), challenge_of(asked), PARTY, made.public_key)


@pytest.mark.requirement(32)
def test_another_ones_signature_is_refused():
    made, asked = register(SoftAuthenticator()), request()

    with pytest.raises(ProofError):
        asserted(SoftAuthenticator().get(asked), challenge_of(asked), PARTY, made.public_key)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.binary(max_size=80).map(text_of),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CBOR = st.recursive(
    st.none() | st.integers() | st.binary(max_size=40) | st.text(max_size=8) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.integers(-4, 4) | st.sampled_from(["fmt", "attStmt", "authData"]), inner, max_size=4)
    ),
    max_leaves=6,
)
HEAD = SoftAuthenticator()._head(RP_ID, PRESENT | VERIFIED | 64, 0) + bytes(16) + b"\x00\x01x"
PARTS = (
    JSON
    | CBOR.map(cbor2.dumps).map(text_of)
    | CBOR.map(lambda key: text_of(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": HEAD + cbor2.dumps(key)})))
)


@pytest.mark.requirement(11, 32)
@given(st.data())
def test_no_answer_makes_a_fault_of_ours(data):
    authenticator, creating, asked = SoftAuthenticator(), creation(), request()
    answer = data.draw(st.sampled_from([authenticator.create(creating), authenticator.get(asked)]))
    if data.draw(st.booleans()):
        answer[data.draw(st.sampled_from(sorted(answer)))] = data.draw(JSON)
    else:
        answer["response"][data.draw(st.sampled_from(sorted(answer["response"])))] = data.draw(PARTS)

    for judge in (
        lambda: registered(answer, challenge_of(creating), PARTY),
        lambda: asserted(answer, challenge_of(asked), PARTY, cbor2.dumps(cose_of(authenticator.key, ES256))),
        lambda: (find_challenge(answer), find_credential_id(answer), belongs_to(answer, b"x")),
    ):
        with suppress(ProofError):
            judge()
