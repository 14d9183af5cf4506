# SPDX-License-Identifier: Apache-2.0
"""Restoring a backup of the database under a running receiver: rows, digests and presence."""

import os
import subprocess
import unittest

import postgres
from harness import (READY_S, SyncHubTest, count, device_mac, device_row, device_rows, device_table,
                     netalertx_push, query, wait_until)


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

    def push_present(self, hub, node, indexes):
        rows = [device_row(i, devPresentLastScan=1) for i in indexes]
        answer = netalertx_push(hub.url, device_table(rows), node)
        self.assertEqual(answer.status, 200, answer)
        wait_until(lambda: self.hub_redis.backlog() == 0, "the merge", details=hub.log)

    def check_presence(self, hub, backup, restore, ask):
        """After one contact of each node the hub knows again what is present, whatever its last table was."""
        def present(node):
            found = ask(f"SELECT mac FROM \"SyncHub_NodePresence\" WHERE node = '{node}'"
                        " AND present = 'yes'")
            return {row["mac"] for row in found}

        def macs(indexes):
            return {device_mac(i) for i in indexes}

        self.push_present(hub, "Stays", range(3))
        self.push_present(hub, "Went", range(3))
        self.push_present(hub, "Back", range(3))
        backup()
        self.push_present(hub, "Went", range(2))
        self.push_present(hub, "Back", [])
        self.push_present(hub, "Back", range(1, 3))
        self.push_present(hub, "Later", range(4))
        restore()
        self.assertEqual(present("Went"), macs(range(3)))
        self.assertEqual(present("Later"), set())
        wait_until(lambda: not self.digest_is_there("Later") and self.digest_is_there("Stays"),
                   "the restore to be noticed", details=hub.log)
        self.push_present(hub, "Stays", range(3))  # unchanged
        self.push_present(hub, "Went", range(2))
        self.push_present(hub, "Back", range(1, 3))
        self.push_present(hub, "Later", range(4))
        self.assertEqual({node: present(node) for node in ("Stays", "Went", "Back", "Later")},
                         {"Stays": macs(range(3)), "Went": macs(range(2)),
                          "Back": macs(range(1, 3)), "Later": macs(range(4))})
        hub.wait_for_log("unchanged node=Stays")

    def test_presence_in_sqlite(self):
        db = self.folder / "hub.db"

        def shell(command):
            subprocess.run(["sqlite3", db, ".timeout 120000", command], check=True, timeout=READY_S)
        self.check_presence(self.receiver(self.hub_redis, db),
                            lambda: shell(f".backup {self.folder}/backup.db"),
                            lambda: shell(f".restore {self.folder}/backup.db"),
                            lambda sql: query(db, sql))

    def test_presence_in_a_sqlite_file_that_is_put_back(self):
        db = self.folder / "hub.db"

        def backup():
            subprocess.run(["sqlite3", db, ".timeout 120000", f".backup {self.folder}/backup.db"],
                           check=True, timeout=READY_S)

        def restore():
            for suffix in ("-wal", "-shm"):
                (self.folder / f"hub.db{suffix}").unlink(missing_ok=True)
            os.replace(self.folder / "backup.db", db)
        self.check_presence(self.receiver(self.hub_redis, db), backup, restore,
                            lambda sql: query(db, sql))

    def test_sqlite(self):
        db = self.folder / "hub.db"

        def shell(command):
            subprocess.run(["sqlite3", db, ".timeout 120000", command], check=True, timeout=READY_S)
        self.check(self.receiver(self.hub_redis, db),
                   lambda: shell(f".backup {self.folder}/backup.db"),
                   lambda: shell(f".restore {self.folder}/backup.db"), lambda: count(db))

    def postgresql(self):
        """A database with functions that back it up and restore it in place."""
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
        return db, backup, restore

    def test_presence_in_postgresql(self):
        db, backup, restore = self.postgresql()
        self.check_presence(self.receiver(self.hub_redis, db), backup, restore,
                            lambda sql: postgres.query(db, sql))

    def test_postgresql(self):
        db, backup, restore = self.postgresql()
        hub = self.receiver(self.hub_redis, db)
        self.check(hub, backup, restore, lambda: postgres.query(
            db, "SELECT count(*) AS n FROM Devices")[0]["n"])
        hub.wait_for_log("restored to an earlier state")


if __name__ == "__main__":
    unittest.main()
