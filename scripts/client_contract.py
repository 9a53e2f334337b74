"""Writes the contract as the Python client's distribution carries it, from the descriptor set that protoc made.

Usage: python scripts/client_contract.py CONTRACT.binpb >CLIENT.binpb

The server's wheel brings `gatepost.v1`, and a process knows each message's full name once. So the client has modules,
file names and a package of its own, and both fit into one environment and one process, of different releases too. On
the wire nothing differs: neither a message nor its fields carry these names, and a method's path keeps the server's
(scripts/generate sees to that). Options are for the server and its gateway, and go.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

OURS = "gatepost/v1/"
FOLDER = "gatepost_client/contract/"
PACKAGE = "gatepost_client.v1"
WITHOUT = {OURS + "options.proto"}


def client_contract(contract: FileDescriptorSet) -> FileDescriptorSet:
    """Our files without options, under the client's names, with what of google.protobuf they import."""
    ours = [file for file in contract.file if file.name.startswith(OURS) and file.name not in WITHOUT]
    imported = [file for file in contract.file if file.name.startswith("google/protobuf/")]
    return FileDescriptorSet(file=[*imported, *map(_as_the_clients, ours)])


def _as_the_clients(file: FileDescriptorProto) -> FileDescriptorProto:
    kept = [name for name in file.dependency if name not in WITHOUT and name.startswith((OURS, "google/protobuf/"))]
    file.dependency[:] = [name.replace(OURS, FOLDER) for name in kept]
    file.name = file.name.replace(OURS, FOLDER)
    file.package = PACKAGE
    file.ClearField("options")
    for message in file.message_type:
        _strip_message(message)
    _strip(file.enum_type)
    for enum in file.enum_type:
        _strip(enum.value)
    _strip(file.service)
    for service in file.service:
        _strip(service.method)
        for method in service.method:
            method.input_type = _renamed(method.input_type)
            method.output_type = _renamed(method.output_type)
    return file


def _strip_message(message: DescriptorProto) -> None:
    is_map_entry = message.options.map_entry
    message.ClearField("options")
    if is_map_entry:
        message.options.map_entry = True
    _strip(message.field)
    _strip(message.oneof_decl)
    _strip(message.enum_type)
    for field in message.field:
        field.type_name = _renamed(field.type_name)
        if not field.type_name:
            field.ClearField("type_name")
    for enum in message.enum_type:
        _strip(enum.value)
    for nested in message.nested_type:
        _strip_message(nested)


def _strip(descriptors: Iterable[Any]) -> None:
    for descriptor in descriptors:
        descriptor.ClearField("options")


def _renamed(type_name: str) -> str:
    return type_name.replace(".gatepost.v1.", f".{PACKAGE}.", 1)


if __name__ == "__main__":
    read = FileDescriptorSet.FromString(Path(sys.argv[1]).read_bytes())
    sys.stdout.buffer.write(client_contract(read).SerializeToString(deterministic=True))
