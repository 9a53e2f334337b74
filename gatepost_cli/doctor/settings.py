"""What the doctor reads from the environment beside the servers' own settings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DoctorSettings(BaseSettings):
    """What nobody but the doctor needs to know."""

    model_config = SettingsConfigDict(env_prefix="GATEPOST_", env_ignore_empty=True, populate_by_name=True)

    backup_stamp: Annotated[
        Path | None,
        Field(
            description="File that each backup of the database writes when it has succeeded: it holds the time (RFC "
            "3339), or nothing, and then was last changed at that time.",
        ),
    ] = None
    backup_age_limit: Annotated[timedelta, Field(gt=timedelta(0), description="How old the last backup may be.")] = (
        timedelta(hours=26)
    )
