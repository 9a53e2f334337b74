"""The bare gRPC server: generated stubs over the statements."""
# ruff: noqa: N802, ARG002 (an RPC's method bears the RPC's name and takes what every RPC's does)

from datetime import UTC, datetime
from typing import Any

import jwt
import orjson
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import aio
from jwt import PyJWK

from benchmarks.floors.statements import Row, Statements, Tokens
from gatepost.v1 import (
    adapter_pb2,
    adapter_service_pb2,
    adapter_service_pb2_grpc,
    auth_service_pb2,
    auth_service_pb2_grpc,
    token_service_pb2,
    token_service_pb2_grpc,
    user_pb2,
)

Context = aio.ServicerContext[Any, Any]


class Adapter(adapter_service_pb2_grpc.AdapterServiceServicer):
    """The measured calls of AdapterService."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def GetSessionAndUser(
        self, request: adapter_service_pb2.GetSessionAndUserRequest, context: Context
    ) -> adapter_service_pb2.GetSessionAndUserResponse:
        row = await self._statements.session_and_user(request.session_token)
        found = adapter_service_pb2.SessionAndUser(
            session=_session(row, request.session_token), user=_user(row, row["user_id"])
        )
        return adapter_service_pb2.GetSessionAndUserResponse(session_and_user=found)

    async def GetUserByEmail(
        self, request: adapter_service_pb2.GetUserByEmailRequest, context: Context
    ) -> adapter_service_pb2.GetUserByEmailResponse:
        row = await self._statements.user_by_email(request.email)
        return adapter_service_pb2.GetUserByEmailResponse(user=_user(row, row["id"]))

    async def CreateSession(
        self, request: adapter_service_pb2.CreateSessionRequest, context: Context
    ) -> adapter_service_pb2.CreateSessionResponse:
        expires = datetime.fromtimestamp(request.expires.seconds, UTC)
        row = await self._statements.create_session(request.session_token, request.user_id, expires)
        return adapter_service_pb2.CreateSessionResponse(session=_session(row, request.session_token))

    async def DeleteSession(
        self, request: adapter_service_pb2.DeleteSessionRequest, context: Context
    ) -> adapter_service_pb2.DeleteSessionResponse:
        row = await self._statements.delete_session(request.session_token)
        return adapter_service_pb2.DeleteSessionResponse(session=_session(row, request.session_token))


class Auth(auth_service_pb2_grpc.AuthServiceServicer):
    """The measured calls of AuthService."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def Login(self, request: auth_service_pb2.LoginRequest, context: Context) -> auth_service_pb2.LoginResponse:
        row, tokens = await self._statements.signed_in(request.email)
        return auth_service_pb2.LoginResponse(user=_person(row), backend_tokens=_tokens(tokens))

    async def RefreshTokens(
        self, request: auth_service_pb2.RefreshTokensRequest, context: Context
    ) -> auth_service_pb2.RefreshTokensResponse:
        credential = dict(context.invocation_metadata() or ())["authorization"]
        tokens = await self._statements.rotated(str(credential).removeprefix("Refresh "))
        return auth_service_pb2.RefreshTokensResponse(backend_tokens=_tokens(tokens))


class Token(token_service_pb2_grpc.TokenServiceServicer):
    """The measured calls of TokenService: an echo of what PyJWT's verification gives, with no look-up at all."""

    def __init__(self, key: PyJWK) -> None:
        self._key = key

    async def VerifyAccessToken(
        self, request: token_service_pb2.VerifyAccessTokenRequest, context: Context
    ) -> token_service_pb2.VerifyAccessTokenResponse:
        said = self._verified(request.access_token)
        claims = token_service_pb2.AccessTokenClaims(
            user_id=said["sub"],
            sign_in_id=said["sid"],
            email=said["email"],
            username=said["username"],
            name=said["name"],
            email_verified=said["email_verified"],
            role=said["role"],
            token_id=said["jti"],
            methods=said.get("amr", []),
            issue_time=Timestamp(seconds=said["iat"]),
            expire_time=Timestamp(seconds=said["exp"]),
        )
        return token_service_pb2.VerifyAccessTokenResponse(claims=claims)

    async def Introspect(
        self, request: token_service_pb2.IntrospectRequest, context: Context
    ) -> token_service_pb2.IntrospectResponse:
        said = self._verified(request.token)
        names = ("sub", "sid", "iss", "aud", "exp", "iat", "nbf", "jti", "username", "email", "name", "role")
        return token_service_pb2.IntrospectResponse(
            active=True, amr=said.get("amr", []), **{name: said[name] for name in names}
        )

    def _verified(self, token: str) -> dict[str, Any]:
        return jwt.decode(token, self._key, algorithms=["EdDSA"], audience="gatepost", issuer="gatepost")


def server(statements: Statements, key: PyJWK, port: int) -> aio.Server:
    """The server, not started yet."""
    bare = aio.server()
    token_service_pb2_grpc.add_TokenServiceServicer_to_server(Token(key), bare)  # type: ignore[abstract]
    adapter_service_pb2_grpc.add_AdapterServiceServicer_to_server(Adapter(statements), bare)  # type: ignore[abstract]
    auth_service_pb2_grpc.add_AuthServiceServicer_to_server(Auth(statements), bare)  # type: ignore[abstract]
    bare.add_insecure_port(f"127.0.0.1:{port}")
    return bare


def _session(row: Row, token: str) -> adapter_pb2.Session:
    return adapter_pb2.Session(
        id=str(row["id"]), session_token=token, user_id=str(row["user_id"]), expires=_timestamp(row["expires"])
    )


def _user(row: Row, user_id: object) -> adapter_pb2.AdapterUser:
    return adapter_pb2.AdapterUser(
        id=str(user_id),
        name=row["name"],
        email=row["email"],
        email_verified=_timestamp(row["email_verified"]),
        image=row["image"],
    )


def _person(row: Row) -> user_pb2.User:
    return user_pb2.User(
        id=str(row["id"]),
        name=row["name"],
        email=row["email"],
        email_verified=_timestamp(row["email_verified"]),
        image=row["image"],
        profile=user_pb2.Profile(**orjson.loads(row["profile"])),
        created_at=_timestamp(row["created_at"]),
        updated_at=_timestamp(row["updated_at"]),
    )


def _tokens(tokens: Tokens) -> auth_service_pb2.BackendTokens:
    return auth_service_pb2.BackendTokens(
        access_token=tokens.access, refresh_token=tokens.refresh, expires_in=tokens.expires_seconds * 1000
    )


def _timestamp(at: datetime | None) -> Timestamp | None:
    return Timestamp(seconds=int(at.timestamp()), nanos=at.microsecond * 1000) if at else None
