"""Attestations whose parts are of other kinds than a browser's: the library makes bytes of more than bytes."""

import secrets
from uuid import uuid4

import cbor2
import pytest

from auth_server.domain.passkey_options import creation_options
from auth_server.domain.passkey_proofs import ProofError, RelyingParty, registered
from tests.passkeys import ORIGIN, RP_ID, SoftAuthenticator, bytes_of, text_of

PARTY = RelyingParty(RP_ID, "Example", (ORIGIN,))


def answered(authenticator_data_of, **fields):
    """An answer whose authenticator data were made into something else, and its challenge."""
    challenge = secrets.token_bytes(32)
    answer = SoftAuthenticator(**fields).create(creation_options(PARTY, uuid4(), "ann@example.org", challenge, []))
    attestation = cbor2.loads(bytes_of(answer["response"]["attestationObject"]))
    attestation["authData"] = authenticator_data_of(attestation["authData"])
    answer["response"]["attestationObject"] = text_of(cbor2.dumps(attestation))
    return answer, challenge


def test_authenticator_data_in_bytes_are_registered():
    assert registered(*answered(bytes), PARTY).public_key


@pytest.mark.requirement(32)
def test_an_id_of_more_than_1023_bytes_is_not_registered():
    """WebAuthn level 3, section 7.1, step 25."""
    assert registered(*answered(bytes, credential_id=bytes(1023)), PARTY).id == bytes(1023)

    with pytest.raises(ProofError):
        registered(*answered(bytes, credential_id=bytes(1024)), PARTY)


@pytest.mark.requirement(32)
def test_authenticator_data_that_are_a_list_are_not_registered():
    with pytest.raises(ProofError):
        registered(*answered(list), PARTY)


@pytest.mark.requirement(32)
def test_nothing_is_decoded_that_was_looked_at_in_another_form():
    """Of a map, the values are what is looked at, and the keys what is decoded: here a tag of a regular expression."""
    tagged = cbor2.dumps(cbor2.CBORTag(35, "(a"))
    before = [37, 32, *(byte for byte in range(100) if byte not in {32, 37, *tagged})][:32]
    written = [*before, 0x80, 0xA0, 0xA1, 0xA2, 0xA3, *tagged]
    forged = dict.fromkeys(written, 0) | {32: 0x80, 37: 0x40 + len(tagged) - 1}

    with pytest.raises(ProofError) as caught:
        registered(*answered(lambda _: forged), PARTY)

    assert isinstance(caught.value.__context__, TypeError)
