"""Finds the routes of a path, taken as it was received."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True, slots=True)
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
        segments = path.split("/")
        return next(self._matches(self._root, segments, 1), None)

    def _matches(self, node: _Node[T], segments: list[str], at: int) -> Iterator[Found[T]]:
        """What the segments from `at` on match below the node, the best first."""
        rest = segments[at:]
        if node.ends_here and rest in ([], [""]):
            yield Found(node.ends_here, ())
        if rest and rest[0]:
            segment = decoded(rest[0])
            if (literal := node.literals.get(segment)) is not None:
                yield from self._matches(literal, segments, at + 1)
            if node.variable is not None:
                for found in self._matches(node.variable, segments, at + 1):
                    yield Found(found.by_verb, (segment, *found.values))
        if node.takes_rest:
            yield Found(node.takes_rest, (decoded("/".join(rest)),))
