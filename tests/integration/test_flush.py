# SPDX-License-Identifier: Apache-2.0
"""A Redis that loses all its data, several times at random moments, while nodes with credentials of their own push: no
push is refused, no credential is lost, and what had been accepted and not merged comes again with each node's next
contact."""

import http.client
import os
import random
import re
import threading
import unittest

import envelopes
from harness import (READY_S, TYPE_ENVELOPE, bearer, device_mac, device_rows, device_table, long_test, query,
                     wait_until)
from nodes_base import NodesTest

PUSHERS = 3   # of the nodes, real ones at the end; the other nodes push from this process all the time
ROUND_ROWS = 2


class Node:
    """Pushes its table, which grows, in the native format; retries whatever is answered with 503."""

    def __init__(self, hub, name, settings):
        self.hub = hub
        self.name = name
        self.settings = settings
        self.key = envelopes.NodeKey(name, settings["SYNC_encryption_key"])
        self.rows = 0
        self.answers = {}

    def post(self, body, **headers):
        """The status, also 0 for a connection that ended without an answer, and the answer's body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.hub.port, timeout=READY_S)
        try:
            connection.request("POST", "/sync", body, {
                **bearer(self.settings["SYNC_api_token"]), "Content-Type": TYPE_ENVELOPE,
                "Content-Length": str(len(body)), **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def until_answered(self, body, **headers):
        """Sends the same until it is not asked to retry."""
        def answered():
            status, text = self.post(body, **headers)
            self.answers[status] = self.answers.get(status, 0) + 1
            return text if status not in (0, 503) else None
        return wait_until(answered, f"an answer for {self.name} other than 503: {self.answers}")

    def table(self):
        return device_table(device_rows(self.rows, node=self.name)).encode()

    def push(self):
        """A table with more devices than the last one."""
        self.rows += ROUND_ROWS
        self.until_answered(envelopes.envelope(self.key, self.table()))

    def next_contact(self):
        """As a pusher at its next contact: asks whether the hub has merged its table, and sends it if not. Returns
        whether it did."""
        digest = envelopes.keyed_hash(self.key.digest, self.table(), 32).hex()
        asked = self.until_answered(b"", **{"Sync-Hub-Node": self.name, "Sync-Hub-Digest": digest})
        if b"unchanged" in asked:
            return False
        self.until_answered(envelopes.envelope(self.key, self.table()))
        return True


class Flush(NodesTest):
    def setUp(self):
        super().setUp()
        self.hub = self.receiver(self.hub_redis, self.db)

    def add_nodes(self, count):
        names = [f"Site-{number:02d}" for number in range(count)]
        (self.folder / "names").write_text("\n".join(names))
        printed = self.command("node", "add", "--file", self.folder / "names").stdout
        values = re.findall(r"^(SYNC_\w+)=(.*)$", printed, re.MULTILINE)
        per_node = len(values) // count
        found = {}
        for at in range(0, len(values), per_node):
            settings = dict(values[at:at + per_node])
            found[settings["SYNC_node_name"]] = settings
        self.assertEqual(sorted(found), names)
        return [Node(self.hub, name, found[name]) for name in names]

    def pushing(self, nodes, done):
        """Each of a few threads pushes for some nodes in turn."""
        def push_each(some):
            try:
                while not done.is_set():
                    for node in some:
                        node.push()
            except Exception as error:  # raised in the test's thread
                self.errors.append(error)
        self.errors = []
        threads = [threading.Thread(target=push_each, args=(nodes[first::8],)) for first in range(min(8, len(nodes)))]
        for thread in threads:
            thread.start()
        return threads

    def pushes(self, nodes):
        return sum(node.rows for node in nodes) // ROUND_ROWS

    def flush_while_pushing(self, nodes, flushes):
        chance = random.Random(os.environ.get("SYNCHUB_SEED"))
        done = threading.Event()
        threads = self.pushing(nodes, done)
        try:
            for _ in range(flushes):
                goal = self.pushes(nodes) + chance.randint(1, 2 * len(nodes))
                wait_until(lambda: self.errors or self.pushes(nodes) >= goal, "some pushes", details=self.hub.log)
                done.wait(chance.uniform(0, 0.05))  # a random moment
                self.hub_redis.cli("FLUSHALL")
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertFalse(self.errors)

    def published(self, nodes):
        return self.hub_redis.call("HLEN", "synchub:nodes") == len(nodes)

    def check_all_is_there(self, nodes):
        """Nothing that a node holds is missing after its next contact, and its next question is answered "unchanged"."""
        for node in nodes:
            node.next_contact()
        wait_until(lambda: self.hub_redis.backlog() == 0, "the merge", details=self.hub.log)
        found = {row["devMac"] for row in query(self.db, "SELECT devMac FROM Devices")}
        expected = {device_mac(index, node.name) for node in nodes for index in range(node.rows)}
        self.assertEqual(found, expected)
        self.assertEqual(self.hub_redis.dead(), 0)
        again = [node.name for node in nodes if node.next_contact()]
        self.assertEqual(again, [])

    def check(self, count, flushes):
        nodes = self.add_nodes(count)
        for node in nodes:
            node.push()
        self.flush_while_pushing(nodes, flushes)
        wait_until(lambda: self.published(nodes), "the credentials to be published", details=self.hub.log)
        answers = {status for node in nodes for status in node.answers}
        self.assertLessEqual(answers, {200, 202, 503})
        self.check_all_is_there(nodes)
        # One more loss: real pushers, too, send their whole tables again.
        self.check_pushers(nodes[:PUSHERS])
        self.assertEqual([node["credentials"] for node in self.nodes().values()], ["own"] * count)
        wait_until(lambda: self.no_problem_after_contacts(nodes), "no problem",
                   details=lambda: self.command("nodes", code=None).stdout)
        self.assertEqual(self.failures(), [])

    def no_problem_after_contacts(self, nodes):
        """A node that pushed so often is soon late."""
        for node in nodes:
            node.next_contact()
        return not self.nodes("--problems")

    def check_pushers(self, nodes):
        def push(node):
            table = device_table(device_rows(node.rows, node=node.name))
            settings = self.pusher_settings(self.hub.url, table, node.name, SYNC_log_level="debug", **{
                name: node.settings[name] for name in ("SYNC_api_token", "SYNC_encryption_key")})
            return self.run_program("pusher", settings, "--once", code=None)
        for node in nodes:
            self.assertIn("unchanged", push(node).stderr)
        self.hub_redis.cli("FLUSHALL")
        for node in nodes:
            def accepted():
                done = push(node)
                self.assertNotRegex(done.stderr, "answered 4[0-9][0-9]")
                return done.returncode == 0 and "queued" in done.stderr
            wait_until(accepted, f"{node.name} to send its table again")

    def test_nodes_with_credentials_push_while_redis_loses_its_data(self):
        self.check(5, 3)

    @long_test
    def test_fifty_nodes_push_while_redis_loses_its_data(self):
        self.check(50, 12)


if __name__ == "__main__":
    unittest.main()
