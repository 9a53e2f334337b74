"""The reasons that the contract declares for each RPC, by its OpenAPI document and its comments."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from auth_server.servicers.ext_authz_contract import AUTHORIZATION
from http_gateway.contract import contract_services
from http_gateway.openapi.comments import Comments

GENERATED = Path(__file__).parents[2] / "generated" / "gatepost"
# Before there is a route.
_OF_ANY_PATH = {404: {"ROUTE_NOT_FOUND"}, 405: {"VERB_NOT_ALLOWED"}, 400: {"HTTP_INVALID"}}
_OF_ANY_CALL = {"REQUEST_INVALID", "CREDENTIAL_MISSING"}
_OF_ENVOYS_CALL = {"SERVICE_CREDENTIAL_INVALID", "PERMISSION_DENIED"}  # whose contract has no comments of ours


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = orjson.loads((GENERATED / "openapi.json").read_bytes())
    return found


@cache
def reasons_of_rpc(rpc: str) -> frozenset[str]:
    """The reasons that the comments of the RPC and of its service name, and those that any call may get."""
    comments = Comments(FileDescriptorSet.FromString((GENERATED / "contract.binpb").read_bytes()))
    names = {rpc, rpc.rpartition(".")[0]}
    if rpc.startswith(AUTHORIZATION.full_name):
        return frozenset(_OF_ANY_CALL | _OF_ENVOYS_CALL)
    return frozenset(_OF_ANY_CALL.union(*(comments.of(name).reasons for name in names)))


@cache
def reasons_of_route(verb: str, path: str) -> dict[int, frozenset[str]]:
    """The reasons that a route may give, by status."""
    found = {status: set(reasons) for status, reasons in _OF_ANY_PATH.items()}
    for status, answer in document()["paths"][path][verb.lower()]["responses"].items():
        found.setdefault(int(status), set()).update(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", answer["description"]))
    return {status: frozenset(reasons) for status, reasons in found.items()}


METHODS = {
    f"{service.name}/{method.name}": method
    for service in (*contract_services(), AUTHORIZATION)
    for method in service.methods
}
