from datetime import timedelta

import pytest
from pydantic import ValidationError

from auth_server.domain.signing_keys import Algorithm
from auth_server.settings import AuthServerSettings
from tests.domain.conftest import GIVEN, STRONG


def test_settings_come_from_the_environment(environment):
    environment()

    settings = AuthServerSettings()

    assert settings.database_url.get_secret_value() == "postgresql://u@h/d"
    assert STRONG not in repr(settings)


@pytest.mark.parametrize("name", ["COMPANY_AUTH_DATABASE_URL", "GATEPOST_DATABASE_URL"])
def test_the_articles_names_are_accepted(environment, name):
    environment(DATABASE_URL=None, GATEPOST_ADAPTER_SECRET=None, NEXTAUTH_SECRET=STRONG, **{name: "postgresql://x/y"})

    settings = AuthServerSettings()

    assert settings.database_url.get_secret_value() == "postgresql://x/y"
    assert settings.adapter_secret.get_secret_value() == STRONG


@pytest.mark.parametrize("name", list(GIVEN))
def test_a_file_may_give_a_secret(environment, name, tmp_path):
    (tmp_path / "secret").write_text(GIVEN[name] + "\n")
    environment(**{name: None, f"{name}_FILE": str(tmp_path / "secret")})

    settings = AuthServerSettings()

    values = [field.get_secret_value() for field in vars(settings).values() if hasattr(field, "get_secret_value")]
    assert GIVEN[name] in values


SHOWN = {
    "by its own name": ({"GATEPOST_ADAPTER_SECRET": STRONG}, {"NEXTAUTH_SECRET": "other" * 9}),
    "by its own name in a file": ({"GATEPOST_ADAPTER_SECRET_FILE": STRONG}, {"NEXTAUTH_SECRET": "other" * 9}),
    "in the environment": ({"GATEPOST_ADAPTER_SECRET": STRONG}, {"GATEPOST_ADAPTER_SECRET_FILE": "other" * 9}),
    "by an alias where its own is empty": ({"NEXTAUTH_SECRET": STRONG}, {"GATEPOST_ADAPTER_SECRET": ""}),
    "in a file where the variable is empty": (
        {"GATEPOST_ADAPTER_SECRET_FILE": STRONG},
        {"GATEPOST_ADAPTER_SECRET": ""},
    ),
}


@pytest.mark.parametrize("how", SHOWN)
def test_a_setting_is_taken_by_its_own_name_first_and_then_from_the_environment_first(environment, tmp_path, how):
    given = {}
    for variables in SHOWN[how]:
        for name, value in variables.items():
            (tmp_path / name).write_text(value)
            given[name] = str(tmp_path / name) if name.endswith("_FILE") else value
    environment(**{"GATEPOST_ADAPTER_SECRET": None, **given})

    assert AuthServerSettings().adapter_secret.get_secret_value() == STRONG


def test_an_argument_wins_over_every_name(environment):
    environment()

    settings = AuthServerSettings(database_url="postgresql://x/y", adapter_secret=STRONG[::-1])

    assert settings.database_url.get_secret_value() == "postgresql://x/y"
    assert settings.adapter_secret.get_secret_value() == STRONG[::-1]


def test_a_platforms_database_url_gives_way_to_a_file_of_our_own_name(environment, tmp_path):
    (tmp_path / "url").write_text("postgresql://x/y")
    environment(GATEPOST_DATABASE_URL_FILE=str(tmp_path / "url"))

    assert AuthServerSettings().database_url.get_secret_value() == "postgresql://x/y"


def test_an_empty_variable_counts_as_not_given(environment):
    environment(GATEPOST_ID_TOKEN_ISSUERS="", GATEPOST_GRPC_PORT="", GATEPOST_PEPPERS_FILE="")

    assert AuthServerSettings().grpc_port == 50051


@pytest.mark.parametrize(
    ("name", "given", "seconds"),
    [
        ("production", None, 5),
        ("development", None, 0),
        ("test", None, 0),
        ("production", "0", 0),
        ("test", "2.5", 2.5),
    ],
)
def test_only_production_drains_for_a_while_unless_asked_to(environment, name, given, seconds):
    environment(GATEPOST_ENVIRONMENT=name, GATEPOST_DRAIN_SECONDS=given)

    assert AuthServerSettings().drain_seconds == seconds


def test_a_file_that_cannot_be_read_is_told(environment, tmp_path):
    environment(GATEPOST_PEPPERS=None, GATEPOST_PEPPERS_FILE=str(tmp_path / "nothing"))

    with pytest.raises(FileNotFoundError):
        AuthServerSettings()


@pytest.mark.requirement(41)
@pytest.mark.parametrize("name", list(GIVEN))
def test_a_missing_secret_stops_the_start(environment, name):
    environment(**{name: None})

    with pytest.raises(ValidationError):
        AuthServerSettings()


