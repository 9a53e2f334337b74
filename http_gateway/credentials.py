"""What each guard asks of an HTTP request.

The gateway only looks whether a credential of the right form is there and
passes it on; the server alone judges it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from multidict import CIMultiDictProxy

from gatepost.v1.options_pb2 import GUARD_ACCESS, GUARD_ADAPTER, GUARD_OPERATOR, GUARD_PUBLIC, GUARD_REFRESH, Guard
from http_gateway.problems import RefusedError

# The gRPC port takes 8 KiB of metadata, of which a credential gets half; every form of the server meets it alike.
CREDENTIAL_LIMIT_CHARACTERS = 4096

# What gRPC takes as the value of metadata: printable ASCII.
_SECRET = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # token68 of RFC 9110, section 11.2


@dataclass(frozen=True, slots=True)
class CredentialForm:
    """Where a guard's credential stands in a request."""

    header: str
    scheme: str
    """The word before a token in `authorization`; empty where the header is the secret alone."""
    challenge: str
    """The WWW-Authenticate header of an answer that misses it (RFC 9110, section 11.6.1)."""
    wrong: tuple[str, str]
    """Reason and text for one that cannot be right, as the server gives them."""

    @property
    def example(self) -> str:
        """How the header is written."""
        return f"{self.header}: {self.scheme} <token>" if self.scheme else f"{self.header}: <secret>"

    def metadata_of(self, headers: CIMultiDictProxy[str]) -> tuple[str, str]:
        """The credential of a request as one pair of gRPC metadata.

        Raises:
            RefusedError: it is missing, given twice, of another form or longer
                than any that is right.
        """
        values = headers.getall(self.header, ())
        if len(values) != 1:
            raise self._missing()
        if not self.scheme:
            if _SECRET.fullmatch(values[0]) is None:
                raise self._missing()
            return self.header, self._checked(values[0])
        scheme, _, token = values[0].partition(" ")
        token = token.strip(" ")
        if scheme.lower() != self.scheme.lower() or _TOKEN.fullmatch(token) is None:
            raise self._missing()
        return self.header, f"{self.scheme} {self._checked(token)}"

    def _checked(self, credential: str) -> str:
        if len(credential) > CREDENTIAL_LIMIT_CHARACTERS:
            reason, detail = self.wrong
            raise RefusedError(reason, detail, status=401)
        return credential

    def _missing(self) -> RefusedError:
        return RefusedError("CREDENTIAL_MISSING", f"This route asks for one header `{self.example}`.")


_BEARER = CredentialForm(
    "authorization",
    "Bearer",
    'Bearer realm="gatepost"',
    ("ACCESS_TOKEN_INVALID", "The access token is not accepted."),
)
_FORMS: Mapping[Guard.ValueType, CredentialForm | None] = {
    GUARD_PUBLIC: None,
    GUARD_ADAPTER: CredentialForm(
        "x-auth-secret",
        "",
        'X-Auth-Secret realm="gatepost"',
        ("ADAPTER_SECRET_INVALID", "The adapter secret is not accepted."),
    ),
    GUARD_ACCESS: _BEARER,
    GUARD_REFRESH: CredentialForm(
        "authorization",
        "Refresh",
        'Refresh realm="gatepost"',
        ("REFRESH_TOKEN_INVALID", "The refresh token is not accepted."),
    ),
    GUARD_OPERATOR: _BEARER,
}


def credential_form_of(guard: Guard.ValueType) -> CredentialForm | None:
    """What the guard asks for; None where anyone may call.

    Raises:
        KeyError: the guard cannot be met over HTTP.
    """
    return _FORMS[guard]
