"""Settings of the gRPC port."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings


class GrpcSettings(BaseSettings):
    """Where gRPC is served, and how long."""

    grpc_host: Annotated[str, Field(description="Where gRPC listens.")] = "127.0.0.1"
    grpc_port: Annotated[int, Field(ge=0, le=65535, description="gRPC's port; 0 takes any free one.")] = 50051
    reflection: Annotated[bool, Field(description="Whether grpcurl and the like may list the contract.")] = False
    longest_call: Annotated[
        timedelta, Field(gt=timedelta(0), description="How long a call may take; a caller's nearer deadline wins.")
    ] = timedelta(seconds=10)
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            description="How long the server says that it is not ready, and still serves, before it stops; 0 by "
            "default where the environment is not `production`.",
        ),
    ] = 5
