"""What is measured: each case sends one operation over REST and over gRPC and keeps what it needs for the next.

A new case is a class here, its name in CASES, and its handlers in floors/.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson

from gatepost.v1 import (
    adapter_service_pb2,
    adapter_service_pb2_grpc,
    auth_service_pb2,
    auth_service_pb2_grpc,
    token_service_pb2,
    token_service_pb2_grpc,
)

if TYPE_CHECKING:
    from grpc import aio

from benchmarks import fixtures
from benchmarks.http_connection import HttpConnection, UnexpectedAnswerError, request_of

Metadata = tuple[tuple[str, str], ...]
TOO_LATE = "b'504"  # as an UnexpectedAnswerError begins


class Stubs:
    """The services on one channel, and the metadata that opens the doors of the adapter and of services."""

    def __init__(self, channel: aio.Channel, adapter_secret: str, service_credential: str) -> None:
        self.adapter = adapter_service_pb2_grpc.AdapterServiceStub(channel)
        self.auth = auth_service_pb2_grpc.AuthServiceStub(channel)
        self.token = token_service_pb2_grpc.TokenServiceStub(channel)
        self.metadata: Metadata = (("x-auth-secret", adapter_secret),)
        self.service_metadata: Metadata = (("authorization", service_credential),)


@dataclass
class Case(ABC):
    """One kind of operation."""

    adapter_secret: str
    service_credential: str
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def prepare(self, gatepost: HttpConnection, count: int) -> None:  # noqa: B027 (most need nothing)
        """Gets from Gatepost, untimed, what `count` operations at once need."""

    async def signed_in(self, gatepost: HttpConnection, number: int) -> dict[str, str]:
        """The tokens of a new sign-in."""
        body = orjson.dumps({"email": fixtures.email_of(number % fixtures.OAUTH_USERS)})
        answer = await gatepost.send(request_of("POST", "/auth/oAuthlogin", body, x_auth_secret=self.adapter_secret))
        tokens: dict[str, str] = orjson.loads(answer)["backendTokens"]
        return tokens

    @abstractmethod
    async def over_rest(self, http: HttpConnection) -> None: ...

    @abstractmethod
    async def over_grpc(self, stubs: Stubs) -> None: ...


class GetSessionAndUser(Case):
    """A live session and its user, by the session's token: every page of the front end asks for it."""

    async def over_rest(self, http: HttpConnection) -> None:
        path = f"/adapter/get-session/{fixtures.session_token_of(next(self._numbers))}"
        body = await http.send(request_of("GET", path, x_auth_secret=self.adapter_secret))
        if not body.startswith(b'{"session":{'):
            raise UnexpectedAnswerError(body)

    async def over_grpc(self, stubs: Stubs) -> None:
        token = fixtures.session_token_of(next(self._numbers))
        request = adapter_service_pb2.GetSessionAndUserRequest(session_token=token)
        answer = await stubs.adapter.GetSessionAndUser(request, metadata=stubs.metadata)
        if not answer.session_and_user.user.id:
            raise UnexpectedAnswerError(answer)


class GetUserByEmail(Case):
    """A user by address."""

    async def over_rest(self, http: HttpConnection) -> None:
        path = f"/adapter/get-user-by-email?email={fixtures.email_of(next(self._numbers))}"
        body = await http.send(request_of("GET", path, x_auth_secret=self.adapter_secret))
        if not body.startswith(b'{"id":'):
            raise UnexpectedAnswerError(body)

    async def over_grpc(self, stubs: Stubs) -> None:
        email = fixtures.email_of(next(self._numbers))
        request = adapter_service_pb2.GetUserByEmailRequest(email=email)
        answer = await stubs.adapter.GetUserByEmail(request, metadata=stubs.metadata)
        if not answer.user.id:
            raise UnexpectedAnswerError(answer)


@dataclass
class CreateAndDeleteSession(Case):
    """A session made and deleted; the pair counts as one operation."""

    _user_ids: list[str] = field(default_factory=list)

    async def prepare(self, gatepost: HttpConnection, count: int) -> None:
        for number in range(count):
            path = f"/adapter/get-user-by-email?email={fixtures.email_of(number)}"
            body = await gatepost.send(request_of("GET", path, x_auth_secret=self.adapter_secret))
            self._user_ids.append(orjson.loads(body)["id"])

    async def over_rest(self, http: HttpConnection) -> None:
        token, user_id = str(uuid4()), self._user_ids[next(self._numbers) % len(self._user_ids)]
        body = b'{"sessionToken":"%s","userId":"%s","expires":"2099-01-02T03:04:05.678Z"}'
        body %= token.encode(), user_id.encode()
        await http.send(request_of("POST", "/adapter/create-session", body, x_auth_secret=self.adapter_secret))
        path = f"/adapter/delete-session/{token}"
        deleted = await http.send(request_of("DELETE", path, x_auth_secret=self.adapter_secret))
        if token.encode() not in deleted:
            raise UnexpectedAnswerError(deleted)

    async def over_grpc(self, stubs: Stubs) -> None:
        token, user_id = str(uuid4()), self._user_ids[next(self._numbers) % len(self._user_ids)]
        request = adapter_service_pb2.CreateSessionRequest(session_token=token, user_id=user_id)
        request.expires.seconds = int(time.time()) + 86_400
        await stubs.adapter.CreateSession(request, metadata=stubs.metadata)
        deletion = adapter_service_pb2.DeleteSessionRequest(session_token=token)
        answer = await stubs.adapter.DeleteSession(deletion, metadata=stubs.metadata)
        if answer.session.session_token != token:
            raise UnexpectedAnswerError(answer)


