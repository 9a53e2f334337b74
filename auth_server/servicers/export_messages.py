"""The records of an export, made of what is held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct

from auth_server.domain.adapter import Session
from auth_server.domain.exports import Held, HeldAccount, HeldSignIn, HeldUser, HeldVerificationToken
from auth_server.servicers.times import write_time
from auth_server.servicers.user_messages import message_of_user
from gatepost.v1 import export_pb2 as pb


def record_of(held: Held) -> pb.ExportUserResponse:
    """The record that tells it."""
    match held:
        case HeldUser():
            return pb.ExportUserResponse(user=_user(held))
        case HeldAccount():
            return pb.ExportUserResponse(account=_account(held))
        case Session():
            record = pb.SessionRecord(id=str(held.id))
            write_time(held.expires, record.expire_time)
            return pb.ExportUserResponse(session=record)
        case HeldSignIn():
            return pb.ExportUserResponse(sign_in=_sign_in(held))
        case HeldVerificationToken():
            token = pb.VerificationTokenRecord(identifier=held.identifier)
            write_time(held.expires, token.expire_time)
            return pb.ExportUserResponse(verification_token=token)
        case _:
            entry = pb.RevocationRecord(subject=held.subject.value, subject_id=held.subject_id, reason=held.reason)
            write_time(held.revoked_at, entry.revoke_time)
            return pb.ExportUserResponse(revocation=entry)


def _user(held: HeldUser) -> pb.UserRecord:
    record = pb.UserRecord(user=message_of_user(held.user), role=held.user.role.value, has_password=held.has_password)
    if held.disabled_at is not None:
        write_time(held.disabled_at, record.disable_time)
    return record


def _account(held: HeldAccount) -> pb.AccountRecord:
    account = held.account
    return pb.AccountRecord(
        type=account.type,
        provider=account.provider,
        provider_account_id=account.provider_account_id,
        expires_at=account.expires_at,
        token_type=account.token_type,
        scope=account.scope,
        id_token_claims=_struct(held.id_token_claims),
        extras=_struct(held.extras) if held.extras else None,
        withheld=held.withheld,
    )


def _sign_in(held: HeldSignIn) -> pb.SignInRecord:
    record = pb.SignInRecord(id=str(held.id), device=held.device, address=held.address, end_reason=held.ended_reason)
    write_time(held.created, record.create_time)
    write_time(held.expires, record.expire_time)
    if held.ended_at is not None:
        write_time(held.ended_at, record.end_time)
    for refreshed_at in held.refreshed_at:
        write_time(refreshed_at, record.refresh_times.add())
    return record


def _struct(values: Mapping[str, Any] | None) -> Struct | None:
    if values is None:
        return None
    struct = Struct()
    struct.update(values)
    return struct
