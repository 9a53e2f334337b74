"""How long a client is willing to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping

from http_gateway.problems import RefusedError, Violation

# Syntax and units of the gRPC over HTTP/2 specification; grpc-gateway takes the same header.
HEADER = "grpc-timeout"
_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
_UNIT_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


def timeout_seconds_of(headers: Mapping[str, str], longest_seconds: float) -> float:
    """How long the RPC may take: what the client asks for, at most the longest.

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
