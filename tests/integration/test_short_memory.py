# SPDX-License-Identifier: Apache-2.0
"""Programs without large memory allocations for a while: nothing becomes a dead letter, is given up or lost."""

import unittest

import envelopes
import harness
from harness import (TYPE_ENVELOPE, SyncHubTest, bearer, curl, device_rows, device_table,
                     get_status, netalertx_push, wait_until)

LEAST = 64 * 1024
ROWS = 1000  # more than a megabyte


class ShortOfMemory(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.db = self.folder / "hub.db"
        self.memory = harness.ShortMemory(self.folder)
        self.addCleanup(self.memory.file.close)
        self.table = device_table(device_rows(ROWS))

    def push_native(self, hub, text, node="Node_A", plugin=""):
        body = envelopes.envelope(envelopes.NodeKey(node), text, plugin=plugin)
        return curl(hub.url + "/sync", body=body,
                    headers={**bearer(), "Content-Type": TYPE_ENVELOPE})

    def test_a_merging_receiver_waits_is_not_ready_and_makes_no_dead_letters(self):
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        hub = self.receiver(self.hub_redis, self.db, SYNC_receiver_role="merge",
                            **self.memory.environment)
        self.memory.deny(LEAST)
        lines = "".join(f"{i}|s|2026-08-22 02:53:00|a|b|c|d|e|f\n" for i in range(20000))
        self.assertEqual(self.push_native(ingest, self.table).status, 202)
        self.assertEqual(self.push_native(ingest, lines, plugin="ARPSCAN").status, 202)
        hub.wait_for_log("merging waits and will try again: .*memory")
        hub.wait_unready("memory")
        self.assertEqual((self.hub_redis.backlog(), self.hub_redis.dead()), (2, 0))
        self.assertEqual(self.hub_redis.cli("HLEN", "synchub:failures"), "0")
        self.memory.deny(0)
        self.wait_merged(self.hub_redis, self.db, ROWS)
        self.assertEqual(self.hub_redis.dead(), 0)
        wait_until(lambda: get_status(hub.url + "/readyz") == 200, "readiness", details=hub.log)

    def test_an_ingesting_receiver_answers_503(self):
        hub = self.receiver(self.hub_redis, SYNC_receiver_role="ingest", **self.memory.environment)
        self.assertEqual(self.push_native(hub, device_table(device_rows(1))).status, 202)
        self.memory.deny(LEAST)
        for answer in (self.push_native(hub, self.table),
                       netalertx_push(hub.url, self.table, "Node_B")):
            self.assertEqual(answer.status, 503, answer)
            self.assertIn("retry-after", answer.headers)
        self.assertEqual(self.hub_redis.backlog(), 1)
        self.memory.deny(0)
        self.assertEqual(self.push_native(hub, self.table).status, 202)
        self.assertEqual(netalertx_push(hub.url, self.table, "Node_B").status, 200)

    def test_a_pusher_reports_it_and_sends_everything_later(self):
        hub = self.receiver(self.hub_redis, self.db)
        settings = self.pusher_settings(hub.url, self.table, **self.memory.environment)
        self.memory.deny(LEAST)
        done = self.run_program("pusher", settings, "--once", code=1)
        self.assertIn("memory", done.stderr)
        self.memory.deny(0)
        self.run_program("pusher", settings, "--once")
        self.wait_merged(self.hub_redis, self.db, ROWS)

    def test_a_puller_reports_it_and_fetches_the_table_later(self):
        node = self.program("pusher", self.pusher_settings(
            "", self.table, SYNC_RUN="disabled", SYNC_listen="127.0.0.1:0"))
        settings = {**self.puller_settings(self.hub_redis, [node.url]), **self.memory.environment}
        self.memory.deny(LEAST)
        done = self.run_program("puller", settings, "--once", code=1)
        self.assertIn("memory", done.stderr)
        self.memory.deny(0)
        self.run_program("puller", settings, "--once")
        self.assertEqual(self.hub_redis.backlog(), 1)


if __name__ == "__main__":
    unittest.main()
