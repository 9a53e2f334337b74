"""Settings of the tokens in mailed links."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

from auth_server.domain.one_time_tokens import LONGEST_RESET, OneTimeTokenLives

SHORTEST = timedelta(minutes=1)


class OneTimeTokenSettings(BaseSettings):
    """How long a mailed link is good."""

    reset_token_life: Annotated[
        timedelta, Field(ge=SHORTEST, le=LONGEST_RESET, description="How long a link to reset a password is good.")
    ] = LONGEST_RESET
    verify_token_life: Annotated[
        timedelta,
        Field(ge=SHORTEST, le=timedelta(days=7), description="How long a link to verify an address is good."),
    ] = timedelta(hours=24)
    change_email_token_life: Annotated[
        timedelta,
        Field(ge=SHORTEST, le=timedelta(hours=24), description="How long a link to confirm a new address is good."),
    ] = timedelta(hours=1)

    @property
    def one_time_token_lives(self) -> OneTimeTokenLives:
        """How long a token of each purpose is good."""
        return OneTimeTokenLives(self.reset_token_life, self.verify_token_life, self.change_email_token_life)
