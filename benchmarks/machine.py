"""The machine and the versions that figures belong to, without its name or a path of it."""

import os
import platform
import re
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.cpu import busy_seconds_of_machine, cpu_seconds_of

PACKAGES = ("grpcio", "protobuf", "aiohttp", "asyncpg", "uvloop", "orjson", "bcrypt", "PyJWT", "cryptography")


def description(postgres_version: str) -> dict[str, str]:
    """What is worth knowing of this machine, by name."""
    return {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "PostgreSQL": postgres_version.partition(" on ")[0].removeprefix("PostgreSQL "),
        "packages": ", ".join(f"{package} {version(package)}" for package in PACKAGES),
    }


class OtherWork:
    """How much of the machine others use while the benchmark runs, which spoils its figures."""

    def __init__(self, postmaster_pid: int | None) -> None:
        self._own_pids = [pid for pid in (os.getpid(), postmaster_pid) if pid is not None]
        self._began = time.monotonic()
        self._busy_before = busy_seconds_of_machine()
        self._own_before = self._own_seconds()

    @property
    def share(self) -> float | None:
        """Of all cores since it was made; None where unknown."""
        busy = busy_seconds_of_machine()
        if busy is None or self._busy_before is None:
            return None
        others = busy - self._busy_before - (self._own_seconds() - self._own_before)
        # Ticks of the two clocks fall apart by a little, which must not read as less than nothing.
        return max(0.0, others / (time.monotonic() - self._began) / (os.cpu_count() or 1))

    def _own_seconds(self) -> float:
        return sum(cpu_seconds_of(pid) for pid in self._own_pids)


def short_name() -> str:
    """A word for this machine, fit for a file's name."""
    model = re.sub(r"\(.*?\)|@.*| CPU| Processor", "", _cpu_model())
    words = re.findall(r"[a-z0-9]+", model.lower())
    return "-".join([f"{os.cpu_count()}-cores", *words])


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and (found := re.search(r"model name\s*: (.+)", cpuinfo.read_text())):
        return found[1]
    return platform.processor() or platform.machine()
