"""Settings of how long things are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings


class RetentionSettings(BaseSettings):
    """How long what is over is kept."""

    dead_mail_retention: Annotated[
        timedelta,
        Field(
            ge=timedelta(hours=1),
            description="How long a mail that failed for good waits for an operator before it is deleted.",
        ),
    ] = timedelta(days=30)
    audit_retention: Annotated[
        timedelta,
        Field(ge=timedelta(0), description="How long audit events are kept; 0 keeps them for ever."),
    ] = timedelta(days=400)
