# SPDX-License-Identifier: Apache-2.0
"""The metrics: each function measures one of them, together with its limit."""

import contextlib
import dataclasses
import math
import time

from stage import LockProbe, Stage, Tool, Webdis, cpu_seconds, peak_bytes, rest_bytes, shared_bytes, tool, wait_until

MIB = 1024 * 1024
# The approximate maximum of sealed bytes in one transaction (receiver/merge/merge_state.h).
BATCH_ENTRIES, BATCH_BYTES = 64, 4 * MIB
FILL_SECONDS_MAX = 3600  # of a database of ten million devices or nodes


@dataclasses.dataclass
class Figure:
    name: str
    value: float
    unit: str
    limit: float = None  # measured in the same run, in the same unit unless said otherwise
    ratio: float = None
    goal: str = "reported"
    met: bool = None  # None: there is no goal
    spread: str = "-"  # of the ratio, from turn to turn


@dataclasses.dataclass
class Counts:
    """How much work each metric measures: enough for stable values, or little in a short run to test that all work."""
    turns: int = 3  # of limit and value; the following are per turn
    pushes: int = 4000
    netalertx: int = 1000
    tables: int = 8
    known_times: int = 9  # so many that the start of merge, with its first page faults, counts little
    devices: int = 10000
    postgres_tables: int = 4
    postgres_known_times: int = 6
    check_ins: int = 60000
    nodes: int = 1000
    nodes_timeout_s: int = 3
    slow_ms: int = 2000
    rounds: int = 15
    growth: tuple = (10000, 100000, 1000000)
    growth_new: int = 30000
    growth_known: int = 100000
    growth_turns: int = 3
    pipeline_tables: int = 8
    large_table: int = 40000
    million_nodes: int = 1000000
    million_rate: int = 3334
    million_seconds: int = 30
    ten_million_nodes: int = 10000000
    ten_million_rate: int = 33340
    growth_long: int = 10000000
    appdb_nodes: int = 50
    scale_tables: int = 480
    scale_devices: int = 100
    scale_known_times: int = 5
    scale_nodes: int = 20000
    scale_rate: int = 2000
    view_nodes: int = 10000
    view_devices: int = 1000000


SHORT = Counts(turns=1, pushes=60, netalertx=20, tables=1, devices=200, postgres_tables=1, postgres_known_times=2,
               check_ins=200, nodes=40,
               nodes_timeout_s=2, slow_ms=200, rounds=1, growth=(100, 200, 300), growth_new=100,
               growth_known=100, growth_turns=2, pipeline_tables=2, large_table=400, million_nodes=400,
               million_rate=200, million_seconds=1, ten_million_nodes=400, ten_million_rate=200, growth_long=400,
               appdb_nodes=2,
               view_nodes=20, view_devices=100,
               scale_tables=6, scale_devices=50, scale_known_times=1, scale_nodes=200, scale_rate=100)


