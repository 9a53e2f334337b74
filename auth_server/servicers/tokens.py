"""TokenService: which tokens are good, for internal services."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from auth_server.domain.access_tokens import AccessTokenPolicy
from auth_server.interceptors.calls import Call
from auth_server.servicers.revocation_messages import message_of
from auth_server.usecases.access import GoodToken
from auth_server.usecases.revocations import Revocations
from auth_server.usecases.tokens import Tokens
from gatepost.v1 import token_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class TokenService:
    """The RPCs of gatepost.v1.TokenService."""

    tokens: Tokens
    revocations: Revocations

    async def VerifyAccessToken(self, request: pb.VerifyAccessTokenRequest, _: Call) -> pb.VerifyAccessTokenResponse:
        """Verifies an access token."""
        return pb.VerifyAccessTokenResponse(claims=claims_of(await self.tokens.verified(request.access_token)))

    async def Introspect(self, request: pb.IntrospectRequest, _: Call) -> pb.IntrospectResponse:
        """Tells whether an access token is active."""
        found = await self.tokens.find(request.token)
        return pb.IntrospectResponse(active=False) if found is None else introspection_of(found, self.tokens.policy)

    async def Revoke(self, request: pb.RevokeRequest, _: Call) -> pb.RevokeResponse:
        """Ends the sign-in of a token."""
        await self.tokens.revoke(request.token)
        return pb.RevokeResponse()

    async def WatchRevocations(
        self, request: pb.WatchRevocationsRequest, _: Call
    ) -> AsyncIterator[pb.WatchRevocationsResponse]:
        """Tells of every revocation."""
        return (message_of(told) async for told in self.revocations.watch(request.cursor))


def claims_of(token: GoodToken) -> pb.AccessTokenClaims:
    """What the token says."""
    bearer = token.bearer
    claims = pb.AccessTokenClaims(
        user_id=str(bearer.user_id),
        sign_in_id=str(bearer.family_id),
        email=bearer.email,
        username=bearer.email,
        name=bearer.name,
        email_verified=bearer.email_verified,
        role=token.role.value,
        token_id=bearer.token_id,
        methods=bearer.methods,
    )
    claims.issue_time.seconds = bearer.issued
    claims.expire_time.seconds = bearer.expires
    return claims


def introspection_of(token: GoodToken, policy: AccessTokenPolicy) -> pb.IntrospectResponse:
    """What the token says, by the names of RFC 7662."""
    bearer = token.bearer
    return pb.IntrospectResponse(
        active=True,
        sub=str(bearer.user_id),
        sid=str(bearer.family_id),
        iss=policy.issuer,
        aud=policy.audience,
        exp=bearer.expires,
        iat=bearer.issued,
        nbf=bearer.not_before,
        jti=bearer.token_id,
        username=bearer.email,
        email=bearer.email,
        email_verified=bearer.email_verified,
        name=bearer.name,
        role=token.role.value,
        amr=bearer.methods,
        token_type="Bearer",  # noqa: S106 (a kind, no password)
    )
