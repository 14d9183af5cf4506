# SPDX-License-Identifier: Apache-2.0
"""The blocklist: devices that are never inserted, effective immediately on all receivers that merge."""

import json
import unittest

import postgres
from harness import (SyncHubTest, count, device_mac, device_rows, device_table, long_test,
                     netalertx_push, wait_until)


class Blocklist:
    """For both kinds of databases."""

    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.db = self.new_db()

    def blocklist(self, *arguments, code=0, **settings):
        return self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db,
                                                                   **settings),
                                "blocklist", *arguments, code=code)

    def items(self, **settings):
        return json.loads(self.blocklist("list", "--json", **settings).stdout)["items"]

    def push(self, hub, rows, node="Node_A", first=0):
        answer = netalertx_push(hub.url, device_table(device_rows(rows, node=node, first=first)),
                                node)
        self.assertEqual(answer.status, 200, answer)
        wait_until(lambda: self.hub_redis.backlog() == 0, "the merge", details=hub.log)

    def has(self, number, node="Node_A"):
        return self.count(f"lower(devMac) = '{device_mac(number, node)}'") == 1

    def test_a_blocked_device_is_not_inserted_and_comes_when_it_is_removed(self):
        hub = self.receiver(self.hub_redis, self.db)
        self.push(hub, 2)
        for number in (1, 2):
            spelling = device_mac(number, "Node_A").replace(":", "-").upper()
            self.assertEqual(self.blocklist("add", spelling, "--note", "test").stdout, "added 1\n")
        self.push(hub, 5)  # at once
        self.assertTrue(self.has(1))  # existing rows stay
        self.assertFalse(self.has(2))
        self.assertEqual(self.count("1"), 4)
        self.assertEqual(self.blocklist("remove", device_mac(2, "Node_A")).stdout, "removed 1\n")
        # The table that was merged without it no longer counts as unchanged.
        wait_until(lambda: self.hub_redis.cli("HEXISTS", "synchub:digests", "Node_A") == "0",
                   "the digest to be deleted", details=hub.log)
        self.push(hub, 5)
        self.assertTrue(self.has(2))

    def test_all_receivers_follow_at_once(self):
        self.receiver(self.hub_redis, self.db).stop()
        hubs = [self.receiver(self.hub_redis, self.db) for _ in range(self.mergers)]
        for number in range(4):
            node = f"Node_{number}"
            self.blocklist("add", device_mac(100, node))
            for hub in hubs:
                self.push(hub, 3, node, 99)
            self.assertEqual([self.has(n, node) for n in (99, 100, 101)], [True, False, True])

    def test_the_list_shows_all_that_is_skipped(self):
        self.receiver(self.hub_redis, self.db)
        self.blocklist("add", "AABB.CC00.0001", "synthetic", "--note", "the printer")
        shown = self.items(SYNC_skip_macs="internet, 00-00-00-00-00-01")
        self.assertEqual([(item["mac"], item["source"], item["note"]) for item in shown],
                         [("00:00:00:00:00:01", "SYNC_skip_macs", ""),
                          ("aa:bb:cc:00:00:01", "blocklist", "the printer"),
                          ("internet", "SYNC_skip_macs", ""),
                          ("synthetic", "blocklist", "the printer")])
        self.assertIsNone(shown[0]["added_ms"])
        self.assertIsNotNone(shown[1]["added_ms"])
        self.assertIsNone(shown[0]["added"])
        self.assertRegex(shown[1]["added"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertRegex(self.blocklist("list").stdout,
                         r"MAC +SOURCE +ADDED +NOTE\n(.*\n)*aa:bb:cc:00:00:01 +blocklist +20")
        self.assertEqual(self.blocklist("add", "aa:bb:cc:00:00:01").stdout, "added 0\n")
        self.assertEqual(self.items()[0]["note"], "the printer")

    def test_a_change_that_is_not_possible_changes_nothing(self):
        self.receiver(self.hub_redis, self.db)
        self.blocklist("add", "aa:bb:cc:00:00:01")
        done = self.blocklist("remove", "aa:bb:cc:00:00:01", "aa:bb:cc:00:00:02", code=1)
        self.assertIn("aa:bb:cc:00:00:02 is not on the blocklist", done.stderr)
        for bad in ([], ["--note", "x"], ["aa:bb:cc:00:00:03", "--note"], ["a\tb"], ["--all"]):
            self.blocklist("add", *bad, code=2)
        self.assertEqual([item["mac"] for item in self.items()], ["aa:bb:cc:00:00:01", "internet"])


class OnSqlite(Blocklist, SyncHubTest):
    mergers = 1  # of one file

    def new_db(self):
        return self.folder / "hub.db"

    def count(self, where):
        return count(self.db, where=where)


@long_test
class OnPostgres(Blocklist, SyncHubTest):
    mergers = 2

    @classmethod
    def setUpClass(cls):
        cls.server = postgres.Postgres()
        cls.addClassCleanup(cls.server.remove)

    def new_db(self):
        return self.server.new_database()

    def count(self, where):
        rows = postgres.query(self.db, "SELECT count(*) AS n FROM Devices WHERE " + where)
        return rows[0]["n"]


if __name__ == "__main__":
    unittest.main()
