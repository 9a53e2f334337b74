"""The audit log holds what happened, to whom, when and in which request."""

from datetime import UTC, datetime

from auth_server.domain.audit_events import AuditEvent, current_request_id
from auth_server.domain.ids import new_id
from auth_server.storage import audit

NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def test_an_event_is_recorded_with_its_request(db, sql):
    user_id = new_id()
    before = current_request_id.set("request-1")
    await audit.record(db, AuditEvent.PASSWORD_RESET, user_id, NOW)
    current_request_id.reset(before)
    await audit.record(db, AuditEvent.PASSWORD_RESET_REQUESTED, user_id, NOW)

    rows = await sql.fetch("SELECT at, event, user_id, request_id FROM audit_events ORDER BY id")

    assert [tuple(row) for row in rows] == [
        (NOW, "password-reset", user_id, "request-1"),
        (NOW, "password-reset-requested", user_id, None),
    ]


async def test_what_is_rolled_back_did_not_happen(db, sql):
    transaction = sql.transaction()
    await transaction.start()
    await audit.record(sql, AuditEvent.PASSWORD_RESET, new_id(), NOW)
    await transaction.rollback()

    assert await sql.fetchval("SELECT count(*) FROM audit_events") == 0
