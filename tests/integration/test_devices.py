# SPDX-License-Identifier: Apache-2.0
"""`devices` and `device show` on both kinds of databases; a hub that sends its table to another."""

import csv
import io
import json
import subprocess
import unittest

import harness
import postgres
import test_presence
from documented import documented
from harness import device_mac, device_row, mac_spellings, wait_until
from test_presence import present_row

server = None


def setUpModule():
    global server
    server = postgres.Postgres()
    unittest.addModuleCleanup(lambda: server.remove())


class Commands:
    def command(self, *arguments, code=0):
        settings = self.receiver_settings(self.hub_redis, self.db)
        return self.run_program("receiver", settings, *arguments, code=code)

    def found(self, *arguments):
        """The names of the listed devices."""
        rows = json.loads(self.command("devices", "--json", *arguments).stdout)["data"]
        return [row["devName"] for row in rows]

    def fill(self):
        self.start()
        self.push([present_row(1, devName="Zebra", devLastIP="10.0.0.10", devVendor="ACME"),
                   present_row(2, devName="ant", devLastIP="10.0.0.9", devVendor="Other"),
                   device_row(3, devName="Müller", devLastIP="9.9.9.9", devPresentLastScan=0)])
        self.push([present_row(1), device_row(4, devName="bee", devPresentLastScan=0,
                                              devLastIP="fe80::1", devComments="50%_off")],
                  "Büro, 2")
        self.execute("UPDATE \"SyncHub_Presence\" SET first_seen_ms = first_seen_ms"
                     f" - 864000000 WHERE mac = '{device_mac(2)}'")

    def test_devices_are_filtered_and_sorted_by_the_database(self):
        self.fill()
        self.assertEqual(self.found(), ["Zebra", "ant", "Müller", "bee"])
        self.assertEqual(self.found("--present"), ["Zebra", "ant"])
        self.assertEqual(self.found("--absent"), ["Müller", "bee"])
        self.assertEqual(self.found("--unknown"), [])
        self.assertEqual(self.found("--node", "Büro, 2"), ["Zebra", "bee"])
        self.assertEqual(self.found("--node=Büro, 2", "--present"), ["Zebra"])
        self.assertEqual(self.found("--since", "7d"), ["Zebra", "Müller", "bee"])
        self.assertEqual(self.found("--sort", "name"), ["ant", "bee", "Müller", "Zebra"])
        self.assertEqual(self.found("--sort", "-name", "--limit", "2"), ["Zebra", "Müller"])
        self.assertEqual(self.found("--sort", "ip")[:3], ["Müller", "ant", "Zebra"])
        self.assertEqual(self.found("--search", "acme"), ["Zebra"])
        self.assertEqual(self.found("--search", "müll"), ["Müller"])
        self.assertEqual(self.found("--search", "Müller"), ["Müller"])
        self.assertEqual(self.found("--search", "BÜRO"), ["bee"])
        for text in ("0%_o", "%_OFF"):
            self.assertEqual(self.found("--search", text), ["bee"])
        for text in ("_____", "\\", "0%%_o", "nothing"):
            self.assertEqual(self.found("--search", text), [], text)
        self.assertEqual(self.found("--search", "%"), ["bee"])
        self.assertEqual(self.found("--search", "' OR 1=1 --"), [])
        for mac in mac_spellings(device_mac(2)):
            self.assertEqual(self.found("--search", mac), ["ant"], mac)
        for key in ("mac", "vendor", "node", "present", "since", "first-seen", "last-seen"):
            self.assertEqual(len(self.found("--sort", key)), 4, key)

    def test_what_is_shown_of_a_device(self):
        self.fill()
        lines = self.command("devices").stdout.splitlines()
        for title in ("PRESENT", "SINCE", "FIRST SEEN", "NODES"):
            at = lines[0].index(title)
            self.assertTrue(all(line[at - 1] == " " and line[at] != " " for line in lines), title)
        self.assertRegex(lines[1], r" yes +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  .*Z  Büro, 2, Node_A$|"
                                   r" yes +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  .*Z  Node_A, Büro, 2$")
        row = json.loads(self.command("devices", "--json", "--search", "Zebra").stdout)["data"][0]
        self.assertEqual((row["present"], row["devPresentLastScan"]), ("yes", 1))
        self.assertEqual({node["name"]: node["present"] for node in row["nodes"]},
                         {"Node_A": "yes", "Büro, 2": "yes"})
        for key in ("since", "first_seen"):
            self.assertRegex(row[key], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        absent = json.loads(self.command("devices", "--json", "--absent").stdout)["data"][0]
        self.assertEqual(absent["devPresentLastScan"], 0)
        text = self.command("devices", "--csv").stdout
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual([row["devName"] for row in rows], ["Zebra", "ant", "Müller", "bee"])
        self.assertEqual([row["present"] for row in rows], ["yes", "yes", "no", "no"])
        self.assertEqual(rows[3]["nodes"], "Büro, 2")
        self.assertEqual(self.command("devices", "--csv", "--search", "nothing").stdout, text.splitlines(True)[0])
        for form in ("--json", "--csv"):
            self.assertEqual(self.command("devices", form, "--node", "Büro", code=1).stdout, "")

    def test_a_list_in_json_has_its_devices_under_both_keys(self):
        self.start()
        self.push([device_row(number, devComments="x" * 2000) for number in range(600)])
        for limit in ("1", "2", "600"):  # the last is longer than what is kept
            found = json.loads(self.command("devices", "--json", "--limit", limit).stdout)
            self.assertEqual(len(found["items"]), int(limit))
            self.assertEqual(found["items"], found["data"])
        self.assertEqual(json.loads(self.command("devices", "--json", "--search", "nothing").stdout),
                         {"items": [], "next": None, "data": []})

    def test_device_show_takes_a_mac_in_any_spelling(self):
        self.fill()
        plain = device_mac(1).replace(":", "")
        for mac in mac_spellings(device_mac(1)):
            text = self.command("device", "show", mac).stdout
            self.assertRegex(text, r"(?m)^devName +Zebra$")
            self.assertRegex(text, r"(?m)^Node_A +yes +10\.0\.0\.10 +\d{4}-\d\d-\d\dT.*Z$")
            self.assertRegex(text, r"(?m)^Büro, 2 +yes ")
        row = json.loads(self.command("device", "show", plain, "--json").stdout)
        self.assertEqual((row["devMac"], len(row["nodes"])), (device_mac(1), 2))
        self.assertIn("no device has the MAC", self.command("device", "show", "02:00:00:00:00:09",
                                                            code=1).stderr)
        self.assertIn("usage", self.command("device", "show", code=2).stderr)

    def test_options_that_are_not_understood_say_what_is_right(self):
        self.start()
        for arguments, words in ((["--since", "soon"], "7d"), (["--sort", "size"], "first-seen"),
                                 (["--limit", "0"], "from 1"), (["--limit"], "needs a value"),
                                 (["--present", "--absent"], "only one"), (["--xml"], "usage"),
                                 (["--json", "--csv"], "only one"), (["--search", ""], "text")):
            self.assertIn(words, self.command("devices", *arguments, code=2).stderr, arguments)

    def test_no_name_controls_the_terminal_or_a_spreadsheet(self):
        self.start()
        self.push([present_row(1, devName="a\u001b[2J\u202eb\"c", devOwner="=1+1",
                               devLastIP="\u009b1;31m")])
        for arguments in (["devices"], ["devices", "--csv"], ["devices", "--json"],
                          ["device", "show", device_mac(1)]):
            text = self.command(*arguments).stdout
            self.assertFalse(set(text) & set("\x1b\u202e\u009b"), arguments)
        rows = list(csv.DictReader(io.StringIO(self.command("devices", "--csv").stdout)))
        self.assertEqual(rows[0]["devOwner"], "'=1+1")
        self.assertIn('"c', rows[0]["devName"])

    def test_a_hub_of_hubs_knows_which_devices_are_present(self):
        self.fill()
        upper_redis = self.redis()
        upper_db = self.folder / "upper.db"
        upper = self.receiver(upper_redis, upper_db)

        def carry():
            table = self.command("devices", "--json").stdout
            settings = self.pusher_settings(upper.url, table, node="Region", SYNC_RUN="once")
            self.run_program("pusher", settings, code=0)
            wait_until(lambda: upper_redis.backlog() == 0, "the queue to be empty")
            found = harness.query(
                upper_db, "SELECT devName, present FROM SyncHub_DevicePresence")
            return {row["devName"]: row["present"] for row in found}

        self.assertEqual(carry(), {"Zebra": "yes", "ant": "yes", "Müller": "no", "bee": "no"})
        self.push([present_row(2), present_row(3)])
        self.push([], "Büro, 2")
        self.assertEqual(carry(), {"Zebra": "no", "ant": "yes", "Müller": "yes", "bee": "no"})

        def carry_from_a_silent_node():
            # A contact that the hub records only now would undo this, so it is repeated.
            self.execute("UPDATE \"SyncHub_Nodes\" SET last_contact_ms = 1 WHERE node = 'Node_A'")
            return carry()
        unknown = {"Zebra": "unknown", "ant": "unknown", "Müller": "unknown", "bee": "no"}
        wait_until(lambda: carry_from_a_silent_node() == unknown, "devices of a silent node to be unknown")


class OnSqlite(Commands, test_presence.OnSqlite):
    pass


@harness.long_test
class OnPostgres(Commands, test_presence.OnPostgres):
    def setUp(self):
        test_presence.server = server
        super().setUp()

    def test_a_list_may_take_longer_than_other_statements(self):
        self.start()
        self.push([present_row(1)])
        self.execute('ALTER VIEW "SyncHub_NodePresence" RENAME TO quick; CREATE VIEW "SyncHub_NodePresence" AS'
                     " SELECT quick.* FROM quick, LATERAL (SELECT pg_sleep(16)) AS slow")  # read twice
        self.assertIn("yes", self.command("devices", "--present", "--limit", "1").stdout)

    def test_a_list_for_programs_begins_before_its_first_device_is_found(self):
        self.fill()
        held = subprocess.Popen([postgres.find_programs() / "psql", "-X", "-q", "-A", "-t", "-d", self.db], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(held.communicate)
        settings = harness.clean_environment(self.receiver_settings(self.hub_redis, self.db))
        for form, head in (("--json", '{"items": ['), ("--csv", "devMac,devName,")):
            held.stdin.write('BEGIN; LOCK TABLE "Devices"; SELECT \'locked\';\n')
            held.stdin.flush()
            self.assertEqual(held.stdout.readline(), "locked\n")
            with subprocess.Popen([harness.BIN / "synchub-receiver", "devices", form, "--sort", "-since"],
                                  env=settings, text=True, stdout=subprocess.PIPE) as lister:
                begun = lister.stdout.read(len(head))
                held.stdin.write("COMMIT;\n")
                held.stdin.flush()
                self.assertEqual(begun, head)
                self.assertIn("Zebra", lister.stdout.read())

    def test_an_operators_index_finds_what_is_sought(self):
        self.fill()
        found = self.found("--search", "ACME")
        for statement in documented("docs/operations.md", "CREATE EXTENSION").text.split(";\n"):
            self.execute(statement)
        settings = {**self.receiver_settings(self.hub_redis, self.db),  # so few devices need no index
                    "PGOPTIONS": "-c enable_seqscan=off -c enable_indexscan=off"}
        listed = self.run_program("receiver", settings, "devices", "--json", "--search", "ACME", code=0)
        self.assertEqual([row["devName"] for row in json.loads(listed.stdout)["data"]], found)
        wait_until(lambda: postgres.psql(self.db, "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname ="
                                                  " 'Devices_search'").strip() not in ("", "0"), "the index to be used")


if __name__ == "__main__":
    unittest.main()
