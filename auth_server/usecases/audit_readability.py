"""Looks whether what is personal in audit events can still be read, of everybody who was not erased."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.audit_seal import AuditSeal
from auth_server.domain.ids import find_id
from auth_server.domain.secrets import SealBrokenError
from auth_server.domain.stored_events import StoredEvent
from auth_server.storage import audit_chain
from auth_server.storage.database import Db

_CALLING_USER = "user:"


@dataclass(slots=True)
class Readability:
    """One way along the chain, beside its verification.

    A key may be gone for no other reason than that its user is: whoever takes one away hides where a user's calls came
    from, though no event changes. Keys of those who are no users go by themselves.
    """

    seal: AuditSeal
    _without_key: dict[UUID, int] = field(default_factory=dict)
    """Users of whose events the key is gone, and who had not been erased up to here; with the first position."""

    def fault_of(self, event: StoredEvent, position: int, key: bytes | None) -> str | None:
        """What is wrong with what is personal in this event, by its key as it is kept."""
        if event.event == AuditEvent.USER_DELETED and event.user_id is not None:
            self._without_key.pop(event.user_id, None)
        if event.key_id is None:
            return None
        if key is None:
            owner = _owner_of(event)
            if owner is not None:
                self._without_key.setdefault(owner, position)
            return None
        try:
            self.seal.personal_of(event, key)
        except SealBrokenError:
            return (
                f"where event {event.id}, at position {position}, came from cannot be read: its key was replaced, or"
                " the sealing key of that is missing"
            )
        return None

    async def faults(self, db: Db) -> list[str]:
        """Whose keys were taken away though they are users."""
        lost = await audit_chain.users_among(db, list(self._without_key))
        return [
            f"the key to where events of user {user_id} came from was taken away, from position"
            f" {self._without_key[user_id]} on"
            for user_id in lost
        ]


def _owner_of(event: StoredEvent) -> UUID | None:
    """Whose key it was sealed under: the caller's, else whom the event is about; None of who is no user.

    What was done to mails by who is no user is under the key of the day, whosever they were (record_each of audit.py).
    """
    caller = event.caller or ""
    if caller.startswith(_CALLING_USER):
        return find_id(caller.removeprefix(_CALLING_USER))
    return event.user_id if event.target is None else None
