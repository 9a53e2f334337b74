"""Makes the call of an RPC from a visit: its message, its metadata and its deadline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp.web_request import BaseRequest

from http_gateway.bindings import Binding
from http_gateway.bodies import body_of, is_form
from http_gateway.clients import client_metadata_of
from http_gateway.credentials import credential_form_of
from http_gateway.deadlines import Deadline, deadline_of, out_of_time
from http_gateway.problems import DEFAULT_CHALLENGE, Manners, RefusedError
from http_gateway.request_reading import RequestReader
from http_gateway.rpc_errors import TOO_LARGE
from http_gateway.settings import MESSAGE_LIMIT_BYTES, GatewaySettings
from http_gateway.visits import Visit

SMALL_BODY_BYTES = 4096
"""A body that can be no message beyond the limit: `0,` of an open-ended list, which grows most, becomes 11 bytes."""


@dataclass(frozen=True, slots=True)
class RpcRequest:
    """What is asked of the auth server, and until when an answer is of use."""

    message: Any
    metadata: list[tuple[str, str]]
    deadline: Deadline


class RpcRequests:
    """The calls of one binding."""

    def __init__(self, binding: Binding, settings: GatewaySettings, longest_seconds: float) -> None:
        """Compiles what reads requests; a call of the RPC takes at most so long.

        Raises:
            ValueError: the request has a field that JSON or HTTP cannot carry.
        """
        self._settings = settings
        self._longest_seconds = longest_seconds
        self._credential = credential_form_of(binding)
        self._takes_body = bool(binding.body) and not binding.takes_file
        self._takes_form = binding.rest.form
        self._read = RequestReader(binding).read

    async def of(self, visit: Visit) -> RpcRequest:
        """The call that the visit asks for.

        Raises:
            RefusedError: the visit lacks its credential or does not fit the contract.
        """
        request = visit.request
        metadata = [("x-request-id", visit.request_id), *client_metadata_of(request, self._settings.trusted_proxies)]
        if self._credential is not None:
            metadata.append(self._credential.metadata_of(request.headers))
        deadline = deadline_of(request.headers, self._longest_seconds)
        body = await self._body_of(request, deadline) if self._takes_body else b""
        return RpcRequest(self._message_of(visit, body), metadata, deadline)

    async def _body_of(self, request: BaseRequest, deadline: Deadline) -> bytes:
        longest_seconds = self._settings.body_timeout_seconds
        timeout_seconds = min(longest_seconds, deadline.seconds_left())
        try:
            return await body_of(request, self._settings.body_limit_bytes, timeout_seconds, takes_form=self._takes_form)
        except TimeoutError:
            # Where both limits are alike, it is the body that came too late.
            if deadline.allowed_seconds < longest_seconds:
                raise out_of_time() from None
            raise RefusedError("HTTP_INVALID", "The body did not arrive in time.", status=408) from None

    def _message_of(self, visit: Visit, body: bytes) -> Any:
        message = self._read(
            visit.values, visit.query, body, is_form=self._takes_form and bool(body) and is_form(visit.request)
        )
        # A channel without a socket would take any size, and answer otherwise than one with.
        if len(body) > SMALL_BODY_BYTES and message.ByteSize() > MESSAGE_LIMIT_BYTES:
            raise RefusedError(*TOO_LARGE)
        return message


def manners_of(binding: Binding) -> Manners:
    """How the binding's refusals are worded."""
    credential = credential_form_of(binding)
    return Manners(
        refusal_status=binding.rest.refusal_status,
        empty_server_error=binding.rest.empty_server_error,
        challenge=credential.challenge if credential else DEFAULT_CHALLENGE,
    )