@pytest.mark.requirement(41)
@pytest.mark.parametrize(
    "secret",
    [
        "",
        "short",
        "x" * 40,
        "0123456789abcdef" * 2,
        "0123456789abcdefghijklmnopqrstuv",
        "ThisIsMyNextAuthSecret-2026-please-keep",
        STRONG * 33,
        "é" * 40,
        " " + STRONG,
        STRONG + "\n1",
    ],
)
def test_a_weak_adapter_secret_stops_a_production_start(environment, secret):
    environment(GATEPOST_ADAPTER_SECRET=secret)

    with pytest.raises(ValidationError, match="GATEPOST_ADAPTER_SECRET") as caught:
        AuthServerSettings()

    assert not secret.strip() or secret not in str(caught.value)


def test_development_takes_a_short_secret_but_not_none(environment):
    environment(GATEPOST_ADAPTER_SECRET="short", GATEPOST_ENVIRONMENT="development")
    assert AuthServerSettings().adapter_secret.get_secret_value() == "short"

    environment(GATEPOST_ADAPTER_SECRET="", GATEPOST_ENVIRONMENT="development")
    with pytest.raises(ValidationError, match="GATEPOST_ADAPTER_SECRET\n  Field required"):
        AuthServerSettings()


@pytest.mark.requirement(21)
@pytest.mark.parametrize("environment_name", ["production", "development"])
def test_a_low_cost_is_for_tests_alone(environment, environment_name):
    environment(GATEPOST_BCRYPT_COST="9", GATEPOST_ENVIRONMENT=environment_name)

    with pytest.raises(ValidationError, match="GATEPOST_BCRYPT_COST"):
        AuthServerSettings()


@pytest.mark.requirement(21)
def test_the_cost_is_12_by_default(environment):
    environment()

    assert AuthServerSettings().bcrypt_cost == 12


@pytest.mark.requirement(47)
def test_a_link_that_resets_a_password_lives_for_thirty_minutes_at_the_most(environment):
    environment()
    assert AuthServerSettings().reset_token_life == timedelta(minutes=30)

    environment(GATEPOST_RESET_TOKEN_LIFE="PT31M")
    with pytest.raises(ValidationError, match="less than or equal to 30 minutes"):
        AuthServerSettings()


@pytest.mark.requirement(36)
def test_an_access_token_lives_for_fifteen_minutes_at_the_most(environment):
    environment()
    assert AuthServerSettings().access_token_life == timedelta(minutes=15)

    environment(GATEPOST_ACCESS_TOKEN_LIFE="PT15M1S")
    with pytest.raises(ValidationError, match="less than or equal to 15 minutes"):
        AuthServerSettings()


@pytest.mark.requirement(8)
def test_nobody_lists_the_contract_unless_it_is_asked_for(environment):
    environment(GATEPOST_ENVIRONMENT=None)

    assert AuthServerSettings().environment == "production"
    assert AuthServerSettings().reflection is False


@pytest.mark.requirement(40)
@pytest.mark.parametrize(("given", "interval"), [(None, 30), ("0", 0), ("P7D", 7)])
def test_keys_rotate_every_thirty_days_unless_asked_otherwise(environment, given, interval):
    environment(GATEPOST_KEY_ROTATION_INTERVAL=given)

    assert AuthServerSettings().key_rotation_interval == timedelta(days=interval)


@pytest.mark.requirement(34)
@pytest.mark.parametrize("name", ["JWT_SECRET_KEY", "GATEPOST_JWT_SECRET_KEY"])
def test_a_shared_secret_that_is_merely_there_changes_nothing(environment, name):
    environment(**{name: "weak"})

    assert AuthServerSettings().signing_algorithm is Algorithm.EDDSA


@pytest.mark.requirement(41)
@pytest.mark.parametrize("name", ["JWT_SECRET_KEY", "GATEPOST_JWT_SECRET_KEY"])
def test_hs256_signs_with_a_strong_secret_where_it_is_asked_for(environment, name):
    environment(GATEPOST_SIGNING_ALGORITHM="HS256", **{name: STRONG[::-1]})

    settings = AuthServerSettings()

    assert settings.signing_algorithm is Algorithm.HS256
    assert settings.jwt_secret_key.get_secret_value() == STRONG[::-1]
    assert STRONG[::-1] not in repr(settings)


@pytest.mark.requirement(41)
@pytest.mark.parametrize(
    ("secret", "environment_name"),
    [(None, "development"), ("", "development"), (STRONG[:31], "development"), ("changeme" * 5, "production")],
)
def test_hs256_does_not_start_on_a_weak_secret(environment, secret, environment_name):
    environment(
        GATEPOST_SIGNING_ALGORITHM="HS256", GATEPOST_JWT_SECRET_KEY=secret, GATEPOST_ENVIRONMENT=environment_name
    )

    with pytest.raises(ValidationError, match="GATEPOST_JWT_SECRET_KEY") as caught:
        AuthServerSettings()

    assert not secret or secret not in str(caught.value)


def test_an_algorithm_that_nobody_offers_stops_the_start(environment):
    environment(GATEPOST_SIGNING_ALGORITHM="none")

    with pytest.raises(ValidationError, match="signing_algorithm"):
        AuthServerSettings()
