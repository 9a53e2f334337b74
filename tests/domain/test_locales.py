from __future__ import annotations

import pytest

from auth_server.domain.locales import fallbacks_of, is_locale


@pytest.mark.parametrize(
    ("tag", "chain"),
    [
        ("fr", ["fr"]),
        ("fr-CA", ["fr-ca", "fr"]),
        (
            "zh-Hant-CN-x-private1-private2",
            ["zh-hant-cn-x-private1-private2", "zh-hant-cn-x-private1", "zh-hant-cn", "zh-hant", "zh"],
        ),
    ],
)
def test_a_tag_falls_back_to_shorter_ones(tag: str, chain: list[str]) -> None:
    assert fallbacks_of(tag) == chain


@pytest.mark.parametrize("text", ["en", "fr-CA", "zh-Hant-TW", "de-DE-u-co-phonebk", "sl-rozaj-biske-1994"])
def test_a_language_tag_is_a_locale(text: str) -> None:
    assert is_locale(text)


@pytest.mark.parametrize(
    "text", ["", "e", "fr_CA", "..", "fr/../en", "fr-", "-fr", "fr\n", "français", "a" * 9, "en" + "-abcdefgh" * 4]
)
def test_what_is_no_language_tag_is_none(text: str) -> None:
    assert not is_locale(text)
