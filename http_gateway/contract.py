"""The routes of the contract, read from its descriptors and checked."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from importlib import import_module

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

import gatepost.v1
from http_gateway.binding_rules import check_binding, check_bindings, check_method
from http_gateway.bindings import Binding, bindings_of


def contract_services() -> list[ServiceDescriptor]:
    """Every service of the generated contract, by name of its file."""
    names = sorted(module.name for module in pkgutil.iter_modules(gatepost.v1.__path__))
    modules = [import_module(f"gatepost.v1.{name}") for name in names if name.endswith("_pb2")]
    return [service for module in modules for service in module.DESCRIPTOR.services_by_name.values()]


def read_bindings(services: Iterable[ServiceDescriptor]) -> list[Binding]:
    """Every binding of the services, in the order of the contract.

    Raises:
        ValueError: a method, which the text names, cannot be served safely;
            binding_rules lists the reasons.
    """
    found = [binding for service in services for method in service.methods for binding in _checked(method)]
    check_bindings(found)
    return found


def _checked(method: MethodDescriptor) -> list[Binding]:
    try:
        bindings = list(bindings_of(method))
        for binding in bindings:
            check_binding(binding)
        check_method(method, bindings)
    except ValueError as error:
        raise ValueError(f"{method.full_name}: {error}") from error
    return bindings
