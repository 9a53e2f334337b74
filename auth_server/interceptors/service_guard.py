"""Judges internal services: by service credential or client certificate, and by what each may call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from auth_server.domain.errors import CredentialMissingError, PermissionDeniedError, ServiceCredentialInvalidError
from auth_server.domain.services import Service, parted_basic
from auth_server.interceptors.calls import Call, Method
from auth_server.interceptors.wrong_credentials import WrongCredentials
from auth_server.usecases.services import Services

LONGEST_BASIC_CHARACTERS = 512

Judge = Callable[[Call], Awaitable[None]]


class ServiceGuard:
    """Who the services are, and what their allow-lists say."""

    def __init__(self, services: Services, wrong_credentials: WrongCredentials) -> None:
        self._services = services
        self._wrong_credentials = wrong_credentials

    def presented_by(self, call: Call) -> bool:
        """Whether the call comes as a service's: with a service credential, or with a certificate and nothing else.

        An empty credential, as one that is given twice, is something else: nobody has said that it is the caller's own.
        """
        given = call.metadata.get("authorization")
        return bool(call.names_of_certificate()) if given is None else _scheme_of(given) == "basic"

    def for_services(self, method: Method) -> Judge:
        """Admits services whose list names the method, or all of its service."""
        rpc = method.path.removeprefix("/")

        async def judge(call: Call) -> None:
            if not self.presented_by(call):
                raise CredentialMissingError
            service = await self._known(call)
            if not service.may_call(rpc):
                raise PermissionDeniedError

        return judge

    def for_operators(self, method: Method) -> Judge:
        """Admits services whose list names this very method."""
        rpc = method.path.removeprefix("/")

        async def judge(call: Call) -> None:
            service = await self._known(call)
            if not service.may_operate(rpc):
                raise PermissionDeniedError

        return judge

    async def _known(self, call: Call) -> Service:
        """The service that calls; the call bears its name from now on, admitted or not."""
        given = call.metadata.get("authorization")
        if given is not None:
            service = await self._by_secret(call, given)
        else:
            service = await self._services.by_certificate(call.names_of_certificate())
            # A gateway's certificate stands for itself, not for those whose calls it passes on without a credential.
            if service.is_gateway:
                raise CredentialMissingError
        call.service = service
        return service

    async def _by_secret(self, call: Call, given: str | bytes) -> Service:
        try:
            return await self._services.by_secret(*credential_of(given))
        except ServiceCredentialInvalidError as wrong:
            raise await self._wrong_credentials.refusal(call.client, wrong) from None


def credential_of(given: str | bytes) -> tuple[str, str]:
    """The name and the secret of `Basic <base64 of name:secret>`.

    Raises:
        ServiceCredentialInvalidError: it is of another form.
    """
    if _scheme_of(given) != "basic" or len(given) > LONGEST_BASIC_CHARACTERS:
        raise ServiceCredentialInvalidError
    credential = parted_basic(str(given).partition(" ")[2])
    if credential is None:
        raise ServiceCredentialInvalidError
    return credential


def _scheme_of(given: str | bytes) -> str:
    """The word before the credential; schemes are compared without case (RFC 9110, 11.1)."""
    return given.partition(" ")[0].lower() if isinstance(given, str) else ""
