# SPDX-License-Identifier: Apache-2.0
"""How a hub grows with receivers: merge on PostgreSQL, and ingest, on the same cores. The CPU times of each part are
what docs/scale.md and simulate.py compute with: unlike rates, they hardly depend on what else runs on the machine."""

import concurrent.futures
import contextlib
import os
import signal
import time

from figures import Figure, must_all
from stage import Stage, cpu_seconds, poll_until, tool, wait_until

import postgres

MERGES = (1, 2, 3)
INGESTS = (1, 2)
LOADS = 2  # load generators, whatever the number of ingests
RECORDED_S = 300


class Costs:
    """CPU seconds of each part since this was made."""

    def __init__(self, parts):
        self.parts = parts  # name: function that returns the CPU seconds so far
        self.before = {name: used() for name, used in parts.items()}

    def so_far(self):
        return {name: used() - self.before[name] for name, used in self.parts.items()}


def of_programs(*programs):
    return lambda: sum(cpu_seconds(program.pid) for program in programs)


def of_redis(stage):
    return lambda: cpu_seconds(stage.redis.process.pid)


def of_postgres(server):
    """Backends may end meanwhile: the server then has their time."""
    def used():
        first, *backends = server.processes()
        total = 0.0
        for pid in backends:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += cpu_seconds(pid)
        return total + cpu_seconds(first, ended_children=True)
    return used


def all_merged(stage, seconds=900):
    wait_until(lambda: stage.redis.backlog() == 0, "all tables to be merged", seconds)
    if stage.redis.dead() != 0:
        raise RuntimeError("tables went to the dead letters")


@contextlib.contextmanager
def merges(stage, server, url, count):
    """Receivers that are ready, and stopped until the queue is filled, so that all begin together."""
    found = [stage.receiver("merge", SYNC_db=url) for _ in range(count)]
    yield found, {"merge": of_programs(*found), "postgresql": of_postgres(server), "redis": of_redis(stage)}
    for program in found:
        stage.stop(program)


def merge_tables(stage, merging, counts, end=""):
    """Queues tables and merges them; (seconds, CPU seconds of each part)."""
    programs, parts = merging
    for program in programs:
        os.kill(program.pid, signal.SIGSTOP)
    try:
        tool("queue-tables", redis=stage.redis.url, tables=counts.scale_tables, devices=counts.scale_devices, end=end)
        costs = Costs(parts)
    finally:
        for program in programs:
            os.kill(program.pid, signal.SIGCONT)
    begun = time.monotonic()
    all_merged(stage)
    return time.monotonic() - begun, costs.so_far()


def database_bytes(url):
    return int(postgres.psql(url, "SELECT pg_database_size(current_database())"))


def measure_merges(root, counts, server, count):
    """Rates and CPU times for new and for known devices, with that number of receivers; and the bytes of a device."""
    devices = counts.scale_tables * counts.scale_devices
    url = server.new_database()
    with Stage(root) as stage, merges(stage, server, url, count) as merging:
        empty = database_bytes(url)
        found = {"new": merge_tables(stage, merging, counts)}
        each = (database_bytes(url) - empty) / devices
        turns = [merge_tables(stage, merging, counts, " " * (turn + 1)) for turn in range(counts.scale_known_times)]
    found["known"] = (sum(seconds for seconds, _ in turns),
                      {name: sum(used[name] for _, used in turns) for name in turns[0][1]})
    times = {"new": 1, "known": counts.scale_known_times}
    rates = {what: (devices * times[what] / seconds,
                    {name: value * 1e6 / (devices * times[what]) for name, value in used.items()})
             for what, (seconds, used) in found.items()}
    return {**rates, "bytes": each}


def measure_ingests(root, counts, count):
    """The rate of pushes into that number of receivers, and the CPU time of each."""
    with Stage(root) as stage:
        receivers = [stage.receiver("ingest") for _ in range(count)]
        costs = Costs({"ingest": of_programs(*receivers), "redis": of_redis(stage)})
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(LOADS) as pool:
            loads = list(pool.map(lambda number: tool("load", url=receivers[number % count].url, kind="native",
                                                      count=counts.pushes // LOADS), range(LOADS)))
        seconds = time.monotonic() - begun
        for load in loads:
            must_all(load, s202=counts.pushes // LOADS)
        pushes = counts.pushes // LOADS * LOADS
        return pushes / seconds, {name: used * 1e6 / pushes for name, used in costs.so_far().items()}


def known_nodes(stage, url, nodes):
    """Fills a PostgreSQL database with nodes and their digests, through a backup of a SQLite database."""
    stage.make_database()
    tool("fill-nodes", db=stage.db, nodes=nodes)
    file = stage.folder / "nodes.backup"
    for arguments, settings in ((("backup", file), {}), (("restore", file), {"SYNC_db": url})):
        stage.start("receiver", *arguments, **settings).wait()
        stage.programs.pop()


def measure_check_ins(root, counts, server):
    """CPU times for a check-in of a node whose table has not changed, up to its contact in the database."""
    nodes, url = counts.scale_nodes, server.new_database()
    with Stage(root) as stage:
        known_nodes(stage, url, nodes)
        merger, receiver = stage.receiver("merge", SYNC_db=url), stage.receiver("ingest")
        wait_until(lambda: stage.redis.cli("HLEN", "synchub:digests") == str(nodes), "the digests of all nodes", 120)
        costs = Costs({"ingest": of_programs(receiver), "redis": of_redis(stage), "merge": of_programs(merger),
                       "postgresql": of_postgres(server)})
        before = int(time.time() * 1000)
        # Spread, as ingest notes 12,288 contacts a second, and each with a connection, as nodes have.
        load = tool("load", url=receiver.url, kind="unchanged", count=nodes, requests=nodes, connections=200,
                    rate=counts.scale_rate)
        must_all(load, s200=nodes)
        recorded = f'SELECT count(*) FROM "SyncHub_Nodes" WHERE last_contact_ms >= {before}'
        # Seldom, as each question is a connection, whose time would be counted.
        if not poll_until(lambda: int(postgres.psql(url, recorded)) == nodes, RECORDED_S, pause_s=RECORDED_S / 100):
            raise RuntimeError("not all contacts were recorded")
        return {part: used * 1e6 / nodes for part, used in costs.so_far().items()}


def best_of(turns, measured):
    """Of several turns the fastest: other programs can only slow one down."""
    return max((measured() for _ in range(turns)), key=lambda one: one[0])


def lines(name, unit, results):
    """The rate of each number of receivers relative to that of one, and the CPU times with one."""
    alone = results[min(results)]
    for count, (rate, _) in results.items():
        yield Figure(f"scale_out_{name}_{count}", rate, unit, alone[0], rate / alone[0])
    for part, used in alone[1].items():
        yield Figure(f"scale_out_{name}_cpu_{part}", used, "us")


def scale_out(root, counts, memory):
    server = postgres.Postgres(durable=True)
    try:
        turns = {count: [measure_merges(root, counts, server, count) for _ in range(counts.turns)] for count in MERGES}
        for what in ("new", "known"):
            yield from lines(f"merge_{what}", "devices/s", {
                count: max((turn[what] for turn in turns[count]), key=lambda one: one[0]) for count in MERGES})
        for part, used in measure_check_ins(root, counts, server).items():
            yield Figure(f"scale_out_check_in_cpu_{part}", used, "us")
        yield Figure("scale_out_database", turns[1][0]["bytes"], "bytes/device")
    finally:
        server.remove()
    yield from lines("ingest", "pushes/s", {
        count: best_of(counts.turns, lambda count=count: measure_ingests(root, counts, count)) for count in INGESTS})
