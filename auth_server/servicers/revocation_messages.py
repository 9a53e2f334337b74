"""The messages of the stream of revocations."""

from __future__ import annotations

from auth_server.domain.revocations import Revocation, Subject
from auth_server.servicers.times import write_time
from auth_server.usecases.revocations import InSync, Told
from gatepost.v1 import token_service_pb2 as pb

SUBJECTS = {Subject.SIGN_IN: "sign_in_id", Subject.USER: "user_id", Subject.KEY: "key_id"}
# What the log calls a reason; one of a later version is told without.
REASONS = {
    "logout": pb.Revocation.REASON_LOGOUT,
    "reuse": pb.Revocation.REASON_REUSE,
    "revoked": pb.Revocation.REASON_REVOKED,
    "ended": pb.Revocation.REASON_ENDED,
    "password changed": pb.Revocation.REASON_PASSWORD_CHANGED,
    "user disabled": pb.Revocation.REASON_USER_DISABLED,
    "user deleted": pb.Revocation.REASON_USER_DELETED,
    "key revoked": pb.Revocation.REASON_KEY_REVOKED,
}


def message_of(told: Told) -> pb.WatchRevocationsResponse:
    """One message of the stream."""
    event = told.event
    if isinstance(event, Revocation):
        return pb.WatchRevocationsResponse(revocation=message_of_revocation(event), cursor=told.cursor)
    if isinstance(event, InSync):
        return pb.WatchRevocationsResponse(in_sync=pb.InSync(), cursor=told.cursor)
    return pb.WatchRevocationsResponse(heartbeat=pb.Heartbeat(), cursor=told.cursor)


def message_of_revocation(revocation: Revocation) -> pb.Revocation:
    """What was revoked, when and why."""
    message = pb.Revocation(reason=REASONS.get(revocation.reason, pb.Revocation.REASON_UNSPECIFIED))
    setattr(message, SUBJECTS[revocation.subject], revocation.subject_id)
    write_time(revocation.revoked_at, message.revoke_time)
    return message
