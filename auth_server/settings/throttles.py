"""Settings of throttles."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from auth_server.domain.budgets import MOST_FAILURES, limits_of


class ThrottleSettings(BaseSettings):
    """How often somebody may guess."""

    throttles: Annotated[
        str,
        Field(
            description="What differs from the default limits, so many at once and as many more in an hour: "
            "`login.account=10,login.block=300`. Where the environment is `test`, the defaults are a thousand times "
            "larger."
        ),
    ] = ""
    most_failures: Annotated[
        int,
        Field(
            ge=1,
            le=MOST_FAILURES,
            description="Consecutive wrong passwords of an account, after which strangers may try no more until the "
            "right one comes from a known device or the password is reset; and so of codes of its second factor, which "
            "an operator resets.",
        ),
    ] = MOST_FAILURES

    @field_validator("throttles")
    @classmethod
    def _names_limits(cls, value: str) -> str:
        limits_of(value)
        return value
