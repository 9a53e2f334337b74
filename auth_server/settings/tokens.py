"""Settings of tokens and sign-ins."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings

from auth_server.domain.access_tokens import LONGEST_LIFE
from auth_server.domain.refresh_tokens import LONGEST_WINDOW


class IdTokenIssuer(BaseModel):
    """Who issues a provider's id_tokens, and our client id there."""

    issuer: str
    audience: str


class TokenSettings(BaseSettings):
    """What tokens say, and how long they and sign-ins last."""

    issuer: Annotated[str, Field(min_length=1, description="`iss` of access tokens.")] = "gatepost"
    audience: Annotated[str, Field(min_length=1, description="`aud` of access tokens.")] = "gatepost"
    access_token_life: Annotated[
        timedelta,
        Field(
            ge=timedelta(minutes=1),
            le=LONGEST_LIFE,
            description="How long an access token lives at the most; each lives up to a tenth less.",
        ),
    ] = LONGEST_LIFE
    refresh_idle_life: Annotated[
        timedelta, Field(gt=timedelta(0), description="A sign-in ends when it was not refreshed for so long.")
    ] = timedelta(days=14)
    refresh_absolute_life: Annotated[
        timedelta, Field(gt=timedelta(0), description="A sign-in ends after so long in any case.")
    ] = timedelta(days=90)
    refresh_replay_window: Annotated[
        timedelta,
        Field(
            ge=timedelta(0),
            le=timedelta(minutes=1),
            description="For so long after its use a refresh token gets the same answer again, so that refreshes in "
            "parallel do no harm. 0 switches that off: a second use ends the sign-in.",
        ),
    ] = timedelta(seconds=10)
    refresh_retry_window: Annotated[
        timedelta,
        Field(
            ge=timedelta(0),
            le=LONGEST_WINDOW,
            description="The same for a retry that repeats the `request_id` of the use. 0 switches that off.",
        ),
    ] = timedelta(minutes=5)
    verified_only: Annotated[
        bool, Field(description="Whether Login refuses users whose email address is not verified.")
    ] = False
    id_token_issuers: Annotated[
        dict[str, IdTokenIssuer],
        Field(
            description="Providers whose id_tokens OAuthLogin verifies, as JSON: "
            '`{"google": {"issuer": "https://accounts.google.com", "audience": "<client id>"}}`.'
        ),
    ] = {}
