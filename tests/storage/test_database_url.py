import pytest

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.storage.database import connected
from auth_server.storage.database_url import connection_options
from auth_server.storage.migrations import migrate


def test_a_plain_url_stays_as_it_is():
    options = connection_options("postgresql://u:p%40@h:5432/d?sslmode=require", "gatepost")

    assert options == {
        "dsn": "postgresql://u:p%40@h:5432/d?sslmode=require",
        "server_settings": {"application_name": "gatepost"},
    }


def test_what_prisma_adds_is_left_out_and_its_schema_is_the_search_path():
    url = "postgresql://u@h/d?schema=auth&connection_limit=5&pgbouncer=true&pool_timeout=10&sslmode=disable"

    options = connection_options(url, "gatepost")

    assert options["dsn"] == "postgresql://u@h/d?sslmode=disable"
    assert options["server_settings"]["search_path"] == '"auth"'


@pytest.mark.parametrize("schema", ["public", "auth", 'o"dd'])
async def test_a_url_as_prisma_writes_it_works(database_url, sql, schema):
    await sql.execute("CREATE SCHEMA IF NOT EXISTS auth")
    await sql.execute('CREATE SCHEMA IF NOT EXISTS "o""dd"')
    url = f"{database_url}&schema={schema}&connection_limit=5&connect_timeout=300"

    await migrate(url)

    async with connected(url, size=1, prepared=False) as database:
        row = await database.fetchrow("SELECT current_schema() AS schema, count(*) AS users FROM users")
        assert (row["schema"], row["users"]) == (schema, 0)
    await sql.execute("DROP SCHEMA auth CASCADE")
    await sql.execute('DROP SCHEMA "o""dd" CASCADE')


async def test_a_parameter_that_nobody_knows_is_told(database_url):
    with pytest.raises(DatabaseUnavailableError) as caught:
        async with connected(f"{database_url}&nonsense=1", size=1):
            pass

    assert "nonsense" in str(caught.value.__cause__)
