from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from auth_server.domain.budgets import DEFAULT_LIMITS, MOST_FAILURES, PERIOD, Budget, Share, draw_of, limits_of
from auth_server.domain.clients import Client
from auth_server.domain.device_tokens import LIFE, DeviceTokens, generation_of
from auth_server.settings.throttles import ThrottleSettings

NOW = datetime(2026, 5, 1, tzinfo=UTC)
KEYS = (b"a" * 32, b"b" * 32)
GENERATION = generation_of(UUID(int=1), 1)


def test_what_is_not_said_stays_as_it_is():
    limits = limits_of(" login.account=7 , register.block=1")

    assert limits[Budget.LOGIN] == {**DEFAULT_LIMITS[Budget.LOGIN], Share.ACCOUNT: 7}
    assert limits[Budget.REGISTER][Share.BLOCK] == 1
    assert limits_of("") == DEFAULT_LIMITS


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("login", "write budget.share=number"),
        ("login.account=-1", "write budget.share=number"),
        ("login.account=0", "must be 1 to"),
        ("login.account=99999999", "must be 1 to"),
        ("logins.account=1", "there is no logins.account"),
        ("register.account=1", "there is no register.account"),
        ("login.account=1,login.account=2", "stands there twice"),
    ],
)
def test_limits_that_are_none_stop_the_start(wrong, complaint):
    with pytest.raises(ValueError, match=complaint):
        ThrottleSettings(throttles=wrong)


@pytest.mark.requirement(29)
def test_nobody_may_allow_more_failures_than_nist_does():
    assert ThrottleSettings().most_failures == MOST_FAILURES == 100
    with pytest.raises(ValueError, match="less than or equal to 100"):
        ThrottleSettings(most_failures=101)


@pytest.mark.requirement(27)
@pytest.mark.parametrize("limit", [1, 7, 13, 10_000_000])
def test_a_limit_fits_whole_into_its_period(limit):
    draw = draw_of(b"key", {Budget.LOGIN: {Share.ALL: limit}}, Budget.LOGIN, Share.ALL)

    assert limit * draw.pace <= PERIOD < (limit + 1) * (draw.pace + timedelta(microseconds=1))


def test_a_share_is_its_owners_alone_whatever_the_case_of_an_address():
    def subject(key, budget, share, *whose):
        return draw_of(key, DEFAULT_LIMITS, budget, share, *whose).subject

    ann = subject(b"key", Budget.LOGIN, Share.ACCOUNT, "ann@example.org")

    assert subject(b"key", Budget.LOGIN, Share.ACCOUNT, "ANN@example.org") == ann
    others = [
        subject(b"other", Budget.LOGIN, Share.ACCOUNT, "ann@example.org"),
        subject(b"key", Budget.LOGIN, Share.DEVICES, "ann@example.org"),
        subject(b"key", Budget.REAUTHENTICATION, Share.ACCOUNT, "ann@example.org"),
        subject(b"key", Budget.LOGIN, Share.DEVICE, "ann@example.org", "1"),
        subject(b"key", Budget.LOGIN, Share.DEVICE, "ann@example.org1", ""),
    ]
    assert len({ann, *others}) == 6


@pytest.mark.requirement(27)
@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
        ("2002:c000:24d:ff::1", "192.0.2.0/24"),
        ("64:ff9b::192.0.2.77", "192.0.2.0/24"),
        ("64:ff9b:1::192.0.2.77", "64:ff9b:1::/56"),
        (None, None),
    ],
)
def test_addresses_lie_in_blocks(address, block):
    assert Client(address).block == block


@pytest.mark.requirement(28)
def test_a_device_token_is_good_for_its_address_and_its_time():
    tokens = DeviceTokens(KEYS[:1])
    token = tokens.make("ann@example.org", GENERATION, NOW)
    device = tokens.find_device(token, "ANN@example.org", NOW + LIFE - timedelta(seconds=1))

    assert (len(bytes.fromhex(device.id)), device.generation) == (16, GENERATION)
    assert tokens.find_device(token, "bob@example.org", NOW) is None
    assert tokens.find_device(token, "ann@example.org", NOW + LIFE) is None
    for position in range(0, len(token), 2):
        other = token[:position] + f"{int(token[position : position + 2], 16) ^ 1:02x}" + token[position + 2 :]
        assert tokens.find_device(other, "ann@example.org", NOW) is None


@pytest.mark.requirement(28)
def test_devices_share_a_generation_where_they_proved_the_same_password_of_the_same_user():
    generations = {generation_of(user, version) for user in (UUID(int=1), UUID(int=2)) for version in (0, 1, 11)}

    assert len(generations) == 6
    assert generation_of(UUID(int=1), 1) == GENERATION


@pytest.mark.requirement(28)
def test_a_device_stays_known_when_the_sealing_key_changes():
    token = DeviceTokens(KEYS[:1]).make("ann@example.org", GENERATION, NOW)
    changed = DeviceTokens((KEYS[1], KEYS[0]))
    device = changed.find_device(token, "ann@example.org", NOW)

    assert device is not None
    again = changed.make("ann@example.org", GENERATION, NOW, device.id)
    assert again != token
    assert DeviceTokens(KEYS[1:]).find_device(again, "ann@example.org", NOW) == device
    assert DeviceTokens(KEYS[1:]).find_device(token, "ann@example.org", NOW) is None
