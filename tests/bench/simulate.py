#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Simulates a day of a large hub second by second, with the measured CPU times of each part: how many of what it
needs, what is the bottleneck, and what an outage costs. docs/scale.md describes the model.

    tests/bench/simulate.py [NAME=VALUE ...]     every field of Costs, Fleet and Hub, e.g. nodes=200000 merges=4
"""

import collections
import dataclasses
import json
import sys

QUEUE_ENTRIES_MAX = 100000  # SH_QUEUE_ENTRIES_MAX of libcommon/base/limits.h
SCALE_ENTRIES = 200         # entries for each merge pod: k8s/overlays/scaled/scaling.yaml
SCALE_S = 30                # the pods double at most this often


@dataclasses.dataclass
class Costs:
    """CPU time in microseconds, of `./dev bench --only scale_out`; docs/scale.md has the table."""
    ingest_check_in: float = 230
    redis_check_in: float = 54.5
    merge_check_in: float = 26       # recording the contact
    postgresql_check_in: float = 136
    ingest_push: float = 105
    redis_push: float = 132
    merge_known: float = 4.0
    merge_new: float = 15.4
    postgresql_known: float = 4.33
    postgresql_new: float = 66
    push_bytes: float = 6000  # an envelope of a table of the fleet's size
    device_bytes: float = 874  # of a device in PostgreSQL, with its indexes and presence


@dataclasses.dataclass
class Fleet:
    nodes: int = 1000000
    devices: int = 100000000
    interval_s: int = 300      # between two check-ins of a node
    changed: float = 0.01      # of the check-ins send a table
    new_devices: float = 0.1   # of each such table
    day_s: int = 86400
    storm_s: int = 600         # after an outage in the middle of the day each node sends its table within this time


@dataclasses.dataclass
class Hub:
    ingests: int = 10           # pods, of one core
    merges: int = 2             # at least; pods, of one core
    merges_max: int = 10
    postgresql_cores: float = 16
    core_price: float = 25      # a month
    gib_price: float = 0.10     # of storage, a month


@dataclasses.dataclass
class Day:
    """What happened."""
    pushed: float = 0
    merged: float = 0
    refused: float = 0          # tables that waited at their nodes at a time, at most: pushes got 503
    queued: float = 0           # at the end
    queue_peak: float = 0
    wait_peak_s: float = 0      # of an entry in the queue
    caught_up_s: int = 0        # from the outage until the queue is short again
    merges_peak: int = 0
    busy: dict = dataclasses.field(default_factory=dict)   # part: (mean, peak) share of its cores
    cores: dict = dataclasses.field(default_factory=dict)  # part: cores in use, in the mean
    bottleneck: str = ""


class Meter:
    """The use of one part's cores."""

    def __init__(self):
        self.total = self.cores_total = self.peak = 0.0

    def add(self, used_us, cores):
        share = used_us / (cores * 1e6)
        self.total += used_us / 1e6
        self.cores_total += cores
        self.peak = max(self.peak, share)

    def shares(self):
        return (self.total / self.cores_total if self.cores_total else 0.0, self.peak)


def table_costs(costs, fleet):
    """CPU time for one table in merge and in PostgreSQL."""
    known = max(0.0, fleet.devices / fleet.nodes - fleet.new_devices)
    return (known * costs.merge_known + fleet.new_devices * costs.merge_new,
            known * costs.postgresql_known + fleet.new_devices * costs.postgresql_new)


