# SPDX-License-Identifier: Apache-2.0
"""A merge replica on PostgreSQL: it stops in time whatever the server does, and waits for the server."""

import pathlib
import tempfile
import unittest

from engine import build_images, docker, logs
from harness import device_rows, device_table, netalertx_push, wait_until
from scaled_hub import ScaledHub


class PostgresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build_images()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="synchub-postgres-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.hub = ScaledHub(self)
        self.merge = self.hub.create_merge("merge")
        docker("start", self.merge)
        self.hub.wait_for_health(self.hub.start_ingest("ingest"))
        self.hub.wait_for_health(self.merge)
        self.sent = 0

    def push(self):
        self.sent += 20
        answer = netalertx_push(f"http://127.0.0.1:{self.hub.ports['ingest']}",
                                device_table(device_rows(self.sent, "node")), "node")
        self.assertEqual(answer.status, 200, answer)

    def wait_for_entries_in_hand(self):
        wait_until(self.hub.in_hand, "the merge replica to take an entry",
                   details=lambda: logs(self.merge))

    def wait_for_all_merged(self):
        wait_until(lambda: self.hub.sql('SELECT count(*) FROM "Devices"') == [[str(self.sent)]]
                   and self.hub.backlog() == 0, f"{self.sent} devices and an empty queue",
                   details=lambda: self.hub.details([self.merge]))

    def test_it_stops_in_time_and_gives_back_what_the_server_keeps_it_from_merging(self):
        self.push()
        self.wait_for_all_merged()
        with self.subTest("a lock"):
            with self.hub.hold_commits():
                self.push()
                self.wait_for_entries_in_hand()
                self.hub.stop(self.merge)
            docker("start", self.merge)
            self.wait_for_all_merged()
        with self.subTest("a server that hangs"):
            docker("pause", self.hub.postgres)
            self.addCleanup(docker, "unpause", self.hub.postgres, check=False)
            self.push()
            self.hub.stop(self.merge)
            docker("unpause", self.hub.postgres)
            docker("start", self.merge)
            self.wait_for_all_merged()

    def test_it_waits_for_a_server_that_is_away_and_stops_in_time_meanwhile(self):
        self.push()
        self.wait_for_all_merged()
        docker("network", "disconnect", self.hub.data, self.hub.postgres)
        self.push()
        self.hub.wait_for_reason(self.merge, "PostgreSQL")
        self.hub.wait_for_health(self.merge, "unhealthy")
        self.hub.stop(self.merge)
        # It also starts without its database.
        docker("start", self.merge)
        docker("network", "connect", "--alias", "postgresql", self.hub.data, self.hub.postgres)
        self.wait_for_all_merged()
        self.hub.wait_for_health(self.merge)


if __name__ == "__main__":
    unittest.main()
