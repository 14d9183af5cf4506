# SPDX-License-Identifier: Apache-2.0
"""Every rule for merging device rows into Devices, checked in the database itself."""

import datetime
import json
import re
import subprocess
import unittest

import envelopes
from harness import (COLUMNS, device_mac, device_row, device_rows, device_table, internet_row,
                     mac_spellings, netalertx_push, wait_until)
from merge_base import MergeTest
from metrics_base import metric

ADD = """local e = string.gsub(ARGV[1], '..', function (hex) return string.char(tonumber(hex, 16)) end)
return redis.call('XADD', KEYS[1], '*', 'e', e, 'm', 'push')"""


class Once(MergeTest):
    def test_a_single_run_ends_as_soon_as_the_queue_is_empty(self):
        """It asks Redis for entries without waiting for some that might come."""
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        for index in range(3):
            netalertx_push(ingest.url, device_table(device_rows(5, first=5 * index)), f"N{index}")
        ingest.stop()
        settings = self.receiver_settings(self.hub_redis, self.db)
        with subprocess.Popen(["redis-cli", "-p", str(self.hub_redis.port), "monitor"],
                              stdout=subprocess.PIPE, text=True) as monitor:
            self.assertEqual(monitor.stdout.readline().strip(), "OK")
            self.run_program("receiver", settings, "--once", code=0)
            self.run_program("receiver", settings, "--once", code=0)  # nothing to do
            self.hub_redis.cli("echo", "the end")
            commands = []
            while not commands or "the end" not in commands[-1]:
                commands.append(monitor.stdout.readline().lower())
            monitor.terminate()
        self.assertEqual(len(self.macs()), 15)
        reads = [line for line in commands if '"xreadgroup"' in line]
        self.assertGreater(len(reads), 0, commands)
        self.assertEqual([line for line in reads if '"block"' in line], [])


class WhoWins(MergeTest):
    def test_a_new_device_is_inserted_with_all_columns_of_the_node(self):
        self.start()
        sent = device_row(1)
        self.push([sent])
        row = self.row(device_mac(1))
        for column in COLUMNS:
            expected = sent[column]
            if column == "devSyncHubNode":
                expected = "Node_A"
            self.assertEqual(row[column], expected, column)

    def test_merge_keeps_the_row_that_is_there(self):
        self.start()
        self.push([device_row(1, devName="first")])
        before = self.dump()
        changes = {column: "changed" for column in ("devName", "devOwner", "devLastIP", "devIcon")}
        self.push([device_row(1, devIsArchived=1, devLastConnection="2030-01-01 00:00:00",
                              **changes)])
        self.assertEqual(self.dump(), before)

    def test_pushing_the_same_again_changes_no_row(self):
        self.start()
        rows = device_rows(200)
        self.push(rows)
        before = self.dump()
        self.assertEqual(len(before), 200)
        self.push(rows)
        self.push(list(reversed(rows)))
        self.assertEqual(self.dump(), before)

    def test_in_one_table_the_first_row_of_a_mac_wins(self):
        self.start()
        self.push([device_row(1, devMac="02:00:00:00:00:01", devName="first"),
                   device_row(2),
                   device_row(3, devMac="02-00-00-00-00-01", devName="second"),
                   device_row(4, devMac="020000000001", devName="third")])
        self.assertEqual(self.macs(), {"02:00:00:00:00:01", device_mac(2)})
        self.assertEqual(self.row("02:00:00:00:00:01")["devName"], "first")

    def test_between_nodes_the_first_queued_row_wins(self):
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        for node in ("Zebra", "Antelope", "Mole"):
            answer = netalertx_push(ingest.url, device_table([device_row(1, devName=node)]), node)
            self.assertEqual(answer.status, 200)
        ingest.stop()
        self.start()
        self.wait_drained()
        row = self.row(device_mac(1))
        self.assertEqual((row["devName"], row["devSyncHubNode"]), ("Zebra", "Zebra"))

    def test_the_row_has_the_name_of_its_node(self):
        self.start()
        self.push([device_row(1, devSyncHubNode="Liar"), device_row(2, devSyncHubNode=...)],
                  node="Büro 1")
        self.assertEqual({row["devSyncHubNode"] for row in self.devices().values()}, {"Büro 1"})


