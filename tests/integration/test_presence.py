# SPDX-License-Identifier: Apache-2.0
"""Presence of devices in the database, on SQLite and PostgreSQL."""

import json
import pathlib
import random
import sqlite3
import unittest

import harness
import postgres
from harness import (device_mac, device_row, device_table, internet_row,
                     netalertx_push, wait_until)
from merge_base import MergeTest

server = None


def present_row(index, **changes):
    return device_row(index, **{"devPresentLastScan": 1, **changes})


def present_rows(count):
    return [present_row(i) for i in range(count)]


def setUpModule():
    global server
    server = postgres.Postgres()
    unittest.addModuleCleanup(lambda: server.remove())


class PresenceTest(MergeTest):
    def rows(self, node="Node_A"):
        found = self.query("SELECT * FROM SyncHub_Presence WHERE node = ?", node)
        return {row["mac"]: row for row in found}

    def state(self, node="Node_A"):
        """The contents of the view for SQL users."""
        found = self.query("SELECT mac, present FROM SyncHub_NodePresence WHERE node = ?", node)
        return {row["mac"]: row["present"] for row in found}

    def execute(self, sql):
        raise NotImplementedError


class OnSqlite(PresenceTest):
    def execute(self, sql):
        connection = sqlite3.connect(self.db, timeout=harness.READY_S)
        try:
            with connection:
                connection.execute(sql)
        finally:
            connection.close()


class OnPostgres(PresenceTest):
    def setUp(self):
        super().setUp()
        self.db = server.new_database()

    def query(self, sql, *parameters):
        return postgres.query(self.db, sql, *parameters)

    def execute(self, sql):
        postgres.psql(self.db, sql)


