"""Users, sessions and sign-ins for tests, made through the contract."""

from __future__ import annotations

import base64
import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2

from gatepost.v1 import (
    adapter_pb2,
    adapter_service_pb2,
    adapter_service_pb2_grpc,
    audit_service_pb2_grpc,
    auth_service_pb2,
    auth_service_pb2_grpc,
    keys_service_pb2_grpc,
    mail_service_pb2_grpc,
    passkey_service_pb2_grpc,
    second_factor_service_pb2_grpc,
    session_service_pb2_grpc,
    token_service_pb2_grpc,
    users_service_pb2,
    users_service_pb2_grpc,
)

PASSWORD = "correct horse battery"
NUMBERS = itertools.count(1)

Metadata = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user who has logged in."""

    id: str
    email: str
    access_token: str
    refresh_token: str

    @property
    def bearer(self) -> Metadata:
        return [("authorization", f"Bearer {self.access_token}")]

    @property
    def refresh(self) -> Metadata:
        return [("authorization", f"Refresh {self.refresh_token}")]


class People:
    """The contract's stubs, and factories with defaults."""

    def __init__(self, channel: grpc.aio.Channel, adapter_secret: str) -> None:
        self.adapter = adapter_service_pb2_grpc.AdapterServiceStub(channel)
        self.auth = auth_service_pb2_grpc.AuthServiceStub(channel)
        self.users = users_service_pb2_grpc.UsersServiceStub(channel)
        self.keys = keys_service_pb2_grpc.KeysServiceStub(channel)
        self.audit = audit_service_pb2_grpc.AuditServiceStub(channel)
        self.passkeys = passkey_service_pb2_grpc.PasskeyServiceStub(channel)
        self.mails = mail_service_pb2_grpc.MailServiceStub(channel)
        self.second_factors = second_factor_service_pb2_grpc.SecondFactorServiceStub(channel)
        self.sessions = session_service_pb2_grpc.SessionServiceStub(channel)
        self.tokens = token_service_pb2_grpc.TokenServiceStub(channel)
        self.secret: Metadata = [("x-auth-secret", adapter_secret)]

    async def a_user(self, **fields: Any) -> adapter_pb2.AdapterUser:
        """A user of the adapter; email and name are made up where they are not given."""
        number = next(NUMBERS)
        given = {"email": f"user{number}@example.org", "name": f"User {number}"} | fields
        request = adapter_service_pb2.CreateUserRequest(user=adapter_pb2.AdapterUser(**given))
        return (await self.adapter.CreateUser(request, metadata=self.secret)).user

    async def an_account(self, user_id: str, **fields: Any) -> adapter_pb2.Account:
        """An account linked to the user."""
        given = {"type": "oauth", "provider": "google", "provider_account_id": secrets.token_hex(8)} | fields
        account = adapter_pb2.Account(user_id=user_id, **given)
        request = adapter_service_pb2.LinkAccountRequest(account=account)
        return (await self.adapter.LinkAccount(request, metadata=self.secret)).account

    async def an_authenticator(self, user_id: str, **fields: Any) -> adapter_pb2.Authenticator:
        """An authenticator that Auth.js has registered for the user."""
        credential_id = secrets.token_bytes(32)
        given = {
            "credential_id": credential_id,
            "provider_account_id": base64.b64encode(credential_id).decode(),
            "credential_public_key": b"key",
            "credential_device_type": "singleDevice",
        } | fields
        authenticator = adapter_pb2.Authenticator(user_id=user_id, **given)
        request = adapter_service_pb2.CreateAuthenticatorRequest(authenticator=authenticator)
        return (await self.adapter.CreateAuthenticator(request, metadata=self.secret)).authenticator

    async def a_session(self, user_id: str, life: timedelta = timedelta(days=1)) -> adapter_pb2.Session:
        """A session of the user."""
        expires = Timestamp(seconds=int((datetime.now(UTC) + life).timestamp()))
        request = adapter_service_pb2.CreateSessionRequest(
            session_token=secrets.token_hex(32), user_id=user_id, expires=expires
        )
        return (await self.adapter.CreateSession(request, metadata=self.secret)).session

    async def registered(self, email: str = "", password: str = PASSWORD, **fields: Any) -> str:
        """The address of a person who has registered."""
        email = email or f"person{next(NUMBERS)}@example.org"
        request = auth_service_pb2.RegisterRequest(name="Person", email=email, password=password, **fields)
        await self.auth.Register(request)
        return email

    async def login(self, email: str, password: str = PASSWORD) -> SignedIn:
        """The sign-in of a registered person."""
        answer = await self.auth.Login(auth_service_pb2.LoginRequest(email=email, password=password))
        tokens = answer.backend_tokens
        return SignedIn(answer.user.id, email, tokens.access_token, tokens.refresh_token)

    async def by_provider(self) -> SignedIn:
        """Somebody without a password, signed in with a provider."""
        user = await self.a_user()
        account = await self.an_account(user.id)
        request = auth_service_pb2.OAuthLoginRequest(email=user.email, provider=account.provider)
        tokens = (await self.auth.OAuthLogin(request, metadata=self.secret)).backend_tokens
        return SignedIn(user.id, user.email or "", tokens.access_token, tokens.refresh_token)

    async def log_out(self, signed_in: SignedIn) -> None:
        """Ends the sign-in."""
        await self.auth.Logout(auth_service_pb2.LogoutRequest(), metadata=signed_in.refresh)

    async def signed_in(self, **fields: Any) -> SignedIn:
        """A person who has registered and logged in."""
        return await self.login(await self.registered(**fields))


async def is_signed_in(people: People, who: SignedIn) -> bool:
    """Whether the person's access token is good."""
    try:
        await people.users.GetUser(users_service_pb2.GetUserRequest(id=who.id), metadata=who.bearer)
    except grpc.aio.AioRpcError:
        return False
    return True


async def refresh(people: People, token: str, **fields: Any) -> auth_service_pb2.BackendTokens:
    """The pair that follows this refresh token."""
    request = auth_service_pb2.RefreshTokensRequest(**fields)
    metadata: Metadata = [("authorization", f"Refresh {token}")]
    return (await people.auth.RefreshTokens(request, metadata=metadata)).backend_tokens


@contextmanager
def refused(reason: str, code: grpc.StatusCode | None = None) -> Iterator[pytest.ExceptionInfo[grpc.aio.AioRpcError]]:
    """Passes when the block is refused for this reason."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield caught
    assert reason_of(caught.value) == reason
    if code is not None:
        assert caught.value.code() is code


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The reason of the error's ErrorInfo."""
    info = detail_of(error, error_details_pb2.ErrorInfo())
    assert info is not None, f"no ErrorInfo: {error!r}"
    assert info.domain == "gatepost"
    return str(info.reason)


def rule_of(error: grpc.aio.AioRpcError) -> str:
    """Which of the rules that share the reason was broken, in ErrorInfo's metadata."""
    return str(detail_of(error, error_details_pb2.ErrorInfo()).metadata["rule"])


def violations_of(error: grpc.aio.AioRpcError) -> list[str]:
    """The paths of the fields at fault."""
    bad = detail_of(error, error_details_pb2.BadRequest())
    return [violation.field for violation in bad.field_violations] if bad is not None else []


def detail_of(error: grpc.aio.AioRpcError, into: Any) -> Any:
    """The detail of this type, unpacked."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for packed in status_pb2.Status.FromString(value if isinstance(value, bytes) else value.encode()).details:
                if packed.Unpack(into):
                    return into
    return None
