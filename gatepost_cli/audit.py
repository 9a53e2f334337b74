"""What an operator does with the audit log from the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from auth_server.auditing import audit_seal_of
from auth_server.domain.audit_chain import Anchor
from auth_server.domain.secrets import Seal
from auth_server.usecases.audit_keys import CheckpointKeys
from auth_server.usecases.audit_reading import AuditReading
from auth_server.usecases.audit_verification import AuditVerification
from gatepost_cli.database import opened
from gatepost_cli.refusals import RefusalError
from gatepost_cli.sealing import sealing_ring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from auth_server.usecases.audit_reading import ToldEvent
    from auth_server.usecases.audit_verification import Verdict


async def verdict(url: str, noted: Sequence[str]) -> Verdict:
    """What is wrong with the audit log, if anything; `noted` are checkpoints that somebody noted elsewhere.

    Raises:
        RefusalError: a checkpoint is not written as one, the sealing keys are missing, or the database refuses.
    """
    try:
        anchors = [Anchor.of(each) for each in noted]
    except ValueError as error:
        raise RefusalError(str(error)) from error
    ring = sealing_ring(url, why="only a checkpoint that they open the key of proves anything")
    async with opened(url) as db:
        verification = AuditVerification(db, CheckpointKeys(Seal(ring)), audit_seal_of(ring), lambda: datetime.now(UTC))
        return await verification.verdict(anchors)


async def exported(url: str, after: int) -> AsyncIterator[bytes]:
    """Every event from behind this position on, each a line of JSON.

    Raises:
        RefusalError: the sealing keys are missing, or the database refuses.
    """
    ring = sealing_ring(url, why="addresses and agents are told from what they seal")
    async with opened(url) as db:
        async for told in AuditReading(db, audit_seal_of(ring), b"").all_events(after):
            yield _line_of(told)


def _line_of(told: ToldEvent) -> bytes:
    event, personal = told.event, told.personal
    return orjson.dumps(
        {
            "position": told.link.position,
            "hash": told.link.hash.hex(),
            "time": event.at,
            "event": event.event,
            "outcome": event.outcome,
            "repeats": event.repeats,
            "user_id": event.user_id,
            "target": event.target,
            "caller": event.caller,
            "rpc": event.rpc,
            "request_id": event.request_id,
            "address": personal.address,
            "agent": personal.agent,
            "email": personal.email,
        },
        option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z,
    )
