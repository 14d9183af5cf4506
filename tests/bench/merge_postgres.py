# SPDX-License-Identifier: Apache-2.0
"""Merge into PostgreSQL, beside bare libpq in pipeline mode with the same rows on the same server."""

import math

from figures import BATCH_BYTES, BATCH_ENTRIES, Figure, at_least
from scale_out import Costs, of_postgres
from stage import Stage, tool

import postgres


class Measured:
    """One of the two sides in one turn."""

    def __init__(self, devices, seconds, client, server):
        self.rate = devices / seconds
        self.cpu = {"client": client * 1e6 / devices, "postgresql": server * 1e6 / devices}


class Sides:
    """A database for the hub and one for bare libpq, on one server, and tables in the queue."""

    def __init__(self, stage, server, counts):
        self.stage, self.counts, self.server = stage, counts, server
        self.devices = counts.postgres_tables * counts.devices
        self.hub, self.alone = server.new_database(), server.new_database()
        self.sealed = 0

    def queue(self, end=""):
        queued = tool("queue-tables", redis=self.stage.redis.url, tables=self.counts.postgres_tables,
                      devices=self.counts.devices, end=end)
        self.sealed = queued["bytes"] / self.counts.postgres_tables

    def merge(self, times=1):
        """What waits in the queue."""
        costs = Costs({"postgresql": of_postgres(self.server)})
        seconds, _ = self.stage.merge_queue(SYNC_db=self.hub)
        return Measured(times * self.devices, seconds, self.stage.merge_cpu_seconds, costs.so_far()["postgresql"])

    def bare(self, what):
        costs = Costs({"postgresql": of_postgres(self.server)})
        together = min(BATCH_ENTRIES, math.ceil(BATCH_BYTES / self.sealed))
        done = tool("limit-postgres", db=self.alone, devices=self.devices, what=what,
                    transaction=together * self.counts.devices)
        return Measured(self.devices, done["seconds"], done["cpu"], costs.so_far()["postgresql"])


def measure(root, counts, server):
    """(hub, bare) for new devices, for the same again, and the latter beside look-ups alone."""
    with Stage(root) as stage:
        sides = Sides(stage, server, counts)
        sides.queue()
        new = sides.bare("new")
        merged = sides.merge()
        for i in range(counts.postgres_known_times):  # another end changes the digest
            sides.queue(end=" " * (i + 1))
        again, found = sides.bare("again"), sides.bare("find")
        known = sides.merge(counts.postgres_known_times)
    return (merged, new), (known, again), (known, found)


def cpu_lines(name, turns):
    """CPU of the client and of the server for a device, in the turn with the middle sum."""
    hub, bare = sorted(turns, key=lambda turn: sum(turn[0].cpu.values()))[len(turns) // 2]
    for part, used in hub.cpu.items():
        limit = bare.cpu[part]
        yield Figure(f"{name}_cpu_{part}", used, "us", limit, used / limit if limit > 0 else None)


def merge_postgres(root, counts, memory):
    server = postgres.Postgres(durable=True)
    try:
        turns = [measure(root, counts, server) for _ in range(counts.turns)]
    finally:
        server.remove()
    new, known, found = zip(*turns)
    for name, pairs in (("merge_new_postgres", new), ("merge_known_postgres", known),
                        ("merge_known_postgres_lookups", found)):
        yield at_least(name, "devices/s", None, [(hub.rate, bare.rate) for hub, bare in pairs])
    yield from cpu_lines("merge_new_postgres", new)
    yield from cpu_lines("merge_known_postgres", known)
