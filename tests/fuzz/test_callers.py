import pytest

from gatepost.v1.users_service_pb2 import GetUserRequest
from tests.fuzz.callers import KINDS
from tests.people import refused


async def test_what_callers_present_is_good_until_it_is_used_up(callers, people):
    for kind in ("user", "operator", "service"):
        metadata = await callers.metadata_of(kind)

        answer = await people.users.GetUser(GetUserRequest(id=callers.known["user"]), metadata=metadata)

        assert answer.user.email == callers.known["email"]
    assert all(callers.known.values())


@pytest.mark.parametrize("used_up", [True, False])
async def test_who_is_told_so_gets_a_new_credential(callers, people, used_up):
    before = await callers.metadata_of("user")

    with refused("CREDENTIAL_MISSING"):
        await people.users.GetUser(
            GetUserRequest(id=callers.known["user"]), metadata=await callers.metadata_of("nobody")
        )
    callers.note("ACCESS_TOKEN_INVALID" if used_up else "CREDENTIAL_MISSING")

    assert (await callers.metadata_of("user") != before) == used_up
    assert [bool(await callers.metadata_of(kind)) for kind in KINDS] == [False, *[True] * 6]
