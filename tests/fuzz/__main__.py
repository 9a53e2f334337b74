"""Sends Gatepost random calls through every door until the time is up, and says what was tried and what was a fault."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import aiohttp
from hypothesis.errors import HypothesisWarning

from tests.fuzz.declared import METHODS
from tests.fuzz.findings import Findings
from tests.fuzz.gatepost import Gatepost, running_gatepost
from tests.fuzz.http import BINDINGS, Routes
from tests.fuzz.openapi import OpenApi
from tests.fuzz.pages import Pages
from tests.fuzz.rpcs import Rpcs, waiting_in

Exploration = Callable[..., None]
EXAMPLES = 25


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (default: 1)")
    parser.add_argument("--seed", type=int, default=None, help="begin as the run did that named this seed")
    parser.add_argument("--only", default="", metavar="WORD", help="only what has this in its name: an RPC, a kind")
    return parser.parse_args()


def _explorations(
    gatepost: Gatepost, session: aiohttp.ClientSession, findings: Findings
) -> list[tuple[str, Exploration]]:
    """What to do in turns, by name."""
    run = waiting_in(asyncio.get_running_loop())
    rpcs = Rpcs(gatepost.channel, gatepost.server.channel, gatepost.callers, findings, run)
    routes = Routes(session, gatepost.urls, gatepost.callers, findings, run)
    pages = Pages(session, gatepost.urls, findings, run)
    openapi = OpenApi(gatepost.urls, gatepost.callers, findings, run)
    return [
        *((f"messages {rpc}", partial(rpcs.explore, rpc)) for rpc in METHODS),
        *((f"wire {rpc}", partial(rpcs.explore_wire, rpc)) for rpc in METHODS),
        *((f"openapi {label}", partial(openapi.explore, label)) for label in openapi.labels),
        *((f"pages {form}", partial(pages.explore, form)) for form in gatepost.urls),
        *((f"bytes {form}", partial(pages.explore_bytes, form)) for form in gatepost.urls),
        *((f"chains {form}", partial(openapi.explore_chains, form)) for form in gatepost.urls),
        *((f"http {route}", partial(routes.explore, route)) for route in BINDINGS),
        *(
            (f"json {route}", partial(routes.explore_bodies, route))
            for route, binding in BINDINGS.items()
            if binding.body
        ),
    ]


def _rounds(explorations: list[tuple[str, Exploration]], seed: int, until: float) -> Iterator[str]:
    """Does everything, again and again in another order, until the time is up; answers what it is about to do."""
    order = random.Random(seed)
    while True:
        for name, explore in order.sample(explorations, len(explorations)):
            if time.monotonic() >= until:
                return
            yield name
            explore(examples=EXAMPLES, seeded=order.getrandbits(32))


def _explore(explorations: list[tuple[str, Exploration]], seed: int, until: float, findings: Findings) -> None:
    for name in _rounds(explorations, seed, until):
        if sys.stderr.isatty():
            left = max(0, until - time.monotonic())
            line = f"{left:4.0f} s left, {findings.tried.total()} cases, {len(findings.faults)} faults: {name}"
            sys.stderr.write(f"\r\x1b[K{line[:100]}")
            sys.stderr.flush()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")


async def _fuzz(options: argparse.Namespace, seed: int) -> Findings:
    findings = Findings()
    async with (
        running_gatepost() as gatepost,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        wanted = [
            each for each in _explorations(gatepost, session, findings) if options.only.lower() in each[0].lower()
        ]
        if not wanted:
            sys.exit(f"nothing has {options.only} in its name")
        until = time.monotonic() + 60 * options.minutes
        await asyncio.to_thread(_explore, wanted, seed, until, findings)
    return findings


def main() -> None:
    """Fuzzes, prints the findings, and ends with 1 where there is a fault."""
    options = _options()
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    warnings.simplefilter("ignore", HypothesisWarning)  # a case may be large
    logging.getLogger().setLevel(logging.CRITICAL)  # what fails is told below, with what was sent
    findings = asyncio.run(_fuzz(options, seed))
    for kind, number in sorted(findings.tried.items()):
        print(f"{kind:<12}{number:>10,} cases")
    print(f"{'in all':<12}{findings.tried.total():>10,} cases, {len(findings.faults)} faults, seed {seed}")
    print("answers: " + ", ".join(f"{word} {number:,}" for word, number in findings.answers.most_common()))
    for fault in findings.faults.values():
        print(f"\nFAULT {fault}")
    sys.exit(bool(findings.faults))


if __name__ == "__main__":
    main()
