"""JSON Schemas of the contract's messages, as they are sent and as they are answered (OpenAPI 3.1)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from buf.validate.validate_pb2 import FieldRules
from buf.validate.validate_pb2 import field as rules_of_field
from gatepost.v1.options_pb2 import flatten, omit_unset, sensitive
from http_gateway.json.fields import STRUCT, VALUE, kind_of
from http_gateway.openapi.comments import Comments

Schema = dict[str, Any]

_SCALARS: dict[int, Schema] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number", "format": "float"},
}
_INTEGERS_64 = (
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_SINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
)
_WELL_KNOWN: dict[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.FieldMask": {"type": "string"},
    "google.protobuf.ListValue": {"type": "array"},
    STRUCT: {"type": "object"},
    VALUE: {},
}
# Rules of buf.validate that JSON Schema has a word for.
_WORDS = {
    "min_len": "minLength",
    "max_len": "maxLength",
    "max_bytes": "maxLength",  # never fewer bytes than characters
    "len": "minLength",
    "pattern": "pattern",
    "gte": "minimum",
    "lte": "maximum",
    "gt": "exclusiveMinimum",
    "lt": "exclusiveMaximum",
    "const": "const",
    "min_items": "minItems",
    "max_items": "maxItems",
}
_FORMATS = {"email": "email", "uuid": "uuid", "uri": "uri"}


class Schemas:
    """The schemas of a contract's messages; those that are referred to gather in `components`."""

    def __init__(self, comments: Comments) -> None:
        self._comments = comments
        self.components: dict[str, Schema] = {}

    def sent(self, kind: Descriptor, *, without: Collection[str] = ()) -> Schema:
        """The schema of a message in a request: a reference, or in full where fields are left out."""
        if kind.full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[kind.full_name])
        if without:
            return self._sent_object(kind, without)
        name = kind.name if kind.name.endswith("Request") else f"{kind.name}Input"
        if name not in self.components:
            self.components[name] = {}
            self.components[name] = self._sent_object(kind, ())
        return _reference(name)

    def answered(self, kind: Descriptor) -> Schema:
        """The schema of a message in an answer."""
        if kind.full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[kind.full_name])
        if kind.name not in self.components:
            self.components[kind.name] = {}
            self.components[kind.name] = self._answered_object(kind)
        return _reference(kind.name)

    def sent_value(self, field: FieldDescriptor) -> Schema:
        """The schema of a field's value in a request, with its rules and its comment."""
        schema = self._scalar(field) if field.message_type is None else self.sent(kind_of(field))
        rules: FieldRules = field.GetOptions().Extensions[rules_of_field]
        if field.is_repeated:
            schema = {"type": "array", "items": schema}
        schema |= _rules(rules)
        if _is_set(field, sensitive):
            schema |= {"format": "password", "writeOnly": True}
        return self._described(field, schema)

    def answered_value(self, field: FieldDescriptor) -> Schema:
        """The schema of a field's value in an answer, with its comment."""
        schema = self._scalar(field) if field.message_type is None else self.answered(kind_of(field))
        if _is_set(field, sensitive) and field.type == field.TYPE_STRING:
            schema |= {"format": "password"}
        if field.is_repeated:
            schema = {"type": "array", "items": schema}
        return self._described(field, schema)

    def _sent_object(self, kind: Descriptor, without: Collection[str]) -> Schema:
        schema: Schema = {"type": "object", "description": self._comments.of(kind.full_name).all, "properties": {}}
        required: list[str] = []
        for field in kind.fields:
            if field.name in without:
                continue
            if not _is_set(field, flatten):
                needed = is_required(field)
                value = self.sent_value(field)
                schema["properties"][field.json_name] = value if needed else or_null(value)
                required += [field.json_name] if needed else []
            elif kind_of(field).full_name == STRUCT:
                schema["additionalProperties"] = self._described(field, {})
            else:
                beside = self._sent_object(kind_of(field), ())
                schema["properties"] |= beside["properties"]
                required += beside.get("required", [])
        return schema | ({"required": required} if required else {})

    def _answered_object(self, kind: Descriptor) -> Schema:
        schema: Schema = {"type": "object", "description": self._comments.of(kind.full_name).all, "properties": {}}
        for field in kind.fields:
            if not _is_set(field, flatten):
                value = self.answered_value(field)
                schema["properties"][field.json_name] = or_null(value) if field.has_presence else value
            elif kind_of(field).full_name == STRUCT:
                schema["additionalProperties"] = self._described(field, {})
            else:
                beside = self._answered_object(kind_of(field))["properties"]
                schema["properties"] |= {key: or_null(value) for key, value in beside.items()}
        options: Any = kind.GetOptions()
        if schema["properties"] and not options.Extensions[omit_unset]:
            schema["required"] = list(schema["properties"])
        return schema

    def _scalar(self, field: FieldDescriptor) -> Schema:
        if field.enum_type is not None:
            return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
        known = _SCALARS.get(field.type)
        if known is not None:
            return dict(known)
        return {"type": "integer", "format": "int64" if field.type in _INTEGERS_64 else "int32"}

    def _described(self, field: FieldDescriptor, schema: Schema) -> Schema:
        text = self._comments.of(field.full_name).all
        deprecated = {"deprecated": True} if field.GetOptions().deprecated else {}
        return schema | ({"description": text} if text else {}) | deprecated


def is_required(field: FieldDescriptor) -> bool:
    """Whether a request without the field breaks a rule of the contract."""
    rules: FieldRules = field.GetOptions().Extensions[rules_of_field]
    if rules.required:
        return True
    return not field.has_presence and (rules.string.min_len > 0 or rules.string.email or rules.repeated.min_items > 0)


def _rules(rules: FieldRules) -> Schema:
    kind = rules.WhichOneof("type")
    if kind is None or kind == "timestamp":
        return {}
    found: Schema = {}
    for rule, value in getattr(rules, kind).ListFields():
        if rule.name in _WORDS:
            found[_WORDS[rule.name]] = value
        elif rule.name in _FORMATS:
            found["format"] = _FORMATS[rule.name]
        elif rule.name == "in":
            found["enum"] = list(value)
    return found


def or_null(schema: Schema) -> Schema:
    """The schema with null as one more value."""
    if not schema or "null" in schema.get("type", ()):
        return schema
    if "type" in schema and "enum" not in schema:
        return schema | {"type": [schema["type"], "null"]}
    if "type" not in schema and "$ref" not in schema:
        return schema
    note = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [{key: value for key, value in schema.items() if key != "description"}, {"type": "null"}], **note}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _is_set(field: FieldDescriptor, option: Any) -> bool:
    options: Any = field.GetOptions()
    return bool(options.Extensions[option])
