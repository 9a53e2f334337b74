"""The machine and the versions that figures belong to, without its name or a path of it."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("grpcio", "protobuf", "aiohttp", "asyncpg", "uvloop", "orjson", "bcrypt", "PyJWT", "cryptography")


def description(postgres_version: str) -> dict[str, str]:
    """What is worth knowing of this machine, by name."""
    return {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "PostgreSQL": postgres_version.partition(" on ")[0].removeprefix("PostgreSQL "),
        "load before the run": f"{os.getloadavg()[0]:.1f} processes",
        "packages": ", ".join(f"{package} {version(package)}" for package in PACKAGES),
    }


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
