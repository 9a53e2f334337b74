import pytest

from auth_server.app import StartError, running
from auth_server.domain.password_rules import PasswordRules, folded
from auth_server.outside import password_lists
from auth_server.outside.password_lists import PasswordListError, common_passwords, listed_passwords
from tests.domain.test_password_rules import broken

# Of the lists of those years' most used passwords, what has eight characters and more.
OFTEN_USED = """
12345678 123456789 1234567890 password password1 password123 Password1 P@ssw0rd qwerty123 qwertyuiop 1q2w3e4r
1qaz2wsx iloveyou sunshine princess football baseball superman 11111111 88888888 87654321 abcd1234 trustno1
letmein1 football1 starwars michelle computer 987654321 asdfghjkl
"""


@pytest.mark.requirement(20)
def test_passwords_that_are_often_used_are_known_without_asking_anybody():
    known = common_passwords()

    assert [password for password in OFTEN_USED.split() if folded(password) not in known] == []
    assert known.size > 3000  # OWASP ASVS 5.0, 6.2.4


@pytest.mark.requirement(20)
def test_of_a_million_other_passwords_about_one_is_taken_for_a_known_one():
    known = common_passwords()

    assert known.false_positives < 1.2e-6
    assert [number for number in range(50_000) if f"not common {number}" in known] == []


@pytest.mark.requirement(20)
def test_an_operators_list_is_refused_as_well(tmp_path):
    path = tmp_path / "refused.txt"
    path.write_text("Rosebud-1941\r\n\n  with spaces  \n", "utf-8")

    rules = PasswordRules(8, "Gatepost", common=common_passwords(), listed=listed_passwords(path))

    assert broken("rosebud-1941", rules=rules) == "listed"
    assert broken("  with spaces  ", rules=rules) == "listed"
    assert broken("with spaces", rules=rules) is None


def test_without_a_list_of_the_operator_nothing_is_on_it():
    assert listed_passwords(None) == frozenset()


@pytest.mark.parametrize(
    ("content", "why"), [(None, "cannot be read"), (b"\xff\xfe", "not UTF-8"), (b"a\nb\nc\nd\n", "more than 3 lines")]
)
def test_a_list_that_cannot_be_used_is_named(tmp_path, monkeypatch, content, why):
    monkeypatch.setattr(password_lists, "MOST_LINES", 3)
    path = tmp_path / "refused.txt"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(PasswordListError, match=why) as caught:
        listed_passwords(path)

    assert str(path) in str(caught.value)


async def test_a_server_with_a_list_that_is_missing_does_not_start(settings, tmp_path):
    missing = settings.model_copy(update={"refused_passwords": tmp_path / "missing.txt"})

    with pytest.raises(StartError, match=r"missing\.txt cannot be read"):
        async with running(missing):
            pass
