"""Retention: what is kept how long, and the sweeps that see to it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from auth_server.domain.access_tokens import LONGEST_LIFE
from auth_server.domain.refresh_tokens import LONGEST_WINDOW
from auth_server.storage import budgets, sweeps
from auth_server.storage.database import Db

log = logging.getLogger(__name__)

BATCH = 1000
LONGEST_TURN_SECONDS = 20.0
"""A turn ends here, and the next one goes on; what repeats it gives it ten seconds more."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""The clocks of several servers and of the database, at the most."""
REVOCATIONS_MATTER = LONGEST_LIFE + CLOCKS_DIFFER
"""For so long a token may live that a revocation speaks of.

Not the setting of lives: a server that runs beside, or this one before its last start, may have made longer ones.
"""
EXPIRED_KEPT = timedelta(hours=1)
ENDED_SIGN_INS_KEPT = timedelta(days=1)
STRANGERS_KEPT = timedelta(days=90)
"""How long the audit log can tell the address of somebody who is no user."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """One kind of rows that go when their time is over."""

    table: str
    what: str
    statement: sweeps.Statement
    kept: timedelta
    """How long they are kept beyond the time that the statement goes by."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What an operator decides; None keeps it for ever."""

    dead_mails: timedelta
    audit_events: timedelta | None


def sweeps_of(retention: Retention) -> list[Sweep]:
    """Every sweep there is."""
    found = [
        Sweep("sessions", "expired sessions", sweeps.past("sessions"), EXPIRED_KEPT),
        Sweep("verification_tokens", "expired verification tokens", sweeps.past("verification_tokens"), EXPIRED_KEPT),
        Sweep("one_time_tokens", "expired one-time tokens", sweeps.past("one_time_tokens"), EXPIRED_KEPT),
        Sweep("second_factors", "unconfirmed second factors", sweeps.past("second_factors"), EXPIRED_KEPT),
        Sweep("sign_in_challenges", "challenges of sign-ins", sweeps.past("sign_in_challenges"), EXPIRED_KEPT),
        Sweep("refresh_families", "ended sign-ins", sweeps.refresh_families, ENDED_SIGN_INS_KEPT),
        Sweep("refresh_families", "idle sign-ins", sweeps.idle_families, EXPIRED_KEPT),
        Sweep("refresh_tokens", "expired refresh tokens", sweeps.refresh_tokens, EXPIRED_KEPT),
        Sweep("refresh_tokens", "answers to refreshes", sweeps.refresh_answers, LONGEST_WINDOW + CLOCKS_DIFFER),
        Sweep("revocations", "revocations", sweeps.revocations, REVOCATIONS_MATTER + EXPIRED_KEPT),
        Sweep("outbox", "dead mails", sweeps.outbox, retention.dead_mails),
        Sweep("mail_allowances", "mail limits", sweeps.past("mail_allowances", "whole_at"), timedelta(0)),
        Sweep("passkey_challenges", "challenges of passkeys", sweeps.past("passkey_challenges"), EXPIRED_KEPT),
        Sweep("budgets", "throttles", budgets.sweep, CLOCKS_DIFFER),
        Sweep("audit_keys", "audit keys of strangers", sweeps.audit_keys, STRANGERS_KEPT),
    ]
    if retention.audit_events is not None:
        found.append(Sweep("audit_events", "audit events", sweeps.audit_events, retention.audit_events))
    return found


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Sweeps, each a turn at a time."""

    db: Db
    clock: Callable[[], datetime]
    batch: int = BATCH
    longest_turn_seconds: float = LONGEST_TURN_SECONDS

    async def turn(self, sweep: Sweep) -> int:
        """How many rows went: all whose time is over, or as many as go in the time of a turn."""
        before = self.clock() - sweep.kept
        ends_at = monotonic() + self.longest_turn_seconds
        rows = batch = await sweep.statement(self.db, before, self.batch)
        while batch >= self.batch and monotonic() < ends_at:
            batch = await sweep.statement(self.db, before, self.batch)
            rows += batch
        if rows:
            log.info("swept", extra={"what": sweep.what, "rows": rows})
        return rows
