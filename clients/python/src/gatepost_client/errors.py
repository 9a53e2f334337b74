"""What can go wrong: a refused or failed call, a token that is not good, a verifier that cannot judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

DOMAIN = "gatepost"
DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request that breaks its rule."""

    field: str
    description: str


class GatepostError(grpc.aio.AioRpcError):
    """A call that Gatepost refused, or that never reached it; also the grpc.aio.AioRpcError that it was.

    `reason` is a name of the contract's ErrorReason without its prefix, such as `EMAIL_TAKEN`. It is empty where the
    answer is not Gatepost's own, such as UNAVAILABLE from a channel that does not connect.

    `rule` says which of several rules is broken that share the reason. `challenge` is, of SECOND_FACTOR_REQUIRED, what
    CompleteSignIn takes beside a code; the error's text does not hold it.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        initial_metadata: grpc.aio.Metadata | None = None,
        trailing_metadata: grpc.aio.Metadata | None = None,
        details: str | None = None,
        debug_error_string: str | None = None,
    ) -> None:
        # grpc.aio says that it wants metadata and takes none as well.
        super().__init__(
            code,
            initial_metadata or grpc.aio.Metadata(),
            trailing_metadata or grpc.aio.Metadata(),
            details,
            debug_error_string,
        )
        self.reason = ""
        self.rule = ""
        self.challenge = ""
        self.request_id = ""
        self.fields: Sequence[FieldViolation] = ()
        self.retry_after: timedelta | None = None
        self._read_details()

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> GatepostError:
        """The error with what its google.rpc details say."""
        return cls(
            error.code(),
            error.initial_metadata(),
            error.trailing_metadata(),
            error.details(),
            error.debug_error_string(),
        )

    def __str__(self) -> str:
        about = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.reason or self.code().name}: {self.details() or ''}{about}"

    def _read_details(self) -> None:
        for detail in _status_of(self.trailing_metadata()).details:
            if detail.Unpack(info := ErrorInfo()) and info.domain == DOMAIN:
                self.reason, self.request_id = info.reason, info.metadata.get("request_id", "")
                self.rule, self.challenge = info.metadata.get("rule", ""), info.metadata.get("challenge", "")
            elif detail.Unpack(bad := BadRequest()):
                self.fields = tuple(FieldViolation(each.field, each.description) for each in bad.field_violations)
            elif detail.Unpack(retry := RetryInfo()):
                self.retry_after = retry.retry_delay.ToTimedelta()


def _status_of(trailing: grpc.aio.Metadata | None) -> Status:
    packed = next((value for key, value in trailing or () if key == DETAILS), b"")
    try:
        return Status.FromString(packed if isinstance(packed, bytes) else b"")
    except DecodeError:
        return Status()


class AccessTokenInvalidError(Exception):
    """The access token is not good; `why` says it in a word, for logs and counters, not for who brought it."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The access token is not good: {why}.")
        self.why = why


class VerifierUnavailableError(Exception):
    """Whether the token is good cannot be said now: the verifier neither hears nor reaches Gatepost."""


class RoleMissingError(Exception):
    """The caller is known but has not the role that this asks for."""


class NotGuardedError(LookupError):
    """No guard has let a caller in here: the call is public, or not guarded at all."""
