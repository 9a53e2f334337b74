"""What each guard asks of an HTTP request.

The gateway only looks whether a credential of the right form is there and
passes it on; the server alone judges it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from multidict import CIMultiDictProxy

from gatepost.v1.options_pb2 import (
    GUARD_ACCESS,
    GUARD_ADAPTER,
    GUARD_OPERATOR,
    GUARD_PUBLIC,
    GUARD_REFRESH,
    GUARD_SERVICE,
    GUARD_SIGNED_IN,
    Guard,
    owner,
)
from http_gateway.bindings import Binding
from http_gateway.problems import RefusedError
from http_gateway.session_cookies import find_session_token

# The gRPC port takes 8 KiB of metadata, of which a credential gets half; every form of the server meets it alike.
CREDENTIAL_LIMIT_CHARACTERS = 4096

# What gRPC takes as the value of metadata: printable ASCII.
_SECRET = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_BEARER_SCHEME = re.compile(r"(?:^|,)[ \t]*bearer(?=[ \t,]|$)", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # token68 of RFC 9110, section 11.2


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to write a credential."""

    word: str
    """What stands before it in `authorization`; empty where the header is the secret alone."""
    example: str
    wrong: tuple[str, str]
    """Reason and text for one that cannot be right, as the server gives them."""

    def find(self, value: str) -> str | None:
        """The header's value as the server reads it; None where it is of another form."""
        if not self.word:
            return value if _SECRET.fullmatch(value) else None
        word, _, token = value.partition(" ")
        token = token.strip(" ")
        return f"{self.word} {token}" if word.lower() == self.word.lower() and _TOKEN.fullmatch(token) else None


@dataclass(frozen=True, slots=True)
class CredentialForm:
    """Where a guard's credential stands in a request."""

    header: str
    schemes: tuple[Scheme, ...]
    """The ways to write it, of which a request takes one."""
    challenge: str
    """The WWW-Authenticate header of an answer that misses it (RFC 9110, section 11.6.1)."""

    @property
    def example(self) -> str:
        """How the header is written."""
        return " or ".join(f"`{self.header}: {scheme.example}`" for scheme in self.schemes)

    def metadata_of(self, headers: CIMultiDictProxy[str]) -> tuple[str, str]:
        """The credential of a request as one pair of gRPC metadata.

        Raises:
            RefusedError: it is missing, given twice, of another form or longer
                than any that is right.
        """
        values = headers.getall(self.header, ())
        if len(values) == 1:
            for scheme in self.schemes:
                credential = scheme.find(values[0])
                if credential is not None:
                    return self.header, _checked(credential, scheme)
        raise RefusedError("CREDENTIAL_MISSING", f"This route asks for one header {self.example}.")


def _checked(credential: str, scheme: Scheme) -> str:
    if len(credential.removeprefix(f"{scheme.word} ")) > CREDENTIAL_LIMIT_CHARACTERS:
        reason, detail = scheme.wrong
        raise RefusedError(reason, detail, status=401)
    return credential


_BEARER = Scheme("Bearer", "Bearer <token>", ("ACCESS_TOKEN_INVALID", "The access token is not accepted."))
_BASIC = Scheme(
    "Basic",
    "Basic <base64 of name:secret>",
    ("SERVICE_CREDENTIAL_INVALID", "The service credential is not accepted."),
)


class _SignedInForm(CredentialForm):
    """An access token, or the session cookie of a front end on NextAuth where there is none."""

    __slots__ = ()

    def metadata_of(self, headers: CIMultiDictProxy[str]) -> tuple[str, str]:
        """The one of them that decides, as one pair of gRPC metadata.

        Raises:
            RefusedError: neither is there, or it is of another form or longer
                than any that is right.
        """
        values = headers.getall(self.header, ())
        token = find_session_token(headers.getall("cookie", ()))
        # An authorization of another scheme is for the service behind the proxy.
        foreign = len(values) == 1 and not _BEARER_SCHEME.search(values[0])
        if token is None or (values and not foreign):
            return super().metadata_of(headers)
        return "x-session-token", _checked(token, _SESSION)


_SESSION = Scheme("", "", ("SESSION_INVALID", "The session is not accepted."))
_USER = CredentialForm("authorization", (_BEARER,), 'Bearer realm="gatepost"')
# The challenge names Bearer alone: a browser that is challenged with Basic asks a person for a password.
_USER_OR_SERVICE = CredentialForm("authorization", (_BEARER, _BASIC), 'Bearer realm="gatepost"')
_FORMS: Mapping[Guard.ValueType, CredentialForm | None] = {
    GUARD_PUBLIC: None,
    GUARD_ADAPTER: CredentialForm(
        "x-auth-secret",
        (Scheme("", "<secret>", ("ADAPTER_SECRET_INVALID", "The adapter secret is not accepted.")),),
        'X-Auth-Secret realm="gatepost"',
    ),
    GUARD_ACCESS: _USER,
    GUARD_REFRESH: CredentialForm(
        "authorization",
        (Scheme("Refresh", "Refresh <token>", ("REFRESH_TOKEN_INVALID", "The refresh token is not accepted.")),),
        'Refresh realm="gatepost"',
    ),
    GUARD_SERVICE: CredentialForm("authorization", (_BASIC,), 'Basic realm="gatepost"'),
    GUARD_OPERATOR: _USER_OR_SERVICE,
    GUARD_SIGNED_IN: _SignedInForm("authorization", (_BEARER,), 'Bearer realm="gatepost"'),
}


def credential_form_of(binding: Binding) -> CredentialForm | None:
    """What the binding's guard asks for; None where anyone may call.

    Raises:
        KeyError: the guard cannot be met over HTTP.
    """
    return _USER_OR_SERVICE if admits_operators(binding) else _FORMS[binding.guard]


def admits_operators(binding: Binding) -> bool:
    """Whether operators are let in, and so the services whose allow-list names the method."""
    return binding.guard == GUARD_OPERATOR or binding.method.GetOptions().Extensions[owner].or_operator
