# SPDX-License-Identifier: Apache-2.0
"""Check-ins of a million nodes at one receiver, and of ten million at two that share a merging one."""

import concurrent.futures
import dataclasses

from figures import FILL_SECONDS_MAX, Figure, must_all
from stage import TOOL_SECONDS_MAX, Stage, cpu_seconds, tool, wait_until

LATE_MAX = 20  # times as long as it should take is measured, and reported as not sustained


@dataclasses.dataclass
class Fleet:
    """Nodes that check in at a rate, one in a hundred of them with a changed table."""
    name: str
    nodes: int
    rate: int
    seconds: int
    ingests: int  # each with a load of its own; 0: one receiver does all


def start_hub(stage, fleet):
    """The receivers that nodes reach, and all programs of the hub; the hub knows the nodes then."""
    stage.make_database()
    tool("fill-nodes", db=stage.db, nodes=fleet.nodes, timeout_s=FILL_SECONDS_MAX)
    doors = [stage.receiver("ingest") for _ in range(fleet.ingests)]
    merger = stage.start("receiver", SYNC_receiver_role="merge" if doors else "all", SYNC_listen="127.0.0.1:0")
    wait_until(lambda: stage.redis.cli("HLEN", "synchub:digests") == str(fleet.nodes),
               "the digests of all nodes", 120 + fleet.nodes // 10000)
    merger.wait_ready()  # once it has published them
    return doors or [merger], [*doors, merger]


def load_of(fleet, doors):
    """Sends the check-ins of the fleet, the same share to each door, all at once."""
    count = fleet.rate * fleet.seconds // len(doors)
    with concurrent.futures.ThreadPoolExecutor(len(doors)) as pool:
        loads = list(pool.map(lambda i: tool("load", url=doors[i].url, kind="million", count=count, connections=900,
                                             first=i * count, rate=fleet.rate // len(doors),
                                             timeout_s=TOOL_SECONDS_MAX + LATE_MAX * fleet.seconds), range(len(doors))))
    for load in loads:
        must_all(load, s4xx=0, s5xx=0)
        if load["s200"] + load["s202"] + load["failed"] != count or load["s202"] + load["failed"] < count // 100:
            raise RuntimeError(f"not every check-in was answered as it should be: {load}")
    return loads


def check_ins(root, fleet):
    with Stage(root) as stage:
        doors, programs = start_hub(stage, fleet)
        pids = [stage.redis.process.pid, *(program.pid for program in programs)]
        before = [cpu_seconds(pid) for pid in pids]
        loads = load_of(fleet, doors)
        used = [cpu_seconds(pid) - was for pid, was in zip(pids, before)]
        tool("wait-merged", redis=stage.redis.url)
    rate, p99 = sum(load["rate"] for load in loads), max(load["p99_us"] for load in loads)
    seconds, failed = max(load["seconds"] for load in loads), sum(load["failed"] for load in loads)
    yield Figure(fleet.name, rate, "check-ins/s", fleet.rate, rate / fleet.rate, "sustained",
                 rate >= 0.98 * fleet.rate and failed == 0)
    yield Figure(f"{fleet.name}_failed", failed, "check-ins")  # a hub that is overloaded lets connections wait too long
    yield Figure(f"{fleet.name}_p99", p99 / 1000, "ms", 20, p99 / 20000, "<=20 ms", p99 <= 20000)
    yield Figure(f"{fleet.name}_cpu", sum(used) / seconds, "cores")
    yield Figure(f"{fleet.name}_cpu_redis", used[0] / seconds, "cores")


def million(root, counts, memory):
    yield from check_ins(root, Fleet("million", counts.million_nodes, counts.million_rate, counts.million_seconds, 0))


def ten_million(root, counts, memory):
    yield from check_ins(root, Fleet("ten_million", counts.ten_million_nodes, counts.ten_million_rate,
                                     counts.million_seconds, 2))
