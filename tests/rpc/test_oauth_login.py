from datetime import timedelta

import grpc
import jwt
import pytest

from auth_server.app import running
from auth_server.outside import identity_providers
from auth_server.settings.tokens import IdTokenIssuer
from gatepost.v1 import auth_service_pb2 as pb
from tests.people import People, refused
from tests.rpc.provider import a_provider


async def oauth_login(people, email, **fields):
    return await people.auth.OAuthLogin(pb.OAuthLoginRequest(email=email, **fields), metadata=people.secret)


@pytest.fixture
async def ann(people):
    """A user with a Google account."""
    user = await people.a_user(email="ann@example.org")
    await people.an_account(user.id, provider="google", provider_account_id="subject-1")
    return user


async def test_a_user_with_a_linked_account_is_signed_in(people, ann):
    for fields in ({}, {"provider": "google"}, {"provider": "google", "provider_account_id": "subject-1"}):
        answer = await oauth_login(people, "ANN@example.org", **fields)

        assert answer.user.id == ann.id
        assert answer.backend_tokens.expires_in > 0


async def test_a_front_end_without_the_adapter_secret_is_refused(people, ann):
    with refused("CREDENTIAL_MISSING", grpc.StatusCode.UNAUTHENTICATED):
        await people.auth.OAuthLogin(pb.OAuthLoginRequest(email=ann.email))


@pytest.mark.parametrize(
    "fields",
    [
        {"provider": "github"},
        {"provider": "google", "provider_account_id": "subject-2"},
        {"provider": "goo\0gle"},
        {"provider_account_id": ""},
        {"provider": ""},
    ],
    ids=str,
)
async def test_another_account_is_refused(people, ann, fields):
    with refused("OAUTH_LOGIN_REFUSED", grpc.StatusCode.UNAUTHENTICATED):
        await oauth_login(people, ann.email, **fields)


async def test_a_user_without_a_linked_account_is_refused(people):
    email = await people.registered()

    for address in (email, "nobody@example.org", "no\0body"):
        with refused("OAUTH_LOGIN_REFUSED"):
            await oauth_login(people, address)


async def test_an_account_of_another_user_does_not_help(people, ann):
    bob = await people.a_user(email="bob@example.org")
    await people.an_account(bob.id, provider="google", provider_account_id="subject-2")

    with refused("OAUTH_LOGIN_REFUSED"):
        await oauth_login(people, ann.email, provider="google", provider_account_id="subject-2")


async def test_a_disabled_user_is_refused(people, ann, sql):
    await sql.execute("UPDATE users SET disabled_at = now()")

    with refused("OAUTH_LOGIN_REFUSED"):
        await oauth_login(people, ann.email)


async def test_an_id_token_of_a_provider_that_no_setting_names_is_refused(people, ann):
    with refused("ID_TOKEN_INVALID", grpc.StatusCode.UNAUTHENTICATED):
        await oauth_login(people, ann.email, id_token="x.y.z")


@pytest.fixture
async def provider():
    async with a_provider() as provider:
        yield provider


@pytest.fixture
async def knowing(settings, provider, clock, people, ann):
    """A server that knows the provider."""
    issuers = {"google": IdTokenIssuer(issuer=provider.issuer, audience="client-1")}
    known = settings.model_copy(update={"id_token_issuers": issuers, "reflection": False})
    async with running(known, clock) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        others = People(channel, "")
        others.secret = people.secret
        yield others


@pytest.mark.requirement(54)
async def test_a_good_id_token_of_the_linked_account_is_accepted(knowing, provider, ann):
    for _ in range(3):
        answer = await oauth_login(knowing, ann.email, id_token=provider.id_token())
        assert answer.user.id == ann.id

    assert provider.asked == 1


@pytest.mark.requirement(54)
@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "client-2"},
        {"aud": None},
        {"sub": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 4_102_444_800, "exp": 4_102_444_900},
        {"aud": ["client-1", "client-2"], "azp": "client-2"},
    ],
    ids=str,
)
async def test_an_id_token_with_a_wrong_claim_is_refused(knowing, provider, ann, claims):
    with refused("ID_TOKEN_INVALID"):
        await oauth_login(knowing, ann.email, id_token=provider.id_token(**claims))


