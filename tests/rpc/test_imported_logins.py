"""Users who come with a hash of another system."""

from __future__ import annotations

import pytest

from auth_server.domain.kept_hashes import KeptHashes
from auth_server.domain.passwords import PasswordHashes
from auth_server.domain.secrets import KeyRing
from auth_server.outside.even_checks import EvenChecks
from auth_server.outside.hash_pool import HashPool
from auth_server.storage import kept_hashes
from auth_server.usecases.slowest_hashes import SlowestHashes
from tests.domain.test_imported_hashes import FORMATS, PASSWORD
from tests.domain.test_kept_hashes import PBKDF2
from tests.people import refused

PHPASS = "$P$6u1PjYdBD.k2x8rvGfVyutnByeWU/l."
DEARER = PBKDF2.replace("$1000$", "$300000$")


@pytest.fixture
def kept(settings):
    return KeptHashes(KeyRing.of(settings.peppers.get_secret_value()))


async def imported(people, sql, made):
    """The address of somebody with this hash."""
    email = (await people.a_user()).email
    await sql.execute("UPDATE users SET password_hash = $2 WHERE email = $1", email, made)
    return email


@pytest.mark.requirement(21, 24)
@pytest.mark.parametrize("text", [PBKDF2, PHPASS])
async def test_the_first_login_makes_a_hash_of_our_own(people, sql, kept, text):
    email = await imported(people, sql, kept.keep(text))

    first = await people.login(email, PASSWORD)

    stored = await sql.fetchval("SELECT password_hash FROM users")
    assert stored.startswith("gp1$pepper$$2b$04$")
    assert (await people.login(email, PASSWORD)).id == first.id


@pytest.mark.requirement(24, 25)
async def test_a_wrong_password_is_refused_as_any_other_and_changes_nothing(people, sql, kept):
    made = kept.keep(PBKDF2)
    email = await imported(people, sql, made)

    with refused("CREDENTIALS_INVALID") as wrong:
        await people.login(email, PASSWORD + "x")
    with refused("CREDENTIALS_INVALID") as nobody:
        await people.login("nobody@example.org", PASSWORD)

    assert wrong.value.details() == nobody.value.details()
    assert await sql.fetchval("SELECT password_hash FROM users") == made


@pytest.mark.requirement(25)
async def test_the_costliest_hash_of_each_format_is_found(people, sql, db, kept):
    dearer = kept.keep(DEARER)
    for made in (kept.keep(PBKDF2), dearer, kept.keep(PBKDF2), kept.keep(PHPASS)):
        await imported(people, sql, made)
    await people.registered()

    found = await kept_hashes.costliest(db, FORMATS)

    assert dearer in found
    assert sorted(made.split("$")[2] for made in found) == ["pbkdf2-sha256", "phpass"]


@pytest.mark.requirement(25)
async def test_checks_take_as_long_as_the_slowest_import_until_its_user_is_gone(people, sql, db, kept, settings):
    hashes = PasswordHashes(KeyRing.of(settings.peppers.get_secret_value()), 4, kept)
    checks, pool = EvenChecks(hashes), HashPool(width=1, queue=1)
    slowest = SlowestHashes(db, pool, checks)
    await imported(people, sql, kept.keep(DEARER))

    await slowest.look()
    with_it = checks.slowest_seconds
    await sql.execute("DELETE FROM users")
    await slowest.look()
    pool.close()

    assert with_it > 20 * checks.seconds_of("x", hashes.dummy())
    assert checks.slowest_seconds == 0
