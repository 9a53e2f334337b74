"""A backup of a used database, taken while a server works, and restored into another cluster: what was, is."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import jwt
import pytest
from pydantic import SecretStr

from auth_server.app import StartError, running, utc_now
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import connected
from auth_server.storage.migrations import migrate
from gatepost.v1 import adapter_pb2, adapter_service_pb2, auth_service_pb2, keys_service_pb2, users_service_pb2
from gatepost.v1.auth_passwords_pb2 import ResetPasswordRequest
from gatepost.v1.second_factor_service_pb2 import MakeRecoveryCodesRequest
from gatepost_cli.embedded_postgres import EmbeddedPostgres
from tests.audit import chained
from tests.cli.command import ROOT, run
from tests.conftest import ADAPTER_SECRET, FAST, Clock, key_ring
from tests.mailbox import Mailbox
from tests.mails import waiting_mails
from tests.people import PASSWORD, People, SignedIn, refresh, refused
from tests.resets import NEW_PASSWORD, Resets
from tests.second_factors import App, with_second_factor

pytestmark = [pytest.mark.timeout(180), pytest.mark.requirement(64)]


@dataclass(frozen=True, slots=True)
class Past:
    """What was made before the backup."""

    ann: SignedIn
    gone: SignedIn
    """Has logged out."""
    ben: SignedIn
    app: App
    """Ben's authenticator app."""
    link_token: str
    """Of a mailed link that resets the password of who has logged out."""
    registered: str
    """The address of somebody whose mail waits."""
    device_token: str
    account: adapter_pb2.Account
    session: adapter_pb2.Session
    checkpoint: str
    dump: Path


def on(settings: AuthServerSettings, url: str, **changed: Any) -> AuthServerSettings:
    """The settings of a server on this database."""
    given = settings.model_dump(exclude={"database_url", *changed})
    return AuthServerSettings(**given, database_url=SecretStr(url), **changed)


def commands_on(url: str) -> dict[str, str]:
    return {"GATEPOST_DATABASE_URL": url, "GATEPOST_SEALING_KEYS": key_ring("seal")}


