import pytest
from pydantic import ValidationError

from http_gateway.settings import GatewaySettings


def test_every_setting_says_what_it_is_for():
    for name, field in GatewaySettings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("GATEPOST_HTTP_PORT", "9000")
    monkeypatch.setenv("GATEPOST_DISABLED_ROUTES", "DELETE /adapter/{id}, GET /auth,")

    settings = GatewaySettings()

    assert settings.http_port == 9000
    assert settings.disabled_routes == ["DELETE /adapter/{id}", "GET /auth"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"http_port": 70_000},
        {"request_timeout_seconds": 0},
        {"request_timeout_seconds": float("nan")},
        {"body_limit_bytes": 0},
        {"body_limit_bytes": 65537},
        {"auth_target": ""},
    ],
    ids=str,
)
def test_a_setting_out_of_bounds_is_refused(wrong):
    with pytest.raises(ValidationError):
        GatewaySettings(**wrong)


def test_the_gateways_credential_may_come_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("edge:0123456789\n")
    monkeypatch.setenv("GATEPOST_AUTH_GATEWAY_CREDENTIAL_FILE", str(tmp_path / "secret"))

    settings = GatewaySettings()

    assert settings.auth_gateway_credential.get_secret_value() == "edge:0123456789"
    assert "0123456789" not in repr(settings)


@pytest.mark.parametrize("wrong", ["edge", "edge:", ":secret", "Edge:secret", "edge:sec ret", "edge:\x00"])
def test_a_gateways_credential_is_a_name_and_a_secret(wrong):
    with pytest.raises(ValidationError, match="name:secret") as caught:
        GatewaySettings(auth_gateway_credential=wrong)

    assert "sec ret" not in str(caught.value)


@pytest.mark.parametrize("name", ["GATEPOST_LINK_BASE_URL", "DNAME"])
def test_the_front_ends_address_has_the_names_that_the_auth_server_reads(monkeypatch, name):
    monkeypatch.setenv(name, "https://example.org")

    assert GatewaySettings().link_base_url == "https://example.org"


@pytest.mark.requirement(14)
def test_proxies_are_networks_or_addresses(monkeypatch):
    monkeypatch.setenv("GATEPOST_TRUSTED_PROXIES", "10.0.0.0/8, ::1,")

    assert [str(network) for network in GatewaySettings().trusted_proxies] == ["10.0.0.0/8", "::1/128"]


@pytest.mark.requirement(14)
@pytest.mark.parametrize("wrong", ["proxy.internal", "10.0.0.1/8", "0.0.0.0/0", "::/0"])
def test_proxies_that_nobody_could_be_told_by_are_refused(wrong):
    with pytest.raises(ValidationError):
        GatewaySettings(trusted_proxies=wrong)
