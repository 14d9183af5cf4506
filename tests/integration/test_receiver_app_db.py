# SPDX-License-Identifier: Apache-2.0
"""An existing NetAlertX database as the target, and the results of plugins."""

import json
import os
import sqlite3
import subprocess
import threading
import unittest

import harness
from harness import (REPO, count, device_mac, device_row, device_rows, internet_row, netalertx_push,
                     query, wait_until)
from merge_base import MergeTest
from netalertx_hub import NetAlertXHub

KNOWN = device_mac(0).upper()  # of the only row that is in the database from the beginning
NINE = "{0}|sub|2026-08-22 02:53:00|one|two|three|four|extra|key"


class AppDbBase(MergeTest):
    def setUp(self):
        super().setUp()
        self.db = self.folder / "app.db"
        self.make_db()

    def make_db(self):
        self.alter((REPO / "tests" / "fixtures" / "app_db.sql").read_text())
        self.alter(f"UPDATE Devices SET devMac = '{KNOWN}'; DELETE FROM Changes")

    def alter(self, script):
        connection = sqlite3.connect(self.db, timeout=harness.READY_S)
        connection.executescript(script)
        connection.close()

    def schema(self):
        return query(self.db, "SELECT type, name, tbl_name, sql FROM sqlite_master "
                              "WHERE tbl_name NOT LIKE 'SyncHub%' ORDER BY type, name")