def statements_about(table: str) -> str:
    """The SQL of the page for operators that names the table."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    [found] = [part for part in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) if table in part]
    return str(found)


def device_id_of(token: str) -> str:
    return token[14:46]


def program(postgres: EmbeddedPostgres, name: str, *arguments: object) -> str:
    """What one of PostgreSQL's own programs says, which must not complain."""
    command = [str(postgres.bin / name), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


@pytest.fixture(scope="module")
async def used(database_url: str, owner_connection: asyncpg.Connection) -> AsyncIterator[str]:
    """The URL of a migrated database apart."""
    await owner_connection.execute("CREATE DATABASE used TEMPLATE template0")
    url = database_url.replace("/postgres?", "/used?")
    await migrate(url)
    yield url
    await owner_connection.execute("DROP DATABASE used WITH (FORCE)")


@pytest.fixture(scope="module")
async def past(
    used: str, settings: AuthServerSettings, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Past:
    dump = tmp_path_factory.mktemp("backup") / "gatepost.dump"
    async with (
        running(on(settings, used)) as server,
        grpc.aio.insecure_channel(server.grpc_target) as channel,
        connected(used, size=2) as db,
    ):
        people = People(channel, ADAPTER_SECRET)
        ann, gone = await people.signed_in(), await people.signed_in()
        await people.log_out(gone)
        sql = await asyncpg.connect(used)
        ben = await people.signed_in()
        await sql.execute("UPDATE users SET email_verified = now() WHERE id = $1", ben.id)
        app, _ = await with_second_factor(people, ben, Clock())
        link_token = await Resets(people, Mailbox(db, sql, settings, utc_now)).token(gone.email)
        registered = await people.registered()
        again = await people.auth.Login(auth_service_pb2.LoginRequest(email=ann.email, password=PASSWORD))
        user = await people.a_user()
        account = await people.an_account(user.id, access_token="a provider's token", id_token="its id_token")
        session = await people.a_session(user.id)
        await chained(db, sql)
        await sql.close()
        checkpoint = run("audit", "verify", **commands_on(used)).stdout.split()[-1]
        program(postgres, "pg_dump", "-Fc", "-f", dump, used)
        return Past(ann, gone, ben, app, link_token, registered, again.device_token, account, session, checkpoint, dump)


@pytest.fixture(scope="module")
def other_cluster() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that has nothing of the first one."""
    folder = Path(tempfile.mkdtemp(prefix="gatepost-restored-"))
    folder.chmod(0o711)
    with EmbeddedPostgres(folder / "postgres", conf=FAST) as server:
        yield server
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
async def restored(past: Past, other_cluster: EmbeddedPostgres) -> str:
    """The URL of the database that the backup was restored into."""
    program(other_cluster, "pg_restore", "--exit-on-error", "-d", other_cluster.dsn, past.dump)
    return other_cluster.dsn


@pytest.fixture(scope="module")
async def people(restored: str, settings: AuthServerSettings) -> AsyncIterator[People]:
    """Callers of a server on it, with the keys of before."""
    async with (
        running(on(settings, restored)) as server,
        grpc.aio.insecure_channel(server.grpc_target) as channel,
    ):
        yield People(channel, ADAPTER_SECRET)


async def test_users_log_in_go_on_and_stay_logged_out(people: People, past: Past) -> None:
    wanted = users_service_pb2.GetUserRequest(id=past.ann.id)
    known = auth_service_pb2.LoginRequest(email=past.ann.email, password=PASSWORD, device_token=past.device_token)

    assert (await people.login(past.ann.email)).id == past.ann.id
    device = (await people.auth.Login(known)).device_token
    assert device_id_of(device) == device_id_of(past.device_token)
    assert (await people.users.GetUser(wanted, metadata=past.ann.bearer)).user.email == past.ann.email
    newer = await refresh(people, past.ann.refresh_token)
    assert await refresh(people, newer.refresh_token)
    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, past.gone.refresh_token)


async def test_published_keys_verify_access_tokens_of_before(people: People, past: Past) -> None:
    published = await people.keys.GetJsonWebKeySet(keys_service_pb2.GetJsonWebKeySetRequest())
    key_id = jwt.get_unverified_header(past.ann.access_token)["kid"]
    [key] = [key for key in published.keys if key.kid == key_id]

    verifying = jwt.PyJWK({"kty": key.kty, "crv": key.crv, "x": key.x}, algorithm="EdDSA")
    claims = jwt.decode(past.ann.access_token, verifying, ["EdDSA"], options={"verify_aud": False})

    assert claims["sub"] == past.ann.id


async def test_sessions_and_what_was_sealed_of_providers_come_back(people: People, past: Past) -> None:
    session = adapter_service_pb2.GetSessionAndUserRequest(session_token=past.session.session_token)
    account = adapter_service_pb2.GetAccountRequest(
        provider=past.account.provider, provider_account_id=past.account.provider_account_id
    )

    found = await people.adapter.GetSessionAndUser(session, metadata=people.secret)
    kept = await people.adapter.GetAccount(account, metadata=people.secret)

    assert found.session_and_user.user.id == past.account.user_id
    assert kept.account == past.account
    assert kept.account.access_token == "a provider's token"


async def test_second_factors_are_asked_for_with_the_codes_of_before(people: People, past: Past) -> None:
    request = MakeRecoveryCodesRequest(code=past.app.next_code())

    made = await people.second_factors.MakeRecoveryCodes(request, metadata=past.ben.bearer)

    assert len(made.recovery_codes) == 10


async def test_mails_that_wait_can_be_opened(past: Past, restored: str, settings: AuthServerSettings) -> None:
    sql = await asyncpg.connect(restored)
    opened = await waiting_mails(sql, settings)
    await sql.close()

    assert past.registered in {mail.recipient for mail in opened}


async def test_the_audit_log_verifies_up_to_what_was_noted_and_goes_on(
    people: People, past: Past, restored: str
) -> None:
    await people.signed_in()
    sql = await asyncpg.connect(restored)
    async with connected(restored, size=2) as db:
        await chained(db, sql)
    await sql.close()

    said = run("audit", "verify", "--checkpoint", past.checkpoint, **commands_on(restored))

    assert said.returncode == 0, said.stdout
    assert int(said.stdout.split()[-1].partition(":")[0]) > int(past.checkpoint.partition(":")[0])


async def test_the_schema_is_the_same_with_its_triggers_functions_and_rights(
    used: str, restored: str, postgres: EmbeddedPostgres, other_cluster: EmbeddedPostgres
) -> None:
    def schema(server: EmbeddedPostgres, url: str) -> list[str]:
        lines = program(server, "pg_dump", "--schema-only", url).splitlines()
        return [line for line in lines if not line.startswith("\\")]  # a key that each dump makes for itself

    assert schema(postgres, used) == schema(other_cluster, restored)
    assert "REVOKE ALL ON FUNCTION public.drop_audit_events" in "\n".join(schema(other_cluster, restored))


async def test_the_statements_of_the_page_end_all_sign_ins(people: People, restored: str) -> None:
    await people.signed_in()
    sql = await asyncpg.connect(restored)
    undone = sql.transaction()
    await undone.start()
    await sql.execute(statements_about("refresh_families"))
    living = await sql.fetchval(
        "SELECT (SELECT count(*) FROM refresh_families WHERE ended_at IS NULL) + (SELECT count(*) FROM sessions)"
    )
    told = await sql.fetchval("SELECT count(*) FROM revocations WHERE subject = 'sign_in' AND reason = 'revoked'")
    await undone.rollback()
    await sql.close()

    assert living == 0
    assert told >= 2


@pytest.fixture
def restored_again(past: Past, restored: str, other_cluster: EmbeddedPostgres) -> Iterator[str]:
    """The URL of another copy, for whoever breaks it."""
    program(other_cluster, "psql", "-c", "CREATE DATABASE again", restored)
    url = restored.replace("/postgres?", "/again?")
    program(other_cluster, "pg_restore", "--exit-on-error", "-d", url, past.dump)
    yield url
    program(other_cluster, "psql", "-c", "DROP DATABASE again WITH (FORCE)", restored)


async def test_without_the_sealing_keys_no_server_starts_until_what_they_sealed_is_given_up(
    past: Past, restored_again: str, settings: AuthServerSettings
) -> None:
    other = on(settings, restored_again, sealing_keys=SecretStr(key_ring("another")))
    wanted = users_service_pb2.GetUserRequest(id=past.ann.id)

    with pytest.raises(StartError, match="GATEPOST_SEALING_KEYS"):
        async with running(other):
            pass
    sql = await asyncpg.connect(restored_again)
    await sql.execute(statements_about("audit_keys"))
    await sql.close()
    async with running(other) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        people = People(channel, ADAPTER_SECRET)
        await people.login(past.ann.email)
        with refused("ACCESS_TOKEN_INVALID"):
            await people.users.GetUser(wanted, metadata=past.ann.bearer)
        assert await refresh(people, past.ann.refresh_token)


async def test_without_the_pepper_passwords_are_lost_and_a_mailed_link_makes_new_ones(
    past: Past, restored: str, settings: AuthServerSettings
) -> None:
    bare = on(settings, restored, peppers=SecretStr(key_ring("another")))
    async with running(bare) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        people = People(channel, ADAPTER_SECRET)
        with refused("CREDENTIALS_INVALID"):
            await people.login(past.gone.email)

        await people.auth.ResetPassword(ResetPasswordRequest(token=past.link_token, new_password=NEW_PASSWORD))

        assert await people.login(past.gone.email, NEW_PASSWORD)
