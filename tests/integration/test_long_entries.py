# SPDX-License-Identifier: Apache-2.0
"""Entries that take long to merge: they are merged in pieces, and do not delay other nodes."""

import sqlite3
import subprocess
import unittest

import envelopes
import harness
import postgres
from harness import (LARGE_S, READY_S, REPO, SyncHubTest, bearer, count, curl, device_rows, device_table,
                     netalertx_push, query, wait_until)

LINES = 200000
# Takes some milliseconds for each inserted device, as NetAlertX's triggers do.
SLOW_TRIGGER = """CREATE TRIGGER slow_{0} AFTER INSERT ON {0} BEGIN
INSERT INTO Changes(what, mac) SELECT 'slow', (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
SELECT i + 1 FROM n WHERE i < 6000) SELECT max(i) FROM n); END"""


def result(value, ids=LINES, lines=LINES):
    """A plugin result; value distinguishes the results of a test."""
    return "".join(f"{i % ids}|s|2026-08-22 02:53:00|{value}{i & 1}|||||\n" for i in range(lines))


class LongEntries(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.db = self.folder / "hub.db"

    def make_app_db(self):
        self.db = self.folder / "app.db"
        connection = sqlite3.connect(self.db)
        connection.executescript((REPO / "tests" / "fixtures" / "app_db.sql").read_text())
        connection.executescript(SLOW_TRIGGER.format("Devices"))
        connection.executescript("DELETE FROM Devices; DELETE FROM Changes")
        connection.close()

    def push(self, hub, text, node, plugin="SYNC"):
        answer = netalertx_push(hub.url, text, node, plugin)
        self.assertEqual(answer.status, 200, answer)

    def push_long(self, hub, number, ids=LINES):
        """Pushes results of a node with 200,000 lines each, which change as many ids and need a few hundred KB, or
        800 bytes with one id."""
        key = envelopes.NodeKey("Long")
        for i in range(number):
            answer = curl(hub.url + "/sync", headers={
                **bearer(), "Content-Type": "application/vnd.synchub.envelope"},
                body=envelopes.envelope(key, result(f"{i} ", ids), plugin="ARPSCAN"))
            self.assertEqual(answer.status, 202, answer)

    def lock_between_pieces(self, hub, rows=400):
        """Pushes a table of Long, and locks the database when some of its rows are merged, which it stays, however
        slow this process is. If the hub was faster, pushes another table. Returns the connection, and how many devices
        Long has sent."""
        lock = sqlite3.connect(self.db, timeout=READY_S, isolation_level=None)
        self.addCleanup(lock.close)
        for sent in range(0, 10 * rows, rows):
            self.push(hub, device_table(device_rows(rows, node="Long", first=sent)), "Long")
            wait_until(lambda: count(self.db) > sent, "the first piece", details=hub.log)
            lock.execute("BEGIN IMMEDIATE")  # waits for the end of a piece
            if count(self.db) < sent + rows:
                return lock, sent + rows
            lock.execute("ROLLBACK")
            self.wait_merged(self.hub_redis, self.db, sent + rows)
        raise AssertionError("all tables are merged before they can be interrupted")

    def table_of(self, node):
        return device_table(device_rows(5, node=node))

    def node(self, name):
        return query(self.db, "SELECT * FROM SyncHub_Nodes WHERE node = ?", name)[0]

    def commits(self):
        return int(query(self.db, "SELECT value FROM SyncHub_Meta WHERE key = 'generation'")[0]["value"])

    def pending(self):
        """Consumer and deliveries of pending entries, by their ids."""
        words = self.hub_redis.cli("XPENDING", "synchub:ingest", "receivers", "-", "+",
                                   "1000").split()
        return {words[i]: (words[i + 1], int(words[i + 3])) for i in range(0, len(words), 4)}

    @harness.long_test
    def test_another_node_s_table_does_not_wait_for_a_node_s_long_results(self):
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        self.push_long(ingest, 4)
        self.push(ingest, self.table_of("Other"), "Other")
        hub = self.receiver(self.hub_redis, self.db, SYNC_receiver_role="merge")
        wait_until(lambda: count(self.db) == 5, "the other node's table", details=hub.log)
        self.assertGreater(self.hub_redis.backlog(), 0, "the long results were merged first")

    @harness.long_test
    def test_the_same_in_postgresql(self):
        server = postgres.Postgres()
        self.addCleanup(server.remove)
        db = server.new_database()
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        self.push_long(ingest, 4)
        self.push(ingest, self.table_of("Other"), "Other")
        hub = self.receiver(self.hub_redis, db, SYNC_receiver_role="merge")
        wait_until(lambda: postgres.query(db, "SELECT count(*) AS n FROM Devices")[0]["n"] == 5,
                   "the other node's table", details=hub.log)
        self.assertGreater(self.hub_redis.backlog(), 0, "the long results were merged first")

    @harness.long_test
    def test_a_result_with_one_repeated_id_is_one_row(self):
        hub = self.receiver(self.hub_redis, self.db)
        self.push_long(hub, 40, ids=1)
        self.push(hub, self.table_of("Other"), "Other")
        self.wait_merged(self.hub_redis, self.db, 5)
        rows = query(self.db, "SELECT watchedValue1 FROM Plugins_Objects")
        self.assertEqual([row["watchedValue1"] for row in rows], ["39 1"])

    def test_a_table_killed_between_its_pieces_is_merged_to_its_end_and_counted_once(self):
        self.make_app_db()
        hub = self.receiver(self.hub_redis, self.db)
        lock, sent = self.lock_between_pieces(hub)
        hub.kill()
        lock.execute("ROLLBACK")
        self.receiver(self.hub_redis, self.db)
        self.wait_merged(self.hub_redis, self.db, sent)
        node = self.node("Long")
        self.assertEqual((node["sent"], node["inserted"], node["set_aside"]), (400, sent, 0))
        self.assertEqual(count(self.db, "Events"), sent)
        self.assertEqual(self.hub_redis.dead(), 0)

    def test_netalertx_gets_the_lock_between_the_pieces(self):
        self.make_app_db()
        hub = self.receiver(self.hub_redis, self.db)
        self.push(hub, device_table(device_rows(400, node="Long")), "Long")
        wait_until(lambda: count(self.db) > 0, "the first piece", details=hub.log)
        connection = sqlite3.connect(self.db, timeout=READY_S, isolation_level=None)
        self.addCleanup(connection.close)
        locks = 0
        while (before := count(self.db)) < 400:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
            locks += 1
            wait_until(lambda: count(self.db) != before, "the next piece", details=hub.log)
        self.assertGreater(locks, 3)

    @harness.long_test
    def test_long_entries_of_many_nodes_all_continue_where_they_stopped(self):
        """In turns; if an entry started again each time, it would repeat the same lines."""
        self.make_app_db()
        hub = self.receiver(self.hub_redis, self.db)

        rows = 400  # of which a fast machine commits some forty at once

        def commits_for(nodes):
            before = self.commits()
            for node in nodes:
                self.push(hub, device_table(device_rows(rows, node=node)), node)
            wait_until(lambda: self.hub_redis.backlog() == 0, "the merge", LARGE_S, hub.log)
            return self.commits() - before
        alone = commits_for(["Alone"])
        self.assertGreater(alone, 3, "the table is too small to take long here")
        together = commits_for([f"Node_{i}" for i in range(3)])
        self.assertLess(together, 3 * alone * 2)
        self.assertEqual(count(self.db), 4 * rows)

    @harness.long_test
    def test_restoring_a_backup_between_two_pieces_loses_nothing(self):
        self.make_app_db()
        hub = self.receiver(self.hub_redis, self.db)
        self.push(hub, self.table_of("Before"), "Before")
        self.wait_merged(self.hub_redis, self.db, 5)
        backup = self.folder / "backup.db"
        shell = ["sqlite3", self.db, ".timeout 120000"]
        subprocess.run([*shell, f".backup {backup}"], check=True, timeout=READY_S)
        self.push(hub, device_table(device_rows(600, node="Long")), "Long")
        wait_until(lambda: count(self.db) > 5, "the first piece", details=hub.log)
        # Counted at once, as merging goes on.
        counted = subprocess.run([*shell, f".restore {backup}", "SELECT count(*) FROM Devices"], check=True,
                                 timeout=READY_S, capture_output=True, text=True).stdout
        self.assertEqual(counted.split()[-1], "5")
        self.assertEqual(self.hub_redis.backlog(), 1)
        self.wait_merged(self.hub_redis, self.db, 605)
        self.assertEqual(self.node("Long")["inserted"], 600)

    @harness.long_test
    def test_a_long_entry_stays_with_the_receiver_that_merges_it(self):
        self.make_app_db()
        settings = {"SYNC_claim_idle_s": "1"}
        first = self.receiver(self.hub_redis, self.db, **settings)
        self.push(first, device_table(device_rows(1000, node="Long")), "Long")
        wait_until(lambda: count(self.db) > 0, "the first piece", details=first.log)
        owner = list(self.pending().values())
        self.assertEqual(len(owner), 1)
        second = self.receiver(self.hub_redis, self.db, **settings)
        seen = set()

        def merged():
            seen.update(self.pending().values())
            return self.hub_redis.backlog() == 0
        wait_until(merged, "the table to be merged", seconds=LARGE_S, details=first.log)
        self.assertEqual(seen, set(owner))
        self.assertNotIn("merged node=Long", second.log())
        self.assertEqual(self.node("Long")["inserted"], 1000)

    @harness.long_test
    def test_entries_of_a_receiver_that_was_killed_are_claimed(self):
        self.make_app_db()
        first = self.receiver(self.hub_redis, self.db, SYNC_claim_idle_s="1")
        self.push(first, device_table(device_rows(400, node="Long")), "Long")
        wait_until(lambda: count(self.db) > 0, "the first piece", details=first.log)
        second = self.receiver(self.hub_redis, self.db, SYNC_claim_idle_s="1")
        first.kill()
        self.wait_merged(self.hub_redis, self.db, 400)
        second.wait_for_log("merged node=Long")

    def test_a_stop_during_an_entry_releases_it_at_once(self):
        self.make_app_db()
        first = self.receiver(self.hub_redis, self.db)  # a claim would take 60 s
        lock, sent = self.lock_between_pieces(first, 1000)
        second = self.program("receiver", self.receiver_settings(self.hub_redis, self.db))
        second.wait_for_log("listening on")
        lock.execute("ROLLBACK")
        first.stop()
        self.wait_merged(self.hub_redis, self.db, sent)
        second.wait_for_log("merged node=Long")


if __name__ == "__main__":
    unittest.main()
