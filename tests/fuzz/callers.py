"""Who calls: people and services with credentials that random calls use up, and that are made anew then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gatepost.v1.auth_passwords_pb2 import ForgotPasswordRequest
from tests.fuzz.declared import METHODS
from tests.mailbox import Mailbox
from tests.people import Metadata, People
from tests.services import a_service

RPCS = [f"{method.containing_service.full_name}/{method.name}" for method in METHODS.values()]
USED_UP = {"ACCESS_TOKEN_INVALID", "REFRESH_TOKEN_INVALID", "SESSION_INVALID", "SERVICE_CREDENTIAL_INVALID"}
KINDS = ("nobody", "adapter", "user", "session", "refresh", "service", "operator")
# Who gets past a guard.
ADMITTED = {
    "GUARD_PUBLIC": ("nobody",),
    "GUARD_ADAPTER": ("adapter",),
    "GUARD_ACCESS": ("user", "operator", "service"),
    "GUARD_REFRESH": ("refresh",),
    "GUARD_SERVICE": ("service",),
    "GUARD_OPERATOR": ("operator", "service"),
    "GUARD_SIGNED_IN": ("user", "session"),
}


@dataclass(slots=True)
class Callers:
    """A caller of each kind, and what is known of them."""

    people: People
    sql: Any
    mailbox: Mailbox
    known: dict[str, str] = field(default_factory=dict)
    """By the names in messages.KNOWN."""
    _metadata: dict[str, Metadata] = field(default_factory=dict)

    async def metadata_of(self, kind: str) -> Metadata:
        """What a caller of this kind presents; all are made anew where one was used up."""
        if not self._metadata:
            await self._make()
        return self._metadata[kind]

    def note(self, reason: str) -> str:
        """Sees by a refusal that a credential is used up; answers the reason."""
        if reason in USED_UP:
            self._metadata.clear()
        return reason

    async def _make(self) -> None:
        ann, operator = await self.people.signed_in(), await self.people.signed_in()
        await self.sql.execute("UPDATE users SET role = 'operator' WHERE id = $1", operator.id)
        # An account that is linked to somebody unverified would end what they have.
        await self.sql.execute("UPDATE users SET email_verified = now() WHERE id = $1", ann.id)
        session = await self.people.a_session(ann.id)
        account = await self.people.an_account(ann.id)
        self.known = {
            "user": ann.id,
            "other user": operator.id,
            "email": ann.email,
            "sign-in": str(await self.sql.fetchval("SELECT id FROM refresh_families WHERE user_id = $1", ann.id)),
            "session": session.session_token,
            "access token": ann.access_token,
            "refresh token": ann.refresh_token,
            "reset token": await self._reset_token(ann.email),
            "account": account.provider_account_id,
        }
        self._metadata = {
            "nobody": [],
            "adapter": self.people.secret,
            "user": ann.bearer,
            "operator": operator.bearer,
            "refresh": ann.refresh,
            "session": [("x-session-token", session.session_token)],
            "service": (await a_service(self.sql, *RPCS)).basic,
        }

    async def _reset_token(self, email: str) -> str:
        await self.sql.execute("DELETE FROM outbox")
        await self.people.auth.ForgotPassword(ForgotPasswordRequest(email=email))
        mails = await self.mailbox.take()
        return next((mail.values["token"] for mail in mails if "token" in mail.values), "")
