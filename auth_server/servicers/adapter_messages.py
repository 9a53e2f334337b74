"""The adapter's messages, made of domain values and read into them."""

from __future__ import annotations

from datetime import datetime

from google.protobuf import json_format

from auth_server.domain.adapter import Account, AccountSecrets, Session
from auth_server.domain.authenticators import Authenticator
from auth_server.domain.errors import RequestInvalidError, Violation
from auth_server.domain.ids import get_user_id, new_id
from auth_server.domain.users import AdapterUser
from auth_server.servicers.times import datetime_of, write_time
from gatepost.v1 import adapter_pb2


def message_of_user(user: AdapterUser) -> adapter_pb2.AdapterUser:
    """The user as the adapter sees them."""
    message = adapter_pb2.AdapterUser(id=str(user.id), name=user.name, email=user.email, image=user.image)
    if user.email_verified is not None:
        write_time(user.email_verified, message.email_verified)
    return message


def user_of(message: adapter_pb2.AdapterUser) -> AdapterUser:
    """The user that the adapter sends, under a new id: its own is ignored."""
    return AdapterUser(
        id=new_id(),
        name=message.name if message.HasField("name") else None,
        email=message.email if message.HasField("email") else None,
        email_verified=datetime_of(message.email_verified, "user.email_verified")
        if message.HasField("email_verified")
        else None,
        image=message.image if message.HasField("image") else None,
    )


def message_of_account(account: Account) -> adapter_pb2.Account:
    """The account, all of it."""
    message = adapter_pb2.Account(
        user_id=str(account.user_id),
        type=account.type,
        provider=account.provider,
        provider_account_id=account.provider_account_id,
        access_token=account.secrets.access_token,
        refresh_token=account.secrets.refresh_token,
        id_token=account.secrets.id_token,
        expires_at=account.expires_at,
        token_type=account.token_type,
        scope=account.scope,
        session_state=account.secrets.session_state,
    )
    if account.secrets.extras:
        message.extras.update(account.secrets.extras)
    return message


def account_of(message: adapter_pb2.Account) -> Account:
    """The account that the adapter sends.

    Raises:
        UserNotFoundError: the user's id is no id.
        RequestInvalidError: what else the provider sent cannot be kept as JSON.
    """
    return Account(
        user_id=get_user_id(message.user_id),
        type=message.type,
        provider=message.provider,
        provider_account_id=message.provider_account_id,
        expires_at=message.expires_at if message.HasField("expires_at") else None,
        token_type=message.token_type if message.HasField("token_type") else None,
        scope=message.scope if message.HasField("scope") else None,
        secrets=AccountSecrets(
            access_token=message.access_token if message.HasField("access_token") else None,
            refresh_token=message.refresh_token if message.HasField("refresh_token") else None,
            id_token=message.id_token if message.HasField("id_token") else None,
            session_state=message.session_state if message.HasField("session_state") else None,
            extras=_extras_of(message),
        ),
    )


def message_of_authenticator(authenticator: Authenticator) -> adapter_pb2.Authenticator:
    """The authenticator as Auth.js knows it."""
    return adapter_pb2.Authenticator(
        credential_id=authenticator.credential_id,
        user_id=str(authenticator.user_id),
        provider_account_id=authenticator.provider_account_id,
        credential_public_key=authenticator.public_key,
        counter=authenticator.counter,
        credential_device_type=authenticator.device_type,
        credential_backed_up=authenticator.backed_up,
        transports=",".join(authenticator.transports) or None,
    )


def authenticator_of(message: adapter_pb2.Authenticator, now: datetime) -> Authenticator:
    """The authenticator that the adapter sends, registered now.

    Raises:
        UserNotFoundError: the user's id is no id.
    """
    return Authenticator(
        credential_id=message.credential_id,
        user_id=get_user_id(message.user_id),
        provider_account_id=message.provider_account_id,
        public_key=message.credential_public_key,
        counter=message.counter,
        device_type=message.credential_device_type,
        backed_up=message.credential_backed_up,
        transports=tuple(filter(None, message.transports.split(","))),
        name=None,
        created_at=now,
        last_used_at=None,
    )


def message_of_session(session: Session, token: str) -> adapter_pb2.Session:
    """The session, with the token that its caller brought."""
    message = adapter_pb2.Session(id=str(session.id), session_token=token, user_id=str(session.user_id))
    write_time(session.expires, message.expires)
    return message


def message_of_verification_token(identifier: str, token: str, expires: datetime) -> adapter_pb2.VerificationToken:
    """The verification token, as its caller brought it."""
    message = adapter_pb2.VerificationToken(identifier=identifier, token=token)
    write_time(expires, message.expires)
    return message


def _extras_of(message: adapter_pb2.Account) -> dict[str, object]:
    if not message.HasField("extras"):
        return {}
    try:
        extras: dict[str, object] = json_format.MessageToDict(message.extras)
    except (json_format.SerializeToJsonError, ValueError, RecursionError):
        # A number that JSON does not have, or a Value without a kind: only a gRPC caller can send it.
        raise RequestInvalidError(violations=(Violation("account.extras", "must be JSON"),)) from None
    return extras
