"""Believes what a call says of the client behind it only where a gateway makes it that has proven who it is."""

from __future__ import annotations

import logging
from typing import Any

from auth_server.domain.errors import DatabaseUnavailableError, ServiceCredentialInvalidError
from auth_server.domain.services import Service
from auth_server.interceptors.calls import Call, Handler, Interceptor, Method
from auth_server.interceptors.service_guard import credential_of
from auth_server.usecases.services import Services

log = logging.getLogger(__name__)

ABOUT_CLIENTS = ("x-client-address", "x-client-agent")


def gateways(services: Services) -> Interceptor:
    """The interceptor that tells gateways from others, and takes from others what they say of clients.

    A gateway proves itself by `x-gateway-credential: Basic <base64 of name:secret>` or by its certificate; the
    service that it then is must be flagged as one. A gateway in this process needs no proof. A call is not refused for
    a wrong proof: then it merely comes from its own address.
    """

    def around(_: Method, handler: Handler) -> Handler:
        async def handle(request: Any, call: Call) -> Any:
            if not call.from_gateway and not call.metadata.keys().isdisjoint(ABOUT_CLIENTS):
                call.from_gateway = await _is_gateway(services, call)
                if not call.from_gateway:
                    call.metadata = {key: value for key, value in call.metadata.items() if key not in ABOUT_CLIENTS}
            return await handler(request, call)

        return handle

    return around


async def _is_gateway(services: Services, call: Call) -> bool:
    try:
        service = await _proven(services, call)
    except (ServiceCredentialInvalidError, DatabaseUnavailableError) as error:
        log.warning("gateway not believed", extra={"request_id": call.request_id, "cause": error.reason})
        return False
    return service is not None and service.is_gateway


async def _proven(services: Services, call: Call) -> Service | None:
    given = call.metadata.get("x-gateway-credential")
    if given is not None:
        return await services.by_secret(*credential_of(given))
    names = call.names_of_certificate()
    return await services.by_certificate(names) if names else None
