import pytest
from pydantic import ValidationError

from auth_server.settings import AuthServerSettings
from tests.conftest import key_ring
from tests.domain.conftest import STRONG

SHARED = {
    "both rings": {"GATEPOST_PEPPERS": key_ring("seal")},
    "one ring and the adapter": {"GATEPOST_ADAPTER_SECRET": key_ring("seal").partition(":")[2]},
    "HS256 and the adapter": {"GATEPOST_SIGNING_ALGORITHM": "HS256", "JWT_SECRET_KEY": STRONG},
    "one ring and the adapter before": {
        "GATEPOST_ADAPTER_SECRET_PREVIOUS": key_ring("pepper").partition(":")[2],
    },
    "HS256 and the adapter before": {
        "GATEPOST_SIGNING_ALGORITHM": "HS256",
        "JWT_SECRET_KEY": STRONG[::-1],
        "GATEPOST_ADAPTER_SECRET_PREVIOUS": STRONG[::-1],
    },
}


@pytest.mark.requirement(41)
@pytest.mark.parametrize("where", SHARED)
def test_a_secret_that_stands_in_two_places_stops_a_production_start(environment, where):
    environment(**SHARED[where])

    with pytest.raises(ValidationError, match=r"take another for each") as caught:
        AuthServerSettings()

    assert STRONG not in str(caught.value)
    environment(**SHARED[where], GATEPOST_ENVIRONMENT="development")
    assert AuthServerSettings()


@pytest.mark.requirement(41, 56)
@pytest.mark.parametrize("secret", ["short", "x" * 40, STRONG * 33, "é" * 40, STRONG + "\n1"])
def test_a_weak_adapter_secret_of_before_stops_a_production_start(environment, secret):
    environment(GATEPOST_ADAPTER_SECRET_PREVIOUS=secret)

    with pytest.raises(ValidationError, match="GATEPOST_ADAPTER_SECRET_PREVIOUS") as caught:
        AuthServerSettings()

    assert secret not in str(caught.value)


@pytest.mark.requirement(56)
def test_two_adapter_secrets_live_at_a_time_and_the_first_is_in_use(environment):
    environment(GATEPOST_ADAPTER_SECRET_PREVIOUS=STRONG[::-1])
    assert AuthServerSettings().adapter_secrets == (STRONG, STRONG[::-1])

    for same_or_none in (STRONG, "", None):
        environment(GATEPOST_ADAPTER_SECRET_PREVIOUS=same_or_none)
        assert AuthServerSettings().adapter_secrets == (STRONG,)

    environment(GATEPOST_ADAPTER_SECRET=None, GATEPOST_ADAPTER_SECRET_PREVIOUS=STRONG)
    with pytest.raises(ValidationError, match="GATEPOST_ADAPTER_SECRET\n  Field required"):
        AuthServerSettings()


GUESSED = {
    "short": "postgresql://gate:s3cr3t@db/auth",
    "the user's name": "postgresql://Gatekeeper:gatekeeper@db/auth",
    "an example": "postgresql://gate:changeme123@db/auth",
    "in the query": "postgresql://db/auth?user=gate&password=password1",
    "encoded": "postgresql://gate:p%61ssword@db/auth",
}


@pytest.mark.requirement(41)
@pytest.mark.parametrize("which", GUESSED)
def test_a_password_of_the_database_that_anybody_would_guess_stops_a_production_start(environment, which):
    environment(DATABASE_URL=GUESSED[which])

    with pytest.raises(ValidationError, match="the password in GATEPOST_DATABASE_URL is too weak"):
        AuthServerSettings()

    environment(DATABASE_URL=GUESSED[which], GATEPOST_ENVIRONMENT="development")
    assert AuthServerSettings()


@pytest.mark.parametrize("url", ["postgresql:///auth?host=/run/postgresql", f"postgresql://gate:{STRONG}@db/auth"])
def test_a_database_without_a_password_or_with_a_good_one_is_taken(environment, url):
    environment(DATABASE_URL=url)

    assert AuthServerSettings()


@pytest.mark.requirement(41)
@pytest.mark.parametrize("password", ["mailer", "short", "password123"])
def test_a_password_of_the_mail_server_that_anybody_would_guess_stops_a_production_start(environment, password):
    mails = {"GATEPOST_MAIL_FROM": "a@example.org", "GATEPOST_LINK_BASE_URL": "https://example.org"}
    environment(GATEPOST_MAIL_URL=f"smtp://mailer:{password}@mail.example.org:587", **mails)

    with pytest.raises(ValidationError, match="the password in GATEPOST_MAIL_URL is too weak") as caught:
        AuthServerSettings()

    assert f":{password}" not in str(caught.value)
