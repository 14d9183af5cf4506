# SPDX-License-Identifier: Apache-2.0
"""Watches a SQLite database's write lock from outside, as a process of its own, with Python's sqlite3.

    lock_probe.py held DB     tries for the lock all the time, and gives it back at once
    lock_probe.py wait DB     writes as NetAlertX does, which waits 5 s for the lock at most

Until its standard input ends. Prints the longest time in seconds that the lock was held, or that a
write waited, as NAME=VALUE words.
"""

import select
import sqlite3
import sys
import time

POLL_S = 0.002
BETWEEN_WRITES_S = 0.02
NETALERTX_WAITS_S = 5


def ended(timeout_s):
    return bool(select.select([sys.stdin], [], [], timeout_s)[0])


def held(db):
    """Between two tries that got it, the lock was held by others for at most that long."""
    connection = sqlite3.connect(db, timeout=0, isolation_level=None)
    longest, tries, free_at = 0.0, 0, time.monotonic()
    while not ended(POLL_S):
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            tries += 1
            longest = max(longest, time.monotonic() - free_at)
        else:
            connection.execute("ROLLBACK")
            free_at = time.monotonic()
    return {"longest": longest, "met": tries}


def wait(db):
    connection = sqlite3.connect(db, timeout=NETALERTX_WAITS_S, isolation_level=None)
    longest, writes, lost = 0.0, 0, 0
    while not ended(BETWEEN_WRITES_S):
        begun = time.monotonic()
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE Settings SET setValue = setValue WHERE setKey = 'DEV_HIST_DAYS'")
            connection.execute("COMMIT")
            writes += 1
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            lost += 1
        longest = max(longest, time.monotonic() - begun)
    return {"longest": longest, "met": writes, "lost": lost}


def main():
    print("ready", flush=True)
    found = {"held": held, "wait": wait}[sys.argv[1]](sys.argv[2])
    print(*[f"{name}={value:.6f}" for name, value in found.items()])


if __name__ == "__main__":
    main()