class Changes:
    def test_a_device_comes_goes_and_comes_back(self):
        self.start()
        self.push(present_rows(3))
        first = self.rows()
        self.assertEqual(self.state(), {device_mac(i): "yes" for i in range(3)})
        self.push(present_rows(2))
        second = self.rows()
        self.assertEqual([second[device_mac(i)]["present"] for i in range(3)], [1, 1, 0])
        self.assertEqual([second[device_mac(i)] for i in range(2)],
                         [first[device_mac(i)] for i in range(2)])
        gone = second[device_mac(2)]
        self.assertGreater(gone["since_ms"], first[device_mac(2)]["since_ms"])
        self.assertEqual(gone["first_seen_ms"], first[device_mac(2)]["first_seen_ms"])
        self.assertGreaterEqual(gone["last_connection_ms"], gone["first_seen_ms"] - 60000)
        self.assertEqual(self.state()[device_mac(2)], "no")
        self.push(present_rows(3))
        back = self.rows()[device_mac(2)]
        self.assertEqual(back["present"], 1)
        self.assertGreater(back["since_ms"], gone["since_ms"])
        self.assertEqual(back["first_seen_ms"], gone["first_seen_ms"])

    def test_the_row_decides_where_it_says_whether_the_device_is_present(self):
        self.start()
        values = {0: 0, 1: 1, 2: "0", 3: "1", 4: False, 5: True, 6: "", 7: None, 8: ..., 9: 1.0}
        self.push([present_row(i, devPresentLastScan=value) for i, value in values.items()])
        present = [i for i in values if self.rows()[device_mac(i)]["present"] == 1]
        self.assertEqual(present, [1, 3, 5, 8, 9])
        before = self.rows()
        self.push([present_row(i, devPresentLastScan=1, devName="x") for i in values])
        self.assertEqual({row["present"] for row in self.rows().values()}, {1})
        self.assertEqual(self.rows()[device_mac(1)], before[device_mac(1)])

    def test_keys_with_escapes_and_twice_are_read_as_json_is(self):
        self.start()
        self.push_text('{"data": [{"devMac": "02:00:00:00:00:01", "devPresent\\u004castScan": 0},'
                       '{"devMac": "02:00:00:00:00:02", "devPresentLastScan": 0,'
                       ' "devPresentLastScan": 1, "devLastIP": "10.0.0.2"},'
                       '{"devMac": "02:00:00:00:00:03", "x": {"devPresentLastScan": 0},'
                       ' "devName": "\\"devPresentLastScan\\": 0"}]}')
        self.assertEqual([self.rows()[f"02:00:00:00:00:0{i}"]["present"] for i in (1, 2, 3)],
                         [0, 1, 1])
        self.assertEqual(self.rows()["02:00:00:00:00:02"]["ip"], "10.0.0.2")

    def test_a_row_over_a_limit_says_that_a_known_device_is_present(self):
        self.start()
        self.push(present_rows(3))
        before = self.rows()
        deep = "[" * 40 + "]" * 40
        limits = {"nested": f'"x": {deep}', "long": f'"devComments": "{"x" * (4 << 20)}"',
                  "many": ", ".join(f'"k{i}": 1' for i in range(2000))}
        for name, member in limits.items():
            with self.subTest(name):
                known, new = (json.dumps(present_row(i))[:-1] + f", {member}}}" for i in (0, 9))
                self.push_text(f'{{"data": [{known}, {new}, {json.dumps(present_row(1))}]}}')
                self.assertEqual(self.state(), {device_mac(0): "yes", device_mac(1): "yes", device_mac(2): "no"})
                self.assertEqual(self.rows()[device_mac(0)], before[device_mac(0)])

    def test_an_empty_table_makes_all_absent_and_rows_of_devices_never_change(self):
        self.start()
        self.push(present_rows(20))
        devices = self.dump()
        self.push([])
        self.assertEqual({row["present"] for row in self.rows().values()}, {0})
        self.push([present_row(i, devLastIP=f"10.9.9.{i}", devPresentLastScan=i % 2)
                   for i in range(20)])
        self.assertEqual(self.dump(), devices)
        self.assertEqual(self.rows()[device_mac(7)]["ip"], "10.9.9.7")

    def test_nothing_is_written_where_nothing_changed(self):
        self.start()
        self.push(present_rows(50))
        before = self.rows()
        for i in range(3):
            self.push([present_row(n, devLastConnection=f"2026-01-0{i + 1} 00:00:00")
                       for n in reversed(range(50))])
        self.assertEqual(self.rows(), before)

    def test_each_node_has_its_own_view_of_a_device(self):
        self.start()
        self.push([present_row(1), present_row(2)], "Node_A")
        self.push([present_row(1, devPresentLastScan=0), present_row(3)], "Node_B")
        self.assertEqual(self.state("Node_A"), {device_mac(1): "yes", device_mac(2): "yes"})
        self.assertEqual(self.state("Node_B"), {device_mac(1): "no", device_mac(3): "yes"})
        all_nodes = self.query("SELECT * FROM SyncHub_DevicePresence")
        self.assertEqual({row["devMac"]: (row["present"], row["nodes"]) for row in all_nodes},
                         {device_mac(1): ("yes", 2), device_mac(2): ("yes", 1),
                          device_mac(3): ("yes", 1)})
        self.push([], "Node_A")
        found = self.query("SELECT * FROM SyncHub_DevicePresence WHERE present = 'no'")
        self.assertEqual({row["devMac"] for row in found}, {device_mac(1), device_mac(2)})

    def test_of_one_table_the_first_row_of_a_device_counts(self):
        self.start()
        self.push([present_row(1, devMac="AA:BB:CC:DD:EE:01", devPresentLastScan=1),
                   present_row(2, devMac="aabb.ccdd.ee01", devPresentLastScan=0)])
        self.push([present_row(1, devMac="aabbccddee01", devPresentLastScan=0),
                   present_row(2, devMac="AA-BB-CC-DD-EE-01", devPresentLastScan=1)], "Node_B")
        self.assertEqual(self.state("Node_A"), {"aa:bb:cc:dd:ee:01": "yes"})
        self.assertEqual(self.state("Node_B"), {"aa:bb:cc:dd:ee:01": "no"})

    def test_other_keys_are_compared_without_regard_to_case(self):
        self.start()
        self.push([present_row(1, devMac="Printer-X"), present_row(2, devMac="平山")])
        self.push([present_row(1, devMac="PRINTER-x")])
        self.assertEqual(self.state(), {"printer-x": "yes", "平山": "no"})
        found = self.query("SELECT * FROM SyncHub_DevicePresence")
        self.assertEqual({row["devMac"]: row["present"] for row in found},
                         {"Printer-X": "yes", "平山": "no"})

    def test_skipped_and_rejected_rows_have_no_presence(self):
        self.start(SYNC_skip_macs=f"internet, {device_mac(1)}")
        self.push([internet_row(), present_row(1), present_row(2), present_row(3, devMac="")])
        self.assertEqual(set(self.rows()), {device_mac(2)})

    def test_a_table_without_a_valid_row_says_nothing(self):
        self.start()
        self.push([present_row(1), present_row(2)])
        self.push([{"dev_MAC": device_mac(1)}, present_row(2, devMac="")])
        self.assertEqual(self.state(), {device_mac(1): "yes", device_mac(2): "yes"})
        self.push([{"dev_MAC": device_mac(1)}, present_row(2)])
        self.assertEqual(self.state(), {device_mac(1): "no", device_mac(2): "yes"})

    def test_an_address_that_nobody_can_use_is_not_stored(self):
        self.start()
        self.push([present_row(1, devLastIP="x" * 500), present_row(2, devLastIP="10.0.0.1\u001b[2J"),
                   present_row(3, devLastIP="fe80::1%eth0"), present_row(4, devLastIP="ü")])
        self.assertEqual([self.rows()[device_mac(i)]["ip"] for i in range(1, 5)],
                         ["", "", "fe80::1%eth0", ""])

    def test_a_device_that_was_never_present_keeps_the_time_of_its_node(self):
        self.start()
        self.push([present_row(1, devPresentLastScan=0, devLastConnection="2026-01-02 03:04:05"),
                   present_row(2, devPresentLastScan=0, devLastConnection="yesterday"),
                   present_row(3, devPresentLastScan=0, devLastConnection="2999-01-02 03:04:05")])
        self.assertEqual([self.rows()[device_mac(i)]["last_connection_ms"] for i in (1, 2, 3)],
                         [1767323045000, 0, 0])