class Keys(MergeTest):
    def test_six_byte_macs_are_normalized(self):
        self.start()
        self.push([device_row(1, devMac="AA:BB:CC:DD:EE:01"),
                   device_row(2, devMac="aa-bb-cc-dd-ee-02"),
                   device_row(3, devMac="AABBCCDDEE03"),
                   device_row(4, devMac="  Aa:bB:cC:Dd:eE:04 "),
                   device_row(5, devMac="AABB.CCDD.EE05"), device_row(6, devMac="aabb-ccdd-ee06"),
                   device_row(7, devMac="aabbcc-ddee07"), device_row(8, devMac="aa:bb:cc:dd:ee:8")])
        self.push([device_row(i, devMac=f"aabb.ccdd.ee0{i}") for i in range(1, 9)], "Node_B")
        self.assertEqual(self.macs(), {f"aa:bb:cc:dd:ee:0{n}" for n in range(1, 9)})

    def test_any_other_printable_value_is_also_a_key(self):
        self.start()
        keys = ["Synthetic Device", "fa:ce:01", "k" * 64, "Gerät-1", "平" * 64, "{x}", "00:11"]
        self.push([device_row(i, devMac=key) for i, key in enumerate(keys)])
        self.assertEqual(self.macs(), set(keys))

    def test_keys_are_compared_without_regard_to_case(self):
        self.start()
        self.push([device_row(1, devMac="Printer-X", devName="first")])
        self.push([device_row(2, devMac="PRINTER-x", devName="second")])
        self.assertEqual([row["devName"] for row in self.devices().values()], ["first"])

    def test_rows_with_an_invalid_key_are_rejected(self):
        self.start()
        bad = ["", "   ", "k" * 65, "a\nb", "a\x7f", None, ..., [], {}, True]
        self.push([device_row(0)] + [device_row(i, devMac=mac) for i, mac in enumerate(bad, 1)])
        self.assertEqual(self.macs(), {device_mac(0)})
        self.assert_rejected(len(bad), "devMac")

    def test_a_mac_that_became_a_number_is_its_text(self):
        self.start()
        self.push_text('{"data": [%s, %s]}' % (self.json_row(1, devMac=0),
                                               self.json_row(2, devMac=112233445566)))
        self.assertEqual(self.macs(), {"0", "11:22:33:44:55:66"})

    def test_the_internet_row_is_skipped_and_counted(self):
        self.start()
        self.push([internet_row(), device_row(1), internet_row() | {"devMac": "INTERNET"}])
        self.assertEqual(self.macs(), {device_mac(1)})
        node = self.query("SELECT * FROM SyncHub_Nodes")[0]
        self.assertEqual((node["skipped"], node["set_aside"], node["inserted"]), (2, 0, 1))

    def test_macs_in_skip_macs_are_not_inserted(self):
        self.start(SYNC_skip_macs="internet, AABB.CCDD.EEFF, Printer-X, 2-0-0-a-b-c")
        self.push([internet_row(), device_row(1, devMac="aa:bb:cc:dd:ee:ff"),
                   device_row(2, devMac="printer-x"), device_row(3),
                   device_row(4, devMac="020000-0a0b0c"), device_row(5, devMac="0200000A0B0C")])
        self.assertEqual(self.macs(), {device_mac(3)})

    def test_skip_macs_takes_macs_in_any_spelling(self):
        count = len(mac_spellings(device_mac(0)))
        self.start(SYNC_skip_macs=",".join(mac_spellings(device_mac(i))[i] for i in range(count)))
        self.push(device_rows(count + 1))
        self.assertEqual(self.macs(), {device_mac(count)})

    def test_a_mac_removed_from_skip_macs_is_inserted_from_an_unchanged_table(self):
        table = device_table(device_rows(3))
        hub = self.start(SYNC_skip_macs=f"internet, {device_mac(1)}")
        self.push_text(table)
        self.assertEqual(len(self.macs()), 2)
        hub.stop()
        self.start()
        self.push_text(table)
        self.assertEqual(len(self.macs()), 3)
        self.push_text(table)
        self.hub.wait_for_log("unchanged node=Node_A")


