"""The audit log: rows that are only ever added, in the transaction of what they tell of."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from auth_server.domain.audit_events import AuditEvent, current_request_id
from auth_server.storage.database import Db


async def record(db: Db, event: AuditEvent, user_id: UUID | None, at: datetime) -> None:
    """Adds the event, with the id of the request that is served; run it in the transaction that makes it true."""
    await db.fetchrow(
        "INSERT INTO audit_events (at, event, user_id, request_id) VALUES ($1, $2, $3, $4)",
        at,
        event.value,
        user_id,
        current_request_id.get(),
    )
