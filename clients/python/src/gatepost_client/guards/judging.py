"""What every guard decides alike: is the call public, who brings it, may they."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gatepost_client.claims import Claims
from gatepost_client.errors import AccessTokenInvalidError, VerifierUnavailableError
from gatepost_client.guards.refusals import (
    CREDENTIAL_MISSING,
    ROLE_MISSING,
    TOKEN_INVALID,
    UNAVAILABLE,
    RefusedError,
)


class Verifier(Protocol):
    """What judges a token."""

    async def verify(self, token: str) -> Claims:
        """What the token says.

        Raises:
            AccessTokenInvalidError: the token is not good.
            VerifierUnavailableError: that cannot be said now.
        """


@dataclass(frozen=True, slots=True)
class Names:
    """Names of calls: whole ones, and beginnings that end in `/` and are written with `*` behind it."""

    whole: frozenset[str]
    beginnings: tuple[str, ...]

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Names:
        """The names that the patterns say.

        Raises:
            ValueError: a pattern does not begin with `/`, or has its `*` elsewhere than at the end, after a `/`.
        """
        given = [patterns] if isinstance(patterns, str) else list(patterns)
        for pattern in given:
            if not pattern.startswith("/") or "*" in pattern.removesuffix("/*"):
                raise ValueError(f"neither a name nor a beginning: {pattern!r}")
        beginnings = tuple(pattern.removesuffix("*") for pattern in given if pattern.endswith("/*"))
        return cls(frozenset(given), beginnings)

    def hold(self, name: str) -> bool:
        """Whether the name is surely one of these."""
        return name in self.whole or (bool(self.beginnings) and name.startswith(self.beginnings) and _is_plain(name))

    def may_hold(self, name: str) -> bool:
        """Whether the name is one of these, or may turn into one when somebody resolves its dots and slashes."""
        return name in self.whole or name.startswith(self.beginnings) or not _is_plain(name)


def _is_plain(name: str) -> bool:
    inner = name.split("/")[1:-1]
    return "\\" not in name and not {"", ".", ".."} & set(inner) and not name.endswith(("/.", "/.."))


class Judge:
    """Lets callers in, or says why not."""

    def __init__(self, verifier: Verifier, public: Iterable[str], roles: Mapping[str, str] | None) -> None:
        """`public` are the names of calls that ask for no token; `roles` says which others ask for a role."""
        self._verifier = verifier
        self._public = Names.of(public)
        self._roles = [(Names.of([pattern]), role) for pattern, role in (roles or {}).items()]

    async def caller_of(self, name: str, authorization: Sequence[str]) -> Claims | None:
        """Who makes the call of this name; None where it is public. `authorization` are the headers of that name.

        Raises:
            RefusedError: the call must not be made.
        """
        if self._public.hold(name):
            return None
        claims = await self._verified(_token_of(authorization))
        if any(claims.role != role for names, role in self._roles if names.may_hold(name)):
            raise RefusedError(ROLE_MISSING)
        return claims

    async def _verified(self, token: str) -> Claims:
        try:
            return await self._verifier.verify(token)
        except AccessTokenInvalidError as error:
            raise RefusedError(TOKEN_INVALID) from error
        except VerifierUnavailableError as error:
            raise RefusedError(UNAVAILABLE) from error


def _token_of(authorization: Sequence[str]) -> str:
    """The Bearer token (RFC 6750); two headers are none, because readers would differ on which one counts."""
    if len(authorization) != 1:
        raise RefusedError(CREDENTIAL_MISSING)
    scheme, _, token = authorization[0].partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise RefusedError(CREDENTIAL_MISSING)
    return token.strip(" ")
