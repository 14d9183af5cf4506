# SPDX-License-Identifier: Apache-2.0
"""The activity of nodes: scanners write files, NetAlertX nodes push."""

import http.client
import random
import threading
import time

import harness
import world

SPOOL_HEADER_BYTES = 136  # before the text of a spooled item, see pusher/spool_file.h
KEPT_WAIT_S = 4           # how long a result may wait to be spooled before the next one overwrites it


class Worker(threading.Thread):
    """Calls step() until stopped; end() reports its exception."""

    def __init__(self, step, pause_s):
        super().__init__(daemon=True)
        self.step = step
        self.pause_s = pause_s
        self.stopping = threading.Event()
        self.error = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.step()
                self.stopping.wait(self.pause_s)
        except Exception as error:  # reported by end()
            self.error = error

    def end(self):
        self.stopping.set()
        self.join(harness.READY_S)
        if self.error:
            raise self.error


class Scanners:
    """Writes each node's files in rounds, in place as NetAlertX does."""

    def __init__(self, hub, seed):
        self.hub = hub
        self.random = random.Random(seed)
        self.last = {}    # (node, plugin) -> the item in the file, and when it was written
        self.tables = {}  # node -> the item in its file

    def _write(self, node, name, item):
        (self.hub.folder / node / name).write_bytes(item.text)

    def write_table(self, node):
        item = self.hub.book.table(node, cumulative=node in self.hub.pulled)
        self.tables[node] = item
        self._write(node, "table_devices.json", item)

    def write_result(self, node, plugin):
        """Writes a result, unless the last one was not spooled yet, as an overwritten one is never sent."""
        item, written = self.last.get((node, plugin), (None, 0))
        if item and not item.promises and time.monotonic() - written < KEPT_WAIT_S:
            return
        item = self.hub.book.result(node, plugin)
        self.last[node, plugin] = item, time.monotonic()
        self._write(node, f"plugins/last_result.{plugin}.log", item)

    def write_all(self):
        for node in self.hub.pushers:
            self.write_table(node)
            for plugin in world.PLUGINS:
                self.write_result(node, plugin)
        for node in self.hub.pulled:
            self.write_table(node)

    def step(self):
        node = self.random.choice(self.hub.pushers + self.hub.pulled)
        what = self.random.choice(("table", *world.PLUGINS))
        if what == "table" or node in self.hub.pulled:
            self.write_table(node)
        else:
            self.write_result(node, what)

    def promise_last(self):
        """The final content of the files must arrive, too."""
        for item in self.tables.values():
            self.hub.book.promise(item, "the last one")
            item.is_held = True
        for item, _ in self.last.values():
            self.hub.book.promise(item, "the last one")


class SpoolWatch:
    """Watches every item that a pusher spools. Calls on_new(node), if set, at the next one."""

    def __init__(self, hub):
        self.hub = hub
        self.seen = set()
        self.on_new = None

    def step(self):
        for node in self.hub.pushers:
            folder = self.hub.folder / node / "spool" / "spool"
            for path in folder.glob("*.item"):
                if path in self.seen:
                    continue
                self.seen.add(path)
                listener, self.on_new = self.on_new, None
                if listener:
                    listener(node)
                self._look(path)

    def _look(self, path):
        try:
            text = path.read_bytes()[SPOOL_HEADER_BYTES:]
        except FileNotFoundError:
            return  # already sent: the proxy recorded it
        item = self.hub.book.find_text(text)
        if item is not None:
            self.hub.book.promise(item, "spooled")

    def waiting(self):
        return sum(1 for node in self.hub.pushers
                   for _ in (self.hub.folder / node / "spool" / "spool").glob("*.item"))

    def refused(self):
        return [path for node in self.hub.pushers
                for path in (self.hub.folder / node / "spool" / "refused").glob("*.item")]


class NetAlertXNode:
    """Pushes tables and results in NetAlertX's format, each once: without an answer 200 they are lost, as with
    NetAlertX itself."""

    def __init__(self, hub, name, seed):
        self.hub = hub
        self.name = name
        self.random = random.Random(seed)

    def step(self):
        if self.random.random() < 0.5:
            item, plugin = self.hub.book.table(self.name), "SYNC"
        else:
            item, plugin = self.hub.book.result(self.name, "NMAP"), "NMAP"
        body = harness.netalertx_body(item.text, self.name, plugin)
        connection = http.client.HTTPConnection("127.0.0.1", self.hub.proxy.port, timeout=5)
        try:
            connection.request("POST", "/sync", body, {**harness.bearer(),
                                                       "Content-Type": "application/json"})
            if connection.getresponse().status == 200:
                self.hub.book.promise(item, "answered")
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


class Poisoner:
    """Queues entries that can never be merged; entries after them must still be merged."""

    SCRIPT = ("redis.call('XADD', KEYS[1], '*', 'e', ARGV[1], 'm', 'push') "
              "redis.call('INCRBY', KEYS[2], #ARGV[1]) return 'done'")

    def __init__(self, hub):
        self.hub = hub

    def step(self):
        item = self.hub.book.poison()
        try:
            harness.redis_call(self.hub.redis.port, "EVAL", self.SCRIPT, 2, f"{self.hub.prefix}:ingest",
                       f"{self.hub.prefix}:bytes", item.text)
            if self.hub.keeps_direct_writes:
                self.hub.book.promise(item, "answered")
        except OSError:
            pass
