"""The records of an export, made of what is held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct

from auth_server.domain.adapter import Session
from auth_server.domain.authenticators import Authenticator
from auth_server.domain.exports import (
    Held,
    HeldAccount,
    HeldAuditEvent,
    HeldChallenge,
    HeldImage,
    HeldMail,
    HeldOneTimeToken,
    HeldSecondFactor,
    HeldSignIn,
    HeldUser,
    HeldVerificationToken,
)
from auth_server.domain.revocations import Revocation
from auth_server.servicers.times import write_time
from auth_server.servicers.user_messages import message_of_user
from gatepost.v1 import export_pb2 as pb


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
    record = pb.SignInRecord(
        id=str(held.id), device=held.device, address=held.address, end_reason=held.ended_reason, methods=held.methods
    )
    write_time(held.created, record.create_time)
    write_time(held.expires, record.expire_time)
    if held.ended_at is not None:
        write_time(held.ended_at, record.end_time)
    for refreshed_at in held.refreshed_at:
        write_time(refreshed_at, record.refresh_times.add())
    return record


def _mail(held: HeldMail) -> pb.MailRecord:
    mail = held.mail
    record = pb.MailRecord(
        kind=mail.kind,
        recipient=mail.recipient,
        locale=mail.locale,
        attempts=mail.attempts,
        error=mail.last_error,
        values=_struct(held.values),
    )
    write_time(mail.created_at, record.create_time)
    if mail.expires is not None:
        write_time(mail.expires, record.expire_time)
    if mail.dead_at is not None:
        write_time(mail.dead_at, record.fail_time)
    return record


def _image(held: HeldImage) -> pb.ImageRecord:
    picture = held.picture
    return pb.ImageRecord(
        name=held.noted.name,
        url=held.noted.url,
        media_type=picture.media_type if picture else None,
        content=picture.content if picture else None,
    )


def _authenticator(held: Authenticator) -> pb.AuthenticatorRecord:
    record = pb.AuthenticatorRecord(
        credential_id=held.credential_id,
        provider_account_id=held.provider_account_id,
        public_key=held.public_key,
        counter=held.counter,
        device_type=held.device_type,
        backed_up=held.backed_up,
        transports=held.transports,
        name=held.name,
    )
    write_time(held.created_at, record.create_time)
    if held.last_used_at is not None:
        write_time(held.last_used_at, record.last_use_time)
    return record


def _session(held: Session) -> pb.SessionRecord:
    record = pb.SessionRecord(id=str(held.id), methods=held.methods)
    write_time(held.expires, record.expire_time)
    return record


def _verification_token(held: HeldVerificationToken) -> pb.VerificationTokenRecord:
    record = pb.VerificationTokenRecord(identifier=held.identifier)
    write_time(held.expires, record.expire_time)
    return record


def _one_time_token(held: HeldOneTimeToken) -> pb.OneTimeTokenRecord:
    record = pb.OneTimeTokenRecord(purpose=held.purpose.value, address=held.address)
    write_time(held.expires, record.expire_time)
    return record


def _challenge(held: HeldChallenge) -> pb.ChallengeRecord:
    record = pb.ChallengeRecord(methods=held.methods)
    write_time(held.expires, record.expire_time)
    return record


def _second_factor(held: HeldSecondFactor) -> pb.SecondFactorRecord:
    record = pb.SecondFactorRecord(recovery_codes_left=held.recovery_codes)
    write_time(held.created_at, record.create_time)
    if held.confirmed_at is not None:
        write_time(held.confirmed_at, record.confirm_time)
    return record


def _audit_event(held: HeldAuditEvent) -> pb.AuditEventRecord:
    event = held.event
    record = pb.AuditEventRecord(
        event=event.event,
        request_id=event.request_id,
        rpc=event.rpc,
        caller=event.caller,
        outcome=event.outcome,
        repeats=event.repeats,
        target=event.target,
        address=held.personal.address,
        agent=held.personal.agent,
        email=held.personal.email,
    )
    write_time(event.at, record.event_time)
    return record


def _revocation(held: Revocation) -> pb.RevocationRecord:
    record = pb.RevocationRecord(subject=held.subject.value, subject_id=held.subject_id, reason=held.reason)
    write_time(held.revoked_at, record.revoke_time)
    return record


def _struct(values: Mapping[str, Any] | None) -> Struct | None:
    if values is None:
        return None
    struct = Struct()
    struct.update(values)
    return struct


# The field of the answer that each kind is told in, and what makes its record.
_RECORDS: Mapping[type, tuple[str, Callable[[Any], Any]]] = {
    HeldUser: ("user", _user),
    HeldAccount: ("account", _account),
    Authenticator: ("authenticator", _authenticator),
    Session: ("session", _session),
    HeldSignIn: ("sign_in", _sign_in),
    HeldVerificationToken: ("verification_token", _verification_token),
    HeldOneTimeToken: ("one_time_token", _one_time_token),
    HeldChallenge: ("challenge", _challenge),
    HeldSecondFactor: ("second_factor", _second_factor),
    HeldMail: ("mail", _mail),
    HeldAuditEvent: ("audit_event", _audit_event),
    HeldImage: ("image", _image),
    Revocation: ("revocation", _revocation),
}


def record_of(held: Held) -> pb.ExportUserResponse:
    """The record that tells it."""
    field, message_of = _RECORDS[type(held)]
    return pb.ExportUserResponse(**{field: message_of(held)})
