import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from gatepost.v1 import adapter_pb2
from gatepost.v1 import adapter_service_pb2 as pb
from tests.people import reason_of, refused, violations_of

NOBODY = "01890000-0000-7000-8000-000000000000"
ODD = ["", "non-existent", "1", "\0", "'; DROP TABLE users; --", "é" * 100, NOBODY.upper(), f"{{{NOBODY}}}", "../x"]


async def by_id(people, user_id):
    answer = await people.adapter.GetUserById(pb.GetUserByIdRequest(id=user_id), metadata=people.secret)
    return answer.user if answer.HasField("user") else None


async def by_email(people, email):
    answer = await people.adapter.GetUserByEmail(pb.GetUserByEmailRequest(email=email), metadata=people.secret)
    return answer.user if answer.HasField("user") else None


async def update(people, user, *mask):
    request = pb.AdapterServiceUpdateUserRequest(user=user, update_mask=FieldMask(paths=mask) if mask else None)
    return (await people.adapter.UpdateUser(request, metadata=people.secret)).user


async def test_a_user_comes_back_as_made(people):
    verified = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)

    made = await people.a_user(email="Ann@Example.org", name="Ann", image="https://x/y.png", email_verified=verified)

    assert await by_id(people, made.id) == made
    assert made.email == "Ann@Example.org"
    assert made.email_verified.ToDatetime(UTC) == verified


async def test_an_id_of_the_caller_is_ignored(people):
    made = await people.a_user(id=NOBODY)

    assert made.id != NOBODY


async def test_an_address_is_found_in_either_case(people):
    made = await people.a_user(email="Ann@Example.org")

    assert await by_email(people, "aNN@eXAMPLE.ORG") == made


async def test_only_ascii_letters_are_the_same_in_either_case(people):
    await people.a_user(email="kate@example.org")

    assert await by_email(people, "\N{KELVIN SIGN}ate@example.org") is None


@pytest.mark.parametrize("text", ODD)
async def test_ids_and_addresses_of_any_spelling_are_looked_up(people, text):
    assert await by_id(people, text) is None
    assert await by_email(people, text) is None


async def test_a_taken_address_is_refused(people):
    await people.a_user(email="ann@example.org")

    with refused("EMAIL_TAKEN", grpc.StatusCode.ALREADY_EXISTS):
        await people.a_user(email="ANN@example.org")


async def test_of_twenty_users_with_one_address_one_is_made(people, sql):
    results = await asyncio.gather(*(people.a_user(email="ann@example.org") for _ in range(20)), return_exceptions=True)

    refusals = [result for result in results if isinstance(result, grpc.aio.AioRpcError)]
    assert len(refusals) == 19
    assert {reason_of(refusal) for refusal in refusals} == {"EMAIL_TAKEN"}
    assert await sql.fetchval("SELECT count(*) FROM users") == 1


async def test_many_users_may_have_no_address(people):
    one, other = [
        (await people.adapter.CreateUser(pb.CreateUserRequest(user={"name": "x"}), metadata=people.secret)).user
        for _ in range(2)
    ]

    assert one.id != other.id
    assert not one.HasField("email")


async def test_an_empty_address_is_refused(people):
    with refused("REQUEST_INVALID", grpc.StatusCode.INVALID_ARGUMENT) as caught:
        await people.a_user(email="")

    assert violations_of(caught.value) == ["user.email"]


async def test_an_update_changes_the_fields_of_the_mask_alone(people):
    user = await people.a_user(name="Ann", image="https://x/y.png")

    changed = await update(people, adapter_pb2.AdapterUser(id=user.id, name="Anna"), "name", "image")

    assert (changed.name, changed.HasField("image"), changed.email) == ("Anna", False, user.email)
    assert await by_id(people, user.id) == changed


async def test_an_update_without_a_mask_changes_what_has_a_value(people):
    user = await people.a_user(name="Ann", image="https://x/y.png")

    changed = await update(people, adapter_pb2.AdapterUser(id=user.id, name="Anna"))

    assert (changed.name, changed.image) == ("Anna", "https://x/y.png")


