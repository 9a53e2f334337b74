"""Finds the routes of a path, taken as it was received."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from http_gateway.templates import PathTemplate, decoded

T = TypeVar("T")


@dataclass(slots=True)
class _Node(Generic[T]):
    """What may follow one segment of a path."""

    literals: dict[str, _Node[T]] = field(default_factory=dict)
    variable: _Node[T] | None = None
    ends_here: dict[str, T] = field(default_factory=dict)
    takes_rest: dict[str, T] = field(default_factory=dict)


@dataclass(slots=True)
class Found(Generic[T]):
    """The routes of one path by verb, and the values of the path's fields in order."""

    by_verb: Mapping[str, T]
    values: tuple[str, ...]


class RouteTable(Generic[T]):
    """Routes by path and verb.

    A literal segment wins over a variable one whatever the verb, so that the
    name of a route is never taken for an id. Each route is also found with a
    slash at its end. Slashes and dots within a path mean nothing.
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self._literal: dict[str, Found[T]] = {}

    def add(self, verb: str, template: PathTemplate, route: T) -> None:
        """Adds a route.

        Raises:
            ValueError: another route has the same verb and the same shape of path.
        """
        node = self._root
        for segment in template.segments:
            if segment is None:
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literals.setdefault(segment, _Node())
        by_verb = node.takes_rest if template.takes_rest else node.ends_here
        if verb in by_verb:
            raise ValueError(f"{verb} {template.text} has the same verb and path as another route")
        by_verb[verb] = route
        if not template.fields:
            self._literal[template.text] = self._literal[template.text + "/"] = Found(by_verb, ())

    def find(self, path: str) -> Found[T] | None:
        """The routes of a path that is still percent-encoded, if there are any."""
        if (known := self._literal.get(path)) is not None:
            return known
        return self._below(self._root, path.split("/"), 1)

    def _below(self, node: _Node[T], segments: list[str], at: int) -> Found[T] | None:
        """What the segments from `at` on match below the node: a literal before a field, a field before the rest."""
        last = len(segments) - 1
        if node.ends_here and (at > last or (at == last and not segments[at])):
            return Found(node.ends_here, ())
        if at <= last and segments[at]:
            segment = decoded(segments[at])
            if (literal := node.literals.get(segment)) and (found := self._below(literal, segments, at + 1)):
                return found
            if node.variable and (found := self._below(node.variable, segments, at + 1)):
                return Found(found.by_verb, (segment, *found.values))
        if node.takes_rest:
            return Found(node.takes_rest, (decoded("/".join(segments[at:])),))
        return None
