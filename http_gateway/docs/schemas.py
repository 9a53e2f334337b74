"""Schemas for people: tables of fields, links to types, examples."""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from typing import Any

Schema = dict[str, Any]

_RULES = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "at least {} elements",
    "maxItems": "at most {} elements",
    "pattern": "pattern {}",
    "enum": "one of {}",
}
OPTIONAL = ' <span class="soft">optional</span>'
_REFERENCE = "#/components/schemas/"


def fields_table(fields: dict[str, Schema], required: Collection[str]) -> str:
    """The fields of an object as an HTML table, with their types, rules and descriptions."""
    if not fields:
        return '<p class="soft">No fields.</p>'
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{linked_type(schema)}"
        f"{'' if name in required else OPTIONAL}"
        f"{_rules(schema)}</td><td>{escape(schema.get('description', ''))}</td></tr>"
        for name, schema in fields.items()
    )
    return f'<div class="wide"><table><tr><th>Field</th><th>Type</th><th>Meaning</th></tr>{rows}</table></div>'


def linked_type(schema: Schema) -> str:
    """The type in words, as HTML; a type of the contract links to its table."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REFERENCE)
        return f'<a href="#{"reasons" if name == "ErrorReason" else name}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(linked_type(choice) for choice in schema["anyOf"])
    kind = schema.get("type", "any JSON")
    if kind == "array":
        return f"array of {linked_type(schema['items'])}" if "items" in schema else "array"
    words = kind if isinstance(kind, list) else [kind]
    form = f" ({schema['format']})" if schema.get("format") not in (None, "password") else ""
    return escape(" or ".join(words) + form)


def example_of(document: Schema, schema: Schema) -> Any:
    """A small value that the schema takes: an object has its required fields, or else its first few."""
    if "$ref" in schema:
        return example_of(document, document["components"]["schemas"][schema["$ref"].removeprefix(_REFERENCE)])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        fields = schema.get("properties", {})
        names = schema.get("required") or [name for name in fields if name != "id"][:_FEW]
        return {name: example_of(document, fields[name]) for name in names}
    if kind == "array":
        return []
    if kind == "string":
        return _FORMATS.get(schema.get("format", ""), "...")
    return {"integer": 1, "number": 1, "boolean": True}.get(str(kind))


_FEW = 2
_FORMATS = {"date-time": "2026-01-02T03:04:05.678Z", "email": "ada@example.com"}


def _rules(schema: Schema) -> str:
    texts = []
    for rule, words in _RULES.items():
        if rule in schema:
            value = schema[rule]
            texts.append(words.format(", ".join(map(str, value)) if isinstance(value, list) else value))
    if schema.get("format") == "password":
        texts.append("secret")
    if schema.get("deprecated"):
        texts.append("ignored, for old clients")
    return f'<br><span class="soft">{escape("; ".join(texts))}</span>' if texts else ""