@pytest.mark.requirement(54)
async def test_an_id_token_of_another_key_or_algorithm_is_refused(knowing, provider, ann):
    good = provider.id_token()
    async with a_provider() as stranger:
        stranger.issuer, issuer = provider.issuer, stranger.issuer
        forged = stranger.id_token()
        stranger.issuer = issuer
    claims = jwt.decode(good, options={"verify_signature": False})
    tokens = [
        forged,
        good[:-4] + "AAAA",
        jwt.encode(claims, None, algorithm="none", headers={"kid": "key-1"}),
        jwt.encode(claims, "s" * 64, algorithm="HS256", headers={"kid": "key-1"}),
        provider.id_token(algorithm="PS256"),
        "x",
        "",
    ]
    for token in tokens[:-1]:
        with refused("ID_TOKEN_INVALID"):
            await oauth_login(knowing, ann.email, id_token=token)


@pytest.mark.requirement(54)
async def test_a_new_key_of_the_provider_is_learnt_once_the_known_ones_are_old(knowing, provider, ann, monkeypatch):
    await oauth_login(knowing, ann.email, id_token=provider.id_token())
    provider.keys["key-2"] = provider.keys["key-1"]

    with refused("ID_TOKEN_INVALID"):
        await oauth_login(knowing, ann.email, id_token=provider.id_token(key="key-2"))
    monkeypatch.setattr(identity_providers, "RETRY_SECONDS", 0.0)
    answer = await oauth_login(knowing, ann.email, id_token=provider.id_token(key="key-2"))

    assert (answer.user.id, provider.asked) == (ann.id, 2)


@pytest.mark.requirement(54)
async def test_an_id_token_is_held_against_the_account_of_its_own_provider(knowing, provider, ann):
    await knowing.an_account(ann.id, provider="an earlier name", provider_account_id="1")

    answer = await oauth_login(knowing, ann.email, id_token=provider.id_token())

    assert answer.user.id == ann.id


@pytest.mark.requirement(54)
async def test_an_id_token_of_nobodys_account_signs_nobody_in(knowing, provider, ann):
    with refused("OAUTH_LOGIN_REFUSED"):
        await oauth_login(knowing, ann.email, id_token=provider.id_token(sub="subject-9"))


async def test_a_provider_that_is_down_is_told_and_not_asked_again_at_once(knowing, provider, ann, caplog):
    provider.broken = True

    for _ in range(3):
        with refused("IDENTITY_PROVIDER_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE):
            await oauth_login(knowing, ann.email, id_token=provider.id_token())

    assert provider.asked == 1
    assert [record.issuer for record in caplog.records if record.name == identity_providers.__name__] == [
        provider.issuer
    ]


@pytest.mark.requirement(54)
@pytest.mark.parametrize("oddity", [{"moved_keys": True}, {"calls_itself": "https://other.example"}], ids=str)
async def test_keys_are_taken_from_the_issuer_itself_and_from_where_nobody_sends_us(knowing, provider, ann, oddity):
    vars(provider).update(oddity)

    with refused("IDENTITY_PROVIDER_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE):
        await oauth_login(knowing, ann.email, id_token=provider.id_token())


async def test_known_keys_stay_good_while_the_provider_is_down(knowing, provider, ann, monkeypatch):
    await oauth_login(knowing, ann.email, id_token=provider.id_token())
    provider.broken = True
    monkeypatch.setattr(identity_providers, "KEYS_KEPT_SECONDS", 0.0)
    monkeypatch.setattr(identity_providers, "RETRY_SECONDS", 0.0)

    assert (await oauth_login(knowing, ann.email, id_token=provider.id_token())).user.id == ann.id
    assert provider.asked == 2


async def test_an_issuer_is_not_reached_in_clear_beyond_this_machine(settings, clock, people, ann):
    issuers = {"google": IdTokenIssuer(issuer="http://issuer.example", audience="client-1")}
    known = settings.model_copy(update={"id_token_issuers": issuers, "reflection": False})
    async with a_provider() as provider, running(known, clock) as server:
        token = provider.id_token(iss="http://issuer.example", exp=int(clock().timestamp()) + 60)
        async with grpc.aio.insecure_channel(server.grpc_target) as channel:
            others = People(channel, "")
            others.secret = people.secret

            with refused("IDENTITY_PROVIDER_UNAVAILABLE"):
                await oauth_login(others, ann.email, id_token=token)
    assert clock.ahead == timedelta()


@pytest.mark.requirement(54)
async def test_an_id_token_of_one_subject_does_not_open_the_account_of_another(knowing, provider, ann):
    token = provider.id_token(sub="subject-2")

    with refused("ID_TOKEN_INVALID"):
        await oauth_login(knowing, ann.email, provider="google", provider_account_id="subject-1", id_token=token)
