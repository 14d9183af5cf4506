# SPDX-License-Identifier: Apache-2.0
"""A short test of all three programs, also run with the release build."""

import json
import unittest

from harness import (SyncHubTest, count, device_mac, device_rows, device_table, devices,
                     free_port, netalertx_push, wait_until)


class Smoke(SyncHubTest):
    def test_push_pull_and_a_netalertx_node_end_in_one_database(self):
        redis = self.redis()
        db = self.folder / "hub.db"
        hub = self.receiver(redis)

        pushing = self.pusher_settings(hub.url, device_table(device_rows(20, "a")), "Node_A")
        self.run_program("pusher", pushing, "--once", code=0)

        listening = self.pusher_settings("", device_table(device_rows(30, "b")), "Node_B",
                                         SYNC_listen="127.0.0.1:0")
        node = self.program("pusher", listening)
        self.run_program("puller", self.puller_settings(redis, [node.url]), "--once", code=0)

        answer = netalertx_push(hub.url, device_table(device_rows(10, "c")), "Node_C")
        self.assertEqual(answer.status, 200)

        self.wait_merged(redis, db, 60)
        found = devices(db)
        for prefix, name in (("a", "Node_A"), ("b", "Node_B"), ("c", "Node_C")):
            self.assertEqual(found[device_mac(0, prefix)]["devSyncHubNode"], name)
        output = self.run_program("receiver", self.receiver_settings(redis), "devices", "--json",
                                  code=0)
        self.assertEqual(len(json.loads(output.stdout)["data"]), 60)
        self.assertEqual(redis.dead(), 0)

    def test_all_settings_of_each_program_can_be_checked_and_explained(self):
        redis = self.redis()
        settings = {
            "receiver": self.receiver_settings(redis),
            "puller": self.puller_settings(redis, ["http://127.0.0.1:1"]),
            "pusher": self.pusher_settings("http://127.0.0.1:1", "{}")}
        for name, given in settings.items():
            output = self.run_program(name, given, "--check-config", code=0).stdout
            self.assertNotIn(given["SYNC_api_token"], output)
            self.assertNotIn(given["SYNC_encryption_key"], output)
            self.assertIn("SYNC_api_token", output)
            self.assertIn("SYNC_api_token", self.run_program(name, {}, "--help", code=0).stdout)
            self.assertRegex(self.run_program(name, {}, "--version", code=0).stdout, r"\d+\.\d+")
            self.run_program(name, given, "--no-such-option", code=2)

    def test_an_unreachable_hub_is_reported_and_the_next_push_arrives(self):
        redis = self.redis()
        port = free_port()
        hub = self.receiver(redis, SYNC_listen=f"127.0.0.1:{port}")
        url = hub.url
        pushing = self.pusher_settings(url, device_table(device_rows(5)))
        hub.stop()
        done = self.run_program("pusher", pushing, "--once", code=1)
        self.assertIn(url, done.stderr)
        hub = self.receiver(redis, SYNC_listen=f"127.0.0.1:{port}")
        self.run_program("pusher", pushing, "--once", code=0)
        wait_until(lambda: count(self.folder / "hub.db") == 5, "the 5 devices")


if __name__ == "__main__":
    unittest.main()