class Silence:
    def stop_without_contacts(self):
        self.hub.stop()
        self.hub_redis.cli("DEL", "synchub:contacts")

    def age(self, minutes):
        """While no hub runs, which would record the contact again."""
        self.execute(f"UPDATE \"SyncHub_Nodes\" SET last_contact_ms = last_contact_ms"
                     f" - {minutes * 60000}")

    def test_devices_of_a_silent_node_are_unknown_until_it_is_back(self):
        self.start()
        table = device_table([present_row(1), present_row(2, devPresentLastScan=0)])
        self.push_text(table)
        self.stop_without_contacts()
        self.age(10)
        self.assertEqual(self.state(), {device_mac(1): "yes", device_mac(2): "no"})
        self.age(6)
        self.assertEqual(self.state(), {device_mac(1): "unknown", device_mac(2): "unknown"})
        found = self.query("SELECT present FROM SyncHub_DevicePresence")
        self.assertEqual({row["present"] for row in found}, {"unknown"})
        self.start()
        self.push_text(table)  # unchanged: nothing is queued
        self.hub.wait_for_log("unchanged node=Node_A")
        wait_until(lambda: self.state() == {device_mac(1): "yes", device_mac(2): "no"}, "presence",
                   details=self.hub.log)

    def test_devices_of_a_late_or_failing_node_are_unknown(self):
        self.start()
        self.push(present_rows(1))
        self.stop_without_contacts()
        self.execute('UPDATE "SyncHub_Nodes" SET interval_ms = 120000')
        self.age(4)  # twice the interval, and two minutes for the hub to record it
        self.assertEqual(self.state(), {device_mac(0): "yes"})
        self.age(3)
        self.assertEqual(self.state(), {device_mac(0): "unknown"})
        self.execute('UPDATE "SyncHub_Nodes" SET interval_ms = 0')
        self.assertEqual(self.state(), {device_mac(0): "yes"})
        for after_ms, kind, status, expected in (
                (1, "key", 422, "unknown"), (0, "table_missing", 0, "unknown"), (-1, "key", 422, "yes"),
                (-1, "content", 422, "yes"), (-1, "content", 0, "unknown")):
            with self.subTest(kind=kind, after_ms=after_ms, status=status):
                self.execute(f'UPDATE "SyncHub_Nodes" SET problem_ms = 1, problem_kind = \'{kind}\','
                             f" problem_status = {status}, problem_seen_ms = last_contact_ms + {after_ms}")
                self.assertEqual(self.state(), {device_mac(0): expected})

    def test_a_contact_in_the_future_counts_as_none(self):
        self.start()
        self.push(present_rows(1))
        self.stop_without_contacts()
        self.age(-60)
        self.assertEqual(self.state(), {device_mac(0): "unknown"})
        self.start()
        self.push(present_rows(2))
        self.assertEqual(set(self.state().values()), {"yes"})