class Login(Case):
    """A sign-in by email and password."""

    async def over_rest(self, http: HttpConnection) -> None:
        email = fixtures.login_email_of(next(self._numbers))
        body = orjson.dumps({"email": email, "password": fixtures.PASSWORD})
        await http.send(request_of("POST", "/auth/login", body))

    async def over_grpc(self, stubs: Stubs) -> None:
        email = fixtures.login_email_of(next(self._numbers))
        await stubs.auth.Login(auth_service_pb2.LoginRequest(email=email, password=fixtures.PASSWORD))


class WrongPassword(Case):
    """A password that is guessed, and refused: by the hash, by the throttle, or as there are too many hashes."""

    async def over_rest(self, http: HttpConnection) -> None:
        number = next(self._numbers)
        body = orjson.dumps({"email": fixtures.login_email_of(number), "password": f"guess {number}"})
        try:
            answer = await http.send(request_of("POST", "/auth/login", body))
        except UnexpectedAnswerError as refusal:
            if not str(refusal).startswith(("b'400", TOO_LATE)):
                raise
            return
        raise UnexpectedAnswerError(answer)

    async def over_grpc(self, stubs: Stubs) -> None:
        raise NotImplementedError("guesses come over REST")


@dataclass
class KnownDevice(Case):
    """A sign-in from a device that has signed in before, with the address that others guess at.

    It may find the hashes busy, but no throttle.
    """

    _device_token: str = ""

    async def prepare(self, gatepost: HttpConnection, count: int) -> None:  # noqa: ARG002 (it is one device)
        self._device_token = await self._login(gatepost, {})

    async def over_rest(self, http: HttpConnection) -> None:
        try:
            await self._login(http, {"deviceToken": self._device_token})
        except UnexpectedAnswerError as refusal:
            if "HASHING_BUSY" not in str(refusal) and not str(refusal).startswith(TOO_LATE):
                raise

    async def over_grpc(self, stubs: Stubs) -> None:
        raise NotImplementedError("devices sign in over REST")

    async def _login(self, http: HttpConnection, more: dict[str, str]) -> str:
        body = orjson.dumps({"email": fixtures.login_email_of(0), "password": fixtures.PASSWORD} | more)
        token: str = orjson.loads(await http.send(request_of("POST", "/auth/login", body)))["deviceToken"]
        return token


@dataclass
class RefreshTokens(Case):
    """A refresh token exchanged; each answer's token is the next request's."""

    _tokens: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def prepare(self, gatepost: HttpConnection, count: int) -> None:
        for number in range(2 * count):
            self._tokens.put_nowait((await self.signed_in(gatepost, number))["refreshToken"])

    async def over_rest(self, http: HttpConnection) -> None:
        token = await self._tokens.get()
        body = await http.send(request_of("POST", "/auth/refresh", b"{}", authorization=f"Refresh {token}"))
        self._tokens.put_nowait(orjson.loads(body)["refreshToken"])

    async def over_grpc(self, stubs: Stubs) -> None:
        token = await self._tokens.get()
        request = auth_service_pb2.RefreshTokensRequest()
        answer = await stubs.auth.RefreshTokens(request, metadata=(("authorization", f"Refresh {token}"),))
        self._tokens.put_nowait(answer.backend_tokens.refresh_token)


@dataclass
class _WithAccessTokens(Case):
    """An operation of internal services on access tokens, of which each is sent again and again, as users do."""

    _access_tokens: list[str] = field(default_factory=list)

    async def prepare(self, gatepost: HttpConnection, count: int) -> None:
        for number in range(4 * count):
            self._access_tokens.append((await self.signed_in(gatepost, number))["accessToken"])

    @property
    def access_token(self) -> str:
        """The next one."""
        return self._access_tokens[next(self._numbers) % len(self._access_tokens)]


class VerifyAccessToken(_WithAccessTokens):
    """An access token verified for an internal service."""

    async def over_rest(self, http: HttpConnection) -> None:
        body = orjson.dumps({"accessToken": self.access_token})
        answer = await http.send(request_of("POST", "/tokens/verify", body, authorization=self.service_credential))
        if not answer.startswith(b'{"claims":{'):
            raise UnexpectedAnswerError(answer)

    async def over_grpc(self, stubs: Stubs) -> None:
        request = token_service_pb2.VerifyAccessTokenRequest(access_token=self.access_token)
        answer = await stubs.token.VerifyAccessToken(request, metadata=stubs.service_metadata)
        if not answer.claims.user_id:
            raise UnexpectedAnswerError(answer)


class Introspect(_WithAccessTokens):
    """An access token introspected by an internal service (RFC 7662)."""

    async def over_rest(self, http: HttpConnection) -> None:
        body = orjson.dumps({"token": self.access_token})
        answer = await http.send(request_of("POST", "/oauth/introspect", body, authorization=self.service_credential))
        if not answer.startswith(b'{"active":true'):
            raise UnexpectedAnswerError(answer)

    async def over_grpc(self, stubs: Stubs) -> None:
        request = token_service_pb2.IntrospectRequest(token=self.access_token)
        answer = await stubs.token.Introspect(request, metadata=stubs.service_metadata)
        if not answer.active:
            raise UnexpectedAnswerError(answer)


CASES: dict[str, type[Case]] = {
    "GetSessionAndUser": GetSessionAndUser,
    "GetUserByEmail": GetUserByEmail,
    "CreateSession+DeleteSession": CreateAndDeleteSession,
    "Login": Login,
    "RefreshTokens": RefreshTokens,
    "VerifyAccessToken": VerifyAccessToken,
    "Introspect": Introspect,
}
# What floods Gatepost beside other calls; no floor does the same.
FLOODS = {
    "WrongPassword": WrongPassword,
    "KnownDevice": KnownDevice,
}
