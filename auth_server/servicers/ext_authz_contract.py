"""Envoy's contract of external authorization, of which we have the descriptors alone."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from google.protobuf import (  # noqa: F401 (what Envoy's files import, and Python packages of others load)
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import ServiceDescriptor
from google.rpc import status_pb2  # noqa: F401 (the same)

from gatepost.v1 import options_pb2

PACKAGE = "envoy.service.auth.v3"


def _loaded() -> ServiceDescriptor:
    """The service, whose files are in the pool from now on; a file that is there already stays as it is."""
    pool: Any = descriptor_pool.Default()
    for file in descriptor_pb2.FileDescriptorSet.FromString((files("gatepost") / "ext_authz.binpb").read_bytes()).file:
        try:
            pool.FindFileByName(file.name)
        except KeyError:
            _guard(file)
            pool.AddSerializedFile(file.SerializeToString())
    service: ServiceDescriptor = pool.FindServiceByName(f"{PACKAGE}.Authorization")
    return service


def _guard(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Puts a guard before each RPC of the file, as our own contract does: Envoy's has none.

    Whoever asks learns who a token belongs to, so it is for services that may.
    """
    for service in file.service:
        file.dependency.append(options_pb2.DESCRIPTOR.name)
        for method in service.method:
            method.options.Extensions[options_pb2.guard] = options_pb2.GUARD_SERVICE


def _message(name: str) -> Any:
    pool: Any = descriptor_pool.Default()
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


AUTHORIZATION = _loaded()
CheckRequest = _message(f"{PACKAGE}.CheckRequest")
CheckResponse = _message(f"{PACKAGE}.CheckResponse")
HeaderValueOption = _message("envoy.config.core.v3.HeaderValueOption")
