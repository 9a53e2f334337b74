"""Settings of how long things are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from auth_server.domain.audit_chain import LEAST_KEPT


def _long_enough(retention: timedelta) -> timedelta:
    if timedelta(0) < retention < LEAST_KEPT:
        raise ValueError(f"Input should be {LEAST_KEPT.days} days or more, or 0")
    return retention


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
        Field(
            ge=timedelta(0),
            description="How long audit events are kept, 30 days or more; 0 keeps them for ever.",
        ),
        AfterValidator(_long_enough),
    ] = timedelta(days=400)
