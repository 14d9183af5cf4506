# SPDX-License-Identifier: Apache-2.0
"""The hourly figures: what receivers merged, of each node and of all, from the database to the console's API."""

import postgres
from console_base import ConsoleTest
from harness import device_rows, device_table, netalertx_push, wait_until


class History(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.start()

    def push(self, node, rows):
        self.assertEqual(netalertx_push(self.hub.url, device_table(rows), node).status, 200)

    def restart(self):
        """A receiver that ends writes its figures."""
        wait_until(lambda: self.hub_redis.backlog() == 0, "the merge", details=self.hub.log)
        self.hub.stop()
        self.start()
        if not self.cookie:
            self.first_visit()

    def history(self, query_text=""):
        return self.call("GET", f"/history{query_text}").json["items"]

    def sums(self, query_text=""):
        items = self.history(query_text)
        return sum(one["pushes"] for one in items), sum(one["inserted"] for one in items)

    def test_figures_add_up_over_receivers_and_restarts(self):
        other = self.receiver(self.hub_redis, self.db, SYNC_receiver_role="merge")
        self.push("Attic", device_rows(3))
        self.push("Büro <b>", device_rows(2, node="b", first=10))
        self.push("Attic", device_rows(4))
        self.restart()
        other.stop()
        self.assertEqual(self.sums(), (3, 6))
        self.assertEqual(self.sums("?node=Attic"), (2, 4))
        self.command("node", "forget", "Attic")
        self.assertEqual(self.sums("?node=Attic"), (0, 0))
        self.assertEqual(self.sums(), (3, 6))
        self.assertEqual(self.sums("?node=B%C3%BCro%20%3Cb%3E&hours=2160"), (1, 2))
        self.assertEqual(self.history("?node=nobody"), [])
        self.push("Attic", device_rows(1, first=20))
        self.restart()
        self.assertEqual(self.sums(), (4, 7))
        newest = [one for one in self.history() if one["pushes"]][-1]
        self.assertLessEqual(newest["lag_average_ms"], newest["lag_max_ms"])
        self.assertGreaterEqual(newest["queue_max"], 0)
        self.assertIsNone(self.history("?node=Attic")[-1]["queue_max"])
        for bad in ("?hours=0", "?hours=2161", "?hours=x", "?node=%ff"):
            self.assertEqual(self.call("GET", f"/history{bad}").status, 422, bad)

    def test_they_are_part_of_a_backup(self):
        self.push("Attic", device_rows(3))
        self.restart()
        self.command("backup", self.folder / "hub.backup")
        self.hub.stop()
        self.command("restore", "--force", self.folder / "hub.backup")
        self.start()
        self.cookie = None  # sessions are not restored
        self.cookie = self.session_of(self.log_in())
        self.assertEqual(self.sums(), (1, 3))


class HistoryOnPostgres(History):
    @classmethod
    def setUpClass(cls):
        cls.server = postgres.Postgres()
        cls.addClassCleanup(cls.server.remove)

    def setUp(self):
        ConsoleTest.setUp(self)
        self.db = self.server.new_database()
        self.start()
