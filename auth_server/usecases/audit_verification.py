"""Holds the audit log against its chain, and the chain against its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from auth_server.domain.audit_chain import BEGINNING, Anchor, Checkpoint, Link, is_genuine, link_of
from auth_server.domain.signing_keys import SigningKey
from auth_server.domain.stored_events import StoredEvent
from auth_server.storage import audit_chain
from auth_server.storage.database import Db
from auth_server.usecases.audit_keys import CheckpointKeys

PAGE = 1000
MOST_FAULTS = 100
"""After so many the log is beyond a list of what is wrong."""
WAITING_IS_LONG = timedelta(minutes=5)


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


@dataclass(frozen=True, slots=True)
class AuditVerification:
    """Verifies the whole log, as it was when it began."""

    db: Db
    keys: CheckpointKeys
    clock: Callable[[], datetime]

    async def verdict(self, anchors: Sequence[Anchor] = ()) -> Verdict:
        """What is wrong with the log, if anything; the anchors are what was noted elsewhere of the chain."""
        keys = {key.kid: key for key in await self.keys.genuine(self.db)}
        end = await audit_chain.find_last_checkpoint(self.db)
        walk = _Walk(keys, {anchor.position: anchor for anchor in anchors})
        last = max(await audit_chain.last_position(self.db) if end is None else end.position, 0)
        await self._walk(walk, last)
        verdict = walk.verdict
        if end is not None:
            verdict.last = Anchor(end.position, end.hash)
            beyond = await audit_chain.page(self.db, last, 1)
            if beyond and (await audit_chain.find_last_checkpoint(self.db)) == end:
                walk.fault(f"no checkpoint vouches for position {beyond[0][0].position}, the chain's end")
        elif last:
            walk.fault("no checkpoint vouches for anything: all of them were taken away")
        for event_id in await audit_chain.strays(self.db, MOST_FAULTS):
            walk.fault(f"event {event_id} has no place in the chain: its link was taken away, or never made")
        waiting = await audit_chain.number_pending(self.db, self.clock() - WAITING_IS_LONG)
        if waiting:
            walk.fault(f"{waiting} events have been waiting for their place for minutes: does a server run?")
        for anchor in walk.missing_anchors(last):
            walk.fault(f"the chain ends before position {anchor.position}, which was noted elsewhere")
        return verdict

    async def _walk(self, walk: _Walk, last: int) -> None:
        first = await audit_chain.page(self.db, 0, 1)
        begins_at = first[0][0].position if first else last + 1
        walk.begin(begins_at, await audit_chain.checkpoints(self.db, begins_at - 2, begins_at - 1))
        position = begins_at - 1
        while position < last and len(walk.verdict.faults) < MOST_FAULTS:
            links = [each for each in await audit_chain.page(self.db, position, PAGE) if each[0].position <= last]
            up_to = links[-1][0].position if links else last
            checkpoints = {each.position: each for each in await audit_chain.checkpoints(self.db, position, up_to)}
            for link, event in links:
                walk.step(link, event, checkpoints.pop(link.position, None))
            for lost in checkpoints.values():
                walk.fault(f"the link of position {lost.position}, which a checkpoint vouches for, was removed")
            position = up_to


class _Walk:
    """One way along the chain."""

    def __init__(self, keys: dict[str, SigningKey], anchors: dict[int, Anchor]) -> None:
        self.verdict = Verdict()
        self._keys = keys
        self._anchors = anchors
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
        self._check(checkpoints[0], checkpoints[0].hash)
        self._previous = checkpoints[0].hash

    def step(self, link: Link, event: StoredEvent | None, checkpoint: Checkpoint | None) -> None:
        """The next link."""
        if link.position != self._next:
            self.fault(f"the links of positions {self._next} to {link.position - 1} were removed")
        elif event is None:
            self.fault(f"event {link.event_id}, at position {link.position}, was removed")
        elif link_of(self._previous, link.position, event).hash != link.hash:
            self.fault(f"event {event.id}, at position {link.position}, was changed or moved")
        else:
            self.verdict.events += 1
        if event is not None and self.verdict.since is None:
            self.verdict.since = event.at
        if checkpoint is not None:
            self._check(checkpoint, link.hash)
        anchor = self._anchors.pop(link.position, None)
        if anchor is not None and anchor.hash != link.hash:
            self.fault(f"position {link.position} is not what was noted elsewhere: the chain was made anew")
        # The link as it stands, so that one fault is told once and not of all that follows.
        self._next, self._previous = link.position + 1, link.hash

    def missing_anchors(self, last: int) -> list[Anchor]:
        """Those that lie behind the chain's end."""
        return [anchor for anchor in self._anchors.values() if anchor.position > last]

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
