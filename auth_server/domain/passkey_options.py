"""What a browser is asked for, as `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` read it.

WebAuthn level 3, sections 5.1.8 and 5.1.9.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from auth_server.domain.authenticators import Authenticator
from auth_server.domain.passkey_proofs import ALGORITHMS, RelyingParty

CHALLENGE_LIFE = timedelta(minutes=5)  # WebAuthn level 3, section 15.1, recommends 5 to 10 minutes


def base64url_of(value: bytes) -> str:
    """The bytes as text, without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def user_handle_of(user_id: UUID) -> bytes:
    """What authenticators know the user by; nothing personal (WebAuthn level 3, section 14.6.1)."""
    return user_id.bytes


def creation_options(
    party: RelyingParty, user_id: UUID, label: str, challenge: bytes, known: Sequence[Authenticator]
) -> dict[str, Any]:
    """Asks for a new passkey on an authenticator that has none of the user's known ones."""
    return {
        "rp": {"id": party.id, "name": party.name},
        "user": {"id": base64url_of(user_handle_of(user_id)), "name": label, "displayName": label},
        "challenge": base64url_of(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm.value} for algorithm in ALGORITHMS],
        "timeout": _milliseconds(CHALLENGE_LIFE),
        "excludeCredentials": [
            {"type": "public-key", "id": base64url_of(each.credential_id), "transports": list(each.transports)}
            for each in known
        ],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }


def request_options(party: RelyingParty, challenge: bytes) -> dict[str, Any]:
    """Asks for any passkey of this party: the person chooses, so nobody says who they are before."""
    return {
        "challenge": base64url_of(challenge),
        "rpId": party.id,
        "allowCredentials": [],
        "timeout": _milliseconds(CHALLENGE_LIFE),
        "userVerification": "required",
    }


def _milliseconds(life: timedelta) -> int:
    return life // timedelta(milliseconds=1)
