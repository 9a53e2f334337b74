"""The API page as a person's browser shows it."""

from __future__ import annotations

import pytest

from tests.e2e.browsers import Windows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]  # tests/http/test_docs_page.py judges the same pages


@pytest.fixture
def docs_url(shared_gateways: dict[str, str]) -> str:
    return f"{shared_gateways['one process']}/docs"


async def test_the_api_page_is_shown_whole_and_loads_nothing(docs_url: str, windows: Windows) -> None:
    window = await windows.open()

    await window.goto(docs_url)

    heading = window.get_by_role("heading", name="Register", exact=True)
    assert await heading.is_visible()
    # The style sheet gets past the page's own policy.
    assert await window.evaluate("getComputedStyle(document.body).fontFamily") == "system-ui, sans-serif"
    assert windows.requests == [docs_url]
    assert windows.complaints == []


async def test_a_link_of_the_api_page_leads_to_its_place(docs_url: str, windows: Windows) -> None:
    window = await windows.open(script=False)
    await window.goto(docs_url)

    await window.get_by_role("link", name="HASHING_BUSY").first.click()

    assert window.url == f"{docs_url}#HASHING_BUSY"
