"""JSON from the answers of the bare gRPC server: the floor of REST in two processes."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from grpc import aio

from benchmarks.floors.rest_server import Json, Metadata
from gatepost.v1 import (
    adapter_pb2,
    adapter_service_pb2,
    adapter_service_pb2_grpc,
    auth_service_pb2,
    auth_service_pb2_grpc,
    user_pb2,
)


class FromGrpc:
    """Answers from a gRPC server."""

    def __init__(self, target: str) -> None:
        channel = aio.insecure_channel(target)
        self._adapter = adapter_service_pb2_grpc.AdapterServiceStub(channel)
        self._auth = auth_service_pb2_grpc.AuthServiceStub(channel)

    async def session_and_user(self, token: str, caller: Metadata) -> Json:
        request = adapter_service_pb2.GetSessionAndUserRequest(session_token=token)
        found = (await self._adapter.GetSessionAndUser(request, metadata=caller)).session_and_user
        return {"session": _session(found.session), "user": _user(found.user)}

    async def user_by_email(self, email: str, caller: Metadata) -> Json:
        request = adapter_service_pb2.GetUserByEmailRequest(email=email)
        return _user((await self._adapter.GetUserByEmail(request, metadata=caller)).user)

    async def create_session(self, token: str, user_id: str, expires: datetime, caller: Metadata) -> Json:
        request = adapter_service_pb2.CreateSessionRequest(session_token=token, user_id=user_id)
        request.expires.seconds = int(expires.timestamp())
        return _session((await self._adapter.CreateSession(request, metadata=caller)).session)

    async def delete_session(self, token: str, caller: Metadata) -> Json:
        request = adapter_service_pb2.DeleteSessionRequest(session_token=token)
        return _session((await self._adapter.DeleteSession(request, metadata=caller)).session)

    async def login(self, email: str, caller: Metadata) -> Json:
        answer = await self._auth.Login(auth_service_pb2.LoginRequest(email=email), metadata=caller)
        profile = {field.name: value for field, value in answer.user.profile.ListFields()}
        times = {"created_at": _time(answer.user.created_at), "updated_at": _time(answer.user.updated_at)}
        return {"user": _user(answer.user) | profile | times, "backendTokens": _tokens(answer.backend_tokens)}

    async def refresh(self, _: str, caller: Metadata) -> Json:
        request = auth_service_pb2.RefreshTokensRequest()
        answer = await self._auth.RefreshTokens(request, metadata=caller)
        return _tokens(answer.backend_tokens)


def _session(session: adapter_pb2.Session) -> Json:
    return {
        "id": session.id,
        "sessionToken": session.session_token,
        "userId": session.user_id,
        "expires": _time(session.expires),
    }


def _user(user: adapter_pb2.AdapterUser | user_pb2.User) -> Json:
    return {
        "id": user.id,
        "name": user.name if user.HasField("name") else None,
        "email": user.email if user.HasField("email") else None,
        "emailVerified": _time(user.email_verified) if user.HasField("email_verified") else None,
        "image": user.image if user.HasField("image") else None,
    }


def _tokens(tokens: auth_service_pb2.BackendTokens) -> Json:
    return {
        "accessToken": tokens.access_token,
        "refreshToken": tokens.refresh_token,
        "expiresIn": tokens.expires_in,
    }


def _time(timestamp: Timestamp) -> datetime:
    return datetime.fromtimestamp(timestamp.seconds + timestamp.nanos / 1e9, UTC)
