"""Odd requests to every route, through both forms of the gateway."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from hypothesis import strategies as st
from yarl import URL

from gatepost.v1.options_pb2 import Guard
from http_gateway.bindings import Binding
from http_gateway.contract import contract_services, read_bindings
from tests.fuzz.callers import ADMITTED, KINDS, Callers
from tests.fuzz.declared import reasons_of_route
from tests.fuzz.files import forms
from tests.fuzz.findings import FaultError, Findings
from tests.fuzz.messages import FITTING
from tests.fuzz.rpcs import LONGEST_SECONDS, Run
from tests.fuzz.texts import NO_TIME, SEGMENTS, bodies, headers, odd_bodies, queries

BINDINGS = {binding.route: binding for binding in read_bindings(contract_services())}
VARIABLE = re.compile(r"\{(\w+)(?:=\*\*)?\}")


@dataclass(frozen=True, slots=True)
class Request:
    """A request, with the names of what is known in the place of it."""

    caller: str
    segments: tuple[str, ...]
    query: str = ""
    headers: Mapping[str, str] | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Routes:
    """Calls every route with what nobody would send."""

    session: aiohttp.ClientSession
    urls: Mapping[str, str]
    callers: Callers
    findings: Findings
    run: Run

    def explore(self, route: str, *, examples: int, seeded: int) -> None:
        """Sends the route requests of which any part may be odd."""
        cases = st.tuples(requests_of(BINDINGS[route]), st.sampled_from(sorted(self.urls)))
        self.findings.explore("http", route, cases, self._attempt(route), examples=examples, seeded=seeded)

    def explore_bodies(self, route: str, *, examples: int, seeded: int) -> None:
        """Sends the route some of the bodies of texts.odd_bodies; whole runs send all of them."""
        binding = BINDINGS[route]
        [caller, *_], segments = callers_of(binding), tuple("x" for _ in binding.template.fields)
        requests = [Request(caller, segments, body=body) for body in odd_bodies(binding)]
        cases = st.tuples(st.sampled_from(requests), st.sampled_from(sorted(self.urls)))
        self.findings.explore("json", route, cases, self._attempt(route), examples=examples, seeded=seeded)

    def _attempt(self, route: str) -> Any:
        def attempt(case: tuple[Request, str]) -> str:
            word: str = self.run(self.attempt(BINDINGS[route], *case))
            return word

        return attempt

    async def attempt(self, binding: Binding, request: Request, form: str) -> str:
        """The reason of the refusal of this request, or its status; FaultError where it may not end so."""
        credential = await self.callers.metadata_of(request.caller)
        known = self.callers.known
        texts = iter(request.segments)
        path = VARIABLE.sub(lambda _: next(texts, "x"), binding.template.text)
        target = _filled(path + (f"?{request.query}" if request.query else ""), known)
        sent = {name: _filled(value, known) for name, value in (request.headers or {}).items()}
        for name, value in credential:
            if name == "x-session-token":
                sent["cookie"] = f"next-auth.session-token={value}"
            else:
                sent[name] = str(value)
        body = None if request.body is None else _filled(request.body.decode("latin-1"), known).encode("latin-1")
        try:
            status, kind, content = await self._answer(binding.verb, self.urls[form] + target, sent, body)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise FaultError(f"{error!r}; sent {request}, {form}") from None
        try:
            if status == 504 and sent.get("grpc-timeout") == NO_TIME:
                return "DEADLINE_EXCEEDED"
            return self.callers.note(judged(binding, status, kind, content))
        except FaultError as fault:
            raise FaultError(f"{fault}; sent {request}, {form}") from None

    async def _answer(self, verb: str, url: str, sent: dict[str, str], body: bytes | None) -> tuple[int, str, bytes]:
        async with self.session.request(
            verb,
            URL(url, encoded=True),
            headers=sent,
            data=body,
            timeout=aiohttp.ClientTimeout(LONGEST_SECONDS),
            allow_redirects=False,
            skip_auto_headers=["content-type", "user-agent"],
        ) as answer:
            return answer.status, answer.headers.get("content-type", ""), await answer.read()


def judged(binding: Binding, status: int, kind: str, content: bytes) -> str:
    """The reason, or the status of a success; FaultError where the contract does not declare it."""
    if status >= 500:
        raise FaultError(f"{status} {content[:500]!r}")
    if status < 400:
        if kind.startswith("application/json"):
            orjson.loads(content)
        return str(status)
    if not kind.startswith("application/problem+json"):
        raise FaultError(f"{status} of {kind}, {content[:500]!r}")
    reason: str = orjson.loads(content)["reason"]
    declared = reasons_of_route(binding.verb, path_of(binding))
    if reason not in declared.get(status, ()):
        raise FaultError(f"{status} {reason} is not declared: {content[:500]!r}")
    return reason


def path_of(binding: Binding) -> str:
    """The route's path, as the OpenAPI document writes it."""
    return VARIABLE.sub(r"{\1}", binding.template.text)


def requests_of(binding: Binding) -> st.SearchStrategy[Request]:
    """Requests for a route."""
    return st.builds(
        _request,
        typed_body=_bodies_of(binding),
        caller=st.one_of(*[st.sampled_from(callers_of(binding))] * 6, st.sampled_from(KINDS)),
        segments=st.tuples(*map(_segments_of, binding.template.fields)),
        query=st.one_of(st.just(""), queries([field.json_name for field in binding.query_fields])),
        headers=headers(),
    )


def _segments_of(name: str) -> st.SearchStrategy[str]:
    fitting = st.sampled_from(FITTING.get(name, ["x"]))
    return st.one_of(fitting, fitting, SEGMENTS)


def _request(typed_body: tuple[str | None, bytes | None], headers: dict[str, str], **parts: Any) -> Request:
    kind, body = typed_body
    return Request(headers=headers if kind is None else headers | {"content-type": kind}, body=body, **parts)


def _bodies_of(binding: Binding) -> st.SearchStrategy[tuple[str, bytes] | tuple[None, bytes | None]]:
    """Bodies, with their type where they are more than JSON."""
    none: st.SearchStrategy[None] = st.none()
    if binding.takes_file:
        return forms()
    plain = st.tuples(none, bodies(binding) if binding.body else none)
    if not binding.rest.form:
        return plain
    names = [field.json_name for field in binding.method.input_type.fields]
    return st.one_of(plain, st.tuples(st.just("application/x-www-form-urlencoded"), queries(names).map(str.encode)))


def callers_of(binding: Binding) -> tuple[str, ...]:
    """The kinds of callers whom the route's guard admits."""
    return ADMITTED[Guard.Name(binding.guard)]


def _filled(text: str, known: Mapping[str, str]) -> str:
    return re.sub("<([a-z -]+)>", lambda found: known.get(found[1], found[0]), text)
