"""Holds the audit log against its chain, and the chain against its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from auth_server.domain.audit_chain import BEGINNING, LEAST_KEPT, Anchor, Checkpoint, is_genuine, link_of
from auth_server.domain.audit_seal import AuditSeal
from auth_server.domain.signing_keys import SigningKey
from auth_server.storage import audit_chain
from auth_server.storage.audit_chain import FoundLink
from auth_server.storage.database import Database, Db
from auth_server.usecases.audit_keys import CheckpointKeys
from auth_server.usecases.audit_readability import Readability

PAGE = 1000
MOST_FAULTS = 100
"""After so many the log is beyond a list of what is wrong."""
WAITING_IS_LONG = timedelta(minutes=5)
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(slots=True)
class Verdict:
    """What was found."""

    faults: list[str] = field(default_factory=list)
    events: int = 0
    """How many stand in the chain as they were written."""
    first: int = 1
    """The position that the chain begins at; those before were dropped when their time was over."""
    since: datetime | None = None
    """When the first event that is left happened."""
    last: Anchor | None = None
    """Where the chain ends: noted elsewhere, it shows later whether anything up to here was taken away."""
    unproven: int = 0
    """How many of the anchors lie before what is left of the chain, so that nothing can be held against them."""


@dataclass(frozen=True, slots=True)
class AuditVerification:
    """Verifies the whole log, as it was when it began."""

    db: Database
    keys: CheckpointKeys
    seal: AuditSeal
    clock: Callable[[], datetime]

    async def verdict(self, anchors: Sequence[Anchor] = ()) -> Verdict:
        """What is wrong with the log, if anything; the anchors are what was noted elsewhere of the chain."""
        return await self.db.snapshot(lambda db: self._verdict(db, anchors))

    async def _verdict(self, db: Db, anchors: Sequence[Anchor]) -> Verdict:
        keys = {key.kid: key for key in await self.keys.genuine(db)}
        end = await audit_chain.find_last_checkpoint(db)
        walk = _Walk(keys, {anchor.position: anchor for anchor in anchors}, Readability(self.seal), self.clock())
        last = max(await audit_chain.last_position(db) if end is None else end.position, 0)
        await self._walk(db, walk, last)
        verdict = walk.verdict
        if end is not None:
            verdict.last = Anchor(end.position, end.hash)
            for beyond in await audit_chain.page(db, last, 1):
                walk.fault(f"no checkpoint vouches for position {beyond.link.position}, the chain's end")
        elif last or keys:  # the first key is made with the first checkpoint
            walk.fault("no checkpoint vouches for anything: all of them were taken away")
        for text in await walk.readability.faults(db):
            walk.fault(text)
        await self._look_beside(db, walk)
        for anchor in walk.missing_anchors(last):
            walk.fault(f"the chain ends before position {anchor.position}, which was noted elsewhere")
        verdict.unproven = walk.unproven_anchors()
        return verdict

    async def _look_beside(self, db: Db, walk: _Walk) -> None:
        """What is in no place, or in one that there is not."""
        for event_id in await audit_chain.strays(db, MOST_FAULTS):
            walk.fault(f"event {event_id} has no place in the chain: its link was taken away, or never made")
        if hidden := await audit_chain.number_before_the_first(db):
            walk.fault(f"{hidden} links or checkpoints stand before position 1, where the chain has no places")
        waiting = await number_waiting(db, self.clock())
        if waiting:
            walk.fault(f"{waiting} events have been waiting for their place for minutes: does a server run?")

    async def _walk(self, db: Db, walk: _Walk, last: int) -> None:
        first = await audit_chain.page(db, 0, 1)
        begins_at = first[0].link.position if first else last + 1
        walk.begin(begins_at, await audit_chain.checkpoints(db, begins_at - 2, begins_at - 1))
        position = begins_at - 1
        while position < last and len(walk.verdict.faults) < MOST_FAULTS:
            found = [each for each in await audit_chain.page(db, position, PAGE) if each.link.position <= last]
            up_to = found[-1].link.position if found else last
            checkpoints = {each.position: each for each in await audit_chain.checkpoints(db, position, up_to)}
            for each in found:
                walk.step(each, checkpoints.pop(each.link.position, None))
            for lost in checkpoints.values():
                walk.fault(f"the link of position {lost.position}, which a checkpoint vouches for, was removed")
            position = up_to


async def number_waiting(db: Db, now: datetime) -> int:
    """How many events have been waiting for their place for long, or say that they are yet to happen."""
    return await audit_chain.number_pending(db, now - WAITING_IS_LONG, now + CLOCKS_DIFFER)


class _Walk:
    """One way along the chain."""

    def __init__(
        self, keys: dict[str, SigningKey], anchors: dict[int, Anchor], readability: Readability, now: datetime
    ) -> None:
        self.verdict = Verdict()
        self.readability = readability
        self._keys = keys
        self._anchors = anchors
        self._now = now
        self._next = 1
        self._previous = BEGINNING

    def fault(self, text: str) -> None:
        if len(self.verdict.faults) < MOST_FAULTS:
            self.verdict.faults.append(text)

    def begin(self, position: int, checkpoints: Sequence[Checkpoint]) -> None:
        """Goes on from what was dropped, as the checkpoint before this position has it."""
        self.verdict.first = self._next = position
        if position == 1:
            return
        if not checkpoints:
            self.fault(f"the chain begins at position {position}, and no checkpoint vouches for what was before")
            return
        before = checkpoints[0]
        self._check(before, before.hash)
        self._hold_against_anchor(before.position, before.hash)
        if self._now - before.at < LEAST_KEPT - CLOCKS_DIFFER:
            self.fault(
                f"what was before position {position} was removed before its time: its checkpoint is of"
                f" {before.at:%Y-%m-%d %H:%M} UTC"
            )
        self._previous = before.hash

    def step(self, found: FoundLink, checkpoint: Checkpoint | None) -> None:
        """The next link."""
        link, event = found.link, found.event
        if link.position != self._next:
            self.fault(f"the links of positions {self._next} to {link.position - 1} were removed")
        elif event is None:
            self.fault(f"event {link.event_id}, at position {link.position}, was removed")
        elif link_of(self._previous, link.position, event).hash != link.hash:
            self.fault(f"event {event.id}, at position {link.position}, was changed or moved")
        else:
            self.verdict.events += 1
            if text := self.readability.fault_of(event, link.position, found.key):
                self.fault(text)
        if event is not None and self.verdict.since is None:
            self.verdict.since = event.at
        if checkpoint is not None:
            self._check(checkpoint, link.hash)
        self._hold_against_anchor(link.position, link.hash)
        # The link as it stands, so that one fault is told once and not of all that follows.
        self._next, self._previous = link.position + 1, link.hash

    def missing_anchors(self, last: int) -> list[Anchor]:
        """Those that lie behind the chain's end."""
        return [anchor for anchor in self._anchors.values() if anchor.position > last]

    def unproven_anchors(self) -> int:
        """How many lie before the chain's beginning."""
        return sum(anchor.position < self.verdict.first for anchor in self._anchors.values())

    def _hold_against_anchor(self, position: int, link_hash: bytes) -> None:
        anchor = self._anchors.pop(position, None)
        if anchor is not None and anchor.hash != link_hash:
            self.fault(f"position {position} is not what was noted elsewhere: the chain was made anew")

    def _check(self, checkpoint: Checkpoint, link_hash: bytes) -> None:
        key = self._keys.get(checkpoint.kid)
        if key is None:
            self.fault(
                f"the checkpoint at position {checkpoint.position} is of a key that our sealing keys do not open"
            )
        elif not is_genuine(checkpoint, key.material.public_key()):
            self.fault(f"the checkpoint at position {checkpoint.position} was not signed by its key")
        elif checkpoint.hash != link_hash:
            self.fault(f"the checkpoint at position {checkpoint.position} is of another chain: it was made anew")
