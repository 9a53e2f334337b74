"""Small contracts built for one test, as descriptors that protoc could have made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2, struct_pb2, timestamp_pb2
from google.protobuf.descriptor import Descriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, MethodOptions
from google.protobuf.descriptor_pool import DescriptorPool

from gatepost.v1 import options_pb2
from gatepost.v1.options_pb2 import flatten, guard, header, omit_unset, owner, rest, sensitive

HTTP: Any = annotations_pb2.http
STRING = FieldDescriptorProto.TYPE_STRING
MESSAGE = FieldDescriptorProto.TYPE_MESSAGE
IMPORTED = (descriptor_pb2, struct_pb2, timestamp_pb2, http_pb2, annotations_pb2, options_pb2)


def a_field(name: str, kind: int = STRING, *, of: str = "", repeated: bool = False, **options: bool | str) -> Any:
    """A field; `of` is the full name of its message, options are `sensitive`, `flatten` and `header`."""
    label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
    field = FieldDescriptorProto(name=name, type=MESSAGE if of else kind, label=label)
    if of:
        field.type_name = f".{of}"
    known = {"sensitive": sensitive, "flatten": flatten, "header": header}
    for option, value in options.items():
        field.options.Extensions[known[option]] = value
    return field


def a_rule(verb: str, path: str, *more: http_pb2.HttpRule, **others: str) -> http_pb2.HttpRule:
    """A google.api.http rule; `more` are its additional bindings."""
    return http_pb2.HttpRule(**{verb: path}, additional_bindings=more, **others)


def some_options(
    guarded_by: int = options_pb2.GUARD_PUBLIC, rule: http_pb2.HttpRule | None = None, **more: Any
) -> MethodOptions:
    """Options of a method: its guard and its route; `owner_field` or `owner` (an Owner), `rest` (a Rest) may follow."""
    options = MethodOptions()
    if guarded_by:
        options.Extensions[guard] = guarded_by
    if rule is not None:
        options.Extensions[HTTP].CopyFrom(rule)
    if "owner_field" in more:
        options.Extensions[owner].field = more["owner_field"]
    if "owner" in more:
        options.Extensions[owner].CopyFrom(more["owner"])
    if "rest" in more:
        options.Extensions[rest].CopyFrom(more["rest"])
    return options


def a_service(
    methods: Mapping[str, MethodOptions],
    fields: Sequence[Any] = (),
    answered: Sequence[Any] = (a_field("text"),),
    *,
    streams: bool = False,
    requests_stream: bool = False,
) -> ServiceDescriptor:
    """The service `built.Service`: its methods take a `built.Request` with these fields and answer `built.Answer`."""
    file = _file({"Request": fields, "Answer": answered, "Inner": [a_field("word"), a_field("secret", sensitive=True)]})
    service = file.service.add(name="Service")
    for name, options in methods.items():
        service.method.add(
            name=name,
            input_type=".built.Request",
            output_type=".built.Answer",
            options=options,
            server_streaming=streams,
            client_streaming=requests_stream,
        )
    return _pool_with(file).FindServiceByName("built.Service")


def a_message(fields: Sequence[Any], *, omits_unset: bool = False, **others: Sequence[Any]) -> Descriptor:
    """The message `built.Message` with these fields; `others` are further messages of the package."""
    file = _file({"Message": fields, **others})
    file.message_type[0].options.Extensions[omit_unset] = omits_unset
    return _pool_with(file).FindMessageTypeByName("built.Message")


def _file(messages: Mapping[str, Sequence[Any]]) -> FileDescriptorProto:
    names = [module.DESCRIPTOR.name for module in IMPORTED]
    file = FileDescriptorProto(name="built.proto", package="built", syntax="proto3", dependency=names)
    for name, fields in messages.items():
        file.message_type.append(DescriptorProto(name=name))
        for number, field in enumerate(fields, 1):
            file.message_type[-1].field.add(number=number).MergeFrom(field)
    return file


def _pool_with(file: FileDescriptorProto) -> DescriptorPool:
    pool = DescriptorPool()
    for module in IMPORTED:
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool
