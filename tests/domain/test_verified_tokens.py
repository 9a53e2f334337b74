from datetime import timedelta

import pytest

from auth_server.domain import verified_tokens
from auth_server.domain.access_tokens import KeyUnknownError, sign
from auth_server.domain.errors import AccessTokenInvalidError
from auth_server.domain.signing_keys import Algorithm, make_key
from tests.domain.test_access_tokens import ANN, ENDS, FAMILY, NOW, POLICY

KEY = make_key(Algorithm.EDDSA)
KEYS = {KEY.kid: KEY.verifying}


def token_of(key=KEY, now=NOW):
    return sign(ANN, FAMILY, ("pwd",), key=key, policy=POLICY, now=now, ends=ENDS).text


@pytest.fixture
def tokens():
    return verified_tokens.VerifiedTokens(POLICY)


@pytest.fixture
def verifications(monkeypatch):
    """The tokens whose signature was verified."""
    texts = []

    def verify(text, **how):
        texts.append(text)
        return real(text, **how)

    real = verified_tokens.verify
    monkeypatch.setattr(verified_tokens, "verify", verify)
    return texts


def test_a_signature_is_verified_once(tokens, verifications):
    text = token_of()

    assert tokens.bearer_of(text, KEYS, NOW) == tokens.bearer_of(text, dict(KEYS), NOW)
    assert verifications == [text]


@pytest.mark.requirement(35)
@pytest.mark.parametrize("later", [timedelta(minutes=16), -timedelta(minutes=1)])
def test_a_token_that_was_good_is_refused_outside_of_its_times(tokens, later):
    text = token_of()
    tokens.bearer_of(text, KEYS, NOW)

    with pytest.raises(AccessTokenInvalidError):
        tokens.bearer_of(text, KEYS, NOW + later)


@pytest.mark.requirement(40)
def test_a_token_that_was_good_is_refused_once_its_key_is_gone(tokens):
    text = token_of()
    tokens.bearer_of(text, KEYS, NOW)

    with pytest.raises(KeyUnknownError):
        tokens.bearer_of(text, {}, NOW)


@pytest.mark.requirement(34)
def test_another_key_under_the_same_id_is_asked_anew(tokens):
    text = token_of()
    tokens.bearer_of(text, KEYS, NOW)

    with pytest.raises(AccessTokenInvalidError):
        tokens.bearer_of(text, {KEY.kid: make_key(Algorithm.EDDSA).verifying}, NOW)


@pytest.mark.requirement(34)
def test_a_changed_signature_is_no_token_that_was_seen(tokens):
    text = token_of()
    tokens.bearer_of(text, KEYS, NOW)
    forged = text[:-4] + ("AAAA" if text[-4:] != "AAAA" else "BBBB")

    for _ in range(2):
        with pytest.raises(AccessTokenInvalidError):
            tokens.bearer_of(forged, KEYS, NOW)


def test_only_so_many_are_remembered(tokens, verifications, monkeypatch):
    monkeypatch.setattr(verified_tokens, "MOST_REMEMBERED", 2)
    texts = [token_of() for _ in range(3)]
    for text in (*texts, texts[2], texts[0]):
        tokens.bearer_of(text, KEYS, NOW)

    assert verifications == [*texts, texts[0]]
