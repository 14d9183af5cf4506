# SPDX-License-Identifier: Apache-2.0
"""Receivers on a real PostgreSQL server: the same rules, several replicas, and servers that fail."""

import json
import random
import re
import subprocess
import threading
import unittest

import postgres
import test_receiver_merge as rules
from harness import (device_mac, device_row, device_rows, device_table, long_test,
                     netalertx_push, poll_until, wait_until)
from merge_base import MergeTest

server = None

TAKEN_S = 10

TEXT_OR_NUMBER = {"devScan", "devSkipRepeated", "devParentPort", "devReqNicsOnline",
                  "devCanSleep"}


def setUpModule():
    global server
    server = postgres.Postgres()
    unittest.addModuleCleanup(lambda: server.remove())


class OnPostgres(MergeTest):
    def setUp(self):
        super().setUp()
        self.db = server.new_database()

    def query(self, sql, *parameters):
        """Rows; numbers in text columns are converted as SQLite returns them."""
        rows = postgres.query(self.db, sql, *parameters)
        for row in rows:
            for column in TEXT_OR_NUMBER & row.keys():
                value = row[column]
                if value is not None and re.fullmatch(r"-?\d+(\.\d+)?", value):
                    row[column] = json.loads(value)
        return rows

    def count(self, table="Devices"):
        try:
            return self.query(f"SELECT count(*) AS n FROM {table}")[0]["n"]
        except AssertionError as error:
            if "does not exist" in str(error):
                return 0
            raise


@long_test
class WhoWins(OnPostgres, rules.WhoWins):
    pass


@long_test
class Keys(OnPostgres, rules.Keys):
    pass


@long_test
class Values(OnPostgres, rules.Values):
    pass


@long_test
class OddValues(OnPostgres, rules.OddValues):
    pass


@long_test
class BadRows(OnPostgres, rules.BadRows):
    pass


class WithReplicas(OnPostgres):
    def merge(self, **settings):
        return self.receiver(self.hub_redis, self.db, SYNC_receiver_role="merge",
                             SYNC_claim_idle_s=1, **settings)

    def ingest(self):
        self.hub = self.receiver(self.hub_redis, self.db, SYNC_receiver_role="ingest")
        return self.hub

    def locked(self):
        """A session that locks Devices against inserts; release() ends it."""
        session = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", "-d", self.db],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        session.stdin.write('BEGIN; LOCK TABLE "Devices" IN EXCLUSIVE MODE;\n\\echo locked\n')
        session.stdin.flush()
        self.assertEqual(session.stdout.readline().strip(), "locked")

        def release():
            if session.poll() is None:
                session.communicate("ROLLBACK;\n")
        self.addCleanup(release)
        return release


class Replicas(WithReplicas):
    @long_test
    def test_three_replicas_starting_together_merge_overlapping_tables_once(self):
        ingest = self.ingest()
        settings = self.receiver_settings(self.hub_redis, self.db, SYNC_receiver_role="merge")
        replicas = [self.program("receiver", settings) for _ in range(3)]
        common = device_rows(150, "common")
        random.seed(5)
        failures = []

        def push(node):
            for part in range(3):
                rows = common + device_rows(60, node, first=60 * part)
                random.shuffle(rows)
                answer = netalertx_push(ingest.url, device_table(rows), node)
                if answer.status != 200:
                    failures.append(answer)

        nodes = [f"Node_{n}" for n in range(8)]
        threads = [threading.Thread(target=push, args=(node,)) for node in nodes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.wait_drained()
        self.assertEqual(self.count(), 150 + 8 * 180)
        self.assertEqual(self.hub_redis.dead(), 0)
        output = self.query("SELECT * FROM SyncHub_Nodes")
        self.assertEqual({node["node"] for node in output}, set(nodes))
        self.assertEqual(sum(node["inserted"] for node in output), 150 + 8 * 180)
        for replica in replicas:
            self.assertNotIn("level=error", replica.log())
            replica.wait_ready()

    def test_entries_of_a_killed_replica_are_merged_by_another(self):
        ingest = self.ingest()
        first = self.merge()
        release = self.locked()
        for node in ("A", "B"):
            self.assertEqual(netalertx_push(ingest.url, device_table(device_rows(50, node)),
                                            node).status, 200)
        wait_until(lambda: self.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = "
                                      "'Lock'"), "the replica to wait for the lock")
        first.kill()
        release()
        second = self.merge()
        self.wait_drained()
        self.assertEqual(self.count(), 100)
        self.assertEqual(self.count("SyncHub_Nodes"), 2)
        second.wait_for_log("merged node=A")

    def push_all(self, nodes, rows, comment):
        """Pushes a changed table of the same devices for each node."""
        changed = [{**row, "devComments": comment} for row in rows]
        for node in nodes:
            self.assertEqual(netalertx_push(self.hub.url, device_table(changed), node).status, 200)

    def test_deleted_devices_come_back_with_the_next_table_whichever_replica_merges_it(self):
        """Replicas remember devices that they have found, and one of them dies on the way."""
        self.ingest()
        replicas = [self.merge() for _ in range(2)]
        nodes, rows = [f"Node_{n}" for n in range(6)], device_rows(30)
        for turn in range(4):  # so many that both have merged such tables
            self.push_all(nodes, rows, f"turn {turn}")
            self.wait_drained()
        self.assertEqual(self.count(), 30)
        for turn, sql in enumerate(('DELETE FROM "Devices" WHERE rowid % 2 = 0', 'TRUNCATE "Devices"')):
            postgres.psql(self.db, sql)
            self.push_all(nodes, rows, sql)
            if turn == 0:
                replicas[0].kill()
                replicas.append(self.merge())
            self.wait_drained()
            self.assertEqual(self.count(), 30)
            self.assertEqual(len({mac.lower() for mac in self.devices("true")}), 30)
        self.assertEqual(self.hub_redis.dead(), 0)

    def test_a_replica_that_waits_for_a_lock_stops_in_time(self):
        ingest = self.ingest()
        replica = self.merge()
        self.locked()
        self.assertEqual(netalertx_push(ingest.url, device_table(device_rows(5)), "A").status, 200)
        wait_until(lambda: self.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = "
                                      "'Lock'"), "the replica to wait for the lock")
        replica.stop()
        self.assertEqual(self.hub_redis.backlog(), 1)


