"""The tasks that send mails while a server runs."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.outside.mail import TransportAwayError
from auth_server.storage.listening import Listener
from auth_server.usecases.mail_worker import MailWorker, Turn

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
"""How often mails are looked for that nobody told of: those that rested, and those behind poolers without NOTIFY."""
LONGEST_PAUSE_SECONDS = 60.0
GRACE_SECONDS = 5.0
"""How long the mails under way may take when the server stops; what is cut off is sent again later."""

Connect = Callable[[], AbstractAsyncContextManager[Listener]]


class MailSenders:
    """So many tasks that each send one mail after another; woken by new mails."""

    def __init__(
        self, worker: MailWorker, connect: Connect, *, concurrency: int, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._worker = worker
        self._connect = connect
        self._concurrency = concurrency
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._is_away = False

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Sends mails meanwhile; leaving it lets those under way be finished."""
        listener = asyncio.create_task(self._listen(), name="outbox listener")
        senders = [asyncio.create_task(self._send(), name="mail sender") for _ in range(self._concurrency)]
        try:
            yield
        finally:
            self._stopping.set()
            self._wake()
            listener.cancel()
            _, slow = await asyncio.wait(senders, timeout=GRACE_SECONDS)
            for task in slow:
                task.cancel()
            await asyncio.wait({listener, *senders})
            await self._worker.transport.close()

    async def _send(self) -> None:
        """Mail after mail, until the end."""
        failures = 0
        while not self._stopping.is_set():
            woken = self._woken  # taken before it looks: a mail that comes meanwhile is not overlooked
            turn = await self._turn()
            failures = failures + 1 if turn is None else 0
            if turn in (Turn.SENT, Turn.NOT_SENT):
                continue
            await self._worker.transport.close()
            await self._rest(woken, failures)

    async def _turn(self) -> Turn | None:
        """What the worker came to; None where it cannot work at present."""
        try:
            turn = await self._worker.send_next()
        except TransportAwayError as error:
            if not self._is_away:
                log.warning("no mail can be sent", extra={"cause": str(error)})
            self._is_away = True
            return None
        except DatabaseUnavailableError as error:
            log.warning("the outbox cannot be read", extra={"cause": repr(error.__cause__)})
            return None
        except Exception:  # whatever it is, the next turn may go well, and nobody else is there to be told
            log.exception("the outbox cannot be read")
            return None
        if turn is Turn.SENT and self._is_away:
            log.info("mails can be sent again")
            self._is_away = False
        return turn

    async def _rest(self, woken: asyncio.Event, failures: int) -> None:
        """Waits for a mail; where none can be sent, twice as long each time, whatever comes meanwhile."""
        seconds = min(2.0 ** min(failures - 1, 10), LONGEST_PAUSE_SECONDS) if failures else self._poll_seconds
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds * (1 - secrets.randbelow(1000) / 2000)):
                await (self._stopping if failures else woken).wait()

    async def _listen(self) -> None:
        while True:
            try:
                async with self._connect() as listener:
                    while listener.is_open:
                        listener.forget()
                        self._wake()  # for what came while nobody listened
                        await listener.wait(LONGEST_PAUSE_SECONDS)
            except DatabaseUnavailableError as error:
                log.warning("nobody tells of new mails", extra={"cause": repr(error.__cause__)})
            except Exception:  # the next connection may go well; meanwhile the outbox is looked at now and then
                log.exception("nobody tells of new mails")
            await asyncio.sleep(self._poll_seconds)

    def _wake(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()
