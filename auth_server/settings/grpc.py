"""Settings of the gRPC port."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings


class GrpcSettings(BaseSettings):
    """Where gRPC is served, and how long."""

    grpc_host: Annotated[
        str,
        Field(
            description="Where gRPC listens: an address, or `unix:/path` for a Unix socket, which only its user may "
            "write to.",
        ),
    ] = "127.0.0.1"
    grpc_port: Annotated[int, Field(ge=0, le=65535, description="gRPC's port; 0 takes any free one.")] = 50051
    grpc_tls_certificate: Annotated[
        Path | None,
        Field(description="File of gRPC's certificate, in PEM, with those between it and the root behind it."),
    ] = None
    grpc_tls_key: Annotated[Path | None, Field(description="File of the certificate's key, in PEM.")] = None
    grpc_tls_client_ca: Annotated[
        Path | None,
        Field(description="File of the authorities, in PEM, one of which must have signed a client's certificate."),
    ] = None
    grpc_insecure: Annotated[
        bool, Field(description="Whether gRPC may be plaintext over TCP; without it, that stops the start.")
    ] = False
    grpc_connections: Annotated[
        int, Field(ge=1, description="How many connections gRPC takes; those beyond are ended at once.")
    ] = 1000
    grpc_calls: Annotated[
        int,
        Field(
            ge=1,
            description="How many calls of gRPC there may be at a time, streams and those without their message too.",
        ),
    ] = 4000
    reflection: Annotated[bool, Field(description="Whether grpcurl and the like may list the contract.")] = False
    longest_call: Annotated[
        timedelta,
        Field(
            gt=timedelta(0),
            description="How long a call may take, or a stream for each message; a caller's nearer deadline wins.",
        ),
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

    @field_validator("grpc_host")
    @classmethod
    def _is_absolute(cls, value: str) -> str:
        if value.startswith("unix:") and not (value.startswith("unix:/") and value[6:].strip("/")):
            raise ValueError("a Unix socket is written with its absolute path: unix:/path")
        return value
