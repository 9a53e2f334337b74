import asyncio

import pytest

from tests.fuzz.http import BINDINGS, Request
from tests.fuzz.openapi import OpenApi
from tests.fuzz.pages import Pages

# Of the operations, as schemathesis takes three seconds to compile all of them; scripts/fuzz sends chains of them too.
SOME = 12


@pytest.mark.slow
@pytest.mark.requirement(11)
@pytest.mark.timeout(180)
async def test_no_request_and_no_body_are_our_fault(routes, findings):
    def explore():
        for number, (route, binding) in enumerate(BINDINGS.items()):
            routes.explore(route, examples=2, seeded=number)
            if binding.body:
                routes.explore_bodies(route, examples=2, seeded=number)

    await asyncio.to_thread(explore)

    assert findings.told() == []
    assert findings.answers["200"] >= len(BINDINGS) / 4


@pytest.mark.slow
@pytest.mark.requirement(11)
@pytest.mark.timeout(180)
async def test_routes_answer_what_the_openapi_document_says(shared_gateways, callers, findings, run):
    def explore():
        openapi = OpenApi(shared_gateways, callers, findings, run)
        for number, label in enumerate(openapi.labels[::SOME]):
            openapi.explore(label, examples=4, seeded=number)

    await asyncio.to_thread(explore)

    assert findings.told() == []
    assert findings.answers["200"] >= 1


@pytest.mark.requirement(11)
async def test_no_page_and_no_bytes_are_our_fault(shared_http, shared_gateways, findings, run):
    def explore():
        pages = Pages(shared_http, shared_gateways, findings, run)
        for form in shared_gateways:
            pages.explore(form, examples=10, seeded=1)
            pages.explore_bytes(form, examples=10, seeded=1)

    await asyncio.to_thread(explore)

    assert findings.told() == []
    assert findings.answers["400"] > 5


async def test_a_fault_behind_a_route_is_found(routes, findings, callers, sql):
    await callers.metadata_of("adapter")
    await sql.execute("ALTER TABLE verification_tokens RENAME TO gone")
    try:
        await asyncio.to_thread(routes.explore, "PATCH /adapter/use-verification-token", examples=20, seeded=1)
    finally:
        await sql.execute("ALTER TABLE gone RENAME TO verification_tokens")

    [fault] = findings.told()
    assert fault.startswith("http, PATCH /adapter/use-verification-token: 500 ")
    assert repr(Request("adapter", (), headers={}, body=b"{}")) in fault
