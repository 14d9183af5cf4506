# SPDX-License-Identifier: Apache-2.0
"""Injects failures: kills of programs, and other disturbances at the same time."""

import collections
import os
import random
import signal
import socket
import sqlite3
import threading
import time

import envelopes
import harness

TRIGGER_S = 2.0  # how long a kill waits for its chosen moment

# (share, victim, moment)
KILLS = (
    (8, "ingest", "any"), (8, "ingest", "post"),
    (8, "merge", "any"), (8, "merge", "commit"), (5, "merge", "file"), (4, "both merges", "commit"),
    (6, "pusher", "any"), (6, "pusher", "answer"), (5, "pusher", "spool"),
    (6, "puller", "any"), (4, "pulled", "any"),
    (6, "redis", "any"), (5, "redis", "post"), (5, "redis", "commit"),
)

WEATHER = ("lock", "disk", "full", "pause", "demoted", "unkept", "clock", "flood", "long", "keys",
           "memory", "flush")
DAY = 86400

FLOODERS = 2          # threads that push as fast as they can, for one node
FLOOD_CONNECTIONS = 700  # idle ones, of this many addresses
FLOOD_ADDRESSES = 7
FLUSHES = 3           # of Redis, one after another
LONG_LINES = 15000    # of a result that needs more than one transaction on a slow machine
LONG_RESULTS = 4
SERVED_S = 120        # time limit for serving others while a node floods the hub
MEMORY_LEAST = (4096, 65536, 1 << 20)  # size in bytes from which allocations fail


class Killer:
    """Kills one program at a time, at random, and often at the worst moment."""

    def __init__(self, hub, spools, seed):
        self.hub = hub
        self.spools = spools
        self.random = random.Random(seed)
        self.moments = {}  # number of kills at the chosen moment

    def once(self):
        _, victim, moment = self.random.choices(KILLS, [share for share, _, _ in KILLS])[0]
        names = {"ingest": ["ingest-0", "ingest-1"], "merge": ["merge-0", "merge-1"],
                 "pusher": self.hub.pushers, "pulled": self.hub.pulled,
                 "puller": ["puller"]}.get(victim, [])
        name = self.random.choice(names) if names else victim
        # Usually restarted at once, sometimes after a while.
        away_s = self.random.choice((0, 0, 0, 0.5, 2))
        delay_s = self.random.choice((0, 0, 0.002, 0.01, 0.05))

        def kill(node=None):
            # A slightly later moment is just as interesting; Redis may have been killed by then.
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
        """Kills at the chosen moment; False if it did not occur."""
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
        """Waits until another connection has committed: its entries are not acknowledged yet."""
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
        """Waits until a result's file was written: its transaction is not committed yet."""
        end = time.monotonic() + TRIGGER_S
        first = len(os.listdir(self.hub.out))
        while time.monotonic() < end:
            if len(os.listdir(self.hub.out)) != first:
                return True
        return False