@long_test
class Parts(WithReplicas):
    ROWS = 25000  # three parts

    def node(self):
        return self.query("SELECT * FROM SyncHub_Nodes WHERE node = 'Big'")[0]

    def push_once(self, ingest, table, code=0):
        settings = self.pusher_settings(ingest.url, table, node="Big")
        return self.run_program("pusher", settings, "--once", code=code).stderr

    def test_a_table_in_parts_is_merged_by_any_replica_and_its_counts_are_complete(self):
        ingest = self.ingest()
        table = device_table(device_rows(self.ROWS, "Big") + [{"devName": "no mac"}])
        output = self.push_once(ingest, table)
        self.assertIn("part 3 of 3: queued", output)
        self.assertEqual(self.hub_redis.backlog(), 3)
        first = self.merge()
        release = self.locked()
        wait_until(lambda: self.hub_redis.backlog() < 3 or self.query(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"), "work in progress")
        first.kill()
        release()
        postgres.wait_for_ended_sessions(self.db)
        pieces = self.count()  # that it had committed; the next one knows them
        others = [self.merge(), self.merge()]
        self.wait_drained()
        self.assertEqual(self.count(), self.ROWS)
        node = self.node()
        self.assertEqual((node["sent"], node["inserted"], node["set_aside"]),
                         (self.ROWS + 1, self.ROWS, 1))
        self.assertLessEqual(node["known"], pieces)
        self.assertIn("part 3, row 5001", node["reason"])
        self.assertEqual(self.count("SyncHub_Parts"), 0)
        again = self.push_once(ingest, None)
        self.assertIn("part 1 of 3: unchanged", again)
        self.assertNotIn("part 2 of 3", again)
        self.assertEqual(self.hub_redis.backlog(), 0)
        for replica in others:
            self.assertNotIn("level=error", replica.log())

    def test_while_a_part_is_missing_the_table_is_not_unchanged(self):
        ingest = self.ingest()
        table = device_table(device_rows(self.ROWS, "Big"))
        self.push_once(ingest, table)
        entry = self.hub_redis.cli("--raw", "XRANGE", "synchub:ingest", "-", "+", "COUNT", "1")
        self.hub_redis.cli("XDEL", "synchub:ingest", entry.split("\n")[0])
        replica = self.merge()
        self.wait_drained()
        self.assertEqual((self.node()["sent"], self.node()["digest"]), (0, None))
        self.assertTrue(self.hub_redis.cli("HGET", "synchub:digests", "Big").startswith("queued "))
        replica.stop()
        self.push_once(ingest, None)
        self.merge()
        self.wait_drained()
        self.assertEqual((self.count(), self.node()["sent"], self.node()["inserted"]),
                         (self.ROWS, self.ROWS, self.ROWS))


@long_test
class Faults(OnPostgres):
    def start_and_push(self):
        self.start()
        self.push(device_rows(3))

    def is_queued(self):
        return netalertx_push(self.hub.url, device_table(device_rows(3, first=3)), "Node_A").status == 200

    def queue_more(self):
        self.assertTrue(self.is_queued(), self.hub.log())

    def test_a_server_that_is_restarted_is_used_again(self):
        for end in (server.stop, server.kill):
            with self.subTest(end.__name__):
                self.hub_redis = self.redis()  # a queue belongs to one database
                self.db = server.new_database()
                self.start_and_push()
                end()
                try:
                    self.queue_more()
                    self.hub.wait_unready("SYNC_db")
                finally:
                    server.start()
                self.hub.wait_ready()
                self.wait_drained()
                self.assertEqual(self.count(), 6)
                self.assertNotIn(postgres.PASSWORD, self.hub.log())
                self.hub.stop()

    def test_an_idle_receiver_publishes_the_digests_again_after_a_restart(self):
        self.start_and_push()
        self.assertEqual(self.hub_redis.cli("HLEN", "synchub:digests"), "1")
        self.hub_redis.cli("DEL", "synchub:digests")
        server.stop()
        server.start()
        wait_until(lambda: self.hub_redis.cli("HLEN", "synchub:digests") == "1",
                   "the digests to be published", details=self.hub.log)

    def test_a_receiver_that_starts_without_its_server_accepts_pushes(self):
        server.stop()
        try:
            self.hub = self.program("receiver", self.receiver_settings(self.hub_redis, self.db))
            wait_until(self.is_queued, "the push to be accepted", details=self.hub.log)
            for word in ("PostgreSQL", "SYNC_db"):
                self.hub.wait_unready(word)
        finally:
            server.start()
        self.hub.wait_ready()
        self.wait_drained()
        self.assertEqual(self.count(), 3)

    def test_a_server_that_hangs_does_not_keep_a_receiver_from_stopping(self):
        self.start_and_push()
        server.pause()
        try:
            self.queue_more()
            # The receiver may already wait for the server in another statement, and takes nothing then.
            poll_until(lambda: "entries-read\n2" in self.hub_redis.cli("XINFO", "GROUPS", "synchub:ingest"),
                       TAKEN_S)
            self.hub.stop()
        finally:
            server.resume()
        self.start()
        self.wait_drained()
        self.assertEqual(self.count(), 6)

    def test_a_wrong_password_is_reported_without_the_password(self):
        wrong = server.url("postgres", "s3cret")
        done = self.run_program("receiver", self.receiver_settings(self.hub_redis, wrong), code=2)
        self.assertIn("SYNC_db", done.stderr)
        self.assertIn("password", done.stderr)
        self.assertNotIn("s3cret", done.stdout + done.stderr)

    def test_terminated_sessions_lose_nothing(self):
        self.start_and_push()
        for _ in range(3):
            postgres.psql(self.db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                   "WHERE application_name = 'synchub-receiver'")
            self.queue_more()
        self.wait_drained()
        self.assertEqual(self.count(), 6)


@long_test
class WhatIsTold(OnPostgres):
    def run_command(self, *arguments, code=0):
        settings = self.receiver_settings(self.hub_redis, self.db)
        return self.run_program("receiver", settings, *arguments, code=code)

    def test_nodes_and_devices_show_merged_data(self):
        self.start()
        self.push(device_rows(4), node="Node_A")
        self.push(device_rows(3, "b") + [device_row(0)], node="Büro")
        output = self.run_command("nodes").stdout
        line = next(line for line in output.splitlines() if line.startswith("Büro"))
        self.assertEqual(re.findall(r"(?<![\d:.-])\d+(?![\d:.-])", line)[:4], ["4", "3", "1", "0"])
        output = json.loads(self.run_command("devices", "--json").stdout)
        self.assertEqual({row["devMac"] for row in output["data"]}, self.macs())
        output = json.loads(self.run_command("devices", "--node", "Büro", "--json").stdout)
        # What the node sees, whoever sent it first.
        self.assertEqual([row["devMac"] for row in output["data"]],
                         sorted([device_mac(0), *(device_mac(i, "b") for i in range(3))]))
        self.assertIn("Küche", self.run_command("devices").stdout)

    def test_a_table_can_pass_through_another_hub(self):
        self.start()
        self.push(device_rows(5))
        table = self.run_command("devices", "--json").stdout
        self.push_text(table, node="Hub_1")
        self.assertEqual(self.count(), 5)
        self.assertEqual(self.query("SELECT * FROM SyncHub_Nodes WHERE node = 'Hub_1'")[0]["known"],
                         5)

    def test_plugin_results_are_kept_by_their_ids(self):
        self.start()
        self.push_text("p|s|2026-01-01 10:00:00|1|2|3|4|x|f\n", plugin="ARPSCAN")
        self.push_text("p|s|2026-01-02 10:00:00|9|2|3|4|x|f\n", plugin="ARPSCAN")
        rows = self.query("SELECT * FROM Plugins_Objects")
        self.assertEqual([(row["watchedValue1"], row["status"]) for row in rows],
                         [("9", "watched-changed")])

    def test_read_only_subcommands_create_no_tables(self):
        done = self.run_command("devices", code=1)
        self.assertIn("no tables", done.stderr)
        self.assertEqual(postgres.psql(self.db, "SELECT count(*) FROM pg_tables "
                                                "WHERE schemaname = 'public'").strip(), "0")


if __name__ == "__main__":
    unittest.main()
