"""Settings of passwords."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

from auth_server.domain.password_rules import LEAST_CHARACTERS
from auth_server.outside.hash_pool import default_width


class PasswordSettings(BaseSettings):
    """Which passwords may be set, and what hashing them costs."""

    password_least_characters: Annotated[
        int,
        Field(
            ge=LEAST_CHARACTERS,
            le=64,
            description="Characters that a new password has at the least. NIST asks for 15 where it is all that signs a"
            " user in.",
        ),
    ] = LEAST_CHARACTERS
    refused_passwords: Annotated[
        Path | None,
        Field(
            description="File of passwords that may not be set, besides those that everybody is refused: UTF-8, one a "
            "line, without regard to case."
        ),
    ] = None
    bcrypt_cost: Annotated[
        int, Field(ge=4, le=16, description="bcrypt's cost; below 10 only where the environment is `test`.")
    ] = 12
    hash_pool_width: Annotated[
        int,
        Field(
            ge=1,
            le=256,
            default_factory=default_width,
            description="Threads that hash passwords; by default one less than there are cores.",
        ),
    ]
    hash_pool_queue: Annotated[
        int, Field(ge=0, le=10_000, description="Passwords that may wait for such a thread; more are refused.")
    ] = 32