class Weather:
    """All disturbances other than kills, one after another: a long one delays the rest."""

    def __init__(self, hub, seed, lock_s, pause_s, spell_s):
        self.hub = hub
        self.random = random.Random(seed)
        self.lock_s = lock_s
        self.pause_s = pause_s
        self.spell_s = spell_s
        self.stopping = threading.Event()
        self.done = {}
        self.kinds = self._shuffled()
        # The short form has few of them: always this one, whose losses are counted.
        self.kinds.remove("flush")
        self.kinds.insert(len(self.kinds) - self.random.randrange(3), "flush")
        self.answers = collections.Counter()  # statuses of pushes from here

    def _shuffled(self):
        return self.random.sample(WEATHER, len(WEATHER))

    def step(self):
        if not self.kinds:
            self.kinds = self._shuffled()
        kind = self.kinds.pop()
        if getattr(self, "_" + kind)():
            self.done[kind] = self.done.get(kind, 0) + 1

    def _pause(self):
        """Redis stops answering, but keeps its connections."""
        process = self.hub.redis.process
        if process is None or process.poll() is not None:
            return False
        process.send_signal(signal.SIGSTOP)  # it may be killed, and another one started, at any time
        self.stopping.wait(self.pause_s)
        process.send_signal(signal.SIGCONT)
        return True

    def _full(self):
        """Redis has little memory left, and then none."""
        try:
            used = harness.redis_call(self.hub.redis.port, "INFO", "memory").decode()
            used = int(used.partition("used_memory:")[2].split("\r\n")[0])
            harness.redis_call(self.hub.redis.port, "CONFIG", "SET", "maxmemory", used + 20000)
            self.stopping.wait(self.spell_s)
            harness.redis_call(self.hub.redis.port, "CONFIG", "SET", "maxmemory", 0)
        except OSError:
            return False  # it was killed, and its memory limit is reset
        return True

    def _flush(self):
        """Redis loses all its data, several times at random moments; merge must make it complete again."""
        flushed = False
        for _ in range(FLUSHES):
            self.stopping.wait(self.random.uniform(0, self.spell_s / FLUSHES))
            try:
                flushed = self.hub.flush_redis() or flushed
            except OSError:
                pass  # it has just been started, and loads its data
        self._serve("losses of Redis' data")
        return flushed

    def _demoted(self):
        """Redis becomes a replica without a master for a while: its connections stay, but refuse writes."""
        try:
            harness.redis_call(self.hub.redis.port, "REPLICAOF", "127.0.0.1", "1")
            self.stopping.wait(self.spell_s)
            harness.redis_call(self.hub.redis.port, "REPLICAOF", "NO", "ONE")
        except OSError:
            return False  # it was killed, and is a master again
        return True

    def _unkept(self):
        """Redis is configured without durability: no push may be answered with success."""
        try:
            harness.redis_call(self.hub.redis.port, "CONFIG", "SET", "appendfsync", "everysec")
            self.stopping.wait(self.spell_s)
            harness.redis_call(self.hub.redis.port, "CONFIG", "SET", "appendfsync", "always")
        except OSError:
            return False
        return True

    def _clock(self):
        """The wall clock of the nodes, the hub or Redis is set by days, and back."""
        clock = self.random.choice(list(self.hub.clocks.values()))
        clock.set(self.random.choice((-1, 1)) * self.random.uniform(1, 3) * DAY)
        self.stopping.wait(self.spell_s)
        clock.set(0)
        return True

    def _memory(self):
        """Large allocations of the hub's programs fail repeatedly for some tenths of a second."""
        end = time.monotonic() + self.spell_s
        while time.monotonic() < end and not self.stopping.is_set():
            self.hub.memory.deny(self.random.choice(MEMORY_LEAST))
            self.stopping.wait(self.random.uniform(0.05, 0.4))
            self.hub.memory.deny(0)
            self.stopping.wait(self.random.uniform(0.05, 0.4))
        return True

    def _keys(self):
        """Starts programs of the hub with another key."""
        programs = self.hub.with_another_key()
        self._serve("programs with another key")
        self.stopping.wait(self.spell_s)
        self.hub.stop_with_another_key(programs)
        return True

    def _flood(self):
        """One node pushes as fast as possible, others only hold connections, or guess tokens."""
        stop = threading.Event()
        floods = [threading.Thread(target=self._push_endlessly, args=(stop,))
                  for _ in range(FLOODERS)]
        floods.append(threading.Thread(target=self._guess_endlessly, args=(stop,)))
        floods.append(threading.Thread(target=self._hold_connections, args=(stop,)))
        for thread in floods:
            thread.start()
        self._serve("a flood")
        self.stopping.wait(self.spell_s)
        stop.set()
        for thread in floods:
            thread.join(harness.READY_S)
        return True

    def _post(self, body, headers):
        """One request to an ingest; its status, or None."""
        status = self.hub.post(self.random.choice(self.hub.ingest_ports), body, headers)
        self.answers[status] += 1
        return status

    def _push_native(self, key, item, plugin):
        """Pushes and records a success; returns whether it succeeded. A retry has the same item id."""
        body = envelopes.envelope(key, item.text, plugin=plugin, item_id=item.id)
        status = self._post(body, {**harness.bearer(), "Content-Type": harness.TYPE_ENVELOPE})
        if status in (200, 202):
            self.hub.book.promise(item, "answered")
        return status in (200, 202)

    def _push_endlessly(self, stop):
        key = envelopes.NodeKey("flood")
        while not stop.is_set():
            item = self.hub.book.result("flood", "ARPSCAN")
            self._push_native(key, item, "ARPSCAN")

    def _guess_endlessly(self, stop):
        while not stop.is_set():
            self._post(b"{}", {**harness.bearer("guessed"), "Content-Type": "application/json"})

    def _hold_connections(self, stop):
        held = []
        for number in range(FLOOD_CONNECTIONS):
            address = f"127.0.0.{2 + number % FLOOD_ADDRESSES}"
            port = self.hub.ingest_ports[number % 2]
            try:
                held.append(socket.create_connection(("127.0.0.1", port), timeout=5,
                                                     source_address=(address, 0)))
            except OSError:
                pass  # it was killed just now
            if stop.is_set():
                break
        stop.wait()
        for connection in held:
            connection.close()

    def _long(self):
        """One node's results take long to merge: many lines, or one id many times."""
        key = envelopes.NodeKey("long")
        for number in range(LONG_RESULTS):
            own = f"long/{os.urandom(8).hex()}"
            lines = [f"{own if number % 2 else f'long/{i}'}|s|2026-08-22 02:53:00|{i & 1}|||||\n"
                     for i in range(LONG_LINES)]
            lines.append(f"{own}|s|2026-08-22 02:53:00|last|||||\n")
            item = self.hub.book.text_result("long", "NMAP", (own,), "".join(lines))
            harness.poll_until(lambda item=item: self.stopping.is_set() or
                               self._push_native(key, item, "NMAP"), self.spell_s)
        self._serve("long entries")
        self.stopping.wait(self.spell_s)
        return True

    def _serve(self, during):
        """Another node's table must be accepted and merged meanwhile."""
        item = self.hub.book.table("bystander")
        body = harness.netalertx_body(item.text, item.node)
        headers = {**harness.bearer(), "Content-Type": "application/json"}

        def is_taken():
            return self._post(body, headers) == 200

        def is_merged():
            try:
                connection = self.hub.database()
                try:
                    return connection.execute("SELECT 1 FROM Devices WHERE devMac = ?",
                                              (item.keys[-1],)).fetchone()
                finally:
                    connection.close()
            except sqlite3.Error:
                return False
        for what, condition in (("taken", is_taken), ("merged", is_merged)):
            done = harness.poll_until(lambda: self.stopping.is_set() or condition(), SERVED_S)
            if self.stopping.is_set():
                return
            if not done:
                self.hub.unserved.append(f"a table was not {what} within {SERVED_S} s, during "
                                         f"{during}")
                return
            self.hub.book.promise(item, "answered")

    def _disk(self):
        self.hub.disk.fill(self.hub.merge_pids())
        self.stopping.wait(self.spell_s)
        self.hub.disk.free(self.hub.merge_pids())
        return True

    def _lock(self):
        """Another process locks the database."""
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
