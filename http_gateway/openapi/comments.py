"""What the comments of the contract say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

PACKAGE = "gatepost."

_SENTENCE = re.compile(r"(.+?[.:])(?:\s|$)", re.DOTALL)
_ERRORS = re.compile(r"^Errors:", re.MULTILINE)
_REASON = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b|\bINTERNAL\b|\bTHROTTLED\b")


@dataclass(frozen=True, slots=True)
class Comment:
    """The comment above a service, method, message, field or enum value."""

    text: str = ""

    @property
    def summary(self) -> str:
        """The first sentence, on one line."""
        found = _SENTENCE.match(self._paragraphs[0]) if self.text else None
        return found[1] if found else self.text

    @property
    def description(self) -> str:
        """What follows the first sentence, a line for each paragraph, without the list of errors."""
        rest = "\n\n".join(p for p in self._paragraphs if not _ERRORS.match(p))
        return rest.removeprefix(self.summary).strip()

    @property
    def all(self) -> str:
        """All of it, without the list of errors."""
        return "\n\n".join(p for p in self._paragraphs if not _ERRORS.match(p))

    @property
    def reasons(self) -> list[str]:
        """The error reasons that it lists, in its order."""
        return list(dict.fromkeys(_REASON.findall(self.text)))

    @property
    def _paragraphs(self) -> Sequence[str]:
        return [" ".join(paragraph.split()) for paragraph in self.text.split("\n\n") if paragraph.strip()]


class Comments:
    """The comments of a contract by the full name of what they stand above; an enum's value is below its enum."""

    def __init__(self, files: FileDescriptorSet) -> None:
        self._by_name: Mapping[str, Comment] = {
            name: Comment(text) for file in files.file if file.package.startswith(PACKAGE) for name, text in _all(file)
        }

    def of(self, full_name: str) -> Comment:
        """The comment above a name; an empty one where there is none."""
        return self._by_name.get(full_name, Comment())


def _all(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for place in file.source_code_info.location:
        name = _name_at(file, place.path)
        if name and place.leading_comments.strip():
            yield name, "\n".join(line.strip() for line in place.leading_comments.strip().split("\n"))


def _name_at(file: FileDescriptorProto, path: Sequence[int]) -> str:
    """The full name of what a path of numbers leads to (descriptor.proto, SourceCodeInfo.Location); else nothing."""
    node: Any = file
    names = [file.package]
    if len(path) % 2 or not path:
        return ""
    for number, index in zip(path[::2], path[1::2], strict=True):
        field = node.DESCRIPTOR.fields_by_number[number]
        if field.message_type is None or not field.is_repeated:
            return ""
        node = getattr(node, field.name)[index]
        if "name" not in node.DESCRIPTOR.fields_by_name:
            return ""
        names.append(node.name)
    return ".".join(names)