async def test_an_update_may_clear_the_address(people):
    user = await people.a_user()

    changed = await update(people, adapter_pb2.AdapterUser(id=user.id), "email")

    assert not changed.HasField("email")


@pytest.mark.parametrize("user_id", [NOBODY, "1", "\0"])
async def test_an_update_of_nobody_is_refused(people, user_id):
    with refused("USER_NOT_FOUND", grpc.StatusCode.NOT_FOUND):
        await update(people, adapter_pb2.AdapterUser(id=user_id, name="x"), "name")


async def test_an_update_to_a_taken_address_is_refused(people):
    await people.a_user(email="ann@example.org")
    user = await people.a_user()

    with refused("EMAIL_TAKEN"):
        await update(people, adapter_pb2.AdapterUser(id=user.id, email="ANN@example.org"), "email")


@pytest.mark.requirement(12)
@pytest.mark.parametrize("path", ["role", "password_hash", "created_at", "user.name", ""])
async def test_a_mask_with_another_field_is_refused(people, path):
    user = await people.a_user()

    with refused("FIELD_NOT_UPDATABLE") as caught:
        await update(people, adapter_pb2.AdapterUser(id=user.id, name="x"), "name", path)

    assert violations_of(caught.value) == [f"user.{path}"]


async def test_deleting_a_user_takes_everything_along(people, sql):
    user = await people.a_user()
    await people.an_account(user.id)
    await people.a_session(user.id)

    answer = await people.adapter.DeleteUser(pb.AdapterServiceDeleteUserRequest(id=user.id), metadata=people.secret)

    assert answer.user == user
    for table in ("users", "accounts", "sessions"):
        assert await sql.fetchval(f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize("user_id", ODD)
async def test_deleting_nobody_answers_nobody(people, user_id):
    answer = await people.adapter.DeleteUser(pb.AdapterServiceDeleteUserRequest(id=user_id), metadata=people.secret)

    assert not answer.HasField("user")


async def test_of_many_who_delete_a_user_one_gets_them(people):
    user = await people.a_user()
    request = pb.AdapterServiceDeleteUserRequest(id=user.id)

    answers = await asyncio.gather(*(people.adapter.DeleteUser(request, metadata=people.secret) for _ in range(10)))

    assert sum(answer.HasField("user") for answer in answers) == 1


async def test_deleting_a_user_while_they_are_busy_fails_nobody(people):
    """Deletion and refreshing lock rows in opposite orders, which PostgreSQL ends as deadlocks."""
    signed_in = await people.signed_in()

    async def refresh(person):
        from gatepost.v1.auth_service_pb2 import RefreshTokensRequest

        try:
            await people.auth.RefreshTokens(RefreshTokensRequest(), metadata=person.refresh)
        except grpc.aio.AioRpcError as error:
            return reason_of(error)

    for _ in range(10):
        others = [await people.login(signed_in.email) for _ in range(3)]
        request = pb.AdapterServiceDeleteUserRequest(id=signed_in.id)
        deletion, *reasons = await asyncio.gather(
            people.adapter.DeleteUser(request, metadata=people.secret), *(refresh(other) for other in others)
        )
        assert deletion.HasField("user")
        assert set(reasons) <= {None, "REFRESH_TOKEN_INVALID"}
        signed_in = await people.signed_in()


async def test_a_time_may_be_at_either_end_of_the_calendar(people):
    for time in (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, 23, 59, 58, 999000, tzinfo=UTC)):
        user = await people.a_user(email_verified=time)
        assert (await by_id(people, user.id)).email_verified.ToDatetime(UTC) == time


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    "time", [{"seconds": 10**15}, {"seconds": -(10**15)}, {"seconds": 0, "nanos": -1}, {"seconds": 0, "nanos": 10**9}]
)
async def test_a_time_that_is_none_is_refused(people, time):
    with refused("REQUEST_INVALID") as caught:
        await people.a_user(email_verified=time)

    assert violations_of(caught.value) == ["user.email_verified"]


async def test_a_time_to_the_nanosecond_is_kept_to_the_microsecond(people):
    user = await people.a_user(email_verified={"seconds": 1, "nanos": 999_999_999})

    assert user.email_verified.ToDatetime(UTC) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=1_999_999)
