# SPDX-License-Identifier: Apache-2.0
"""Many nodes push to a hub of several receivers with the Redis of redis-ha, while parts of it are killed, disconnected
and replaced: every device must be stored exactly once."""

import concurrent.futures
import itertools
import pathlib
import tempfile
import threading
import unittest

from engine import Failed, build_images, docker
from harness import (bearer, curl, device_row, device_rows, device_table, internet_row,
                     netalertx_body, wait_until)
from scaled_hub import ScaledHub, at_once

NODES = 40            # that push in NetAlertX's format, without a pusher
PUSHERS = 3           # that have a real pusher
ROUNDS = (50, 100, 150, 200, 250, 300)  # devices of each node's table, as it grows
ROAMING = 5           # devices that every node sees: the first queued one wins
MERGES = ("merge1", "merge2", "merge3")
INGESTS = ("ingest1", "ingest2")
HANDS = 4             # pushes at a time
RETRY_S = 120         # time limit of a node, after which the test fails


class Node:
    """A scanner's table, which grows in each round."""

    def __init__(self, name):
        self.name = name

    def rows(self, number):
        return device_rows(ROUNDS[number], self.name)

    def table(self, number):
        roaming = [device_row(index, "roaming") for index in range(ROAMING)]
        return device_table([internet_row(), *self.rows(number), *roaming])


class PushingNode(Node):
    """Pushes to alternating ingest replicas until one answers 200, as a node behind a load balancer does."""

    def __init__(self, name, urls):
        super().__init__(name)
        self.urls = itertools.cycle(urls)

    def push(self, number):
        body = netalertx_body(self.table(number), self.name)
        wait_until(lambda: self._try(body), f"a hub to accept round {number} of {self.name}",
                   seconds=RETRY_S)

    def _try(self, body):
        answer = curl(next(self.urls) + "/sync", body=body,
                      headers={**bearer(), "Content-Type": "application/json"})
        if answer.status in (0, 503):  # 0: no answer
            return False
        if answer.status != 200:
            raise Failed(f"{self.name} was answered {answer}")
        return True


class ScannedNode(Node):
    """Has a real pusher, which watches the scanner's folder."""

    def __init__(self, name, folder):
        super().__init__(name)
        self.folder = folder / name
        self.folder.mkdir()
        self.folder.chmod(0o755)

    def push(self, number):
        new = self.folder / "new"
        new.write_text(self.table(number))
        new.chmod(0o644)
        new.rename(self.folder / "table_devices.json")


class Pushing:
    """One round of every node, in its own threads."""

    def __init__(self, nodes, number):
        self.number = number
        self.begun = threading.Semaphore(0)
        self.pool = concurrent.futures.ThreadPoolExecutor(HANDS)
        self.pushes = [self.pool.submit(self._push, node) for node in nodes]

    def _push(self, node):
        self.begun.release()
        node.push(self.number)

    def wait_for_begun(self, count):
        for _ in range(count):
            if not self.begun.acquire(timeout=RETRY_S):
                raise Failed("nodes do not push")

    def wait_for_all(self):
        for push in self.pushes:
            push.result()

    def end(self):
        self.pool.shutdown(cancel_futures=True)


class ScaleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build_images()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="synchub-scale-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)  # containers run as other users
        self.hub = ScaledHub(self, redis_pods=True)
        self.merges = {name: self.hub.create_merge(name) for name in MERGES}
        self.start_merges_on_an_empty_database()
        self.ingests = {name: container for name, container in
                        zip(INGESTS, at_once(self.hub.start_ingest, INGESTS))}
        for container in self.ingests.values():
            self.hub.wait_for_health(container)
        urls = [f"http://127.0.0.1:{port}" for port in self.hub.ports.values()]
        turns = (urls, urls[::-1])
        self.nodes = [PushingNode(f"node{i}", turns[i % 2]) for i in range(NODES)]
        scanned = [ScannedNode(f"scanned{i}", self.folder) for i in range(PUSHERS)]
        at_once(lambda node: self.hub.start_pusher(node.name, node.folder), scanned)
        self.nodes += scanned

    def start_merges_on_an_empty_database(self):
        """All replicas wait to create the tables."""
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        with self.hub.hold_migrations():
            at_once(lambda container: docker("start", container), self.merges.values())
            wait_until(lambda: self.hub.sql(waiting) == [[str(len(MERGES))]],
                       "all merge replicas to wait for creating the tables", details=self.details)
        for container in self.merges.values():
            self.hub.wait_for_health(container)

    def details(self):
        return self.hub.details(self.merges.values())

    def wait_for_all_merged(self, number):
        """An empty queue is not sufficient, as a pusher may not have sent yet."""
        wanted = str(len(self.nodes) * ROUNDS[number] + ROAMING)
        count = 'SELECT count(*) FROM "Devices"'
        wait_until(lambda: self.hub.sql(count) == [[wanted]] and self.hub.backlog() == 0,
                   f"{wanted} devices and an empty queue", seconds=RETRY_S,
                   details=lambda: f"devices: {self.hub.sql(count)}\n{self.details()}")

    def wait_for_entries_in_hand(self, least=1):
        """The name of a merge replica with at least this many pending entries."""
        def found():
            return [name for name, count in self.hub.in_hand().items() if count >= least]
        return wait_until(found, f"a merge replica to take {least} entries",
                          details=self.details)[0]

    def push(self, number):
        pushing = Pushing(self.nodes, number)
        self.addCleanup(pushing.end)
        return pushing

    def test_every_device_is_found_once_whatever_happens_to_the_receivers(self):
        self.push(0).wait_for_all()
        self.wait_for_all_merged(0)
        self.kill_one_with_entries_in_hand(1)
        cut_off = self.cut_one_off_from_redis(2)
        self.kill_redis_with_all_entries_in_hand(3)
        self.roll_ingest(4)
        self.merge_alone(cut_off, 5)
        self.check_devices()
        self.check_figures(cut_off)
        self.assertEqual(self.hub.dead(), 0)

    def kill_one_with_entries_in_hand(self, number):
        """All start with a full queue, so that they take many entries at once."""
        at_once(self.hub.stop, self.merges.values())
        self.push(number).wait_for_all()
        with self.hub.hold_commits():
            at_once(lambda container: docker("start", container), self.merges.values())
            victim = self.wait_for_entries_in_hand(least=2)
            docker("kill", "-s", "KILL", self.merges[victim])
            self.assertGreater(self.hub.in_hand().get(victim, 0), 1)
        self.wait_for_all_merged(number)
        docker("start", self.merges[victim])
        self.hub.wait_for_health(self.merges[victim])

    def cut_one_off_from_redis(self, number):
        """It can still commit its pending entries, but not acknowledge them: others merge them again. Returns its
        name."""
        with self.hub.hold_commits():
            pushing = self.push(number)
            cut_off = self.wait_for_entries_in_hand()
            docker("network", "disconnect", self.hub.queue, self.merges[cut_off])
            self.assertGreater(self.hub.in_hand().get(cut_off, 0), 0)
        pushing.wait_for_all()
        self.wait_for_all_merged(number)
        # Of Redis at first, and then of Sentinel, which is asked for another master.
        self.hub.wait_for_reason(self.merges[cut_off], "SYNC_redis_url")
        self.hub.wait_for_health(self.merges[cut_off], "unhealthy")
        docker("network", "connect", self.hub.queue, self.merges[cut_off])
        self.hub.wait_for_health(self.merges[cut_off])
        return cut_off

    def kill_redis_with_all_entries_in_hand(self, number):
        """The master's pod is gone while every entry is in the hands of a merge replica: they commit, and acknowledge
        to the server that takes over, which has the same entries pending."""
        at_once(self.hub.stop, self.merges.values())
        self.push(number).wait_for_all()
        master = self.hub.pods.master()
        with self.hub.hold_commits():
            at_once(lambda container: docker("start", container), self.merges.values())
            wait_until(lambda: sum(self.hub.in_hand().values()) == len(self.nodes),
                       f"{len(self.nodes)} entries in hand", details=self.details)
            self.hub.pods.kill(master)
        self.hub.pods.wait_for_other_master(master)
        self.wait_for_all_merged(number)
        self.hub.pods.start(master)
        self.hub.pods.wait_until_in_step()
        for container in self.merges.values():
            self.hub.wait_for_health(container)

    def roll_ingest(self, number):
        """Replaces the replicas one after the other while nodes push: running requests are answered, others go to the
        other replica or are retried."""
        pushing = self.push(number)
        pushing.wait_for_begun(HANDS + 1)
        for name, old in self.ingests.items():
            self.hub.stop(old)
            docker("rm", "-v", old)
            self.ingests[name] = self.hub.start_ingest(name)
            self.hub.wait_for_health(self.ingests[name])
        pushing.wait_for_all()
        self.wait_for_all_merged(number)

    def merge_alone(self, alone, number):
        """All others stop in time, also those waiting for PostgreSQL; the disconnected one continues."""
        others = [name for name in MERGES if name != alone]
        at_once(lambda name: self.hub.stop(self.merges[name]), others)
        self.push(number).wait_for_all()
        self.wait_for_all_merged(number)

    def check_devices(self):
        """Every device must be stored once, for its node."""
        found = self.hub.sql('SELECT lower("devMac"), "devSyncHubNode" FROM "Devices"')
        self.assertEqual(len(found), len({mac for mac, _ in found}), "a device is there twice")
        wanted = {row["devMac"]: node.name for node in self.nodes
                  for row in node.rows(len(ROUNDS) - 1)}
        roaming = {device_row(index, "roaming")["devMac"] for index in range(ROAMING)}
        self.assertEqual({mac: node for mac, node in found if mac not in roaming}, wanted)
        self.assertEqual({mac for mac, _ in found} - set(wanted), roaming)
        names = {node.name for node in self.nodes}
        self.assertTrue({node for mac, node in found if mac in roaming} <= names)

    def check_figures(self, merge):
        """Each node's number of inserted devices must be that in the table, whichever replica merged them."""
        counts = 'SELECT "devSyncHubNode", count(*) FROM "Devices" GROUP BY 1'
        owned = {node: int(count) for node, count in self.hub.sql(counts)}
        figures = self.hub.nodes(self.merges[merge])
        self.assertEqual({name: node["inserted"] for name, node in figures.items()}, owned)
        for name, node in figures.items():
            with self.subTest(name):
                self.assertEqual(node["sent"], ROUNDS[-1] + ROAMING + 1)
                self.assertEqual(node["known"], ROUNDS[-2] + ROAMING)
                self.assertEqual((node["skipped"], node["set_aside"], node["queue"]), (1, 0, 0))


if __name__ == "__main__":
    unittest.main()
