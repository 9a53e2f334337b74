"""Envoy's question, before it lets a request through, who it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from auth_server.domain.errors import AuthError, Kind
from auth_server.domain.session_cookies import session_token_of
from auth_server.interceptors.calls import Call
from auth_server.servicers.authorization_answers import allowed, denied
from auth_server.usecases.identities import Identities


@dataclass(frozen=True, slots=True)
class AuthorizationService:
    """The RPC of envoy.service.auth.v3.Authorization."""

    identities: Identities

    async def Check(self, request: Any, call: Call) -> Any:
        """Lets through whom GetIdentity would know, and denies whom it would refuse.

        A fault of ours is an error of the RPC and no answer, so that Envoy's `failure_mode_allow: false` decides.
        """
        headers = request.attributes.request.http.headers
        try:
            call.identity = await self.identities.of(
                headers.get("authorization", ""), session_token_of(headers.get("cookie", ""))
            )
        except AuthError as refusal:
            if refusal.kind is not Kind.UNAUTHENTICATED:
                raise
            call.denial = refusal
            return denied(refusal, headers.get("x-request-id", ""), call.request_id)
        return allowed(call.identity, headers)
