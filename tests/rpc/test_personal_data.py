"""Export and erasure, held against every table and column that the schema has."""

import re
from datetime import UTC, timedelta
from uuid import UUID

import pytest
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from auth_server.domain.mails import MailKind
from auth_server.mailing import outbox_of
from auth_server.usecases.sweeping import Retention, sweeps_of
from gatepost.v1 import export_pb2, user_pb2
from gatepost.v1 import users_service_pb2 as pb
from tests.mails import a_mail
from tests.people import refresh
from tests.personal_data import BOUNDED, NOT_PERSONAL, PERSONAL

ADDRESS = "Ann.Everywhere@example.org"
SECRETS = ["hush-access", "hush-refresh", "ab" * 32]
# What only this person has; none of it may be left, wherever it stands.
TRACES = [
    "ann.everywhere",
    "Ann Everywhere",
    "everywhere-agent",
    "192.0.2.77",
    "google-77",
    "everywhere-passkey",
    "everywhere's phone",
    "from Everywhere",
    "https://everywhere.example",
]
# What the contract leaves empty. Disabling comes first: it ends what there is.
FILL = """
UPDATE users
   SET name = 'Ann Everywhere', image = 'https://everywhere.example', email_verified = now(), locale = 'fr',
       disabled_at = now();
INSERT INTO sessions (token_hash, id, user_id, expires, methods)
SELECT 'a', gen_random_uuid(), id, now(), '{otp,mfa}' FROM users;
INSERT INTO refresh_families (id, user_id, created_at, expires, user_agent, address, methods)
SELECT gen_random_uuid(), id, now(), now(), 'everywhere-agent', '192.0.2.77', '{pwd,otp,mfa}' FROM users;
INSERT INTO second_factors
SELECT id, 'sealed', 1, now() - interval '1 minute', NULL, now() FROM users;
INSERT INTO recovery_codes SELECT id, 'a' FROM users;
INSERT INTO sign_in_challenges (challenge_hash, user_id, methods, password_version, factor_since, expires)
SELECT 'a', id, '{pwd}', 0, now(), now() FROM users;
INSERT INTO verification_tokens
SELECT lower(email), 'a', now() FROM users;
INSERT INTO one_time_tokens (token_hash, purpose, user_id, address, password_version, expires)
SELECT 'a', 'verify-email', id, email, 0, now() FROM users;
UPDATE outbox
   SET last_error = 'nobody of the name ann.everywhere here', dead_at = now(), attempts = 3, lease = gen_random_uuid();
INSERT INTO authenticators
SELECT 'credential', id, 'everywhere-passkey', 'key', 7, 'multiDevice', true, '{internal}', 'Everywhere''s phone',
       now(), now() FROM users;
INSERT INTO images (name, user_id, url, remove_at)
SELECT 'a.png', id, 'https://everywhere.example/a.png', '-infinity' FROM users;
INSERT INTO audit_events (at, event, user_id, request_id, rpc, caller, target)
SELECT now(), 'tested', id, 'request-7', 'A/B', 'user:' || id, 'role:operator' FROM users;
"""


@pytest.fixture
async def columns(owner_connection):
    """The columns of every table: (table, column, type)."""
    rows = await owner_connection.fetch(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
    )
    return [tuple(row) for row in rows]


@pytest.fixture
async def ann(people, sql, settings, clock, db):
    """A person who has at least a row in every table that holds something of people, with a value in every column."""
    signed_in = await people.signed_in(email=ADDRESS, profile=user_pb2.Profile(about="from Everywhere"))
    await refresh(people, signed_in.refresh_token)
    extras = Struct()
    extras.update({"avatar": "blue"})
    await people.an_account(
        signed_in.id,
        provider_account_id="google-77",
        expires_at=4_000_000_000,
        token_type="bearer",
        scope="openid",
        access_token="hush-access",
        refresh_token="hush-refresh",
        extras=extras,
    )
    outbox = outbox_of(settings, clock)
    for user_id in (UUID(signed_in.id), None):
        await outbox.put(
            db, a_mail(ADDRESS, kind=MailKind.RESET_PASSWORD, user_id=user_id, locale="fr", expires=clock())
        )
    await sql.execute(FILL)
    return signed_in


async def exported(people, sql, user_id):
    """The records of an export by an operator."""
    operator = await people.signed_in()
    await sql.execute("UPDATE users SET role = 'operator' WHERE id = $1", operator.id)
    call = people.users.ExportUser(export_pb2.ExportUserRequest(id=user_id), metadata=operator.bearer)
    return [record async for record in call]


