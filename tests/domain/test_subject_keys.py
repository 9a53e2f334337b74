"""The keys that a server remembers are bounded, and forgotten."""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auth_server.domain.ids import new_id
from auth_server.domain.subject_keys import KnownKeys, SubjectKey


def a_key(subject):
    return SubjectKey(subject, new_id(), AESGCM(AESGCM.generate_key(256)))


def test_no_more_keys_are_remembered_than_there_is_room_for():
    known = KnownKeys(most=2)
    keys = [a_key(subject) for subject in (b"a", b"b", b"c")]

    for key in keys:
        known.add(key)

    assert [known.find(key.subject) for key in keys] == [None, None, keys[2]]


def test_a_key_that_is_remembered_takes_no_room_again():
    known, ann, bob = KnownKeys(most=2), a_key(b"ann"), a_key(b"bob")

    for key in (ann, bob, ann):
        known.add(key)

    assert (known.find(b"ann"), known.find(b"bob")) == (ann, bob)


def test_what_is_forgotten_is_looked_up_again():
    known = KnownKeys()
    known.add(a_key(b"ann"))

    known.forget()

    assert known.find(b"ann") is None
