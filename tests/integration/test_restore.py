# SPDX-License-Identifier: Apache-2.0
"""Restoring a backup of the database under a running receiver."""

import subprocess
import unittest

import postgres
from harness import READY_S, SyncHubTest, count, device_rows, device_table, netalertx_push, \
    wait_until


class Restore(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()

    def push(self, hub, node):
        answer = netalertx_push(hub.url, device_table(device_rows(3, node=node)), node)
        self.assertEqual(answer.status, 200, answer)
        wait_until(lambda: self.hub_redis.backlog() == 0, "the merge", details=hub.log)

    def digest_is_there(self, node):
        return self.hub_redis.cli("HEXISTS", "synchub:digests", node) == "1"

    def check(self, hub, backup, restore, rows):
        """Tables merged after the backup must not count as unchanged, and are sent again."""
        self.push(hub, "Node_A")
        backup()
        self.push(hub, "Node_B")
        self.assertEqual(rows(), 6)
        restore()
        self.assertEqual(rows(), 3)
        wait_until(lambda: not self.digest_is_there("Node_B"), "the digest to be deleted",
                   details=hub.log)
        wait_until(lambda: self.digest_is_there("Node_A"), "the digest that is still valid",
                   details=hub.log)
        self.push(hub, "Node_B")
        wait_until(lambda: rows() == 6, "the table to be merged again", details=hub.log)

    def test_sqlite(self):
        db = self.folder / "hub.db"

        def shell(command):
            subprocess.run(["sqlite3", db, ".timeout 10000", command], check=True, timeout=READY_S)
        self.check(self.receiver(self.hub_redis, db),
                   lambda: shell(f".backup {self.folder}/backup.db"),
                   lambda: shell(f".restore {self.folder}/backup.db"), lambda: count(db))

    def test_postgresql(self):
        server = postgres.Postgres()
        self.addCleanup(server.remove)
        db = server.new_database()
        dump = []

        def backup():
            done = subprocess.run([server.programs / "pg_dump", "--clean", "--if-exists", db],
                                  capture_output=True, text=True, check=True, timeout=READY_S)
            dump.append(done.stdout)

        def restore():
            psql = ["psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", db]
            subprocess.run(psql, input=dump[0], text=True, check=True, timeout=READY_S,
                           capture_output=True)
        hub = self.receiver(self.hub_redis, db)
        self.check(hub, backup, restore, lambda: postgres.query(
            db, "SELECT count(*) AS n FROM Devices")[0]["n"])
        self.assertIn("restored to an earlier state", hub.log())


if __name__ == "__main__":
    unittest.main()
