from __future__ import annotations

import pytest

from auth_server.domain.greetings import greetable


@pytest.mark.parametrize(
    "name",
    [
        "Ada",
        "J. R. R. Tolkien",
        "J.R. Ewing",
        "Ada 1815",
        "Anne-Marie O'Neil",
        "李小龍",
        "Ada & Grace",
        "نازنین‌زهرا",
        "🙂 Ada",
        "A" * 64,
    ],
)
def test_people_are_greeted_by_their_names(name: str) -> None:
    assert greetable(name) == name


def test_white_space_is_one_space() -> None:
    assert greetable("  Ada \r\n\t Lovelace ") == "Ada Lovelace"


@pytest.mark.requirement(53)
@pytest.mark.parametrize(
    "name",
    [
        "evil.example",
        "You won! http://1.1",
        "evil。example",
        "evil\u200d.\u200dexample",
        "ada@evil",
        "mailto:ada",
        "WWW evil",
        "Ada 1.1.1.1",
        "Locked, call 0800-55-01",
        "call ٠٨٠٠٥٥٠١",
        "//evil",
        "\\\\evil\\share",
        "<b>",
        "\u202eelpmaxe",
        "Ada\x00",
        "A" * 65,
    ],
)
def test_a_name_that_could_carry_a_link_or_a_tale_is_left_out(name: str) -> None:
    assert greetable(name) == ""