class Values(MergeTest):
    def test_unknown_keys_are_ignored(self):
        self.start()
        self.push([device_row(1, devSomethingNew="x", nested={"a": [1]}, devMAC="y"),
                   device_row(2, **{"devName; DROP TABLE Devices": 1})])
        self.assertEqual(self.macs(), {device_mac(1), device_mac(2)})

    def test_missing_columns_take_their_defaults(self):
        self.start()
        self.push([{"devMac": device_mac(1)}])
        row = self.row(device_mac(1))
        now = datetime.datetime.now(datetime.timezone.utc)
        early, late = (str(now + datetime.timedelta(minutes=m))[:19] for m in (-5, 1))
        for column in ("devFirstConnection", "devLastConnection"):
            self.assertRegex(row[column], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
            self.assertTrue(early < row[column] < late, row[column])
        expected = {
            "devName": "(unknown)", "devOwner": "(unknown)", "devLastIP": "", "devFavorite": 0,
            "devStaticIP": 0, "devScan": 1, "devLogEvents": 1, "devAlertEvents": 1,
            "devAlertDown": 0, "devSkipRepeated": 0, "devPresentLastScan": 0, "devIsNew": 1,
            "devIsArchived": 0, "devParentPort": None, "devType": None, "devIcon": None,
            "devSyncHubNode": "Node_A"}
        self.assertEqual({column: row[column] for column in expected}, expected)

    def test_null_is_like_a_missing_key(self):
        self.start()
        self.push([{**{column: None for column in COLUMNS}, "devMac": device_mac(1)}])
        row = self.row(device_mac(1))
        self.assertEqual((row["devName"], row["devScan"], row["devType"]), ("(unknown)", 1, None))

    def test_numbers_in_text_columns_become_their_text(self):
        self.start()
        self.push_text('{"data": [%s]}' % self.json_row(
            1, devName=7, devOwner=-3, devVendor=1.5, devComments=9007199254740993,
            devLastIP=0, devGroup=1e300, devVlan=10.0, devType=10.0))
        row = self.row(device_mac(1))
        self.assertEqual([row[column] for column in ("devName", "devOwner", "devVendor",
                                                     "devComments", "devLastIP", "devGroup",
                                                     "devVlan", "devType")],
                         ["7", "-3", "1.5", "9007199254740993", "0", "1e+300", "10.0", "10"])

    def test_an_empty_text_stays_empty_or_becomes_the_default_if_the_schema_refuses_it(self):
        self.start()
        self.push([device_row(1, devParentPort="", devReqNicsOnline="", devCanSleep="",
                              devLastNotification="", devFavorite="", devIsNew="")])
        row = self.row(device_mac(1))
        for column in ("devParentPort", "devReqNicsOnline", "devCanSleep", "devLastNotification"):
            self.assertEqual(row[column], "", column)
        self.assertEqual([row[c] for c in ("devFavorite", "devIsNew")], [0, 1])

    def test_numbers_written_as_text_are_numbers(self):
        self.start()
        self.push([device_row(1, devParentPort="24", devFavorite="1", devScan=True)])
        row = self.row(device_mac(1))
        self.assertEqual((row["devParentPort"], row["devFavorite"], row["devScan"]), (24, 1, 1))

    def test_unicode_text_is_unchanged(self):
        self.start()
        names = ["Zoë", "平山", "\U0001f5a8 printer", "it's \"quoted\"", "a\\b", "tab\there",
                 "line\nbreak", "\u202egnp", "' OR 1=1 --", "%s%n"]
        self.push([device_row(i, devName=name) for i, name in enumerate(names)])
        self.assertEqual([self.row(device_mac(i))["devName"] for i in range(len(names))], names)


class OddValues(MergeTest):
    """Only a missing or invalid key rejects a device row."""

    def test_the_last_of_repeated_keys_counts(self):
        self.start()
        self.push_text('{"data": [{"devMac": "02:00:00:00:00:01", "devName": "first", '
                       '"devName": "last", "devMac": "02:00:00:00:00:02"}]}')
        self.assertEqual(self.row("02:00:00:00:00:02")["devName"], "last")
        self.assert_rejected(0)

    def test_free_text_in_number_columns_is_kept(self):
        self.start()
        ports = ["Gi1/0/24", "LAN 2", "eth0", " 24 ", "1.50", "007"]
        self.push([device_row(i, devParentPort=port, devScan="daily", devSkipRepeated="x")
                   for i, port in enumerate(ports)])
        stored = [self.row(device_mac(i))["devParentPort"] for i in range(len(ports))]
        self.assertEqual(stored, ["Gi1/0/24", "LAN 2", "eth0", 24, 1.5, 7])
        row = self.row(device_mac(0))
        self.assertEqual((row["devScan"], row["devSkipRepeated"]), ("daily", "x"))
        self.assert_rejected(0)

    def test_values_that_cannot_be_stored_become_the_default_and_are_reported(self):
        self.start()
        rows = [self.json_row(1, devName="@").replace('"@"', "Infinity"),
                self.json_row(2, devName="@").replace('"@"', "-Infinity"),
                self.json_row(3, devVendor="@").replace('"@"', "NaN"),
                self.json_row(4, devName="a\0b"),
                self.json_row(5, devName={"a": 1}),
                self.json_row(6, devVendor=["x"]),
                self.json_row(7, devFavorite="yes"),
                self.json_row(8, devAlertDown=2),
                self.json_row(9, devScan=10 ** 30),
                self.json_row(10, devName="@").replace('"@"', '"\\ud800"'),
                self.json_row(11)]
        self.push_text('{"data": [%s]}' % ",".join(rows))
        found = self.devices()
        self.assertEqual(len(found), 11)
        for i in (1, 2, 4, 5, 10):
            self.assertEqual(found[device_mac(i)]["devName"], "(unknown)", i)
        for i in (3, 6):
            self.assertIsNone(found[device_mac(i)]["devVendor"], i)
        self.assertEqual(found[device_mac(7)]["devFavorite"], 0)
        self.assertEqual(found[device_mac(8)]["devAlertDown"], 0)
        self.assertEqual(found[device_mac(9)]["devScan"], 1)
        self.assert_rejected(0, "devName held a number that is not finite and became its default")
        self.hub.wait_for_log("merged .*replaced=10")
        wait_until(lambda: metric(self.hub, "synchub_values_replaced_total") == "10", "the metric")

    def test_a_long_comment_arrives_complete(self):
        self.start()
        comments = ["ü" * 60000, "\U0001f5a8" * 250000, "x" * 250000]
        self.push([device_row(i, devComments=text) for i, text in enumerate(comments)])
        self.assertEqual([self.row(device_mac(i))["devComments"] for i in range(3)], comments)

    def test_references_are_spelled_as_keys_are(self):
        self.start()
        self.push([device_row(1, devParentMAC="AABB.CC00.000F"),
                   device_row(2, devParentMAC="aa-bb-cc-0-0-f"),
                   device_row(3, devParentMAC="Internet"), device_row(4, devParentMAC="")])
        self.assertEqual([self.row(device_mac(i))["devParentMAC"] for i in range(1, 5)],
                         ["aa:bb:cc:00:00:0f", "aa:bb:cc:00:00:0f", "Internet", ""])


class BadRows(MergeTest):
    def assert_only_the_good(self, bad_elements, *words):
        """Invalid elements (JSON text) among valid rows must not affect these."""
        self.start()
        elements = [self.json_row(1), *bad_elements, self.json_row(2)]
        self.push_text('{"data": [%s]}' % ",".join(elements))
        self.assertEqual(self.macs(), {device_mac(1), device_mac(2)})
        self.assert_rejected(len(bad_elements), *words)
        self.assertEqual(self.hub_redis.dead(), 0)

    def test_elements_that_are_not_objects(self):
        self.assert_only_the_good(['5', '"text"', 'null', 'true', '[1, [2]]', '-1.5e3'])

    def test_objects_without_a_mac(self):
        self.assert_only_the_good(['{}', '{"devName": "x"}', '{"dev_MAC": "02:00:00:00:00:01"}'],
                                  "devMac")

    def test_only_rows_over_a_limit_are_rejected(self):
        deep = "[" * 40 + "]" * 40
        keys = ",".join(f'"k{i}": 1' for i in range(1001))
        self.assert_only_the_good(
            ['{"devMac": "02:00:00:00:00:01", "x": %s}' % deep,
             '{"devMac": "02:00:00:00:00:02", "x": %s}' % ('{"a":' * 5000 + "1" + "}" * 5000),
             '{"devMac": "02:00:00:00:00:03", "x": "%s"}' % ("y" * 5 * 1024 * 1024),
             '{"devMac": "02:00:00:00:00:04", %s}' % keys], "levels", "bytes", "keys")

    def test_a_nul_in_a_key(self):
        self.assert_only_the_good([self.json_row(4, devMac="02:00\0")], "devMac")

    def test_an_object_that_is_not_json(self):
        self.assert_only_the_good(
            ['{"devMac": "02:00:00:00:00:01",}', '{"devMac": }', '{devMac: "x"}',
             '{"devMac": "02:00:00:00:00:02", "devName": "\\x41"}',
             '{"devMac": "02:00:00:00:00:03", "devName": infinity}',
             '{"devMac": "02:00:00:00:00:04" "devName": "x"}'])

    def test_rows_of_the_old_schema_are_rejected_and_reported(self):
        self.start()
        self.push([{"dev_MAC": device_mac(i), "dev_Name": "old"} for i in range(5)])
        self.assertEqual(self.macs(), set())
        self.assert_rejected(5, "devMac")

    def test_an_entry_that_is_not_an_envelope_becomes_a_dead_letter(self):
        self.start()
        self.hub_redis.cli("XADD", "synchub:ingest", "*", "e", "no envelope", "m", "push")
        self.hub_redis.cli("XADD", "synchub:ingest", "*", "other", "field")
        self.push(device_rows(3))
        self.assertEqual(len(self.macs()), 3)
        self.assertEqual(self.hub_redis.dead(), 2)
        self.assertRegex(self.hub_redis.cli("XRANGE", "synchub:dead", "-", "+"), r"(?m)^r$")

    def test_a_table_that_fails_midway_leaves_nothing_and_does_not_affect_others(self):
        rows = {node: device_rows(400, node) for node in ("Node_A", "Node_B", "Node_C", "Node_D")}
        for node, end in (("Node_A", None), ("Node_B", -2), ("Node_C", None), ("Node_D", -400)):
            text = device_table(rows[node])[:end]
            sealed = envelopes.envelope(envelopes.NodeKey(node), text)
            self.hub_redis.cli("EVAL", ADD, 1, "synchub:ingest", sealed.hex())
        self.start()
        self.wait_drained()
        self.assertEqual(self.hub_redis.dead(), 2)
        merged = {row["devMac"] for node in ("Node_A", "Node_C") for row in rows[node]}
        self.assertEqual(self.macs(), merged)
        nodes = self.query("SELECT node, inserted, problem_kind FROM SyncHub_Nodes ORDER BY node")
        self.assertEqual([tuple(row.values()) for row in nodes],
                         [("Node_A", 400, ""), ("Node_B", 0, "content"),
                          ("Node_C", 400, ""), ("Node_D", 0, "content")])
        self.assertEqual(len(self.query("SELECT * FROM SyncHub_Items")), 2)


class WhatIsTold(MergeTest):
    def test_nodes_shows_what_each_node_sent(self):
        self.start()
        self.push(device_rows(5, "a") + [internet_row(), {"devName": "no mac"}], node="Node_A")
        self.push(device_rows(3, "a") + device_rows(2, "b"), node="Büro")
        output = self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db),
                                  "nodes", code=0).stdout
        lines = {re.split(r"\s{2,}|\t", line.strip())[0]: line for line in output.splitlines()}
        self.assertIn("push", lines["Node_A"])
        self.assertEqual(re.findall(r"(?<![\d:.-])\d+(?![\d:.-])", lines["Node_A"])[:4],
                         ["7", "5", "0", "1"], output)
        self.assertEqual(re.findall(r"(?<![\d:.-])\d+(?![\d:.-])", lines["Büro"])[:4],
                         ["5", "2", "3", "0"], output)

    def test_inserted_is_a_total_and_the_rest_is_of_the_last_table(self):
        self.start()
        self.push(device_rows(5))
        self.push(device_rows(8))
        node = self.query("SELECT * FROM SyncHub_Nodes")[0]
        self.assertEqual((node["sent"], node["inserted"], node["known"]), (8, 8, 5))

    def test_devices_json_is_a_table_for_the_next_hub(self):
        self.start()
        self.push(device_rows(4), node="Node_A")
        self.push(device_rows(3, "b"), node="Node_B")
        settings = self.receiver_settings(self.hub_redis, self.db)
        output = json.loads(self.run_program("receiver", settings, "devices", "--json",
                                             code=0).stdout)
        self.assertEqual({row["devMac"] for row in output["data"]}, self.macs())
        self.assertEqual(set(output["data"][0]) & set(COLUMNS), set(COLUMNS))
        one = json.loads(self.run_program("receiver", settings, "devices", "--node", "Node_B",
                                          "--json", code=0).stdout)
        self.assertEqual({row["devMac"] for row in one["data"]},
                         {device_mac(i, "b") for i in range(3)})

    def test_devices_without_json_shows_a_line_for_each(self):
        self.start()
        self.push(device_rows(4))
        output = self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db),
                                  "devices", code=0).stdout
        for mac in self.macs():
            self.assertIn(mac, output)

    def test_read_only_subcommands_write_nothing(self):
        hub = self.start()
        self.push(device_rows(4))
        hub.stop()
        before = self.db.read_bytes()
        for what in ("devices", "nodes"):
            self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db), what,
                             code=0)
        self.assertEqual(self.db.read_bytes(), before)

    def test_read_only_subcommands_create_no_database(self):
        done = self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db),
                                "devices", code=1)
        self.assertIn("hub.db", done.stderr)
        self.assertFalse(self.db.exists())


if __name__ == "__main__":
    unittest.main()
