"""The load generator, a process of its own: `python -m benchmarks.load` with a Load as JSON on its standard input.

It prepares and warms up, prints `ready`, waits for a line, works, and prints an Outcome. Requests go out either in a
closed loop, or evenly spaced; then latency counts from the moment that a request was due, whatever was late before it.
"""

import asyncio
import gc
import json
import selectors
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field

import uvloop
from grpc import aio

from benchmarks.cases import CASES, FLOODS, Case, Stubs
from benchmarks.http_connection import HttpConnection, UnexpectedAnswerError

Operation = Callable[[], Awaitable[None]]
MAX_REQUESTS = 500_000
CONNECTIONS = 64
PATIENCE_SECONDS = 15


@dataclass(frozen=True, kw_only=True)
class Load:
    """What to send, where, how fast and how long."""

    case: str
    transport: str
    port: int
    gatepost_port: int
    adapter_secret: str
    service_credential: str
    seconds: float
    in_flight: int = 16
    rate_per_second: float = 0  # evenly spaced; 0 is a closed loop


@dataclass(frozen=True)
class Outcome:
    """What came of a Load."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


@dataclass
class _Run:
    operation: Operation
    latencies: list[float] = field(default_factory=list)

    async def closed(self, in_flight: int, seconds: float) -> None:
        end = time.perf_counter() + seconds

        async def loop() -> None:
            while (due := time.perf_counter()) < end and len(self.latencies) < MAX_REQUESTS:
                await self._timed(due)

        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(loop())

    async def spaced(self, rate_per_second: float, seconds: float) -> None:
        start = time.perf_counter()
        count = min(int(rate_per_second * seconds), MAX_REQUESTS)
        async with asyncio.timeout(seconds + PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            for number in range(count):
                due = start + number / rate_per_second
                if (early := due - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                group.create_task(self._timed(due))

    async def _timed(self, due: float) -> None:
        await self.operation()
        self.latencies.append(time.perf_counter() - due)


async def _rest_operation(case: Case, port: int) -> Operation:
    free: asyncio.LifoQueue[HttpConnection] = asyncio.LifoQueue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await HttpConnection.open(port))

    async def operation() -> None:
        http = await free.get()
        await case.over_rest(http)
        free.put_nowait(http)

    return operation


async def _operation(load: Load) -> Operation:
    case = (CASES | FLOODS)[load.case](load.adapter_secret, load.service_credential)
    gatepost = await HttpConnection.open(load.gatepost_port)
    await case.prepare(gatepost, CONNECTIONS if load.rate_per_second else load.in_flight)
    gatepost.close()
    if load.transport == "rest":
        return await _rest_operation(case, load.port)
    stubs = Stubs(aio.insecure_channel(f"127.0.0.1:{load.port}"), load.adapter_secret, load.service_credential)
    return lambda: case.over_grpc(stubs)


async def _outcome(load: Load) -> Outcome:
    operation = await _operation(load)
    if load.case in CASES and load.case != "Login":
        await _Run(operation).closed(load.in_flight, 0.2)
    gc.collect()
    gc.disable()
    print("ready", flush=True)
    if not await asyncio.to_thread(sys.stdin.readline):
        sys.exit("nobody waits for this load any more")
    run = _Run(operation)
    start = time.perf_counter()
    if load.rate_per_second:
        await run.spaced(load.rate_per_second, load.seconds)
    else:
        await run.closed(load.in_flight, load.seconds)
    elapsed = time.perf_counter() - start
    in_order = sorted(run.latencies)
    p50, p99 = (in_order[int(len(in_order) * share)] * 1000 for share in (0.50, 0.99))
    return Outcome(len(in_order), elapsed, p50, p99)


def _precise_loop() -> asyncio.AbstractEventLoop:
    """A loop that sleeps to the microsecond: epoll and uvloop round up to a millisecond, and so send in bursts."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def main() -> None:
    """Runs the Load on standard input."""
    load = Load(**json.loads(sys.stdin.readline()))
    loop_factory = _precise_loop if load.rate_per_second else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        try:
            outcome = runner.run(_outcome(load))
        except* (UnexpectedAnswerError, aio.AioRpcError, OSError, TimeoutError) as failed:
            first = failed.exceptions[0]
            sys.exit(f"{load.case} over {load.transport}: {len(failed.exceptions)} failed, the first with {first!r}")
        print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    main()
