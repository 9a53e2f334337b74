import asyncio
from random import Random

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct

from gatepost.v1 import adapter_pb2
from gatepost.v1 import adapter_service_pb2 as pb
from tests.people import reason_of, refused, violations_of

NOBODY = "01890000-0000-7000-8000-000000000000"


async def find(people, provider, provider_account_id):
    request = pb.GetAccountRequest(provider=provider, provider_account_id=provider_account_id)
    answer = await people.adapter.GetAccount(request, metadata=people.secret)
    return answer.account if answer.HasField("account") else None


async def owner(people, provider, provider_account_id):
    request = pb.GetUserByAccountRequest(provider=provider, provider_account_id=provider_account_id)
    answer = await people.adapter.GetUserByAccount(request, metadata=people.secret)
    return answer.user.id if answer.HasField("user") else None


def extras(**values):
    made = Struct()
    made.update(values)
    return made


async def test_an_account_comes_back_whole(people):
    user = await people.a_user()
    given = adapter_pb2.Account(
        user_id=user.id,
        type="oidc",
        provider="google",
        provider_account_id="1",
        access_token="a" * 12_000,
        refresh_token="r" * 12_000,
        id_token="i" * 12_000,
        expires_at=4_102_444_800,
        token_type="Bearer",
        scope="openid email",
        session_state="s\0s",
        extras=extras(user_id="9", nested={"a": [1, None, "x"]}, flag=True),
    )

    linked = (await people.adapter.LinkAccount(pb.LinkAccountRequest(account=given), metadata=people.secret)).account

    assert linked == given
    assert await find(people, "google", "1") == given


async def test_an_account_leads_to_its_user(people):
    user = await people.a_user()
    account = await people.an_account(user.id, provider="x", provider_account_id="https://id.example/u/1|a:b")

    assert await owner(people, "x", account.provider_account_id) == user.id


@pytest.mark.parametrize("text", ["", "none", "\0", "é" * 50, "a/b"])
async def test_accounts_of_any_spelling_are_looked_up(people, text):
    assert await owner(people, text, text) is None
    assert await find(people, text, text) is None
    request = pb.UnlinkAccountRequest(provider=text, provider_account_id=text)
    assert not (await people.adapter.UnlinkAccount(request, metadata=people.secret)).HasField("account")


async def test_linking_again_replaces_the_same_users_account(people):
    user = await people.a_user()
    await people.an_account(user.id, provider_account_id="1", access_token="old", scope="old")

    await people.an_account(user.id, provider_account_id="1", access_token="new")

    found = await find(people, "google", "1")
    assert (found.access_token, found.HasField("scope")) == ("new", False)


async def test_another_users_account_is_refused_and_stays(people):
    first, second = await people.a_user(), await people.a_user()
    await people.an_account(first.id, provider_account_id="1", access_token="first")

    with refused("ACCOUNT_TAKEN", grpc.StatusCode.ALREADY_EXISTS):
        await people.an_account(second.id, provider_account_id="1", access_token="second")

    assert await owner(people, "google", "1") == first.id
    assert (await find(people, "google", "1")).access_token == "first"


async def test_an_account_never_moves_in_a_race(people):
    for number in range(5):
        users = [await people.a_user() for _ in range(8)]
        account_id = str(number)

        results = await asyncio.gather(
            *(people.an_account(user.id, provider_account_id=account_id) for user in users), return_exceptions=True
        )

        winners = [result for result in results if not isinstance(result, BaseException)]
        losers = [result for result in results if isinstance(result, grpc.aio.AioRpcError)]
        assert len(winners) == 1
        assert {reason_of(loser) for loser in losers} == {"ACCOUNT_TAKEN"}
        assert await owner(people, "google", account_id) == winners[0].user_id


@pytest.mark.parametrize("user_id", [NOBODY, "1", "\0"])
async def test_linking_to_nobody_is_refused(people, user_id):
    with refused("USER_NOT_FOUND", grpc.StatusCode.NOT_FOUND):
        await people.an_account(user_id)


async def test_unlinking_answers_the_account_as_it_was(people):
    user = await people.a_user()
    account = await people.an_account(user.id, access_token="a")
    request = pb.UnlinkAccountRequest(provider=account.provider, provider_account_id=account.provider_account_id)

    answers = await asyncio.gather(*(people.adapter.UnlinkAccount(request, metadata=people.secret) for _ in range(5)))

    assert [answer.account for answer in answers if answer.HasField("account")] == [account]
    assert await owner(people, account.provider, account.provider_account_id) is None


@pytest.mark.requirement(58)
async def test_sealed_tokens_of_one_row_do_not_open_in_another(people, sql):
    user = await people.a_user()
    await people.an_account(user.id, provider_account_id="1", access_token="a")
    await people.an_account(user.id, provider_account_id="2", access_token="b")
    await sql.execute(
        "UPDATE accounts SET sealed = (SELECT sealed FROM accounts WHERE provider_account_id = '1')"
        " WHERE provider_account_id = '2'"
    )

    with refused("INTERNAL"):
        await find(people, "google", "2")


@pytest.mark.requirement(11)
async def test_what_is_no_json_is_refused(people):
    user = await people.a_user()

    with refused("REQUEST_INVALID") as caught:
        await people.an_account(user.id, extras=extras(number=float("nan")))

    assert violations_of(caught.value) == ["account.extras"]


@pytest.mark.requirement(11)
async def test_a_nul_is_refused_by_its_field(people):
    user = await people.a_user()

    with refused("REQUEST_INVALID") as caught:
        await people.an_account(user.id, provider="goo\0gle", scope="a\0b")

    assert violations_of(caught.value) == ["account.provider", "account.scope"]


@pytest.mark.requirement(11)
@pytest.mark.parametrize("long", ["provider", "provider_account_id"])
async def test_an_id_that_is_too_long_for_an_index_is_refused_by_its_field(people, long):
    user = await people.a_user()
    text = "".join(map(chr, Random(1).choices(range(0x4E00, 0x9FFF), k=2000)))

    with refused("REQUEST_INVALID") as caught:
        await people.an_account(user.id, **{long: text})

    assert violations_of(caught.value) == [f"account.{long}"]


async def test_an_id_of_the_longest_kind_is_kept(people):
    user = await people.a_user()
    text = "".join(map(chr, Random(1).choices(range(0x4E00, 0x9FFF), k=2048 // 3)))

    await people.an_account(user.id, provider="p" * 256, provider_account_id=text)

    assert await owner(people, "p" * 256, text) == user.id
