"""The RPCs of the contract by path, each with its interceptors around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.descriptor import ServiceDescriptor

from auth_server.interceptors.calls import Handler, Interceptor, Method, stand_around
from auth_server.interceptors.guards import ContractError


@dataclass(frozen=True, slots=True)
class Rpc:
    """An RPC, ready to be called through either door."""

    method: Method
    handler: Handler


def rpcs_of(
    services: Iterable[tuple[ServiceDescriptor, object]], interceptors: Iterable[Interceptor]
) -> dict[str, Rpc]:
    """Every RPC of these services, by its path.

    Raises:
        ContractError: a servicer lacks an RPC, or the contract asks for what no interceptor enforces.
    """
    around = list(interceptors)
    found = {}
    for descriptor, servicer in services:
        for method_descriptor in descriptor.methods:
            method = Method.of(method_descriptor)
            if method.takes_stream and method.streams:
                raise ContractError(f"{method.path} streams both ways, which this server does not")
            handler = getattr(servicer, method_descriptor.name, None)
            if handler is None:
                raise ContractError(f"{method.path} has no handler")
            found[method.path] = Rpc(method, stand_around(method, handler, around))
    return found
