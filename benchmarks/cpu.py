"""CPU time that processes have used, as the operating system counts it."""

import os
import subprocess
from collections import defaultdict
from pathlib import Path

PROC = Path("/proc")


def cpu_seconds_of(root_pid: int) -> float:
    """User and system time of a process, of all its threads, and of its children, ended ones included."""
    used = _linux_times() if PROC.joinpath("self/stat").exists() else _ps_times()
    children = defaultdict(list)
    for pid, (parent, _) in used.items():
        children[parent].append(pid)
    seconds, left = 0.0, [root_pid]
    while left:
        pid = left.pop()
        seconds += used.get(pid, (0, 0.0))[1]
        left += children[pid]
    return seconds


def busy_seconds_of_machine() -> float | None:
    """What all cores have worked since the machine started, of which it was robbed included; None where unknown."""
    if not PROC.joinpath("stat").exists():
        return None
    # proc(5): user, nice, system, idle, iowait, irq, softirq, steal.
    user, nice, system, _, _, irq, softirq, steal = map(int, PROC.joinpath("stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def parent_if_postgres(pid: int) -> int | None:
    """The parent of a PostgreSQL backend of this machine, which is the postmaster; None on another machine."""
    shown = subprocess.run(["ps", "-o", "ppid=,comm=", "-p", str(pid)], capture_output=True, text=True, check=False)
    parent, _, command = shown.stdout.strip().partition(" ")
    return int(parent) if "postgres" in command else None


def _linux_times() -> dict[int, tuple[int, float]]:
    ticks_a_second = os.sysconf("SC_CLK_TCK")
    used = {}
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # proc(5): the command in parentheses may hold anything; the parent is the second field after it
            # and utime, stime, cutime, cstime are the twelfth to the fifteenth.
            fields = entry.joinpath("stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        used[int(entry.name)] = int(fields[1]), sum(map(int, fields[11:15])) / ticks_a_second
    return used


def _ps_times() -> dict[int, tuple[int, float]]:
    shown = subprocess.run(["ps", "-axo", "pid=,ppid=,time="], capture_output=True, text=True, check=True)
    used = {}
    for line in shown.stdout.splitlines():
        pid, parent, clock = line.split()
        seconds = 0.0
        for part in clock.replace("-", ":").split(":"):
            seconds = seconds * 60 + float(part)
        used[int(pid)] = int(parent), seconds
    return used
