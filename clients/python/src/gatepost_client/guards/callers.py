"""Who calls, for the code behind a guard."""

from __future__ import annotations

from contextvars import ContextVar, Token

from gatepost_client.claims import Claims
from gatepost_client.errors import NotGuardedError, RoleMissingError

_caller: ContextVar[Claims | None] = ContextVar("gatepost_caller", default=None)


def caller() -> Claims:
    """Whom the guard let in.

    Raises:
        NotGuardedError: no guard stands in front of this call, or the call is public.
    """
    claims = _caller.get()
    if claims is None:
        raise NotGuardedError("no caller: this call is public, or not guarded")
    return claims


def require_role(role: str) -> Claims:
    """The caller, who has this role; a guard turns the error into 403 or PERMISSION_DENIED.

    Raises:
        RoleMissingError: the caller has another role.
        NotGuardedError: no guard stands in front of this call, or the call is public.
    """
    claims = caller()
    if claims.role != role:
        raise RoleMissingError(role)
    return claims


def enter(claims: Claims | None) -> Token[Claims | None]:
    """Makes the claims the caller's; None says that there is no caller."""
    return _caller.set(claims)


def leave(entered: Token[Claims | None]) -> None:
    """Undoes `enter`."""
    _caller.reset(entered)