class AppDb(AppDbBase):
    def test_unknown_macs_are_inserted_and_a_known_row_stays(self):
        self.start()
        self.push(device_rows(5))
        rows = self.devices()
        self.assertEqual(len(rows), 5)
        self.assertEqual(rows[KNOWN]["devName"], "kept")
        self.assertIsNone(rows[KNOWN]["devSyncHubNode"])
        self.assertEqual(rows[device_mac(3)]["devSyncHubNode"], "Node_A")

    def test_each_inserted_row_gets_one_new_device_event(self):
        self.start()
        self.push(device_rows(5))
        self.push(device_rows(7))
        events = query(self.db, "SELECT * FROM Events ORDER BY rowid")
        self.assertEqual([event["eveMac"] for event in events],
                         [device_mac(i) for i in range(1, 7)])
        for index, event in enumerate(events, 1):
            self.assertEqual(event["eveEventType"], "New Device")
            self.assertEqual(event["eveIp"], device_row(index)["devLastIP"])
            self.assertRegex(event["eveDateTime"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
            self.assertEqual(event["evePendingAlertEmail"], 1)

    def test_columns_missing_in_the_database_are_omitted(self):
        self.start()
        self.assertNotIn("devCanSleep", self.devices()[KNOWN])
        self.push(device_rows(3))
        self.assertEqual(count(self.db), 3)
        self.assert_rejected(0)

    def test_a_column_that_an_update_adds_is_filled_from_then_on(self):
        self.start()
        self.push([device_row(1, devVendorLater="x")])
        self.alter("ALTER TABLE Devices ADD COLUMN devVendorLater TEXT")
        self.hub.wait_for_log("warning receiver: the tables of the database .*app.db were changed")
        self.push([device_row(2, devVendorLater="y")])
        self.assertEqual(self.row(device_mac(2))["devVendorLater"], "y")

    def test_columns_of_its_own_take_their_defaults(self):
        self.alter("ALTER TABLE Devices ADD COLUMN devFromTheFuture TEXT NOT NULL DEFAULT 'x'")
        self.start()
        self.push(device_rows(3))
        row = self.row(device_mac(2))
        self.assertEqual((row["devFromTheFuture"], row["devRack"], row["devHeight"]),
                         ("x", "rack one", 42))
        self.assertIsNotNone(row["devSeen"])

    def test_netalertx_s_schema_is_not_changed(self):
        before = self.schema()
        self.start()
        self.push(device_rows(5))
        self.push_text(NINE.format("a"), plugin="ARPSCAN")
        self.assertEqual(self.schema(), before)

    def test_its_triggers_only_see_inserts(self):
        self.start()
        self.push(device_rows(5))
        self.push(device_rows(5))
        self.assertEqual(query(self.db, "SELECT what, count(*) AS n FROM Changes GROUP BY 1"),
                         [{"what": "added", "n": 4}])

    def test_a_row_refused_by_its_schema_is_rejected(self):
        self.alter("""CREATE TRIGGER trg_house_rule BEFORE INSERT ON Devices
            WHEN NEW.devName = 'forbidden' BEGIN SELECT RAISE(ABORT, 'not in this house'); END""")
        self.start()
        self.push([device_row(1), device_row(2, devName="forbidden"), device_row(3)])
        self.assertEqual(self.macs(), {KNOWN, device_mac(1), device_mac(3)})
        self.assert_rejected(1, "not in this house")
        self.assertEqual(count(self.db, "Events"), 2)

    def test_an_event_and_its_row_are_in_one_transaction(self):
        self.alter("""CREATE TRIGGER trg_no_event BEFORE INSERT ON Events
            WHEN NEW.eveMac = '%s' BEGIN SELECT RAISE(ABORT, 'no event'); END""" % device_mac(2))
        self.start()
        self.push(device_rows(4))
        self.assertEqual(self.macs() - {KNOWN}, {device_mac(1), device_mac(3)})
        self.assertEqual(self.macs() - {KNOWN},
                         {row["eveMac"] for row in query(self.db, "SELECT eveMac FROM Events")})

    def test_concurrent_writes_of_netalertx_only_delay(self):
        self.start()
        connection = sqlite3.connect(self.db, timeout=harness.READY_S, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE Devices SET devComments = 'scan'")
        self.assertEqual(netalertx_push(self.hub.url, '{"data": [%s]}' % self.json_row(1),
                                        "Node_A").status, 200)
        wait_until(lambda: "0" != self.hub_redis.cli("XPENDING", "synchub:ingest", "receivers")
                   .splitlines()[0], "the entry to be pending")
        connection.execute("COMMIT")
        connection.close()
        self.wait_drained()
        self.assertIn(device_mac(1), self.macs())


class HandedOver(AppDbBase):
    """Files in SYNC_plugins_out, which NetAlertX reads."""

    def setUp(self):
        super().setUp()
        self.out = self.folder / "plugins"
        self.out.mkdir()
        self.netalertx = NetAlertXHub(self.db, self.out)

    def make_db(self):
        """With the columns, indexes and triggers of the newest NetAlertX."""
        self.alter((REPO / "tests" / "fixtures" / "netalertx_hub.sql").read_text())
        self.alter("INSERT INTO Devices(devMac, devName, devFirstConnection, devLastConnection, "
                   f"devLastIP) VALUES('{KNOWN}', 'kept', '2024-01-01 00:00:00', "
                   "'2024-01-01 00:00:00', '10.0.0.1')")

    def start(self, **settings):
        return super().start(SYNC_plugins_out=self.out, **settings)

    def online(self):
        return {row["devMac"] for row in query(self.db, "SELECT devMac FROM Devices "
                                                        "WHERE devPresentLastScan = 1")}

    def files(self, pattern="last_result.*"):
        return sorted(path.name for path in self.out.glob(pattern))

    def events(self, kind):
        return [row["eveMac"] for row in query(self.db, "SELECT eveMac FROM Events WHERE "
                                                        "eveEventType = ?", kind)]

    def wait_for_file(self, name):
        wait_until((self.out / name).exists, f"the file {name}", details=self.hub.log)

    def test_presence_is_that_of_the_node_after_three_scans(self):
        self.start()
        rows = [device_row(i, devPresentLastScan=i % 2) for i in range(1, 21)] + [internet_row()]
        present = {device_mac(i) for i in range(1, 21, 2)}
        for scan in range(3):
            self.push(rows)  # an unchanged table is also a contact
            self.wait_for_file("last_result.SYNC.decoded.Node_A.1.log")
            self.assertEqual(self.netalertx.sync_run(), 20, scan)
            self.netalertx.scan()
            self.assertEqual(self.online(), present, scan)
        self.assertEqual(self.events("Disconnected") + self.events("Connected"), [])
        self.assertEqual(len(self.events("New Device")), 20)
        self.push([device_row(i, devPresentLastScan=0) for i in range(1, 21)])
        self.netalertx.sync_run()
        self.netalertx.scan()
        self.assertEqual(self.online(), set())
        self.assertEqual(set(self.events("Disconnected")), present)

    def test_an_unchanged_table_is_handed_over_after_a_restart_too(self):
        hub = self.start()
        self.push(device_rows(4))
        self.netalertx.sync_run()
        hub.stop()
        self.start()
        self.assertEqual(self.files(), [])
        self.push(device_rows(4))
        self.hub.wait_for_log("unchanged node=Node_A")
        self.wait_for_file("last_result.SYNC.decoded.Node_A.1.log")
        self.assertEqual(self.netalertx.sync_run(), 4)

    def test_a_lost_copy_leads_to_a_full_table(self):
        hub = self.start()
        self.push(device_rows(4))
        hub.stop()
        for path in self.folder.glob("app.db.tables/*"):
            path.unlink()
        self.netalertx.sync_run()
        self.start()
        self.push(device_rows(4))
        self.wait_for_file("last_result.SYNC.decoded.Node_A.1.log")
        self.assertNotIn("unchanged", self.hub.log())

    def test_files_are_bounded_by_nodes_not_by_pushes(self):
        self.start()
        for i in range(1, 20):
            self.push([device_row(i)])
            self.push_text(NINE.format(i), plugin="NMAP")
        self.assertEqual(self.files("last_result.SYNC*"), ["last_result.SYNC.decoded.Node_A.1.log"])
        self.assertEqual(len(self.files("last_result.NMAP*")), 16)
        lines = self.netalertx.plugin_run("NMAP")
        self.assertIn(NINE.format(19), lines)
        for path in self.out.iterdir():
            self.assertEqual(path.stat().st_mode & 0o777, 0o644)

    @harness.long_test
    def test_a_file_is_whole_whenever_and_whoever_reads_it(self):
        """NetAlertX runs as uid 20211, which owns the folder, with the sticky bit; the receiver
        here as another one."""
        self.start()
        path = self.out / "last_result.SYNC.decoded.Node_A.1.log"
        stop, seen, faults = threading.Event(), set(), []

        def read():
            while not stop.is_set():
                try:
                    seen.add(len(json.loads(path.read_text())["data"]))
                except FileNotFoundError:
                    pass
                except ValueError as error:
                    faults.append(str(error))

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for size in range(100, 2100, 400):
                self.push(device_rows(size))
                wait_until(lambda: size in seen or faults, "the table to be read")
        finally:
            stop.set()
            reader.join()
        self.assertEqual(faults, [])
        if os.geteuid() != 0:
            return
        os.chmod(self.folder, 0o711)
        os.chown(self.out, 20211, 20211)
        os.chmod(self.out, 0o1700)
        self.push(device_rows(3))
        take = ("import json, os, sys; path = sys.argv[1]; json.load(open(path)); "
                "os.rename(path, path + '.taken')")
        done = subprocess.run(["setpriv", "--reuid=20211", "--regid=20211", "--clear-groups",
                               "/usr/bin/env", "python3", "-c", take, path],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_rows_that_would_break_its_plugin_are_repaired_or_omitted(self):
        self.start(SYNC_skip_macs="internet, 0200.0000.00aa")
        self.push_text('{"data": [%s]}' % ",".join([
            '{"devMac": "0200.0000.0001"}', '{"devName": "no key"}', "5", "[1]", '{"devMac": []}',
            '{"devMac": "02-00-00-00-00-02", "devName": Infinity, "devVendor": ["x"], '
            '"devFavorite": {}, "devParentMAC": "AABB.CC00.000F", "devPresentLastScan": 1}',
            '{"devMac": "02:00:00:00:00:AA", "devPresentLastScan": 1}', '{"devMac": 0}',
            '{"devMac": "00e01"}', '{"devMac": "-.5e3"}', '{"devMac": "1e999"}',
            '{"devMac": "02:00:00:00:00:03", "x": %s}' % ("[" * 40 + "]" * 40)]))
        text = (self.out / "last_result.SYNC.decoded.Node_A.1.log").read_text()
        rows = {row["devMac"]: row for row in json.loads(text)["data"]}
        self.assertEqual(set(rows), {"02:00:00:00:00:01", "02:00:00:00:00:02"})
        second = rows["02:00:00:00:00:02"]
        self.assertEqual((second["devName"], second["devVendor"], second["devFavorite"],
                          second["devParentMAC"]), ("(unknown)", "", 0, "aa:bb:cc:00:00:0f"))
        self.netalertx.sync_run()
        self.netalertx.scan()
        self.assertEqual(self.online(), {"02:00:00:00:00:02"})

    def test_with_hub_defaults_netalertx_inserts_devices(self):
        self.netalertx.behavior = "hub-defaults"
        self.start(SYNC_BEHAVIOR="hub-defaults")
        self.push(device_rows(5))
        self.assertEqual(self.macs(), {KNOWN})
        self.assertEqual(self.files(), ["last_result.SYNC.decoded.Node_A.1.log"])
        self.netalertx.sync_run()
        self.netalertx.scan()
        present = {device_mac(1), device_mac(3)}
        self.assertEqual(self.macs() - {KNOWN}, present)
        self.assertEqual(set(self.events("New Device")), present)

    def test_carbon_copy_inserts_like_copy_new_and_netalertx_overwrites(self):
        self.netalertx.behavior = "carbon-copy"
        self.start(SYNC_BEHAVIOR="carbon-copy")
        self.push(device_rows(5))
        self.assertEqual(len(self.macs()), 5)
        self.push([device_row(i, devName="renamed") for i in range(5)])
        self.assertNotIn("renamed", {row["devName"] for row in self.devices().values()})
        self.netalertx.sync_run()
        self.assertEqual({row["devName"] for row in self.devices().values()}, {"renamed"})
        self.assertEqual(len(self.events("New Device")), 4)

    def test_no_row_ends_a_carbon_copy(self):
        """It writes the columns of the first row, of all rows. One that a constraint refuses, or
        that Python cannot bind, would end it, and the tables of all nodes with it."""
        self.netalertx.behavior = "carbon-copy"
        self.start(SYNC_BEHAVIOR="carbon-copy")
        odd = [{"devFavorite": "yes"}, {"devFirstConnection": ...}, {"devName": None},
               {"devScan": None}, {"devIsNew": 7}, {"devComments": 2 ** 70}, {"devVendor": ...},
               {"devGUID": ..., "devLastIP": ..., "devOwner": ...}, {"devVlan": [1]}]
        rows = [device_row(i, **{"devPresentLastScan": 1, **changes})
                for i, changes in enumerate(odd, 1)]
        self.push([device_row(0, devPresentLastScan=0), *rows], node="Odd")
        self.push([device_row(0, "Other", devPresentLastScan=1)], node="Other")
        self.assertEqual(self.netalertx.sync_run(), len(odd) + 2)
        self.netalertx.scan()
        self.assertEqual(self.online(), {device_mac(i) for i in range(1, len(odd) + 1)} |
                         {device_mac(0, "Other")})
        self.assertEqual(self.row(device_mac(1))["devFavorite"], 0)
        self.assertEqual(self.row(device_mac(3))["devName"], "(unknown)")

    def test_plugin_results_are_only_files(self):
        self.start()
        self.push_text(NINE.format("a") + "\n" + NINE.format("b"), plugin="ARPSCAN")
        self.assertEqual(query(self.db, "SELECT * FROM Plugins_Objects"), [])
        self.assertEqual(self.netalertx.plugin_run("ARPSCAN"),
                         [NINE.format("a"), NINE.format("b")])

    def test_no_plugin_result_ends_its_sync_run(self):
        self.start()
        self.push(device_rows(2))
        results = [json.dumps(NINE.format("a")), json.dumps([NINE.format("a")]), "[" * 100000 +
                   "\n" + NINE.format("a"), json.dumps({"data": [{"devMac": NINE.format("a")}]})]
        for number, text in enumerate(results):
            self.push_text(text, plugin=f"P{number}")
        self.assertEqual(self.netalertx.sync_run(), 2)
        self.assertEqual(len(self.netalertx.plugin_run("P0")), 1)

    def test_a_name_that_resembles_netalertx_s_file_names(self):
        self.start()
        self.push(device_rows(2), node="a.encoded.b.decoded.c")
        self.assertEqual(self.files(), ["last_result.SYNC.decoded.a_encoded.b.decoded.c.1.log"])


class Target(AppDbBase):
    def test_missing_functions_without_the_folder_are_reported(self):
        self.start()
        self.hub.wait_for_log("SYNC_plugins_out is not set: NetAlertX will show .* offline")
        self.push_text(NINE.format("a"), plugin="ARPSCAN")
        self.assertEqual(query(self.db, "SELECT * FROM Plugins_Objects"), [])

    def test_other_behaviors_need_a_netalertx_hub(self):
        for db, settings in ((self.folder / "own.db", {"SYNC_plugins_out": self.folder}),
                             (self.db, {})):
            done = self.run_program("receiver", self.receiver_settings(
                self.hub_redis, db, SYNC_BEHAVIOR="carbon-copy", **settings), code=2)
            self.assertIn("SYNC_BEHAVIOR", done.stderr)
            self.assertIn("SYNC_plugins_out", done.stderr)


class Plugins(MergeTest):
    def objects(self, where="1"):
        return query(self.db, f"SELECT * FROM Plugins_Objects WHERE {where} "
                              "ORDER BY plugin, syncHubNodeName, objectPrimaryId")

    def test_lines_of_nine_and_thirteen_columns_are_accepted(self):
        self.start()
        self.push_text(NINE.format("nine") + "\n" + NINE.format("thirteen") + "|h1|h2|h3|h4\n",
                       plugin="NMAP")
        nine, thirteen = self.objects()
        expected = {
            "plugin": "NMAP", "objectPrimaryId": "nine", "objectSecondaryId": "sub",
            "dateTimeChanged": "2026-08-22 02:53:00", "watchedValue1": "one",
            "watchedValue2": "two", "watchedValue3": "three", "watchedValue4": "four",
            "extra": "extra", "foreignKey": "key", "syncHubNodeName": "Node_A"}
        self.assertEqual({key: nine[key] for key in expected}, expected)
        self.assertEqual([thirteen[f"helpVal{n}"] for n in range(1, 5)], ["h1", "h2", "h3", "h4"])

    def test_a_malformed_line_is_rejected_and_the_rest_accepted(self):
        self.start()
        self.push_text("\n".join([NINE.format("a"), "only|three|columns",
                                  NINE.format("b") + "|ten", "", NINE.format(""),
                                  NINE.format("c")]), plugin="NMAP")
        self.assertEqual([row["objectPrimaryId"] for row in self.objects()], ["a", "c"])

    def test_a_newer_result_replaces_and_an_older_one_does_not(self):
        self.start()
        line = "a|sub|2026-08-22 0{0}:00:00|{1}|w2|w3|w4|extra|key"
        for hour, value, expected in ((5, "at five", "at five"), (7, "at seven", "at seven"),
                                      (6, "at six", "at seven"), (8, "at eight", "at eight")):
            self.push_text(line.format(hour, value), plugin="NMAP")
            row, = self.objects()
            self.assertEqual(row["watchedValue1"], expected)
        self.assertEqual(row["dateTimeChanged"], "2026-08-22 08:00:00")

    def test_there_is_a_row_for_each_plugin_node_and_ids(self):
        self.start()
        lines = "a|1|2026-08-22 02:53:00|v||||e|f\na|2|2026-08-22 02:53:00|v||||e|f"
        for plugin in ("NMAP", "ARPSCAN"):
            for node in ("Node_A", "Node_B"):
                self.push_text(lines, node, plugin)
        self.assertEqual(len(self.objects()), 8)
        self.push_text(lines, "Node_A", "NMAP")
        self.assertEqual(len(self.objects()), 8)

    def test_a_result_inserts_no_device(self):
        self.start()
        self.push_text(NINE.format(device_mac(1)), plugin="ARPSCAN")
        self.assertEqual(count(self.db), 0)

    def test_plugins_out_writes_what_a_netalertx_hub_reads(self):
        out = self.folder / "out"
        out.mkdir()
        self.start(SYNC_plugins_out=out)
        first, second = NINE.format("first") + "\n", NINE.format("second") + "\n"
        self.push_text(first, "Büro 1", "ARPSCAN")
        self.push_text(second, "Büro 1", "ARPSCAN")
        self.push(device_rows(2))
        files = sorted(out.iterdir())
        self.assertEqual(len(files), 2, files)
        for path in files:
            self.assertRegex(path.name, r"^last_result\.ARPSCAN\.decoded\.Büro 1\.\d+\.log$")
        self.assertEqual({path.read_text() for path in files}, {first, second})

    def test_plugins_out_that_is_not_a_folder_is_reported_at_start(self):
        done = self.run_program("receiver", self.receiver_settings(
            self.hub_redis, self.db, SYNC_plugins_out=self.folder / "missing"))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("SYNC_plugins_out", done.stderr)
        self.assertIn("missing", done.stderr)


if __name__ == "__main__":
    unittest.main()
