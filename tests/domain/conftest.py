"""An environment that is complete, and may be changed."""

import pytest

from tests.conftest import key_ring

STRONG = "zN4kQx7wPd2vTb9mRc5yHs8gLf3jWe6a"
GIVEN = {
    "DATABASE_URL": "postgresql://u@h/d",
    "GATEPOST_ADAPTER_SECRET": STRONG,
    "GATEPOST_PEPPERS": key_ring("pepper"),
    "GATEPOST_SEALING_KEYS": key_ring("seal"),
}


@pytest.fixture
def environment(monkeypatch):
    """Sets variables; None takes one away."""

    def set_variables(**changes):
        for name, value in (GIVEN | changes).items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    return set_variables
