"""Prints the seconds that one bcrypt hash takes: `python -m benchmarks.floors.hashing COST`."""

import sys
import time
from statistics import median

import bcrypt

HASHES = 8


def main() -> None:
    """The median of a few hashes."""
    salt = bcrypt.gensalt(int(sys.argv[1]))
    times = []
    for _ in range(HASHES):
        start = time.perf_counter()
        bcrypt.hashpw(b"x" * 64, salt)
        times.append(time.perf_counter() - start)
    print(median(times))


if __name__ == "__main__":
    main()
