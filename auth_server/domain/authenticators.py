"""Authenticators: what holds a user's WebAuthn credential, whether Auth.js registered it or we did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

MOST_AUTHENTICATORS = 20
"""Of one user."""


WEBAUTHN = "webauthn"
"""The type of the account that Auth.js links beside an authenticator."""


@dataclass(frozen=True, slots=True)
class Authenticator:
    """A WebAuthn credential as its relying party keeps it (WebAuthn level 3, section 4, "credential record")."""

    credential_id: bytes
    user_id: UUID
    provider_account_id: str
    """Of the account of type `webauthn` that Auth.js keeps beside it: the credential's id in base64."""
    public_key: bytes
    """A COSE_Key (RFC 9052)."""
    counter: int
    """Signatures that the authenticator says it has made; 0 of one that does not count."""
    device_type: str
    """`singleDevice`, or `multiDevice` of a credential that may be backed up."""
    backed_up: bool
    transports: tuple[str, ...]
    """How the browser reaches it, such as `internal`; empty where it did not say."""
    name: str | None
    """What the user calls it."""
    created_at: datetime
    last_used_at: datetime | None
    is_passkey: bool = False
    """Whether we registered it, and it signs in with us: of another, the front end alone has seen the proof."""
