# SPDX-License-Identifier: Apache-2.0
"""What breaks things: the kills, one after the other, and the weather beside them."""

import os
import random
import signal
import sqlite3
import threading
import time

import harness
import world

TRIGGER_S = 2.0  # how long a kill waits for the moment it was meant for

# (share, victim, moment)
KILLS = (
    (8, "ingest", "any"), (8, "ingest", "post"),
    (8, "merge", "any"), (8, "merge", "commit"), (5, "merge", "file"), (4, "both merges", "commit"),
    (6, "pusher", "any"), (6, "pusher", "answer"), (5, "pusher", "spool"),
    (6, "puller", "any"), (4, "pulled", "any"),
    (6, "redis", "any"), (5, "redis", "post"), (5, "redis", "commit"),
)

WEATHER = ("lock", "disk", "full", "pause", "demoted", "unkept", "clock")
DAY = 86400


class Killer:
    """Kills one program at a time, at random, and often at the worst moment."""

    def __init__(self, hub, spools, seed):
        self.hub = hub
        self.spools = spools
        self.random = random.Random(seed)
        self.moments = {}  # how many kills met the moment they were meant for

    def once(self):
        _, victim, moment = self.random.choices(KILLS, [share for share, _, _ in KILLS])[0]
        names = {"ingest": ["ingest-0", "ingest-1"], "merge": ["merge-0", "merge-1"],
                 "pusher": self.hub.pushers, "pulled": self.hub.pulled,
                 "puller": ["puller"]}.get(victim, [])
        name = self.random.choice(names) if names else victim
        # Mostly started again at once, sometimes after a while.
        away_s = self.random.choice((0, 0, 0, 0.5, 2))
        delay_s = self.random.choice((0, 0, 0.002, 0.01, 0.05))

        def kill(node=None):
            # A moment a little later is as bad, and another one; Redis may have been killed by then.
            harness.poll_until(lambda: self.hub.redis.process is None, delay_s, pause_s=delay_s)
            if victim == "redis":
                self.hub.kill_redis()
            elif victim == "both merges":
                for one in ("merge-0", "merge-1"):
                    self.hub.services[one].kill(away_s)
            else:
                chosen = node if victim == "pusher" and node in self.hub.pushers else name
                self.hub.services[chosen].kill(away_s)

        met = self._at(moment, kill)
        if not met:
            kill()
        key = f"{victim}/{moment}" if met else f"{victim}/any"
        self.moments[key] = self.moments.get(key, 0) + 1

    def _at(self, moment, kill):
        """Waits for the moment and kills then; False where it did not come."""
        if moment == "any":
            return False
        if moment in ("commit", "file"):
            watch = self._wait_commit if moment == "commit" else self._wait_file
            if watch():
                kill()
                return True
            return False
        came = threading.Event()

        def listener(node):
            kill(node)
            came.set()

        if moment == "spool":
            self.spools.on_new = listener
        else:
            self.hub.proxy.on(moment, listener)
        if came.wait(TRIGGER_S):
            return True
        if moment == "spool":
            self.spools.on_new = None
        else:
            self.hub.proxy.off(moment)
        return came.is_set()

    def _wait_commit(self):
        """Until another connection has committed: its entries are not acknowledged yet."""
        end = time.monotonic() + TRIGGER_S
        try:
            connection = self.hub.database()
        except sqlite3.Error:
            return False
        try:
            first = connection.execute("PRAGMA data_version").fetchone()
            while time.monotonic() < end:
                if connection.execute("PRAGMA data_version").fetchone() != first:
                    return True
        except sqlite3.Error:
            return False
        finally:
            connection.close()
        return False

    def _wait_file(self):
        """Until a result was written out: its transaction is not committed yet."""
        end = time.monotonic() + TRIGGER_S
        first = len(os.listdir(self.hub.out))
        while time.monotonic() < end:
            if len(os.listdir(self.hub.out)) != first:
                return True
        return False


class Weather:
    """Everything but the kills, one thing after the other: long ones hold up all behind them."""

    def __init__(self, hub, seed, lock_s, pause_s, spell_s):
        self.hub = hub
        self.random = random.Random(seed)
        self.lock_s = lock_s
        self.pause_s = pause_s
        self.spell_s = spell_s
        self.stopping = threading.Event()
        self.done = {}
        self.kinds = []

    def step(self):
        if not self.kinds:
            self.kinds = list(WEATHER)
            self.random.shuffle(self.kinds)
        kind = self.kinds.pop()
        if getattr(self, "_" + kind)():
            self.done[kind] = self.done.get(kind, 0) + 1

    def _pause(self):
        """Redis answers nothing, and keeps its connections."""
        process = self.hub.redis.process
        if process is None or process.poll() is not None:
            return False
        self.hub.redis.pause()
        self.stopping.wait(self.pause_s)
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
        return True

    def _full(self):
        """Redis has a little room left, and then none."""
        try:
            used = world.resp(self.hub.redis.port, "INFO", "memory").decode()
            used = int(used.partition("used_memory:")[2].split("\r\n")[0])
            world.resp(self.hub.redis.port, "CONFIG", "SET", "maxmemory", used + 20000)
            self.stopping.wait(self.spell_s)
            world.resp(self.hub.redis.port, "CONFIG", "SET", "maxmemory", 0)
        except OSError:
            return False  # it was killed, and has its memory back
        return True

    def _demoted(self):
        """Redis becomes a replica of nobody for a while: its connections stay, and take no writes."""
        try:
            world.resp(self.hub.redis.port, "REPLICAOF", "127.0.0.1", "1")
            self.stopping.wait(self.spell_s)
            world.resp(self.hub.redis.port, "REPLICAOF", "NO", "ONE")
        except OSError:
            return False  # it was killed, and is a master again
        return True

    def _unkept(self):
        """Redis is told to keep less than it must: nothing may be answered with success then."""
        try:
            world.resp(self.hub.redis.port, "CONFIG", "SET", "appendfsync", "everysec")
            self.stopping.wait(self.spell_s)
            world.resp(self.hub.redis.port, "CONFIG", "SET", "appendfsync", "always")
        except OSError:
            return False
        return True

    def _clock(self):
        """The wall clock of the nodes, the hub or Redis jumps by days, and back."""
        clock = self.random.choice(list(self.hub.clocks.values()))
        clock.set(self.random.choice((-1, 1)) * self.random.uniform(1, 3) * DAY)
        self.stopping.wait(self.spell_s)
        clock.set(0)
        return True

    def _disk(self):
        self.hub.disk.fill(self.hub.merge_pids())
        self.stopping.wait(self.spell_s)
        self.hub.disk.free(self.hub.merge_pids())
        return True

    def _lock(self):
        """Somebody else holds the database."""
        connection = sqlite3.connect(self.hub.db, timeout=2, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
            self.stopping.wait(self.lock_s)
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            return False
        finally:
            connection.close()
        return True
