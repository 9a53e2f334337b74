"""The page for people, made from the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Any

import orjson

from http_gateway.docs.schemas import example_of, fields_table, linked_type
from http_gateway.docs.style import STYLE, STYLE_HASH
from http_gateway.file_forms import MEDIA_TYPE as FILE_FORM
from http_gateway.headers import CACHEABLE, headers_for

DOCS_HEADERS = headers_for(
    "text/html; charset=utf-8",
    Cache_Control=CACHEABLE,
    Content_Security_Policy=(
        f"default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
)

Json = dict[str, Any]

JSON = "application/json"

_GUARDS = {
    "GUARD_PUBLIC": "anyone",
    "GUARD_ADAPTER": "the front end's server: <code>x-auth-secret: &lt;secret&gt;</code>",
    "GUARD_ACCESS": "a signed-in user: <code>authorization: Bearer &lt;access token&gt;</code>",
    "GUARD_REFRESH": "a refresh token's holder: <code>authorization: Refresh &lt;refresh token&gt;</code>",
    "GUARD_SERVICE": "an internal service: <code>authorization: Basic &lt;base64 of name:secret&gt;</code>",
    "GUARD_SIGNED_IN": "a signed-in user: <code>authorization: Bearer &lt;access token&gt;</code>, "
    "or the cookie of a NextAuth session",
    "GUARD_OPERATOR": "an operator: <code>authorization: Bearer &lt;access token&gt;</code>",
}


def docs_page(openapi: bytes) -> bytes:
    """The page as HTML: every route by service, every schema, every error reason."""
    document = orjson.loads(openapi)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(document['info']['title'])} API</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(document['info']['title'])} API {escape(document['info']['version'])}</h1>",
        _prose(document["info"]["description"]),
        '<p>The same as a document for machines: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>',
        *_contents(document),
        *(part for tag in document["tags"] for part in _service(document, tag)),
        *_schemas(document),
        *_reasons(document),
        "</body></html>\n",
    ]
    return "\n".join(parts).encode()


def _rpcs_of(document: Json, tag: str) -> list[tuple[str, list[tuple[str, str, Json]]]]:
    """The RPCs of a service, each with its routes: verb, path and operation."""
    routes = [
        (verb, path, operation)
        for path, operations in document["paths"].items()
        for verb, operation in operations.items()
        if operation["tags"] == [tag]
    ]
    # The main route is the one without a number; the others follow by theirs.
    routes.sort(key=lambda route: (route[2]["x-rpc"], route[2]["operationId"]))
    return [(rpc, list(group)) for rpc, group in groupby(routes, key=lambda route: str(route[2]["x-rpc"]))]


def _contents(document: Json) -> Iterator[str]:
    yield "<nav>"
    for tag in document["tags"]:
        yield f'<h4><a href="#{tag["name"]}">{escape(tag["name"])}</a></h4><ul>'
        for rpc, _ in _rpcs_of(document, tag["name"]):
            yield f'<li><a href="#{_anchor(rpc)}">{escape(rpc.rpartition("/")[2])}</a></li>'
        yield "</ul>"
    yield '<h4><a href="#schemas">Schemas</a> · <a href="#reasons">Error reasons</a></h4></nav>'


def _service(document: Json, tag: Json) -> Iterator[str]:
    yield f'<section><h2 id="{tag["name"]}">{escape(tag["name"])}</h2>{_prose(tag.get("description", ""))}'
    for rpc, routes in _rpcs_of(document, tag["name"]):
        yield from _rpc(document, rpc, routes)
    yield "</section>"


def _rpc(document: Json, rpc: str, routes: list[tuple[str, str, Json]]) -> Iterator[str]:
    operation = routes[0][2]
    yield f'<article><h3 id="{_anchor(rpc)}"><a class="anchor" href="#{_anchor(rpc)}">'
    yield f"{escape(rpc.rpartition('/')[2])}</a></h3>"
    for verb, path, _ in routes:
        yield f'<code class="route"><span class="verb {verb}">{verb.upper()}</span> {escape(path)}</code>'
    yield _prose(operation["summary"]) + _prose(operation.get("description", ""))
    yield f'<p class="soft">For {_GUARDS[operation["x-guard"]]} · over gRPC <code>{escape(rpc)}</code></p>'
    parameters = [{**p, "name": f"{p['name']} ({p['in']})"} for p in operation.get("parameters", [])]
    if parameters:
        yield "<h4>Parameters</h4>"
        yield fields_table(
            {p["name"]: {**p["schema"], "description": p["description"]} for p in parameters},
            {p["name"] for p in parameters if p.get("required")},
        )
    if "requestBody" in operation:
        yield f"<h4>Body</h4><p>{_type_of(operation['requestBody'])}</p>"
    yield f"<pre>{escape(_curl(document, *routes[0]))}</pre>"
    yield from _answers(operation["responses"])
    yield "</article>"


def _answers(responses: Json) -> Iterator[str]:
    yield '<h4>Answers</h4><div class="wide"><table>'
    for status, response in responses.items():
        if int(status) < 300:
            yield f"<tr><td>{status}</td><td>{_type_of(response)}</td></tr>"
            continue
        words = _REASON.sub(r'<a href="#\1">\1</a>', escape(response["description"]))
        empty = "" if "content" in response else " No body."
        yield f"<tr><td>{status}</td><td>{words}{empty}</td></tr>"
    yield "</table></div>"


def _schemas(document: Json) -> Iterator[str]:
    yield '<section><h2 id="schemas">Schemas</h2>'
    for name, schema in document["components"]["schemas"].items():
        if name == "ErrorReason":
            continue
        yield f'<h3 id="{name}"><a class="anchor" href="#{name}">{escape(name)}</a></h3>'
        yield _prose(schema.get("description", ""))
        yield fields_table(schema["properties"], set(schema.get("required", ())))
        if others := schema.get("additionalProperties"):
            yield f"<p>Any other key: {escape(others['description'])}</p>"
    yield "</section>"


def _reasons(document: Json) -> Iterator[str]:
    enum = document["components"]["schemas"]["ErrorReason"]
    yield f'<section><h2 id="reasons">Error reasons</h2>{_prose(enum["description"])}'
    yield '<div class="wide"><table><tr><th>Reason</th><th>When</th></tr>'
    for reason, text in enum["x-reasons"].items():
        meaning, _, example = text.partition("\nExample:")
        yield (
            f'<tr id="{reason}"><td><code>{reason}</code></td><td>{_marked(" ".join(meaning.split()))}'
            f'<br><span class="soft">Example: {_marked(" ".join(example.split()))}</span></td></tr>'
        )
    yield "</table></div></section>"


def _curl(document: Json, verb: str, path: str, operation: Json) -> str:
    """A command that calls the route; words in capitals are to be filled in."""
    filled = re.sub(r"\{(\w+)\}", lambda name: name[1].upper(), path)
    query = "&".join(f"{p['name']}=VALUE" for p in operation.get("parameters", []) if p["in"] == "query")
    url = f"$GATEPOST{filled}" + (f"?{query}" if query else "")
    words = ["curl", *([] if verb == "get" else ["-X", verb.upper()]), f'"{url}"']
    if header := _CREDENTIALS.get(operation["x-guard"]):
        words.append(f"-H '{header}'")
    if FILE_FORM in operation.get("requestBody", {}).get("content", ()):
        [part] = operation["requestBody"]["content"][FILE_FORM]["schema"]["properties"]
        words.append(f"-F {part}=@FILE")
    elif "requestBody" in operation:
        example = orjson.dumps(example_of(document, _content(operation["requestBody"]))).decode()
        words += ["-H 'content-type: application/json'", f"-d '{example}'"]
    return " ".join(words)


_CREDENTIALS = {
    "GUARD_ADAPTER": "x-auth-secret: SECRET",
    "GUARD_ACCESS": "authorization: Bearer ACCESS_TOKEN",
    "GUARD_OPERATOR": "authorization: Bearer ACCESS_TOKEN",
    "GUARD_SIGNED_IN": "authorization: Bearer ACCESS_TOKEN",
    "GUARD_REFRESH": "authorization: Refresh REFRESH_TOKEN",
    "GUARD_SERVICE": "authorization: Basic BASE64_OF_NAME_AND_SECRET",
}
_REASON = re.compile(r"\b([A-Z]+(?:_[A-Z]+)+|INTERNAL)\b")
_CODE = re.compile(r"`([^`]+)`")


def _type_of(of: Json) -> str:
    """The type of a body in words, as HTML: its media types where it is no JSON."""
    if JSON in of["content"]:
        return linked_type(_content(of))
    if FILE_FORM in of["content"]:
        [part] = of["content"][FILE_FORM]["schema"]["properties"]
        return f"{FILE_FORM} with one file, <code>{escape(part)}</code>"
    return escape(" or ".join(of["content"]))


def _content(of: Json) -> Json:
    schema: Json = of["content"][JSON]["schema"]
    return schema


def _anchor(rpc: str) -> str:
    return escape(rpc.rpartition(".")[2].replace("/", "-"))


def _prose(text: str) -> str:
    return "".join(f"<p>{_marked(paragraph)}</p>" for paragraph in text.split("\n\n") if paragraph)


def _marked(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))