def middle(turns):
    """The (value, limit) pair with the median ratio: each value is measured directly after its limit, and the median
    ignores pairs disturbed by other programs."""
    return sorted(turns, key=lambda turn: turn[0] / turn[1])[len(turns) // 2]


def spread(turns):
    ratios = [value / limit for value, limit in turns]
    return f"{min(ratios):.3g}-{max(ratios):.3g}"


def at_least(name, unit, goal, turns):
    """Rates, each against its limit. Without a goal they are reported."""
    value, limit = middle(turns)
    if goal is None:
        return Figure(name, value, unit, limit, value / limit, spread=spread(turns))
    return Figure(name, value, unit, limit, value / limit, f">={goal}", value / limit >= goal, spread(turns))


def must_all(load, **counts):
    """Rejects a measurement if its requests did not get the expected answers."""
    for name, count in counts.items():
        if load[name] != count:
            raise RuntimeError(f"{name} is {load[name]}, not {count}: {load}")


# --- Ingest -----------------------------------------------------------------------------------


def cpu_us_of_each(pids, count, load):
    """(what load() returns, microseconds of CPU time that the processes spent on each of count requests)"""
    before = sum(map(cpu_seconds, pids))
    result = load()
    return result, (sum(map(cpu_seconds, pids)) - before) / count * 1e6


def ingest(root, counts, memory):
    with Stage(root) as stage:
        receiver = stage.receiver("ingest")

        def push(kind, status, count, **limit):
            """(pushes/s, bare XADDs/s, microseconds of CPU time of receiver and Redis for a push)"""
            stage.empty()
            bare = tool("limit-xadd", redis=stage.redis.url, count=count, **limit)
            load, cpu = cpu_us_of_each((receiver.pid, stage.redis.process.pid), count,
                                       lambda: tool("load", url=receiver.url, kind=kind, count=count))
            must_all(load, **{status: count})
            return load["rate"], bare["rate"], cpu

        def push_to_webdis():
            """The same pushes, at the same Redis, right before ours: (pushes/s, microseconds of CPU time for one)"""
            stage.empty()
            with Webdis(stage.folder, stage.redis) as peer:
                load, cpu = cpu_us_of_each((peer.process.pid, stage.redis.process.pid), counts.pushes,
                                           lambda: tool("load", url=peer.url, kind="webdis", count=counts.pushes))
            must_all(load, s200=counts.pushes)
            if stage.redis.call("XLEN", "bench") != counts.pushes:
                raise RuntimeError("webdis has not queued all")
            return load["rate"], cpu

        native, peer, cpu = [], [], []
        for _ in range(counts.turns):
            passed_on, peer_cpu = push_to_webdis()
            rate, bare, own_cpu = push("native", "s202", counts.pushes)
            native.append((rate, bare))
            peer.append((rate, passed_on))
            cpu.append((own_cpu, peer_cpu))
        memory["receiver_ingest"] = peak_bytes(receiver.pid)
        yield at_least("ingest_native", "pushes/s", 0.6, native)
        ours, passed_on = middle(peer)
        yield Figure("peer_webdis", passed_on, "pushes/s", ours, ours / passed_on, "ingest_native >=1",
                     ours >= passed_on, spread(peer))
        yield at_least("ingest_native_cpu_peer_webdis", "us", None, cpu)
        yield at_least("ingest_netalertx", "pushes/s", 0.7,
                       [push("netalertx", "s200", counts.netalertx, open=1)[:2]
                        for _ in range(counts.turns)])


# --- Merge ------------------------------------------------------------------------------------


def merge_tables(root, counts):
    """(rate, limit) for new devices in an empty database, for the same devices again, and with 1 % of them changed."""
    total = counts.tables * counts.devices
    with Stage(root) as stage:
        queued = tool("queue-tables", redis=stage.redis.url, tables=counts.tables,
                      devices=counts.devices)
        together = math.ceil(BATCH_BYTES / (queued["bytes"] / counts.tables))
        bare = tool("limit-insert", db=stage.folder / "limit.db", devices=total,
                    transaction=min(BATCH_ENTRIES, together) * counts.devices)
        new_seconds, _ = stage.merge_queue()
        for i in range(counts.known_times):  # another end changes the digest
            tool("queue-tables", redis=stage.redis.url, tables=counts.tables,
                 devices=counts.devices, end=" " * (i + 1))
        opened = tool("limit-open", devices=counts.devices, tables=counts.tables)
        seconds, _ = stage.merge_queue()
        for i in range(counts.known_times):  # 1 % of the devices come or go
            tool("queue-tables", redis=stage.redis.url, tables=counts.tables,
                 devices=counts.devices, flip=i)
        opened_again = tool("limit-open", devices=counts.devices, tables=counts.tables)
        flip_seconds, _ = stage.merge_queue()
        return ((total / new_seconds, bare["rate"]),
                (counts.known_times * total / seconds, opened["rate"]),
                (counts.known_times * total / flip_seconds, opened_again["rate"]))


def merge(root, counts, memory):
    new, known, flip = zip(*[merge_tables(root, counts) for _ in range(counts.turns)])
    yield at_least("merge_new", "devices/s", 0.8, new)
    yield at_least("merge_known", "devices/s", 0.45, known)  # with presence
    yield at_least("presence_flip", "devices/s", 0.2, flip)
    with Stage(root) as stage:
        large = tool("make-table", out=stage.folder / "large.json", devices=counts.large_table)
        tool("queue-tables", redis=stage.redis.url, tables=1, devices=counts.large_table)
        _, memory["merge"] = stage.merge_queue()
        memory["merge_table"] = int(large["bytes"])


def merge_into(stage, counts, size, turn):
    """Rates of known and of new devices in a database of that size. Each node has its own devices."""
    known = max(1, counts.growth_known // counts.devices)
    devices = min(size, counts.devices)
    # Tables of known devices are spread over the whole database.
    step = max(1, (size - counts.devices) // known)

    def queue_known(end):
        for i in range(known):
            tool("queue-tables", redis=stage.redis.url, tables=1, devices=devices, node=i, end=end,
                 first=min(i * step, max(0, size - counts.devices)))

    is_new = counts.growth_new * 10 > size  # rows of one turn would be known in the next
    if is_new:
        for path in stage.folder.glob(stage.db.name + "*"):
            path.unlink()
        stage.empty()  # the queue belongs to the database
        tool("fill-devices", db=stage.db, devices=size)
    if is_new or turn == 0:  # not counted: nobody has seen these devices yet
        queue_known("")
        stage.merge_queue()
    queue_known(" " * (turn + 1))
    known_seconds, _ = stage.merge_queue()
    tables = 3
    tool("queue-tables", redis=stage.redis.url, tables=tables, devices=counts.growth_new // tables,
         node=known + turn * tables, first=size + (turn + 1) * 10000000)
    new_seconds, _ = stage.merge_queue()
    return {"known": known * devices / known_seconds,
            "new": counts.growth_new // tables * tables / new_seconds}


def growth_turns(root, counts, sizes):
    """For each turn the rates at each size, smallest first."""
    with contextlib.ExitStack() as stack:
        stages = {size: stack.enter_context(Stage(root)) for size in sizes}
        for size, stage in stages.items():
            if counts.growth_new * 10 <= size:
                tool("fill-devices", db=stage.db, devices=size, timeout_s=FILL_SECONDS_MAX)
        return [{size: merge_into(stage, counts, size, turn) for size, stage in stages.items()}
                for turn in range(counts.growth_turns)]


def growth(root, counts, memory):
    smallest, *others = counts.growth
    turns = growth_turns(root, counts, counts.growth)
    for what in ("new", "known"):
        for size in others:
            figure = at_least(f"growth_{what}_{size}", "devices/s", 0.75 if what == "new" else 0.6,
                              [(turn[size][what], turn[smallest][what]) for turn in turns])
            if size != others[-1]:
                figure.goal, figure.met = "reported", None
            yield figure


def growth_long(root, counts, memory):
    smallest, size = counts.growth[0], counts.growth_long
    turns = growth_turns(root, counts, (smallest, size))
    yield at_least(f"growth_new_{size}", "devices/s", 0.6, [(turn[size]["new"], turn[smallest]["new"]) for turn in turns])


def watch_app_db(root, tables, devices):
    """Measures how long other programs wait for the lock of a NetAlertX database while new devices are merged."""
    with Stage(root) as stage:
        db, out = stage.make_app_db()
        tool("queue-tables", redis=stage.redis.url, tables=tables, devices=devices)
        probes = [LockProbe(mode, db) for mode in ("held", "wait")]
        merger = stage.start("receiver", SYNC_receiver_role="merge", SYNC_listen="127.0.0.1:0",
                             SYNC_db=db, SYNC_plugins_out=out)
        wait_until(lambda: stage.redis.backlog() == 0, "new devices in an app.db", 300)
        held, waited = [probe.end() for probe in probes]
        stage.stop(merger)
        if stage.redis.dead() != 0 or held["met"] == 0:
            raise RuntimeError(f"nothing was merged, or the lock not met: {held}")
        return held, waited


def appdb_lock(root, counts, memory):
    """The limit is NetAlertX's: it waits 5 s for a lock, and its main loop ends if it does not get it."""
    for name, tables, devices in (("appdb_lock", 1, counts.devices),
                                  ("appdb_lock_tables", counts.appdb_nodes, min(200, counts.devices))):
        held, waited = watch_app_db(root, tables, devices)
        longest = held["longest"]
        yield Figure(name, longest, "s", 0.3, longest / 0.3, "<=0.3 s", longest <= 0.3)
        lost = waited["lost"] > 0
        yield Figure(name.replace("lock", "wait"), waited["longest"], "s", 5, waited["longest"] / 5,
                     "none of 5 s", not lost)


# --- HTTP without a body -----------------------------------------------------------------------


def unchanged(root, counts, memory):
    nodes = min(1000, counts.check_ins)
    with Stage(root) as stage, Tool("constant-server") as server:
        stage.make_database()
        tool("fill-nodes", db=stage.db, nodes=nodes)
        constant = "http://" + server.lines_until("listening on")[-1].split()[-1]
        receiver = stage.receiver("all")
        wait_until(lambda: stage.redis.cli("HLEN", "synchub:digests") == str(nodes),
                   "the digests of all nodes")

        def ask(url):
            load = tool("load", url=url, kind="unchanged", count=counts.check_ins, requests=nodes)
            must_all(load, s200=counts.check_ins)
            return load["rate"]

        turns = []
        for _ in range(counts.turns):
            bare = ask(constant)
            turns.append((ask(receiver.url), bare))
        yield at_least("unchanged", "check-ins/s", 0.75, turns)


# --- Pull -------------------------------------------------------------------------------------


def pull_fanout(root, counts, memory):
    timeout = counts.nodes_timeout_s
    with Stage(root) as stage, Tool("nodes", count=counts.nodes, slow_ms=counts.slow_ms) as nodes:
        ports = nodes.lines_until("ready")[:-1]

        def pull(some):
            urls = ",".join(f"http://127.0.0.1:{port}" for port in some)
            path = stage.folder / "nodes"
            path.write_text(urls)
            begun = time.monotonic()
            puller = stage.start("puller", "--once", SYNC_nodes_FILE=path,
                                 SYNC_RUN_TIMEOUT=timeout)
            puller.wait()
            stage.programs.remove(puller)
            return time.monotonic() - begun

        slowest = pull(ports[:1])  # a dead one
        wall = pull(ports)
        ratio = wall / slowest
        yield Figure("pull_fanout", wall, "s", slowest, ratio, "<=1.5", ratio <= 1.5)
        good = counts.nodes - counts.nodes // 20
        lost = good - stage.redis.backlog()
        yield Figure("pull_fanout_not_pulled", lost, "nodes", 0, None, "0", lost == 0)


# --- End to end ---------------------------------------------------------------------------------


def pusher(stage, node, url, first, devices=1, **settings):
    """A node; its folder has its table and its spool."""
    folder = stage.nodes / node
    folder.mkdir()
    tool("make-table", out=folder / "table_devices.json", devices=devices, first=first)
    return stage.start("pusher", **{
        "SYNC_node_name": node, "SYNC_hub_url": url, "SYNC_devices": "True",
        "SYNC_devices_file": folder / "table_devices.json", "SYNC_spool_dir": folder,
        "SYNC_plugins_dir": folder, "SYNC_RUN": "always_after_scan", **settings})


def latency_of(root, counts, memory, nodes):
    """(p50, p99, median fsync of the disk) in ms of tables that so many nodes send at once."""
    with Stage(root) as stage:
        disk = tool("limit-fsync", file=stage.folder / "fsync")
        receiver = stage.receiver("all")
        for i in range(nodes):
            pusher(stage, f"bench-{i}", receiver.url, first=90000000 + i)
        wait_until(lambda: stage.redis.cli("HLEN", "synchub:digests") == str(nodes),
                   "the first table of each node")
        pids = [p.pid for p in stage.programs if p.name == "pusher"]
        memory["pusher_rest"] = max(rest_bytes(pid) for pid in pids)
        memory["pusher_rest_pss"] = max(shared_bytes(pid) for pid in pids)
        memory["pusher_idle"] = max(peak_bytes(pid) for pid in pids)
        took = tool("latency", folder=stage.nodes, db=stage.db, nodes=nodes, rounds=counts.rounds)
    return took["p50_us"] / 1000, took["p99_us"] / 1000, disk["p50_us"] / 1000


def latency(root, counts, memory):
    _, p99, fsync = latency_of(root, counts, memory, nodes=1)
    yield Figure("latency_one_p99", p99, "ms", fsync, p99 / fsync, "<=3 ms", p99 <= 3)
    p50, p99, fsync = latency_of(root, counts, memory, nodes=8)
    yield Figure("latency_p50", p50, "ms", fsync, p50 / fsync)
    yield Figure("latency_p99", p99, "ms", fsync, p99 / fsync, "<=10 ms", p99 <= 10)


def peak_of_a_usual_table(root):
    """The peak of a pusher whose node has 200 devices."""
    with Stage(root) as stage:
        receiver = stage.receiver("all")
        sender = pusher(stage, "bench", receiver.url, first=70000000, devices=200)
        wait_until(lambda: stage.redis.cli("HGET", "synchub:digests", "bench"), "the table")
        return peak_bytes(sender.pid)


def cpu_per_device(root, counts, memory):
    with Stage(root) as stage:
        receiver = stage.receiver("all")
        sender = pusher(stage, "bench", receiver.url, first=80000000)
        pids = (receiver.pid, stage.redis.process.pid, sender.pid)

        def merged():
            return stage.redis.cli("HGET", "synchub:digests", "bench")

        def push(first, end):
            """Waits until the hub reports another merged table than before."""
            before = merged()
            tool("make-table", out=stage.folder / "next.json", devices=counts.devices, first=first)
            text = (stage.folder / "next.json").read_text() + end
            (stage.nodes / "bench" / "table_devices.json").write_text(text)
            wait_until(lambda: merged() != before, "a table to be merged")

        wait_until(merged, "the first table")
        for what in ("new", "known"):
            before = sum(cpu_seconds(pid) for pid in pids)
            for i in range(counts.pipeline_tables):
                push(i * counts.devices, " " if what == "known" else "")
            used = sum(cpu_seconds(pid) for pid in pids) - before
            yield Figure(f"cpu_per_device_{what}",
                         used * 1e6 / (counts.pipeline_tables * counts.devices), "us")
        memory["pusher"] = peak_bytes(sender.pid)


def peaks(root, counts, memory):
    """Peak memory, recorded by the other metrics."""
    yield Figure("memory_pusher_rest_pss", memory["pusher_rest_pss"] / MIB, "MiB")
    for name, used, most in (("memory_pusher_rest", memory["pusher_rest"], 4),
                             ("memory_pusher_peak", peak_of_a_usual_table(root), 8)):
        yield Figure(name, used / MIB, "MiB", most, used / MIB / most, f"<={most} MiB", used <= most * MIB)
    yield Figure("memory_pusher_idle", memory["pusher_idle"] / MIB, "MiB")
    yield Figure("memory_pusher_table", memory["pusher"] / MIB, "MiB")
    yield Figure("memory_receiver_ingest", memory["receiver_ingest"] / MIB, "MiB")
    used, most = memory["merge"] / MIB, 3 * memory["merge_table"] / MIB + 32
    yield Figure("memory_merge", used, "MiB", most, used / most, "<=3x the table + 32 MiB",
                 used <= most)


ALL = {"ingest": ingest, "merge": merge, "unchanged": unchanged, "pull_fanout": pull_fanout,
       "latency": latency, "growth": growth, "cpu_per_device": cpu_per_device, "memory": peaks,
       "appdb_lock": appdb_lock}