class Simulation:
    def __init__(self, costs, fleet, hub):
        self.costs, self.fleet, self.hub = costs, fleet, hub
        self.meters = {part: Meter() for part in ("ingest", "redis", "merge", "postgresql")}
        self.table_merge_us, self.table_postgresql_us = table_costs(costs, fleet)
        self.merges, self.scaled_at = hub.merges, 0
        self.waiting = 0.0  # tables at nodes whose push was refused
        self.queue = 0.0
        self.batches = collections.deque()  # of the queue: [second, tables]
        self.day = Day()

    def arrive(self, second):
        """The check-ins and tables of this second."""
        check_ins = self.fleet.nodes / self.fleet.interval_s
        tables = check_ins * self.fleet.changed
        begin = self.fleet.day_s // 2
        if begin <= second < begin + self.fleet.storm_s:
            tables += self.fleet.nodes / self.fleet.storm_s
        return check_ins, tables

    def accept(self, second, check_ins, tables):
        """What ingest and Redis have time for enters the queue; nodes keep the rest, and try again."""
        costs = self.costs
        wanted = tables + self.waiting
        ingest_us = max(0.0, self.hub.ingests * 1e6 - check_ins * costs.ingest_check_in)
        redis_us = max(0.0, 1e6 - check_ins * costs.redis_check_in)
        taken = min(wanted, ingest_us / costs.ingest_push, redis_us / costs.redis_push,
                    max(0.0, QUEUE_ENTRIES_MAX - self.queue))
        self.meters["ingest"].add(check_ins * costs.ingest_check_in + taken * costs.ingest_push, self.hub.ingests)
        self.meters["redis"].add(check_ins * costs.redis_check_in + taken * costs.redis_push, 1)
        self.day.pushed += tables
        self.day.refused = max(self.day.refused, wanted - taken)
        self.waiting = wanted - taken
        self.queue += taken
        self.batches.append([second, taken])

    def merge(self, second, check_ins):
        """Contacts first, and tables with the rest of the time."""
        merge_us, postgresql_us = check_ins * self.costs.merge_check_in, check_ins * self.costs.postgresql_check_in
        can = max(0.0, min((self.merges * 1e6 - merge_us) / self.table_merge_us,
                            (self.hub.postgresql_cores * 1e6 - postgresql_us) / self.table_postgresql_us))
        done = min(self.queue, can)
        self.day.queue_peak = max(self.day.queue_peak, self.queue)
        self.meters["merge"].add(merge_us + done * self.table_merge_us, self.merges)
        self.meters["postgresql"].add(postgresql_us + done * self.table_postgresql_us, self.hub.postgresql_cores)
        self.queue -= done
        self.day.merged += done
        while self.batches and done >= self.batches[0][1]:
            done -= self.batches.popleft()[1]
        if self.batches:  # the second in which its last table is merged counts
            self.batches[0][1] -= done
            self.day.wait_peak_s = max(self.day.wait_peak_s, second + 1 - self.batches[0][0])

    def scale(self, second):
        """As KEDA does it: doubles while the queue is long, and removes one each minute later."""
        wanted = min(self.hub.merges_max, max(self.hub.merges, -(-self.queue // SCALE_ENTRIES)))
        if wanted > self.merges and second >= self.scaled_at + SCALE_S:
            self.merges, self.scaled_at = int(min(wanted, 2 * self.merges)), second
        elif wanted < self.merges and second >= self.scaled_at + 300:
            self.merges, self.scaled_at = self.merges - 1, second - 240
        self.day.merges_peak = max(self.day.merges_peak, self.merges)

    def run(self):
        seconds = self.fleet.day_s
        storm = seconds // 2
        for second in range(seconds):
            check_ins, tables = self.arrive(second)
            self.accept(second, check_ins, tables)
            self.merge(second, check_ins)
            self.scale(second)
            if second >= storm and self.queue + self.waiting > SCALE_ENTRIES:
                self.day.caught_up_s = second - storm + 1
        day = self.day
        day.queued = self.queue + self.waiting
        day.busy = {part: meter.shares() for part, meter in self.meters.items()}
        day.cores = {part: meter.total / seconds for part, meter in self.meters.items()}
        day.bottleneck = max(day.busy, key=lambda part: day.busy[part])
        return day


def limits(costs, fleet, hub):
    """How many nodes of this fleet each part can serve in steady state, with all pods that it may have."""
    seconds = fleet.interval_s
    merge_us, postgresql_us = table_costs(costs, fleet)
    each = {"ingest": (costs.ingest_check_in + fleet.changed * costs.ingest_push, hub.ingests),
            "redis": (costs.redis_check_in + fleet.changed * costs.redis_push, 1),
            "merge": (costs.merge_check_in + fleet.changed * merge_us, hub.merges_max),
            "postgresql": (costs.postgresql_check_in + fleet.changed * postgresql_us, hub.postgresql_cores)}
    return {part: cores * 1e6 * seconds / used for part, (used, cores) in each.items()}


def price(costs, fleet, hub, day):
    """A month: cores that are there all the time, merge pods as they are used, and the database's volume."""
    cores = hub.ingests + 1 + hub.postgresql_cores + max(hub.merges, day.cores["merge"])
    gib = fleet.devices * costs.device_bytes / 2**30
    return cores * hub.core_price + gib * hub.gib_price


def report(costs, fleet, hub):
    day = Simulation(costs, fleet, hub).run()
    lines = [f"{fleet.nodes:,} nodes, {fleet.devices:,} devices: {fleet.nodes / fleet.interval_s:,.0f} check-ins/s, "
             f"{fleet.nodes / fleet.interval_s * fleet.changed:,.1f} tables/s; the middle of the day brings every "
             f"table within {fleet.storm_s} s"]
    for part, nodes in limits(costs, fleet, hub).items():
        mean, peak = day.busy[part]
        lines.append(f"{part:12} {day.cores[part]:7.2f} cores in the mean, busy {mean:6.1%}, at most {peak:6.1%}; "
                     f"enough for {nodes:,.0f} nodes")
    lines += [f"bottleneck: {day.bottleneck}",
              f"queue at most {day.queue_peak:,.0f} entries ({day.queue_peak * costs.push_bytes / 2**20:,.0f} MiB), "
              f"waiting at most {day.wait_peak_s:,.0f} s; at most {day.refused:,.0f} tables "
              f"waited at their nodes",
              f"caught up {day.caught_up_s:,} s after the outage began to end; at most {day.merges_peak} merge pods",
              f"database {fleet.devices * costs.device_bytes / 2**30:,.0f} GiB; "
              f"{price(costs, fleet, hub, day):,.0f} a month"]
    return day, lines


def read_arguments(words):
    """The three parts, with fields replaced by NAME=VALUE."""
    parts = [Costs(), Fleet(), Hub()]
    for word in words:
        name, _, value = word.partition("=")
        owner = next((part for part in parts if hasattr(part, name)), None)
        if owner is None or not value:
            raise SystemExit(f"{word}: use NAME=VALUE with one of " + ", ".join(
                field.name for part in parts for field in dataclasses.fields(part)))
        setattr(owner, name, type(getattr(owner, name))(value))
    return parts


def main():
    words = [word for word in sys.argv[1:] if word != "--json"]
    parts = read_arguments(words)
    day, lines = report(*parts)
    if "--json" in sys.argv:
        print(json.dumps(dataclasses.asdict(day), indent=2))
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
