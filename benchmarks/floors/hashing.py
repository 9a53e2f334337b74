"""Prints the seconds of one bcrypt hash where so many threads hash: `-m benchmarks.floors.hashing COST THREADS`."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from statistics import median

import bcrypt

HASHES = 8


def _seconds_of_each(salt: bytes) -> list[float]:
    times = []
    for _ in range(HASHES):
        start = time.perf_counter()
        bcrypt.hashpw(b"x" * 64, salt)
        times.append(time.perf_counter() - start)
    return times


def main() -> None:
    """The median of a few hashes of every thread."""
    salt, threads = bcrypt.gensalt(int(sys.argv[1])), int(sys.argv[2])
    with ThreadPoolExecutor(threads) as pool:
        print(median(chain.from_iterable(pool.map(_seconds_of_each, [salt] * threads))))


if __name__ == "__main__":
    main()
