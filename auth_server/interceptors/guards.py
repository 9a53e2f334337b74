"""The one door: judges what a caller presents against what the contract asks for."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from auth_server.domain.errors import (
    AdapterSecretInvalidError,
    CredentialMissingError,
    PermissionDeniedError,
    RefreshTokenInvalidError,
    RequestInvalidError,
    Violation,
)
from auth_server.domain.users import Role
from auth_server.interceptors.calls import Call, Handler, Method
from auth_server.interceptors.request_streams import RequestStream, StreamBehind
from auth_server.interceptors.service_guard import Judge, ServiceGuard
from auth_server.interceptors.streams import RECHECK_SECONDS, while_admitted
from auth_server.interceptors.wrong_credentials import WrongCredentials
from auth_server.usecases.access import Access
from auth_server.usecases.identities import Identities
from auth_server.usecases.services import Services
from gatepost.v1 import options_pb2

REFRESH_TOKEN_CHARACTERS = 64


class ContractError(Exception):
    """The contract asks for something that this server does not enforce, so it does not start."""


class Guards:
    """The judges of every guard that the server knows."""

    def __init__(
        self,
        adapter_secrets: Sequence[str],
        access: Access,
        identities: Identities,
        services: Services,
        wrong_credentials: WrongCredentials,
    ) -> None:
        self._adapter_secrets = [secret.encode() for secret in adapter_secrets]
        self._access = access
        self._identities = identities
        self._services = ServiceGuard(services, wrong_credentials)
        self._wrong_credentials = wrong_credentials
        self._judges: dict[int, Callable[[Method], Judge]] = {
            options_pb2.GUARD_PUBLIC: lambda _: self._anyone,
            options_pb2.GUARD_ADAPTER: lambda _: self._adapter,
            options_pb2.GUARD_ACCESS: self._user_or_service,
            options_pb2.GUARD_REFRESH: lambda _: self._holder,
            options_pb2.GUARD_SERVICE: self._services.for_services,
            options_pb2.GUARD_OPERATOR: self._operator_or_service,
            options_pb2.GUARD_SIGNED_IN: lambda _: self._signed_in,
        }

    def __call__(self, method: Method, handler: Handler) -> Handler:
        """The handler, which only those reach whom the method's guard admits.

        Raises:
            ContractError: the method has no guard, one that nobody judges, or no rule of whose things it touches.
        """
        judge_of = self._judges.get(method.guard)
        if judge_of is None:
            guard = options_pb2.Guard.Name(method.guard)
            raise ContractError(f"{method.path} has the guard {guard}, which this server does not judge")
        if method.owner.field and method.guard != options_pb2.GUARD_ACCESS:
            raise ContractError(f"{method.path} names an owner, which is asked after under GUARD_ACCESS alone")
        if method.owner.caller and not _is_callers_own(method):
            raise ContractError(f"{method.path} is of the caller's own things: GUARD_ACCESS, and no other owner")
        if method.guard == options_pb2.GUARD_ACCESS and not method.owner.caller:
            return _guarded(judge_of(method), method, _owned(method, handler))
        return _guarded(judge_of(method), method, handler)

    async def _anyone(self, call: Call) -> None:
        pass

    async def _adapter(self, call: Call) -> None:
        given = call.metadata.get("x-auth-secret")
        if not given:
            raise CredentialMissingError
        presented = given.encode() if isinstance(given, str) else given
        # Each is compared, also behind one that fits: time does not tell which it was.
        found = [hmac.compare_digest(presented, secret) for secret in self._adapter_secrets]
        if not any(found):
            raise await self._wrong_credentials.refusal(call.client, AdapterSecretInvalidError())
        call.by_previous_secret = not found[0]

    async def _user(self, call: Call) -> None:
        call.caller = await self._access.caller_of(_presented(call, "bearer"))

    def _user_or_service(self, method: Method) -> Judge:
        return self._either(self._user, method) if method.owner.or_operator else self._user

    def _operator_or_service(self, method: Method) -> Judge:
        return self._either(self._operator, method)

    def _either(self, judge_user: Judge, method: Method) -> Judge:
        """A judge of services where one presents itself, and of users otherwise."""
        judge_service = self._services.for_operators(method)

        async def judge(call: Call) -> None:
            await (judge_service if self._services.presented_by(call) else judge_user)(call)

        return judge

    async def _operator(self, call: Call) -> None:
        await self._user(call)
        if call.caller is None or call.caller.role is not Role.OPERATOR:
            raise PermissionDeniedError

    async def _signed_in(self, call: Call) -> None:
        if call.metadata.get("authorization") == "":  # two of them: a session makes good neither
            raise CredentialMissingError
        presented = (call.metadata.get(name, "") for name in ("authorization", "x-session-token"))
        call.identity = await self._identities.of(*(text if isinstance(text, str) else "" for text in presented))

    async def _holder(self, call: Call) -> None:
        token = _presented(call, "refresh")
        if len(token) != REFRESH_TOKEN_CHARACTERS:
            raise RefreshTokenInvalidError
        call.refresh_token = token


def _is_callers_own(method: Method) -> bool:
    owner = method.owner
    return method.guard == options_pb2.GUARD_ACCESS and not owner.field and not owner.or_operator


def _guarded(judge: Judge, method: Method, handler: Handler) -> Handler:
    async def handle(request: Any, call: Call) -> Any:
        await judge(call)
        call.is_admitted = True
        answer = await handler(request, call)
        return while_admitted(lambda: judge(call), answer, RECHECK_SECONDS) if method.streams else answer

    async def handle_stream(requests: AsyncIterator[Any], call: Call) -> Any:
        await judge(call)
        call.is_admitted = True
        # Sending may take a minute, in which the sign-in may have ended: nothing is done with it then.
        judged_again = RequestStream(requests, lambda request: request, at_end=lambda: judge(call))
        return await handler(judged_again, call)

    return handle_stream if method.takes_stream else handle


def _owned(method: Method, handler: Handler) -> Handler:
    """The handler, which only the owner reaches whom the request names, or the first one of a stream of requests.

    Where the contract says so, operators reach it as well, and so do the services that the judge has admitted.
    """
    name, or_operator = method.owner.field, method.owner.or_operator
    field = method.descriptor.input_type.fields_by_name.get(name)
    if field is None or field.type != FieldDescriptor.TYPE_STRING:
        raise ContractError(f"{method.path} does not say whose things it touches: owner.field must name a string field")

    def check(request: Any, call: Call) -> None:
        caller = call.caller
        if caller is None and call.service is not None and or_operator:
            return
        if caller is None:
            raise PermissionDeniedError
        if getattr(request, name) != str(caller.user_id) and not (or_operator and caller.role is Role.OPERATOR):
            raise PermissionDeniedError

    def check_further(request: Any) -> Any:
        if getattr(request, name):
            raise RequestInvalidError(violations=(Violation(name, "must be in the first message alone"),))
        return request

    async def handle(request: Any, call: Call) -> Any:
        check(request, call)
        return await handler(request, call)

    async def handle_stream(requests: AsyncIterator[Any], call: Call) -> Any:
        first = await anext(requests, method.request())
        check(first, call)
        return await handler(StreamBehind(first, RequestStream(requests, check_further)), call)

    return handle_stream if method.takes_stream else handle


def _presented(call: Call, scheme: str) -> str:
    """The credential of `authorization: <scheme> <credential>`; schemes are compared without case (RFC 9110, 11.1)."""
    given = call.metadata.get("authorization")
    word, _, credential = given.partition(" ") if isinstance(given, str) else ("", "", "")
    if word.lower() != scheme or not credential:
        raise CredentialMissingError
    return credential
