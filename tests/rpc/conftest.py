"""Services that ask about tokens, and watch revocations."""

from __future__ import annotations

import pytest

from gatepost.v1 import token_service_pb2 as pb
from tests.rpc.passkeys import a_passkey, verified
from tests.services import a_service
from tests.streams import Stream


@pytest.fixture
async def basic(db):
    """The credential of a service that may ask about tokens."""
    return (await a_service(db, "gatepost.v1.TokenService/*")).basic


@pytest.fixture
async def watch(people, basic):
    """Opens a stream from a cursor on; it ends with the test."""
    opened = []

    def start(cursor="", stub=people.tokens):
        opened.append(stub.WatchRevocations(pb.WatchRevocationsRequest(cursor=cursor), metadata=basic))
        return Stream(opened[-1])

    yield start
    for call in opened:
        call.cancel()


@pytest.fixture
def sign_in_of(sql):
    async def find(user_id):
        return str(await sql.fetchval("SELECT id FROM refresh_families WHERE user_id::text = $1", user_id))

    return find


@pytest.fixture
async def ann(people, sql):
    """A person who is signed in, and whose address is verified."""
    return await verified(people, sql, email="Ann@example.org", locale="fr")


@pytest.fixture
async def anns(people, sql, ann):
    """The authenticator that holds a passkey of Ann's; nothing of its making is in the log or the outbox."""
    authenticator = await a_passkey(people, ann)
    await sql.execute("DELETE FROM outbox; DELETE FROM audit_events")
    return authenticator
