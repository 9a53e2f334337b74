import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from gatepost.v1 import user_pb2
from gatepost.v1 import users_service_pb2 as pb
from tests.people import refused, violations_of

NOBODY = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
async def operator(people, sql):
    signed_in = await people.signed_in(email="operator@example.org")
    await sql.execute("UPDATE users SET role = 'operator' WHERE email = 'operator@example.org'")
    return signed_in


async def get(people, user_id, caller):
    return (await people.users.GetUser(pb.GetUserRequest(id=user_id), metadata=caller.bearer)).user


async def listed(people, caller, **fields):
    return await people.users.ListUsers(pb.ListUsersRequest(**fields), metadata=caller.bearer)


async def update(people, caller, user_id, *mask, **fields):
    request = pb.UpdateUserRequest(
        id=user_id, user=user_pb2.User(**fields), update_mask=FieldMask(paths=mask) if mask else None
    )
    return (await people.users.UpdateUser(request, metadata=caller.bearer)).user


async def test_a_user_gets_their_own(people):
    ann = await people.signed_in(profile=user_pb2.Profile(country="France"))

    user = await get(people, ann.id, ann)

    assert (user.id, user.email, user.profile.country) == (ann.id, ann.email, "France")
    assert user.created_at == user.updated_at


@pytest.mark.requirement(59)
@pytest.mark.parametrize("rpc", ["GetUser", "UpdateUser", "DeleteUser"])
async def test_a_user_does_not_touch_anothers(people, rpc):
    ann, bob = await people.signed_in(), await people.signed_in()
    request = getattr(pb, f"{rpc}Request")(id=bob.id)
    if rpc == "UpdateUser":
        request.user.name = "x"

    with refused("PERMISSION_DENIED", grpc.StatusCode.PERMISSION_DENIED):
        await getattr(people.users, rpc)(request, metadata=ann.bearer)

    assert (await get(people, bob.id, bob)).name == "Person"


@pytest.mark.requirement(59)
async def test_whether_another_user_exists_is_not_told(people):
    ann = await people.signed_in()

    with refused("PERMISSION_DENIED"):
        await get(people, NOBODY, ann)


async def test_an_operator_gets_and_deletes_any_user_but_changes_none(people, operator):
    ann = await people.signed_in()

    assert (await get(people, ann.id, operator)).id == ann.id
    with refused("PERMISSION_DENIED"):
        await update(people, operator, ann.id, name="x")
    await people.users.DeleteUser(pb.DeleteUserRequest(id=ann.id), metadata=operator.bearer)
    with refused("USER_NOT_FOUND", grpc.StatusCode.NOT_FOUND):
        await get(people, ann.id, operator)


async def test_a_user_may_delete_themselves_which_ends_their_sign_in(people):
    ann = await people.signed_in()

    await people.users.DeleteUser(pb.DeleteUserRequest(id=ann.id), metadata=ann.bearer)

    with refused("ACCESS_TOKEN_INVALID"):
        await get(people, ann.id, ann)


async def test_only_an_operator_lists_users(people):
    ann = await people.signed_in()

    with refused("PERMISSION_DENIED", grpc.StatusCode.PERMISSION_DENIED):
        await listed(people, ann)


async def test_a_role_that_was_taken_away_counts_no_more(people, operator, sql):
    await listed(people, operator)
    await sql.execute("UPDATE users SET role = 'user'")

    with refused("PERMISSION_DENIED"):
        await listed(people, operator)


@pytest.mark.requirement(16)
async def test_pages_hold_every_user_once(people, operator):
    made = [operator.id] + [(await people.a_user()).id for _ in range(6)]

    seen, token = [], ""
    while True:
        page = await listed(people, operator, page_size=3, page_token=token)
        seen += [user.id for user in page.users]
        token = page.next_page_token
        if not token:
            break

    assert seen == sorted(made)


@pytest.mark.requirement(16)
async def test_a_last_page_that_is_full_leads_nowhere(people, operator):
    await people.a_user()

    page = await listed(people, operator, page_size=2)

    assert (len(page.users), page.next_page_token) == (2, "")


@pytest.mark.requirement(16)
async def test_a_page_token_holds_for_its_search_alone(people, operator):
    for number in range(3):
        await people.a_user(name=f"Ann {number}")
    page = await listed(people, operator, page_size=1, search="ann")

    assert len((await listed(people, operator, search="ann", page_token=page.next_page_token)).users) == 2
    for search in ("", "ANN", "bob"):
        with refused("PAGE_TOKEN_INVALID", grpc.StatusCode.INVALID_ARGUMENT):
            await listed(people, operator, search=search, page_token=page.next_page_token)


@pytest.mark.requirement(16)
async def test_a_page_is_never_larger_than_the_largest(people, operator, sql):
    await sql.execute(
        "INSERT INTO users (id, created_at, updated_at)"
        " SELECT gen_random_uuid(), now(), now() FROM generate_series(1, 250)"
    )

    assert len((await listed(people, operator, page_size=10_000)).users) == 200
    assert len((await listed(people, operator)).users) == 50


