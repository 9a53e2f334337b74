"""One HTTP binding of a method, as its google.api.http option declares it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor

from gatepost.v1.options_pb2 import Guard, Rest, guard, ignore_unknown_keys, rest
from http_gateway.templates import PathTemplate, template_of

HTTP: Any = annotations_pb2.http  # its stub does not say that it extends MethodOptions


@dataclass(frozen=True, slots=True)
class Binding:
    """One HTTP verb and path that leads to one RPC."""

    method: MethodDescriptor
    guard: Guard.ValueType
    rest: Rest
    ignores_unknown_keys: bool
    verb: str
    template: PathTemplate
    body: str
    """`*`, a field of the request, or empty: no body."""
    response_body: str
    """A field of the answer, or empty: all of it."""
    position: int
    """0 for the method's main binding, then 1, 2 and so on."""

    @property
    def rpc(self) -> str:
        """The name that gRPC calls the method by."""
        return f"/{self.method.containing_service.full_name}/{self.method.name}"

    @property
    def route(self) -> str:
        """Verb and path as in the contract; holds no value of a request."""
        return f"{self.verb} {self.template.text}"

    @property
    def takes_file(self) -> bool:
        """Whether the body is a form that holds a file, which becomes a stream of requests."""
        return self.rest.HasField("upload")

    @property
    def answers_raw(self) -> bool:
        """Whether the answer is a field as it is, and no JSON."""
        return self.rest.HasField("raw")

    @property
    def body_field(self) -> FieldDescriptor | None:
        """The request's field that the body is, where it is not all of the request."""
        return self.method.input_type.fields_by_name[self.body] if self.body not in ("", "*") else None

    @property
    def query_fields(self) -> list[FieldDescriptor]:
        """The request's fields that come from the query string: what neither path nor body holds.

        An update mask is never among them where there is a body, whose keys fill it.
        """
        if self.body == "*":
            return []
        taken = {*self.template.fields, self.body, *(["update_mask"] if self.body else [])}
        return [field for field in self.method.input_type.fields if field.name not in taken]


def bindings_of(method: MethodDescriptor) -> Iterator[Binding]:
    """The method's bindings, the main one first; none where it has no route.

    Raises:
        ValueError: one has a verb or a path that is not served.
    """
    options = method.GetOptions()
    if not options.HasExtension(HTTP):
        return
    main: http_pb2.HttpRule = options.Extensions[HTTP]
    for position, rule in enumerate((main, *main.additional_bindings)):
        yield _binding_of(method, rule, position)


def _binding_of(method: MethodDescriptor, rule: http_pb2.HttpRule, position: int) -> Binding:
    options = method.GetOptions()
    verb = rule.WhichOneof("pattern")
    if verb is None or verb == "custom":
        raise ValueError("a route needs one of get, put, post, delete and patch")
    return Binding(
        method=method,
        guard=options.Extensions[guard],
        rest=options.Extensions[rest],
        # OAuth's clients send parameters of extensions that we do not know (RFC 6749, section 3.2).
        ignores_unknown_keys=method.containing_service.GetOptions().Extensions[ignore_unknown_keys]
        or options.Extensions[rest].form,
        verb=verb.upper(),
        template=template_of(getattr(rule, verb)),
        body=rule.body,
        response_body=rule.response_body,
        position=position,
    )
