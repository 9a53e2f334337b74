"""How long a client is willing to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from http_gateway.problems import RefusedError, Violation

# Syntax and units of the gRPC over HTTP/2 specification; grpc-gateway takes the same header.
HEADER = "grpc-timeout"
_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
_UNIT_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when a request is to be answered, reading its body included."""

    allowed_seconds: float
    arrived_seconds: float
    """When the request arrived, on the monotonic clock."""

    def seconds_left(self) -> float:
        """What of the time is left.

        Raises:
            RefusedError: nothing.
        """
        left = self.arrived_seconds + self.allowed_seconds - monotonic()
        if left <= 0:
            raise out_of_time()
        return left


def out_of_time() -> RefusedError:
    """The refusal of a request whose deadline has passed."""
    return RefusedError("DEADLINE_EXCEEDED", "The call did not end in time.")


def deadline_of(headers: Mapping[str, str], longest_seconds: float) -> Deadline:
    """The deadline of a request that arrives now.

    Raises:
        RefusedError: the client's header is malformed.
    """
    return Deadline(_timeout_seconds_of(headers, longest_seconds), monotonic())


def _timeout_seconds_of(headers: Mapping[str, str], longest_seconds: float) -> float:
    """How long the request may take: what the client asks for, at most the longest.

    Raises:
        RefusedError: the header is malformed.
    """
    given = headers.get(HEADER)
    if given is None:
        return longest_seconds
    found = _TIMEOUT.fullmatch(given)
    if found is None:
        violation = Violation(HEADER, "must be 1 to 8 digits and one of the units H, M, S, m, u and n")
        raise RefusedError("REQUEST_INVALID", "The request is not valid.", violations=[violation])
    return min(longest_seconds, int(found[1]) * _UNIT_SECONDS[found[2]])
