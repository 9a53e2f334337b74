"""The chain over audit events, and the checkpoints that vouch for it.

Each link is a hash of the one before, its position and its event, so nothing can be changed, taken out or moved without
changing all that follows. A checkpoint is a signature over a link: who has the tables but not the key can make a chain
anew, and no checkpoint for it (Schneier and Kelsey, "Secure Audit Logs to Support Computer Forensics", 1999).
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from auth_server.domain.signing_keys import SigningKey
from auth_server.domain.stored_events import StoredEvent

BEGINNING = bytes(32)
"""What the first link follows."""
LEAST_KEPT = timedelta(days=30)
"""No event may go sooner, whoever asks (drop_audit_events, 0016_audit_bounds.sql)."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PRESENT = struct.Struct(">BQ").pack
_ABSENT = bytes(9)
_ANCHOR = re.compile(r"(?P<position>[0-9]{1,18}):(?P<hash>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain."""

    position: int
    event_id: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signature over the link of this position."""

    position: int
    hash: bytes
    at: datetime
    kid: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """What somebody noted elsewhere of the chain: which hash the link of this position has."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"

    @classmethod
    def of(cls, text: str) -> Anchor:
        """The anchor that the text spells, as `position:hash`.

        Raises:
            ValueError: it spells none.
        """
        found = _ANCHOR.fullmatch(text)
        if found is None:
            raise ValueError("a checkpoint is written as position:hash")
        return cls(int(found["position"]), bytes.fromhex(found["hash"]))


def link_of(previous: bytes, position: int, event: StoredEvent) -> Link:
    """The event's link at this position, behind the one of this hash."""
    fields: tuple[object, ...] = (
        event.id,
        (event.at - _EPOCH) // (datetime.resolution),
        event.event,
        event.user_id,
        event.request_id,
        event.rpc,
        event.caller,
        event.outcome,
        event.repeats,
        event.key_id,
        event.sealed,
    )
    if event.target is not None:  # an event from before there were any keeps its hash
        fields = (*fields, event.target)
    text = b"gatepost audit link 1" + previous + position.to_bytes(8, "big")
    for each in fields:
        # What is absent differs from what is empty, and no field runs into the next.
        if each is None:
            text += _ABSENT
        else:
            encoded = each if isinstance(each, bytes) else str(each).encode()
            text += _PRESENT(1, len(encoded)) + encoded
    return Link(position, event.id, hashlib.sha256(text).digest())


def signed(link: Link, at: datetime, key: SigningKey) -> Checkpoint:
    """The checkpoint of the link."""
    signature = bytes(key.material.sign(_text_of(link.position, link.hash, at)))
    return Checkpoint(link.position, link.hash, at, key.kid, signature)


def is_genuine(checkpoint: Checkpoint, key: Ed25519PublicKey) -> bool:
    """Whether this key's private half has signed the checkpoint (RFC 8032)."""
    try:
        key.verify(checkpoint.signature, _text_of(checkpoint.position, checkpoint.hash, checkpoint.at))
    except InvalidSignature:
        return False
    return True


def _text_of(position: int, link_hash: bytes, at: datetime) -> bytes:
    return b"gatepost audit checkpoint 1\n%d\n%s\n%d" % (
        position,
        link_hash.hex().encode(),
        (at - _EPOCH) // datetime.resolution,
    )
