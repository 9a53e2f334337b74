"""Deleting a user: nothing that is theirs stays."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gatepost.v1 import adapter_service_pb2
from gatepost.v1 import users_service_pb2 as pb
from tests.people import refused


async def a_verification_token(people, identifier, token):
    request = adapter_service_pb2.CreateVerificationTokenRequest()
    request.verification_token.identifier = identifier
    request.verification_token.token = token
    request.verification_token.expires.CopyFrom(Timestamp(seconds=4_000_000_000))
    await people.adapter.CreateVerificationToken(request, metadata=people.secret)


async def by_the_user(people, user):
    await people.users.DeleteUser(pb.DeleteUserRequest(id=user.id), metadata=user.bearer)


async def by_the_adapter(people, user):
    request = adapter_service_pb2.AdapterServiceDeleteUserRequest(id=user.id)
    await people.adapter.DeleteUser(request, metadata=people.secret)


@pytest.mark.requirement(63)
@pytest.mark.parametrize("delete", [by_the_user, by_the_adapter])
async def test_verification_tokens_of_the_address_go_with_the_user(people, sql, delete):
    ann = await people.signed_in(email="Ann@example.org")
    await a_verification_token(people, "ann@EXAMPLE.org", "a" * 64)
    await a_verification_token(people, "bob@example.org", "b" * 64)

    await delete(people, ann)

    assert await sql.fetch("SELECT identifier FROM verification_tokens") == [("bob@example.org",)]
    assert await sql.fetchval("SELECT count(*) FROM users") == 0


async def test_a_user_who_is_not_there_is_not_deleted(people):
    ann = await people.signed_in()
    await by_the_user(people, ann)

    with refused("ACCESS_TOKEN_INVALID"):
        await by_the_user(people, ann)
    request = adapter_service_pb2.AdapterServiceDeleteUserRequest(id=ann.id)
    answer = await people.adapter.DeleteUser(request, metadata=people.secret)

    assert not answer.HasField("user")
