"""The keys that sign checkpoints of the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.secrets import Seal, SealBrokenError, identity_of
from auth_server.domain.signing_keys import Algorithm, KeyBrokenError, SigningKey, make_key, packed, unpacked
from auth_server.storage import audit_chain
from auth_server.storage.database import Db


@dataclass(frozen=True, slots=True)
class CheckpointKeys:
    """Ed25519 keys, of which only those count that our sealing keys have sealed: anybody could add others."""

    seal: Seal

    async def genuine(self, db: Db) -> list[SigningKey]:
        """Every key that our sealing keys open, the newest first."""
        found = []
        for kid, sealed in await audit_chain.signing_keys(db):
            try:
                found.append(unpacked(kid, Algorithm.EDDSA, self.seal.open(sealed, _identity_of(kid))))
            except (SealBrokenError, KeyBrokenError):
                continue
        return found

    async def make(self, db: Db, now: datetime) -> SigningKey:
        """A key to sign with, for where there is none; run it where nobody else does."""
        key = make_key(Algorithm.EDDSA)
        await audit_chain.add_signing_key(db, key.kid, self.seal.close(packed(key), _identity_of(key.kid)), now)
        return key


def _identity_of(kid: str) -> bytes:
    return identity_of("audit_signing_keys", kid)
