"""Audits calls that are refused for who calls, or for what they present."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any

from auth_server.domain.audit_events import AuditEvent, Origin, current_origin
from auth_server.domain.errors import AuthError, DatabaseUnavailableError, Kind
from auth_server.interceptors.calls import Call, Handler, Method
from auth_server.storage import audit
from auth_server.storage.database import Db

log = logging.getLogger(__name__)

# Beside all that is UNAUTHENTICATED or PERMISSION_DENIED: guesses at what proves somebody.
GUESSES = frozenset(
    {
        "CURRENT_PASSWORD_INVALID",
        "ONE_TIME_TOKEN_INVALID",
        "PASSKEY_REFUSED",
        "REAUTHENTICATION_REQUIRED",
        "THROTTLED",
    }
)
# Nothing was presented, so there was nothing to refuse: as every visit of somebody who is not signed in yet.
NOTHING = "CREDENTIAL_MISSING"
RATE_A_SECOND, BURST = 50, 100
"""Of all RPCs together: so many are written one by one."""
OWN_RATE_A_SECOND, OWN_BURST = 1, 100
"""Of each RPC before that, so that garbage at one door does not hide a guess at another."""
_ALL = ""
PATIENCE_SECONDS = 1.0


class Refusals:
    """Writes each refusal down, before it is answered; in a flood, how many there were of each kind.

    A flood of garbage must not become one of rows: beyond so many a second they are counted by RPC and reason, and
    `flush` writes one event for each. What is answered does not depend on whether it could be written down.
    """

    def __init__(self, db: Db, clock: Callable[[], datetime], seconds: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._seconds = seconds
        self._paid_at: dict[str, float] = {}
        self._counted: Counter[tuple[str, str]] = Counter()

    def __call__(self, method: Method, handler: Handler) -> Handler:
        """The handler, whose refusals are audited, also in the middle of a stream."""

        async def handle(request: Any, call: Call) -> Any:
            origin = current_origin.get()
            try:
                answer = await handler(request, call)
            except AuthError as refusal:
                await self._note(refusal, origin)
                raise
            if call.denial is not None:
                await self._note(call.denial, origin)
            return flow(answer, origin) if method.streams else answer

        async def flow(stream: AsyncGenerator[Any], origin: Origin | None) -> AsyncGenerator[Any]:
            try:
                async with aclosing(stream):
                    async for message in stream:
                        yield message
            except AuthError as refusal:
                await self._note(refusal, origin)
                raise

        return handle

    async def flush(self) -> None:
        """Writes down what was counted and not written yet."""
        while self._counted:
            (rpc, reason), repeats = self._counted.popitem()
            try:
                await audit.add(
                    self._db, AuditEvent.REFUSED, None, self._clock(), rpc=rpc, outcome=reason, repeats=repeats
                )
            except BaseException:
                self._counted[rpc, reason] += repeats
                raise

    async def _note(self, refusal: AuthError, origin: Origin | None) -> None:
        if origin is None or not _is_audited(refusal):
            return
        if not self._has_room(origin.rpc):
            self._counted[origin.rpc, refusal.reason] += 1
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await audit.record_refusal(self._db, origin, refusal.reason, self._clock())
        except (DatabaseUnavailableError, TimeoutError):
            self._counted[origin.rpc, refusal.reason] += 1
        except asyncio.CancelledError:  # who hangs up in this moment is not to go unnoticed
            self._counted[origin.rpc, refusal.reason] += 1
            raise
        except Exception:  # whatever it is, the answer stays what it was
            log.exception("refusal not audited", extra={"request_id": origin.request_id})

    def _has_room(self, rpc: str) -> bool:
        """Whether one more of this RPC may be written now: from what is its own, else from what all share.

        Whatever is garbled at however many doors, so many rows come of it, and no more.
        """
        return self._take(rpc, OWN_RATE_A_SECOND, OWN_BURST) or self._take(_ALL, RATE_A_SECOND, BURST)

    def _take(self, share: str, rate_a_second: int, burst: int) -> bool:
        """As in GCRA: whether, were this one paid for at this rate, so few would still be owed."""
        now = self._seconds()
        paid_at = max(self._paid_at.get(share, now), now)
        if paid_at - now > (burst - 1) / rate_a_second:
            return False
        self._paid_at[share] = paid_at + 1 / rate_a_second
        return True


def _is_audited(refusal: AuthError) -> bool:
    if refusal.reason in GUESSES:
        return True
    return refusal.kind in (Kind.UNAUTHENTICATED, Kind.FORBIDDEN) and refusal.reason != NOTHING
