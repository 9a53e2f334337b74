"""People who call servers without a pause, and stop at the first call that fails."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

from gatepost.v1 import adapter_service_pb2, users_service_pb2
from tests.people import People, SignedIn, refresh


class Traffic:
    """A sign-in each for so many people, who refresh it, read and write at one server after the other."""

    def __init__(self) -> None:
        self.servers: list[People] = []
        """Where calls go to; it may change between two rounds."""
        self.rounds = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, people: int) -> None:
        """Registers them and sends them off."""
        signed_in = [await self.servers[0].signed_in() for _ in range(people)]
        self._tasks = [asyncio.create_task(self._go_on(number, each)) for number, each in enumerate(signed_in)]

    async def after(self, rounds: int) -> None:
        """Returns when there were so many rounds more, whoever did them.

        Raises:
            AioRpcError: a call failed.
        """
        wanted = self.rounds + rounds
        while self.rounds < wanted:
            for task in self._tasks:
                if task.done():
                    await task
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Lets everybody finish their round.

        Raises:
            AioRpcError: a call failed.
        """
        self.servers = []
        await asyncio.gather(*self._tasks)

    async def _go_on(self, number: int, signed_in: SignedIn) -> None:
        token = signed_in.refresh_token
        for turn in itertools.count(number):
            if not self.servers:
                return
            token = await self._round(self.servers[turn % len(self.servers)], signed_in, token)
            self.rounds += 1

    async def _round(self, here: People, signed_in: SignedIn, token: str) -> str:
        """What a front end and its users do; the next refresh token."""
        pair = await refresh(here, token)
        await here.users.GetUser(
            users_service_pb2.GetUserRequest(id=signed_in.id),
            metadata=[("authorization", f"Bearer {pair.access_token}")],
        )
        session = await here.a_session(signed_in.id, timedelta(days=1))
        wanted = adapter_service_pb2.GetSessionAndUserRequest(session_token=session.session_token)
        found = await here.adapter.GetSessionAndUser(wanted, metadata=here.secret)
        assert found.session_and_user.user.id == signed_in.id
        ended = adapter_service_pb2.DeleteSessionRequest(session_token=session.session_token)
        await here.adapter.DeleteSession(ended, metadata=here.secret)
        user = await here.a_user()
        await here.an_account(user.id)
        await here.log_out(await here.signed_in())
        return pair.refresh_token
