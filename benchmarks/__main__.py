"""Measures Gatepost beside the bare floor that each figure is held against."""

import argparse
import datetime
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks import seed
from benchmarks.cases import CASES
from benchmarks.database import Database, empty_database, until_chained
from benchmarks.floors.originals import statements_without_original
from benchmarks.forms import running_forms
from benchmarks.gatepost import BCRYPT_COST, Gatepost, Settings, running_gatepost, running_in_one
from benchmarks.load import Load
from benchmarks.logins import LOGIN_ROUNDS, guess_flood, login_comparison, login_flood, login_rate
from benchmarks.machine import OtherWork, description, short_name
from benchmarks.measure import Bench, Form
from benchmarks.processes import Server
from benchmarks.report import Report
from benchmarks.verifier import verifier_speed

RESULTS = Path(__file__).parent / "results"
ROUNDS = 5
SECONDS = 1.5
LOGIN = "Login"
VERIFIER = "Verifier"
NAMES = (*CASES, VERIFIER)
OVER_GRPC_ALONE = ("VerifyAccessToken", "Introspect")  # whose floor is an echo and a verification, without a database
# Of a look-up while logins hash in all cores but one, and in all.
FLOODED_P99_TIMES_IDLE = 1.5
FLOODED_P99_MS = 10.0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Names: " + ", ".join(NAMES) + "; their beginnings are enough.\n"
        "The database is one of its own, on the server of DATABASE_URL or on an embedded PostgreSQL.\n"
        "A run of all names, no shorter than the defaults, is kept in benchmarks/results/.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure; everything if none is given")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"length of one measurement (default: {SECONDS})"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"measurements of each (default: {ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="one round of one second: for a look, not for a claim")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    options.names = [_name_of(given, parser) for given in options.names]
    if options.quick:
        options.seconds, options.rounds = 1, 1
    return options


def _name_of(given: str, parser: argparse.ArgumentParser) -> str:
    found = [name for name in NAMES if name.lower().startswith(given.lower())]
    if len(found) != 1:
        parser.error(f"{given} is {'short for several' if found else 'none'} of the names {', '.join(NAMES)}")
    return found[0]


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _measure_logins(bench: Bench, forms: tuple[Form, ...], gatepost: Gatepost, report: Report, width: int) -> None:
    of_logins = replace(bench, rounds=min(LOGIN_ROUNDS, bench.rounds))
    for form in forms:
        _say(f"{LOGIN}, {form.name}, {width} at once")
        report.comparisons.append(login_comparison(of_logins, form, width=width))
        rate = login_rate(of_logins, form.name, form.transport, form.gatepost.port, width=width, cost=BCRYPT_COST)
        report.rates.append(rate)
    _say(f"look-ups in a flood of logins, {width} at once")
    port, floor_port = gatepost.everything.port, forms[0].floor.port
    report.floods.append(login_flood(bench, "Gatepost", port, width=width, times_idle=FLOODED_P99_TIMES_IDLE))
    report.floods.append(login_flood(bench, "floor", floor_port, width=width))


def _measure_logins_on_all_cores(bench: Bench, settings: Settings, report: Report, cores: int) -> None:
    _say(f"{LOGIN} and look-ups, {cores} at once")
    with running_in_one(settings, hash_width=cores) as server:
        bench = _of_server(bench, server)
        of_logins = replace(bench, rounds=min(LOGIN_ROUNDS, bench.rounds))
        rate = login_rate(of_logins, "REST, one process", "rest", server.port, width=cores, cost=BCRYPT_COST)
        report.rates.append(rate)
        report.floods.append(login_flood(bench, "Gatepost", server.port, width=cores, at_most_ms=FLOODED_P99_MS))


def _measure_guesses(bench: Bench, settings: Settings, report: Report, width: int) -> None:
    """In a server of its own, as what is spent is spent for all who call from here."""
    _say(f"look-ups and a known device in a flood of guesses, {width} at once")
    with running_in_one(settings, hash_width=width) as server:
        report.floods.append(guess_flood(_of_server(bench, server), server.port, width=width))


def _of_server(bench: Bench, server: Server) -> Bench:
    """The same by another server of Gatepost's: what a load needs, it gets from that one."""
    return replace(bench, load_of=partial(bench.load_of, gatepost_port=server.port))


def _measure(options: argparse.Namespace, database: Database) -> Report:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
    width, settings = max(1, cores - 1), Settings(database)
    names = options.names or list(NAMES)
    report = Report(description(database.version), options.seconds, options.rounds)
    other_work = OtherWork(database.postmaster_pid)
    with (
        running_gatepost(settings, hash_width=width) as gatepost,
        running_forms(gatepost, database, hash_width=width) as forms,
    ):
        seed.fill_now(gatepost.everything.port, settings.adapter_secret)
        port = gatepost.everything.port
        load_of = partial(
            Load,
            gatepost_port=port,
            adapter_secret=settings.adapter_secret,
            service_credential=gatepost.service_credential,
        )
        settle = partial(until_chained, database)
        bench = Bench(load_of, settle, database.postmaster_pid, options.seconds, options.rounds)
        for name in (name for name in names if name in CASES and name != LOGIN):
            for form in forms[-1:] if name in OVER_GRPC_ALONE else forms:
                _say(f"{name}, {form.name}")
                report.comparisons.append(bench.compare(name, form))
        if VERIFIER in names:
            _say(f"{VERIFIER} of gatepost-client")
            report.verifier = verifier_speed(options.rounds)
        if LOGIN in names:
            _measure_logins(bench, forms, gatepost, report, width)
    if LOGIN in names:
        # Alone: what looks after itself in four more servers would take a share of every core.
        _measure_logins_on_all_cores(bench, settings, report, cores)
        _measure_guesses(bench, settings, report, width)
    report.others_share = other_work.share
    return report


def main() -> None:
    """Runs what was asked for and prints it."""
    options = _options()
    if stale := statements_without_original():
        sys.exit("benchmarks/floors runs what auth_server/storage no longer does:\n" + "\n".join(stale))
    with empty_database() as database:
        report = _measure(options, database)
    print(report.as_json() if options.json else report.as_text())
    if not options.names and options.seconds >= SECONDS and options.rounds >= ROUNDS:
        today = datetime.datetime.now(datetime.UTC).date()
        RESULTS.mkdir(exist_ok=True)
        page = RESULTS / f"{today}-{short_name()}.md"
        page.write_text(report.as_markdown(today))
        _say(f"kept in {page.relative_to(RESULTS.parent.parent)}")


if __name__ == "__main__":
    main()