async def test_a_search_finds_parts_of_names_and_addresses(people, operator):
    await people.a_user(name="Ann Smith", email="a@example.org")
    await people.a_user(name="Bob", email="smith@example.com")
    await people.a_user(name="Carol_%", email="c@example.net")

    async def found(search):
        return {user.email for user in (await listed(people, operator, search=search)).users}

    assert await found("SMITH") == {"a@example.org", "smith@example.com"}
    assert await found("_%") == {"c@example.net"}
    assert await found("nobody") == set()


async def test_a_negative_page_size_is_refused(people, operator):
    with refused("REQUEST_INVALID"):
        await listed(people, operator, page_size=-1)


async def test_an_update_changes_the_fields_of_the_mask_alone(people):
    ann = await people.signed_in(profile=user_pb2.Profile(country="France", about="a"))
    changes = user_pb2.Profile(country="Spain", region="x")

    user = await update(people, ann, ann.id, "profile.country", "profile.about", profile=changes, name="ignored")

    assert (user.name, user.profile) == ("Person", user_pb2.Profile(country="Spain"))
    assert await get(people, ann.id, ann) == user


async def test_an_update_without_a_mask_changes_what_has_a_value(people):
    ann = await people.signed_in(profile=user_pb2.Profile(country="France"))

    user = await update(people, ann, ann.id, name="Anna", profile=user_pb2.Profile(founded_year=0))

    assert (user.name, user.profile) == ("Anna", user_pb2.Profile(country="France", founded_year=0))


@pytest.mark.requirement(12)
async def test_a_user_changes_the_language_that_they_are_written_to_in_and_takes_it_back(people):
    ann = await people.signed_in(locale="en")

    assert (await update(people, ann, ann.id, "locale", locale="fr-CA")).locale == "fr-CA"
    assert (await update(people, ann, ann.id, "name", name="Anna", locale="de")).locale == "fr-CA"
    assert not (await update(people, ann, ann.id, "locale")).HasField("locale")
    with refused("REQUEST_INVALID"):
        await update(people, ann, ann.id, "locale", locale="f")


@pytest.mark.parametrize("mask", [("*",), ("name", "profile")])
async def test_a_mask_of_everything_clears_what_is_not_given(people, mask):
    ann = await people.signed_in(profile=user_pb2.Profile(country="France"))

    user = await update(people, ann, ann.id, *mask, name="Anna")

    assert (user.name, user.profile) == ("Anna", user_pb2.Profile())


@pytest.mark.requirement(12)
@pytest.mark.parametrize(
    "path",
    [
        "id",
        "email",
        "email_verified",
        "image",
        "created_at",
        "updated_at",
        "role",
        "password_hash",
        "profile.role",
        "x",
    ],
)
async def test_other_fields_are_refused(people, path):
    ann = await people.signed_in()
    before = await get(people, ann.id, ann)

    with refused("FIELD_NOT_UPDATABLE", grpc.StatusCode.INVALID_ARGUMENT) as caught:
        await update(people, ann, ann.id, "name", path, name="x", email="other@example.org")

    assert violations_of(caught.value) == [f"user.{path}"]
    assert await get(people, ann.id, ann) == before


@pytest.mark.requirement(9)
@pytest.mark.parametrize("paths", [[f"field_{number}" for number in range(1000)], ["x" * 50_000]], ids=["many", "long"])
async def test_a_refusal_of_many_fields_fits_into_a_status(people, paths):
    ann = await people.signed_in()

    with refused("FIELD_NOT_UPDATABLE", grpc.StatusCode.INVALID_ARGUMENT) as caught:
        await update(people, ann, ann.id, *paths)

    assert 1 <= len(violations_of(caught.value)) <= 16


@pytest.mark.requirement(12)
async def test_other_fields_are_refused_without_a_mask_as_well(people):
    ann = await people.signed_in()

    with refused("FIELD_NOT_UPDATABLE"):
        await update(people, ann, ann.id, name="x", email="other@example.org")


@pytest.mark.requirement(16)
async def test_a_page_of_long_profiles_ends_early_and_loses_nobody(people, operator, sql):
    await sql.execute(
        "INSERT INTO users (id, profile, created_at, updated_at)"
        " SELECT gen_random_uuid(), jsonb_build_object('about', repeat('é', 50000)), now(), now()"
        " FROM generate_series(1, 40)"
    )

    seen, token, pages = set(), "", 0
    while token or not pages:
        page = await listed(people, operator, page_size=200, page_token=token)
        assert page.ByteSize() < 1_200_000
        seen |= {user.id for user in page.users}
        token, pages = page.next_page_token, pages + 1

    assert (len(seen), pages) == (41, 5)
