"""Drives RPCs with secrets that are known to the test, and remembers every one that goes in or comes out."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct

from auth_server.servicers.ext_authz_contract import AUTHORIZATION
from gatepost.v1.options_pb2 import sensitive
from gatepost_cli.auth_channel import AuthChannel
from tests.challenges import challenge_in
from tests.people import Metadata
from tests.rpc.calling import METHODS, call_of, stream_of

CHECK = "Authorization/Check"
EVERY_METHOD = {**METHODS, CHECK: AUTHORIZATION.methods_by_name["Check"]}
PREFIX_BYTES = 6


@dataclass
class Marked:
    """Secrets by what may be kept of them."""

    untold: list[bytes] = field(default_factory=list)
    """In no answer, and nothing of them but under a key: passwords, and the secrets of settings."""
    sealed: list[bytes] = field(default_factory=list)
    """Nothing of them is kept but under a key: what a provider gave."""
    hashed: list[bytes] = field(default_factory=list)
    """The SHA-256 may be kept: tokens of 256 random bits."""

    @property
    def all(self) -> list[bytes]:
        return [*self.untold, *self.sealed, *self.hashed]

    def password(self) -> str:
        return self._new("password", self.untold)

    def sealed_text(self, kind: str) -> str:
        return self._new(kind, self.sealed)

    def token(self, kind: str) -> str:
        return self._new(kind, self.hashed)

    def keep_sensitive(self, message: Message) -> None:
        """Remembers what the contract calls a secret."""
        known = {*self.all}
        for secret in _sensitive_in(message):
            # Of a JWT, the head is the same in all.
            for part in secret.split(".")[1:] if secret.count(".") == 2 else [secret]:
                if part.encode() not in known and not any(each in part.encode() for each in known):
                    self.hashed.append(part.encode())

    def _new(self, kind: str, into: list[bytes]) -> str:
        made = f"{kind}-{secrets.token_hex(16)}"
        into.append(made.encode())
        return made


def _sensitive_in(message: Message) -> Iterator[str]:
    for about, value in message.ListFields():
        if about.GetOptions().Extensions[sensitive]:
            held = [*value][:1] if about.is_repeated else value  # the first is kept as all are, and searched for sooner
            yield from _texts_in(MessageToDict(held) if isinstance(held, Struct) else held)
        elif about.type == FieldDescriptor.TYPE_MESSAGE and not about.is_repeated:
            yield from _sensitive_in(value)


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts_in(inner)


class Canary:
    """Calls RPCs over gRPC; keeps what was answered, and what was said of refusals."""

    def __init__(self, channel: grpc.aio.Channel | AuthChannel, marked: Marked) -> None:
        self._channel = channel
        self.marked = marked
        self.answers: list[bytes] = []
        self.errors: list[bytes] = []
        self.driven: set[str] = set()

    async def call(self, rpc: str, metadata: Metadata, *requests: dict[str, Any]) -> Any:
        """The answer; the first one of a stream, which ends with it. Several requests are a stream."""
        method = EVERY_METHOD[rpc]
        messages = [GetMessageClass(method.input_type)(**fields) for fields in requests or ({},)]
        for message in messages:
            self.marked.keep_sensitive(message)
        request = stream_of(*messages) if method.client_streaming else messages[0]
        call = call_of(self._channel, method)(request, metadata=metadata, timeout=10)
        answer = await anext(aiter(call)) if method.server_streaming else await call
        self.marked.keep_sensitive(answer)
        self.answers.append(answer.SerializeToString())
        self.driven.add(rpc)
        return answer

    async def fail(self, rpc: str, metadata: Metadata, *requests: dict[str, Any]) -> None:
        """The same, of a call that is refused."""
        try:
            await self.call(rpc, metadata, *requests)
        except grpc.aio.AioRpcError as error:
            said = f"{error.details()} {error.debug_error_string()} {error.trailing_metadata()!r}"
            trailing = [value for _, value in error.trailing_metadata() or () if isinstance(value, bytes)]
            self.errors += [said.encode(), *trailing]
        else:
            raise AssertionError(f"{rpc} was not refused")

    async def challenged(self, rpc: str, metadata: Metadata, request: dict[str, Any]) -> str:
        """The challenge that a refused sign-in is told, and nobody else."""
        try:
            await self.call(rpc, metadata, request)
        except grpc.aio.AioRpcError as error:
            challenge = challenge_in(error)
            self.marked.hashed.append(challenge.encode())
            self.errors.append(f"{error.details()} {error.debug_error_string()}".encode())
            return challenge
        raise AssertionError(f"{rpc} was not refused")


def odd_requests(rpc: str, secret: str) -> Iterator[dict[str, Any]]:
    """Requests whose every text is this secret, once and at great length."""
    for times in (1, 200):
        yield {
            about.name: secret * times
            for about in EVERY_METHOD[rpc].input_type.fields
            if about.type == FieldDescriptor.TYPE_STRING and not about.is_repeated
        }


def digests_of(marked: Iterable[bytes]) -> list[bytes]:
    """What fast hashes make of secrets: of a password, that is as good as the password itself."""
    kinds = (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512)
    return [kind(secret).digest() for secret in marked for kind in kinds]


def beginnings_in(digests: Iterable[bytes], text: bytes) -> list[bytes]:
    """The digests whose first bytes stand in the text, in hexadecimal digits or base64, as people shorten them."""
    lowered = text.lower()
    return [
        digest
        for digest in digests
        if digest[:PREFIX_BYTES].hex().encode() in lowered or base64.b64encode(digest[:PREFIX_BYTES]) in text
        or base64.urlsafe_b64encode(digest[:PREFIX_BYTES]) in text
    ]  # fmt: skip