class Order:
    def test_what_an_older_table_says_does_not_count(self):
        self.start()
        self.push(present_rows(2))
        self.execute("UPDATE \"SyncHub_Nodes\" SET table_order = table_order + 60000000,"
                     " table_sealed_ms = table_sealed_ms + 60000")
        before = self.rows()
        self.push(present_rows(1))
        self.assertEqual(self.rows(), before)
        self.execute("UPDATE \"SyncHub_Nodes\" SET table_order = 1")
        self.push(present_rows(1))  # in full, as its digest is not used either
        self.assertEqual(self.state(), {device_mac(0): "yes", device_mac(1): "no"})

    def test_a_table_is_not_unchanged_while_another_one_waits(self):
        ingest = self.receiver(self.hub_redis, self.db, SYNC_receiver_role="ingest")
        tables = [device_table(present_rows(2)), device_table(present_rows(1))]
        merge = {"SYNC_receiver_role": "merge"}
        self.assertEqual(netalertx_push(ingest.url, tables[0], "Node_A").status, 200)
        self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db, **merge),
                         "--once", code=0)
        for table in (tables[1], tables[0]):
            self.assertEqual(netalertx_push(ingest.url, table, "Node_A").status, 200)
        self.assertEqual(self.hub_redis.backlog(), 2)
        self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db, **merge),
                         "--once", code=0)
        self.assertEqual(self.state(), {device_mac(0): "yes", device_mac(1): "yes"})
        self.assertEqual(netalertx_push(ingest.url, tables[0], "Node_A").status, 200)
        ingest.wait_for_log("unchanged node=Node_A")

    def test_a_receiver_that_is_killed_at_any_time_leaves_the_last_table(self):
        self.start(SYNC_claim_idle_s=1)
        ingest = self.receiver(self.hub_redis, self.db, SYNC_receiver_role="ingest")
        random.seed(11)
        for turn in range(6):
            wanted = random.sample(range(300), 200)
            for rows in (random.sample(range(300), 100), wanted):
                table = device_table([present_row(i) for i in rows])
                self.assertEqual(netalertx_push(ingest.url, table, "Node_A").status, 200)
            left = random.randrange(3)  # killed at a random point
            wait_until(lambda: self.hub_redis.backlog() <= left, "the receiver to be at work")
            self.hub.kill()
            self.start(SYNC_claim_idle_s=1)
        self.wait_drained()
        present = {mac for mac, state in self.state().items() if state == "yes"}
        self.assertEqual(present, {device_mac(i) for i in wanted})


class Parts:
    def test_a_table_in_parts_counts_once_it_is_whole(self):
        hub = self.start()
        rows = present_rows(10500)
        settings = self.pusher_settings(hub.url, device_table(rows), SYNC_RUN="once")
        self.run_program("pusher", settings, code=0)
        self.wait_drained()
        self.assertEqual(len(self.rows()), 10500)
        self.assertEqual(self.query("SELECT count(*) AS n FROM SyncHub_Presence"
                                    " WHERE present = 1")[0]["n"], 10500)
        del rows[10400], rows[7]
        pathlib.Path(settings["SYNC_devices_file"]).write_text(device_table(rows))
        self.run_program("pusher", settings, code=0)
        self.wait_drained()
        absent = self.query("SELECT mac FROM SyncHub_Presence WHERE present = 0")
        self.assertEqual({row["mac"] for row in absent}, {device_mac(7), device_mac(10400)})
        self.assertEqual(self.query("SELECT count(*) AS n FROM SyncHub_Parts")[0]["n"], 0)


class SqliteChanges(Changes, OnSqlite):
    pass


class SqliteSilence(Silence, OnSqlite):
    pass


class SqliteOrder(Order, OnSqlite):
    pass


class SqliteParts(Parts, OnSqlite):
    pass


@harness.long_test
class PostgresChanges(Changes, OnPostgres):
    pass


@harness.long_test
class PostgresSilence(Silence, OnPostgres):
    pass


@harness.long_test
class PostgresOrder(Order, OnPostgres):
    pass


@harness.long_test
class PostgresParts(Parts, OnPostgres):
    pass


class Replicas(OnPostgres):
    def test_two_receivers_that_merge_one_node_s_tables_at_once_agree_with_the_last(self):
        ingest = self.receiver(self.hub_redis, self.db, SYNC_receiver_role="ingest")
        settings = self.receiver_settings(self.hub_redis, self.db, SYNC_receiver_role="merge",
                                          SYNC_claim_idle_s=1)
        random.seed(3)
        last = {}
        for _ in range(30):
            for node in ("Node_A", "Node_B"):
                last[node] = random.sample(range(60), 30)
                table = device_table([present_row(i) for i in last[node]])
                self.assertEqual(netalertx_push(ingest.url, table, node).status, 200)
        replicas = [self.program("receiver", settings) for _ in range(2)]
        wait_until(lambda: self.hub_redis.backlog() == 0, "the queue to be empty",
                   details=lambda: "".join(r.log() for r in replicas))
        for node, rows in last.items():
            present = {mac for mac, state in self.state(node).items() if state == "yes"}
            self.assertEqual(present, {device_mac(i) for i in rows}, node)
        for node, rows in last.items():  # the digest that is published is that of the last table
            table = device_table([present_row(i) for i in rows])
            self.assertEqual(netalertx_push(ingest.url, table, node).status, 200)
            ingest.wait_for_log(f"unchanged node={node}")


if __name__ == "__main__":
    unittest.main()