def values_at(record, path):
    """What the field holds, each value in a list; nothing where it is unset."""
    for name in path.split("."):
        if record.DESCRIPTOR.fields_by_name[name].has_presence and not record.HasField(name):
            return []
        record = getattr(record, name)
    many = [record] if isinstance(record, (str, bytes, int, float, bool, Timestamp)) else list(record)
    return [value.ToDatetime(UTC) if isinstance(value, Timestamp) else value for value in many]


def plain(value):
    many = value if isinstance(value, list) else [value]
    return {str(each) if isinstance(each, UUID) else each for each in many}


@pytest.mark.requirement(63)
def test_every_table_is_personal_or_is_not_for_a_reason(columns):
    assert {table for table, _, _ in columns} == PERSONAL.keys() | NOT_PERSONAL.keys()
    assert not PERSONAL.keys() & NOT_PERSONAL.keys()


@pytest.mark.requirement(63)
@pytest.mark.parametrize("table", PERSONAL)
def test_every_column_of_a_personal_table_is_told_or_is_not_for_a_reason(columns, table):
    known = [*PERSONAL[table].told, *PERSONAL[table].untold]

    assert sorted(known) == sorted(column for of, column, _ in columns if of == table)


@pytest.mark.requirement(63)
async def test_an_export_tells_every_column_that_holds_something(people, sql, ann, subtests):
    await sql.execute("UPDATE images SET remove_at = 'infinity'")  # lest a server's sweep comes between
    held = {
        table: await sql.fetch(f"SELECT * FROM {table} WHERE {of.rows}", ann.id, ADDRESS)
        for table, of in PERSONAL.items()
    }

    records = await exported(people, sql, ann.id)

    for table, of in PERSONAL.items():
        told = [getattr(record, of.record) for record in records if record.WhichOneof("record") == of.record]
        for column, path in of.told.items():
            with subtests.test(f"{table}.{column}"):
                stored = set().union(*(plain(row[column]) for row in held[table])) - {None}
                assert stored, "the test has nothing in this column"
                assert stored <= {value for each in told for value in values_at(each, path)}
    everything = " ".join(map(str, records))
    assert "from Everywhere" in everything
    assert "blue" in everything
    for secret in SECRETS:
        assert secret not in everything


@pytest.mark.requirement(63)
async def test_an_export_tells_nothing_of_others(people, sql, ann):
    bob = await people.signed_in(email="bob@example.org")

    everything = " ".join(map(str, await exported(people, sql, bob.id)))

    for trace in [*TRACES, ann.id]:
        assert trace.lower() not in everything.lower()


async def rows_with(sql, columns, trace):
    """The tables that hold this text somewhere, with how many rows."""
    found = {}
    for table in {table for table, _, _ in columns}:
        count = await sql.fetchval(
            f"SELECT count(*) FROM {table} AS t WHERE strpos(lower(t::text), lower($1)) > 0", trace
        )
        if count:
            found[table] = count
    return found


@pytest.mark.requirement(63)
async def test_nothing_of_an_erased_user_is_left_but_ids(people, sql, ann, columns):
    sign_ins = [str(row["id"]) for row in await sql.fetch("SELECT id FROM refresh_families")]
    for trace in TRACES:
        assert await rows_with(sql, columns, trace), trace
    operator = await people.signed_in()
    await sql.execute("UPDATE users SET role = 'operator' WHERE id = $1", operator.id)

    await people.users.DeleteUser(pb.DeleteUserRequest(id=ann.id), metadata=operator.bearer)

    for trace in TRACES:
        assert await rows_with(sql, columns, trace) == {}, trace
    staying = {table for table, of in PERSONAL.items() if of.stays}
    assert set(await rows_with(sql, columns, ann.id)) == staying
    for sign_in in sign_ins:
        assert set(await rows_with(sql, columns, sign_in)) <= {"revocations"}
    for table in PERSONAL.keys() - staying:
        rows = await sql.fetch(f"SELECT * FROM {table} WHERE {PERSONAL[table].rows}", ann.id, ADDRESS)
        assert rows == [], table


@pytest.mark.requirement(63)
def test_every_table_that_grows_has_a_sweep(columns):
    swept = {sweep.table for sweep in sweeps_of(Retention(timedelta(days=1), timedelta(days=1)))}

    assert swept | BOUNDED.keys() == {table for table, _, _ in columns}
    assert not swept & BOUNDED.keys()


@pytest.mark.requirement(63)
def test_every_table_with_an_expiry_has_a_sweep(columns):
    swept = {sweep.table for sweep in sweeps_of(Retention(timedelta(days=1), timedelta(days=1)))}
    times = ("timestamp with time zone", "timestamp without time zone", "date")

    expiring = {table for table, column, kind in columns if kind in times and re.search("expir|give_up|until", column)}

    assert "sessions" in expiring
    assert expiring <= swept
