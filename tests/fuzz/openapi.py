"""Requests that schemathesis makes from the OpenAPI document: of each route by itself, and chains of routes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded_with
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from tests.fuzz.callers import KINDS, Callers
from tests.fuzz.declared import document
from tests.fuzz.findings import FaultError, Findings
from tests.fuzz.http import BINDINGS, callers_of, judged, path_of
from tests.fuzz.messages import FITTING
from tests.fuzz.rpcs import LONGEST_SECONDS, Run

CONFORMANCE = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
AnyCase = Case[Any]
STEPS = 8
_BY_OPERATION = {f"{each.verb} {path_of(each)}": each for each in BINDINGS.values()}
# Of another route, or of none: a client resolves such segments by itself (RFC 3986, section 5.2.4).
_ELSEWHERE = {"ROUTE_NOT_FOUND", "VERB_NOT_ALLOWED"}


@dataclass(slots=True)
class OpenApi:
    """Calls the routes as the document says, and as it says that they do not take."""

    urls: dict[str, str]
    callers: Callers
    findings: Findings
    run: Run
    _http: requests.Session = field(default_factory=requests.Session)
    _operations: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._http.trust_env = False
        self._operations = {each.label: each for each in operations()}

    @property
    def labels(self) -> list[str]:
        """Every operation, as verb and path."""
        return list(self._operations)

    def explore(self, label: str, *, examples: int, seeded: int) -> None:
        """Sends the operation valid and invalid requests."""
        operation, binding = self._operations[label], _BY_OPERATION[label]
        modes = [GenerationMode.POSITIVE]
        if operation.path_parameters or operation.query or operation.body:
            modes.append(GenerationMode.NEGATIVE)
        admitted = st.sampled_from(callers_of(binding))
        cases = st.tuples(
            st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes)),
            st.one_of(*[admitted] * 6, st.sampled_from(KINDS)),
            st.sampled_from(sorted(self.urls)),
            st.booleans(),
        )

        def attempt(drawn: Any) -> str:
            case, caller, form, fits = drawn
            return self._judged(case, self._sent(case, caller, form, fits=fits))

        self.findings.explore("openapi", label, cases, attempt, examples=examples, seeded=seeded)

    def explore_chains(self, form: str, *, examples: int, seeded: int) -> None:
        """Sends chains of requests, of which later ones take what earlier ones answered."""
        outer = self
        faults: list[tuple[str, str]] = []

        class Chain(schema().as_state_machine()):  # type: ignore[misc]
            def call(self, case: AnyCase, **_: Any) -> Any:
                # One who gets far: what an operator or the adapter makes, the next request finds.
                caller = max(callers_of(_BY_OPERATION[case.operation.label]), key=KINDS.index)
                return outer._sent(case, caller, form, fits=False)

            def validate_response(self, response: Any, case: AnyCase, *_: Any, **__: Any) -> None:
                outer.findings.tried["chains"] += 1
                try:
                    outer.findings.answers[outer._judged(case, response)] += 1
                except FaultError as fault:
                    faults[:] = [(case.operation.label, str(fault))]
                    raise

        run = settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),
        )
        try:
            seeded_with(seeded)(Chain).run(settings=run)
        except (
            FaultError,
            Flaky,
        ):  # flaky alone: the server answers otherwise than before, as what it holds is another
            if faults:
                self.findings.add("chains", *faults[0])

    def _sent(self, case: AnyCase, caller: str, form: str, *, fits: bool) -> Any:
        headers = {}
        for name, value in self.run(self.callers.metadata_of(caller)):
            cookie = name == "x-session-token"
            headers["cookie" if cookie else name] = f"next-auth.session-token={value}" if cookie else str(value)
        for name in list(case.path_parameters or {}) if fits else []:
            case.path_parameters[name] = self.callers.known.get(FITTING.get(name, [""])[0][1:-1], "x")
        try:
            return case.call(self.urls[form], self._http, headers, timeout=LONGEST_SECONDS)
        except requests.RequestException as error:
            raise FaultError(f"{error!r}; sent {case!r}") from None

    def _judged(self, case: AnyCase, response: Any) -> str:
        kind, content = (response.headers.get("content-type") or [""])[0], response.content
        try:
            word = self.callers.note(judged(_BY_OPERATION[case.operation.label], response.status_code, kind, content))
            if word not in _ELSEWHERE:
                case.validate_response(response, checks=CONFORMANCE)
        except FaultError as fault:
            raise FaultError(f"{fault}; sent {case.as_curl_command()}") from None
        except FailureGroup as group:
            raise FaultError(f"{'; '.join(map(str, group.exceptions))}; sent {case.as_curl_command()}") from None
        return word


def schema() -> Any:
    """The document, as schemathesis reads it."""
    return schemathesis.openapi.from_dict(document())


def operations() -> Iterator[Any]:
    """Every operation of the document."""
    return (found.ok() for found in schema().get_all_operations())
