# SPDX-License-Identifier: Apache-2.0
"""A hub and what its `nodes` says, for tests of what it knows of its nodes."""

import json

from harness import SyncHubTest, device_rows, device_table, query, wait_until


def table(node, rows=3, first=0):
    return device_table(device_rows(rows, node=node, first=first))


class NodesTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.db = self.make_database()

    def make_database(self):
        return self.folder / "hub.db"

    def command(self, *arguments, code=0):
        return self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db), *arguments, code=code)

    def nodes(self, *arguments, code=None):
        done = self.command("nodes", "--json", *arguments, code=code)
        listed = json.loads(done.stdout)
        self.assertEqual(listed["items"], listed["nodes"])
        return {node["name"]: node for node in listed["items"]}

    def problem(self, node, words):
        """Waits until `nodes --problems` lists the node with these words; returns it."""
        def listed():
            found = self.nodes("--problems").get(node)
            return found if found and words in found["reason"] else None
        found = wait_until(listed, f"{node} with {words!r}", details=lambda: self.command("nodes", code=None).stdout)
        self.assertEqual(self.command("nodes", "--problems", code=3).returncode, 3)
        return found

    def no_problem(self, node=None):
        """Waits until it does not list the node, or any."""
        def gone():
            found = self.nodes("--problems")
            return node not in found if node else not found
        wait_until(gone, f"no problem of {node}", details=lambda: self.command("nodes", code=None).stdout)

    def failures(self):
        return json.loads(self.command("auth-failures", "--json").stdout)["items"]

    def push(self, hub, node="Cabin", first=0, code=0, **settings):
        return self.run_program("pusher", self.pusher_settings(hub.url, table(node, first=first), node, **settings),
                                "--once", code=code)

    def credentials(self, node):
        printed = self.command("node", "add", node).stdout
        return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)

    def wait_recorded(self, sql, value):
        """Waits until the database has it, for what must survive Redis."""
        def recorded():
            rows = query(self.db, sql)
            return rows and list(rows[0].values()) == [value]
        wait_until(recorded, f"{sql}: {value}")
