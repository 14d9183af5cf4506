#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fault harness: kills a hub and its nodes at critical moments and checks that nothing is lost or duplicated.

    tests/faults/run.py [--kills N] [--seed N] [--short] [--ha [cluster] [--failovers N] [--replicas N]]
"""

import argparse
import pathlib
import random
import shutil
import sys
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "integration")]

import breaking
import failover
import harness
import nodes
import verify
import world

LONG = {"kills": 220, "pushers": 8, "pulled": 3, "gap_s": (0.1, 1.6), "lock_s": 30, "pause_s": 12,
        "spell_s": 8, "calm_s": 4, "weather": len(breaking.WEATHER), "drain_s": 240, "failovers": 60}
SHORT = {"kills": 22, "pushers": 3, "pulled": 2, "gap_s": (0.05, 0.7), "lock_s": 5, "pause_s": 2,
         "spell_s": 2, "calm_s": 0.5, "weather": 4, "drain_s": 240, "failovers": 6}

QUIET_LOOKS = 25  # consecutive checks without anything in progress


class Run:
    def __init__(self, folder, seed, plan):
        self.plan = plan
        self.random = random.Random(seed)
        self.hub = self.make_hub(folder, seed)
        self.scanners = nodes.Scanners(self.hub, seed + 1)
        self.spools = nodes.SpoolWatch(self.hub)
        self.killer = breaking.Killer(self.hub, self.spools, seed + 2)
        self.weather = breaking.Weather(self.hub, seed + 3, plan["lock_s"], plan["pause_s"],
                                        plan["spell_s"])
        netalertx = [nodes.NetAlertXNode(self.hub, f"netalertx-{number}", seed + 10 + number)
                     for number in range(2)]
        self.writers = [nodes.Worker(self.scanners.step, 0.1),
                        nodes.Worker(nodes.Poisoner(self.hub).step, 2.0),
                        *(nodes.Worker(node.step, 0.2) for node in netalertx)]
        self.keepers = [nodes.Worker(self.spools.step, 0.002), nodes.Worker(self.hub.look, 0.02)]
        self.storm = nodes.Worker(self.weather.step, plan["calm_s"])

    def make_hub(self, folder, seed):
        return world.World(folder, seed, self.plan["pushers"], self.plan["pulled"])

    def begin(self):
        self.scanners.write_all()
        self.hub.look()
        for name in ("ingest-0", "ingest-1", "merge-0", "merge-1"):
            self.hub.services[name].program.wait_ready()
        for worker in (*self.keepers, *self.writers, self.storm):
            worker.start()

    def break_things(self):
        begin = time.monotonic()
        while self.hub.kills() < self.plan["kills"] or len(self.weather.done) < self.plan["weather"]:
            workers = (*self.keepers, *self.writers, self.storm)
            failed = harness.poll_until(lambda: [w for w in workers if w.error],
                                        self.random.uniform(*self.plan["gap_s"]))
            if failed:
                raise failed[0].error
            self.killer.once()
        return time.monotonic() - begin

    def calm_down(self):
        """Stops all failures and all writers."""
        for worker in self.writers:
            worker.end()
        self.weather.stopping.set()
        self.storm.end()
        self.hub.look()
        harness.redis_call(self.hub.redis.port, "CONFIG", "SET", "maxmemory", 0)
        self.hub.proxy.lose_answers = 0
        self.hub.memory.deny(0)
        self.scanners.promise_last()
        # Restarts pushers, so that they do not wait for their back-off.
        for name in (*self.hub.pushers, "puller"):
            with self.hub.services[name].lock:
                self.hub.services[name].stop()

    def drained(self):
        """Whether all items have been processed."""
        waiting = [item for item in self.scanners.tables.values()
                   if item.node in self.hub.pushers and "answered" not in item.promises]
        if waiting or self.spools.waiting():
            return False
        try:
            if harness.redis_call(self.hub.redis.port, "XLEN", f"{self.hub.prefix}:ingest") != 0:
                return False
            connection = self.hub.database()
            # Also of those that push, as an accepted table may have been lost with Redis' data.
            last = [item.keys[-1] for item in self.scanners.tables.values()]
            there = [connection.execute("SELECT 1 FROM Devices WHERE devMac = ?", (mac,)).fetchone()
                     for mac in last]
            connection.close()
            return all(there)
        except (OSError, world.sqlite3.Error):
            return False

    def drain(self):
        begin = time.monotonic()
        quiet = 0

        def done():
            nonlocal quiet
            quiet = quiet + 1 if self.drained() else 0
            return quiet >= QUIET_LOOKS or any(worker.error for worker in self.keepers)

        harness.poll_until(done, self.plan["drain_s"], pause_s=0.04)
        for worker in self.keepers:
            worker.end()
        return time.monotonic() - begin

    def go(self):
        """Runs and returns the outcome; prints its progress."""
        self.begin()
        broke_s = self.break_things()
        self.calm_down()
        drained_s = self.drain()
        hub = self.hub
        for service in hub.services.values():
            service.stop()
        outcome = verify.check(hub, hub.book, self.spools.refused())
        hub.stop()
        counts = {name: service.kills for name, service in hub.services.items()}
        print(f"{broke_s:.0f} s of breaking, {drained_s:.0f} s of draining; weather "
              f"{self.weather.done}; disk {hub.disk.kind}; hostile pushes {dict(self.weather.answers)}")
        print(f"kills: redis {hub.redis_kills}, "
              f"{', '.join(f'{name} {number}' for name, number in counts.items())}")
        if outcome.left_over:
            print(f"{outcome.left_over} half-written files lie hidden in SYNC_plugins_out")
        print(f"moments: {self.killer.moments}; answers {hub.proxy.statuses}")
        return outcome


class FailoverRun(Run):
    """Redis fails over, instead of the other failures."""

    def __init__(self, folder, seed, plan):
        super().__init__(folder, seed, plan)
        self.killer = failover.Breaker(self.hub, seed + 2)
        self.storm = nodes.Worker(lambda: None, 1.0)
        self.prober = failover.Prober(self.hub, seed + 4)

    def make_hub(self, folder, seed):
        return failover.HaWorld(folder, seed, self.plan["pushers"], self.plan["pulled"],
                                failover.GROUPS[self.plan["ha"]], self.plan["replicas"])

    def break_things(self):
        begin = time.monotonic()
        self.prober.start()
        while self.hub.redis.failovers < self.plan["failovers"]:
            failed = [w for w in (*self.keepers, *self.writers) if w.error]
            if failed:
                raise failed[0].error
            self.killer.once()
        self.hub.redis.wait_until_complete()
        self.prober.end(self.killer.begun)
        print(f"{self.hub.redis.failovers} failovers of Redis ({self.plan['ha']}), "
              f"{self.plan['replicas']} replicas must confirm")
        return time.monotonic() - begin


def run(seed, plan, kind=Run):
    """Runs once and prints statistics. True if nothing was lost or duplicated."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="synchub-faults-"))
    print(f"seed {seed}, in {folder}", flush=True)
    this = kind(folder, seed, plan)
    try:
        outcome = this.go()
    except BaseException:
        this.hub.end()
        raise
    for title in ("lost", "doubled", "wrong"):
        for line in getattr(outcome, title)[:20]:
            print(f"  {title}: {line}")
    print(f"flushes of Redis {this.hub.flushes}: {this.hub.book.flushed} entries were in it, "
          f"{len(outcome.flushed)} items of them are gone, which no node holds any more")
    print(f"kills {this.hub.kills()}, items sent {outcome.sent}, merged {outcome.merged}, "
          f"dead {outcome.dead}, lost {len(outcome.lost)}, doubled {len(outcome.doubled)}"
          + (f", wrong {len(outcome.wrong)}" if outcome.wrong else ""), flush=True)
    this.hub.disk.remove()
    if outcome.good:
        shutil.rmtree(folder)
    else:
        print(f"the logs stay in {folder}")
    return outcome.good


def main():
    parser = argparse.ArgumentParser(description="break a hub and count what arrived")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--kills", type=int, help=f"at least so many ({LONG['kills']})")
    parser.add_argument("--ha", nargs="?", const="sentinel", choices=failover.GROUPS,
                        help="Redis with Sentinel fails over, or a Redis Cluster (root only)")
    parser.add_argument("--failovers", type=int, help=f"at least so many ({LONG['failovers']})")
    parser.add_argument("--replicas", type=int, default=1,
                        help="SYNC_redis_replicas; with 0 losses are expected, and counted")
    parser.add_argument("--short", action="store_true", help="the form that ./dev test runs")
    options = parser.parse_args()
    plan = dict(SHORT if options.short else LONG)
    plan["replicas"] = options.replicas
    plan["ha"] = options.ha
    if options.kills is not None:
        plan["kills"] = options.kills
    if options.failovers is not None:
        plan["failovers"] = options.failovers
    harness.READY_S = max(harness.READY_S, 120)
    return 0 if run(options.seed, plan, FailoverRun if options.ha else Run) else 1


if __name__ == "__main__":
    sys.exit(main())
