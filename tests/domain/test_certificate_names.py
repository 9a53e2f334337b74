import pytest

from auth_server.doors.certificate_names import names_in
from tests.certificates import Authority

CASES = [
    (["Shop.Internal", "spiffe://example.org/Shop"], ("shop.internal", "spiffe://example.org/Shop")),
    (["spiffe://example.org/shop", "a.internal"], ("a.internal", "spiffe://example.org/shop")),
    (["a@shop.internal", "192.0.2.1"], ()),
    (["shop.internal\0.example.org", "spiffe://example.org/shop\0/x"], ()),
]


@pytest.mark.requirement(2)
@pytest.mark.parametrize(("names", "expected"), CASES, ids=str)
def test_the_names_of_a_certificate(names, expected):
    assert names_in(Authority().issue(*names).chain) == expected


def test_a_certificate_without_names_and_what_is_none_have_none():
    assert names_in(Authority().pem) == ()
    assert names_in(b"nonsense") == ()
