# SPDX-License-Identifier: Apache-2.0
"""A receiver with its Redis and database that gets NetAlertX's pushes, for tests of merging."""

import json

import harness
from harness import SyncHubTest, device_row, device_table, netalertx_push, wait_until


class MergeTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.db = self.folder / "hub.db"

    def start(self, **settings):
        self.hub = self.receiver(self.hub_redis, self.db, **settings)
        return self.hub

    def push_text(self, text, node="Node_A", plugin="SYNC"):
        """Pushes, and waits until it is merged."""
        answer = netalertx_push(self.hub.url, text, node, plugin)
        self.assertEqual(answer.status, 200, answer)
        self.wait_drained()

    def push(self, rows, node="Node_A"):
        self.push_text(device_table(rows), node)

    def wait_drained(self):
        wait_until(lambda: self.hub_redis.backlog() == 0, "the queue to be empty",
                   details=self.hub.log)

    def devices(self, where="1", *parameters):
        rows = self.query(f"SELECT * FROM Devices WHERE {where}", *parameters)
        return {row["devMac"]: row for row in rows}

    def query(self, sql, *parameters):
        """Rows of the database, as dicts."""
        return harness.query(self.db, sql, *parameters)

    def macs(self):
        return set(self.devices())

    def row(self, mac):
        return self.devices("devMac = ?", mac)[mac]

    def assert_rejected(self, number, *words, node="Node_A"):
        """The given number of rows of the node's last table must be rejected, with the logged reason."""
        found = self.query("SELECT * FROM SyncHub_Nodes WHERE node = ?", node)[0]
        self.assertEqual(found["set_aside"], number, found)
        for word in words:
            self.assertIn(word, found["reason"])

    def dump(self, table="Devices"):
        return self.query(f"SELECT rowid AS place, * FROM {table} ORDER BY rowid")

    def json_row(self, index=0, **changes):
        return json.dumps(device_row(index, **changes))
