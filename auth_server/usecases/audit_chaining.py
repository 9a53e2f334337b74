"""Gives audit events their places in the chain, after they were committed and by one server at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.audit_chain import BEGINNING, Anchor, Checkpoint, is_genuine, link_of, signed
from auth_server.domain.signing_keys import SigningKey
from auth_server.storage import audit_chain
from auth_server.storage.database import Database, Db
from auth_server.usecases.audit_keys import CheckpointKeys

log = logging.getLogger(__name__)

BATCH = 500


class ChainBrokenError(Exception):
    """The chain is not as this server's keys have left it; `gatepost audit verify` says where."""


@dataclass(slots=True)
class Chaining:
    """What lets the chain grow."""

    db: Database
    keys: CheckpointKeys
    clock: Callable[[], datetime]
    batch: int = BATCH
    _seen: Anchor | None = None
    """Where the chain ended when this server last let it grow."""

    async def turn(self) -> int:
        """How many events have a place now that had none: all there were, unless another server is about it.

        Those that are written meanwhile wait for the next turn: a checkpoint for each few of them would cost as much
        as all that they tell of.

        Raises:
            ChainBrokenError: the chain was tampered with. It does not grow any more then: a checkpoint would vouch for
                what was done to it.
        """
        chained = 0
        added = self.batch
        while added >= self.batch and await audit_chain.is_pending(self.db):
            checkpoint, added = await self.db.transaction(self._step)
            if checkpoint is None:
                break
            chained += added
            # A second copy of the checkpoint, where whoever changes the database does not reach.
            self._seen = Anchor(checkpoint.position, checkpoint.hash)
            log.info("audit checkpoint", extra={"checkpoint": str(self._seen), "events": added})
        return chained

    async def _step(self, db: Db) -> tuple[Checkpoint | None, int]:
        """The checkpoint behind the next events, and how many they are."""
        if not await audit_chain.try_lock(db):
            return None, 0
        events = await audit_chain.take_pending(db, self.batch)
        if not events:
            return None, 0
        now = self.clock()
        last = await audit_chain.find_last_checkpoint(db)
        await self._tell_if_put_back(db, last)
        key = await self._key(db, last, now)
        position, previous = (last.position, last.hash) if last else (0, BEGINNING)
        links = []
        for event in events:
            position += 1
            links.append(link_of(previous, position, event))
            previous = links[-1].hash
        try:
            await audit_chain.add_links(db, links)
        except audit_chain.LinkTakenError as error:
            raise ChainBrokenError from error
        checkpoint = signed(links[-1], now, key)
        await audit_chain.add_checkpoint(db, checkpoint)
        return checkpoint, len(links)

    async def _tell_if_put_back(self, db: Db, last: Checkpoint | None) -> None:
        """Logs where the chain lacks what this server has seen of it.

        It grows all the same: a database that was put back from a copy looks like that, and so do servers that have
        seen nothing of it.
        """
        if self._seen is None:
            return
        is_shorter = last is None or last.position < self._seen.position
        held = await audit_chain.checkpoints(db, self._seen.position - 1, self._seen.position)
        if is_shorter or any(each.hash != self._seen.hash for each in held):
            log.error("the audit log was cut off or put back", extra={"checkpoint": str(self._seen)})
            self._seen = None

    async def _key(self, db: Db, last: Checkpoint | None, now: datetime) -> SigningKey:
        """What signs, once it is certain that the chain ends where one of our keys has signed it."""
        genuine = await self.keys.genuine(db)
        if last is not None:
            signers = [key for key in genuine if key.kid == last.kid]
            if not signers or not is_genuine(last, signers[0].material.public_key()):
                raise ChainBrokenError
        return genuine[0] if genuine else await self.keys.make(db, now)
