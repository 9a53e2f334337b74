import asyncio

import pytest

from tests.fuzz.declared import METHODS


@pytest.mark.slow
@pytest.mark.requirement(11)
@pytest.mark.timeout(180)
async def test_no_message_and_no_bytes_are_our_fault(rpcs, findings):
    def explore():
        for number, rpc in enumerate(METHODS):
            rpcs.explore(rpc, examples=3, seeded=number)
            rpcs.explore_wire(rpc, examples=1, seeded=number)

    await asyncio.to_thread(explore)

    assert findings.told() == []
    assert findings.answers["OK"] >= len(METHODS) / 2


async def test_a_fault_of_the_server_is_found_with_the_smallest_message(rpcs, findings, callers, sql):
    await callers.metadata_of("adapter")
    await sql.execute("ALTER TABLE verification_tokens RENAME TO gone")
    try:
        await asyncio.to_thread(rpcs.explore, "AdapterService/UseVerificationToken", examples=20, seeded=1)
    finally:
        await sql.execute("ALTER TABLE gone RENAME TO verification_tokens")

    [fault] = findings.told()
    assert fault.startswith("messages, AdapterService/UseVerificationToken: INTERNAL, ")
    assert "sent [] as adapter, port" in fault.replace("\n", "")
