# SPDX-License-Identifier: Apache-2.0
"""The queue belongs to one database: a receiver with another one merges nothing until `adopt`."""

import unittest

import postgres
from harness import SyncHubTest, count, device_rows, device_table, netalertx_push, query, wait_until

ANOTHER = "merged into another database"

server = None


def setUpModule():
    global server
    server = postgres.Postgres()
    unittest.addModuleCleanup(lambda: server.remove())


class Adopt(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.old = self.folder / "old.db"
        self.new = self.folder / "new.db"

    def push(self, hub, node, rows=3):
        answer = netalertx_push(hub.url, device_table(device_rows(rows, node=node)), node)
        self.assertEqual(answer.status, 200, answer)

    def refused(self, db):
        """A receiver with a database to which the queue does not belong, after it has logged that."""
        hub = self.program("receiver", self.receiver_settings(self.hub_redis, db,
                                                              SYNC_receiver_role="merge"))
        hub.wait_for_log(ANOTHER)
        return hub

    def adopt(self, db):
        done = self.run_program("receiver", self.receiver_settings(self.hub_redis, db), "adopt",
                                code=0)
        self.assertIn("From now on", done.stdout)

    def test_another_database_takes_nothing_until_it_is_adopted(self):
        old = self.receiver(self.hub_redis, self.old)
        self.push(old, "Node_A")
        self.wait_merged(self.hub_redis, self.old, 3)
        new = self.refused(self.new)
        new.wait_unready("synchub-receiver adopt")
        self.push(old, "Node_B")
        self.wait_merged(self.hub_redis, self.old, 6)
        self.assertEqual(count(self.new), 0)
        self.adopt(self.new)
        new.wait_ready()
        old.wait_for_log(ANOTHER)
        old.wait_unready()
        self.push(old, "Node_C")  # what it queues is for the new one
        self.wait_merged(self.hub_redis, self.new, 3)
        self.assertEqual(count(self.old), 6)

    def test_from_sqlite_to_postgresql(self):
        """As with a change from the overlay `single` to `scaled`."""
        old = self.receiver(self.hub_redis, self.old)
        self.push(old, "Node_A")
        self.wait_merged(self.hub_redis, self.old, 3)
        db = server.new_database()
        self.refused(db)
        old.stop()
        self.adopt(db)
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        self.push(ingest, "Node_B")
        wait_until(lambda: postgres.query(db, "SELECT count(*) AS n FROM Devices")[0]["n"] == 3,
                   "PostgreSQL to have the table")

    def test_a_redis_that_lost_its_data_gets_the_id_again(self):
        old = self.receiver(self.hub_redis, self.old)
        self.push(old, "Node_A")
        self.wait_merged(self.hub_redis, self.old, 3)
        self.hub_redis.cli("FLUSHALL")
        wait_until(lambda: self.hub_redis.cli("GET", "synchub:database"), "the id to be there again")
        self.refused(self.new)

    def test_a_database_that_was_deleted_while_the_hub_was_down_is_confirmed_by_a_person(self):
        old = self.receiver(self.hub_redis, self.old)
        self.push(old, "Node_A")
        self.wait_merged(self.hub_redis, self.old, 3)
        old.stop()
        for file in self.folder.glob("old.db*"):
            file.unlink()
        self.refused(self.old).stop()
        self.adopt(self.old)
        old = self.receiver(self.hub_redis, self.old)
        self.push(old, "Node_A")  # not unchanged: this database does not have it
        self.wait_merged(self.hub_redis, self.old, 3)

    def test_devices_are_moved_by_a_pusher_for_each_node(self):
        old = self.receiver(self.hub_redis, self.old)
        for node, rows in (("Node_A", 3), ("Node_B", 4)):
            self.push(old, node, rows)
        self.wait_merged(self.hub_redis, self.old, 7)
        old.stop()
        self.adopt(self.new)
        hub = self.receiver(self.hub_redis, self.new)
        for node in ("Node_A", "Node_B"):
            table = self.run_program("receiver", {"SYNC_db": self.old}, "devices", "--node", node,
                                     "--json", code=0).stdout
            self.run_program("pusher", self.pusher_settings(hub.url, table, node), "--once", code=0)
        self.wait_merged(self.hub_redis, self.new, 7)
        columns = "devMac, devName, devLastIP, devFirstConnection, devSyncHubNode, devComments"
        wanted = f"SELECT {columns} FROM Devices ORDER BY devMac"
        self.assertEqual(query(self.new, wanted), query(self.old, wanted))


if __name__ == "__main__":
    unittest.main()
