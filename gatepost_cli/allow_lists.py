"""What an operator writes into a service's allow-list, held against the contract."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from auth_server.domain.services import ALL_METHODS
from gatepost.v1.options_pb2 import GUARD_ACCESS, GUARD_OPERATOR, GUARD_SERVICE, Guard, guard, owner
from gatepost_cli.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor


def allow_list_of(patterns: Iterable[str], services: Sequence[ServiceDescriptor]) -> frozenset[str]:
    """The allow-list that the patterns spell, in full names; `TokenService/Introspect`, `TokenService/*`.

    Raises:
        RefusalError: a pattern names no RPC, or none that a service could be let in to.
    """
    return frozenset(_entry_of(pattern, services) for pattern in patterns)


def _entry_of(pattern: str, services: Sequence[ServiceDescriptor]) -> str:
    of, _, name = pattern.removeprefix("/").rpartition("/")
    service = next((each for each in services if of in (each.full_name, each.name)), None)
    if service is not None and name == ALL_METHODS:
        return _wildcard_of(service)
    method = service.methods_by_name.get(name) if service is not None else None
    if method is None:
        raise RefusalError(f"{pattern} names no RPC{_near(pattern, services)}")
    if not _is_open(method):
        declared = Guard.Name(method.GetOptions().Extensions[guard])
        raise RefusalError(f"no allow-list lets a service in to {pattern}: it asks for {declared}")
    return _full_name_of(method)


def _wildcard_of(service: ServiceDescriptor) -> str:
    if not any(map(_is_for_services, service.methods)):
        one_by_one = ", ".join(_short_name_of(each) for each in service.methods if _is_for_operators(each))
        hint = f"; what is for operators is named RPC by RPC: {one_by_one}" if one_by_one else ""
        raise RefusalError(f"{service.name} has no RPC that is for services{hint}")
    return f"{service.full_name}/{ALL_METHODS}"


def _near(pattern: str, services: Sequence[ServiceDescriptor]) -> str:
    """What may have been meant: names that look alike, or end alike."""
    methods = [each for service in services for each in service.methods if _is_open(each)]
    names = {_short_name_of(each).lower(): _short_name_of(each) for each in methods}
    wanted = pattern.lower().removeprefix("gatepost.v1.")
    ends = [name for name in names if name.partition("/")[2] == wanted.rpartition("/")[2]]
    near = [*ends, *get_close_matches(wanted, names, n=3, cutoff=0.5)]
    found = list(dict.fromkeys(names[name] for name in near))
    return f"; near to it: {', '.join(found)}" if found else ""


def _is_open(method: MethodDescriptor) -> bool:
    return _is_for_services(method) or _is_for_operators(method)


def _is_for_services(method: MethodDescriptor) -> bool:
    return bool(method.GetOptions().Extensions[guard] == GUARD_SERVICE)


def _is_for_operators(method: MethodDescriptor) -> bool:
    options = method.GetOptions()
    declared = options.Extensions[guard]
    return bool(declared == GUARD_OPERATOR or (declared == GUARD_ACCESS and options.Extensions[owner].or_operator))


def _short_name_of(method: MethodDescriptor) -> str:
    return f"{method.containing_service.name}/{method.name}"


def _full_name_of(method: MethodDescriptor) -> str:
    return f"{method.containing_service.full_name}/{method.name}"
