# SPDX-License-Identifier: Apache-2.0
"""Receivers with another SYNC_encryption_key than the hub's, and an intended change of the key."""

import json
import unittest

from harness import KEY, FakeNetAlertXNode, SyncHubTest, count, device_rows, device_table, \
    netalertx_push, wait_until

OTHER = "another key of the tests"
NOT_OURS = "SYNC_encryption_key is not the one"


class Key(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.db = self.folder / "hub.db"

    def queue(self, *nodes, key=KEY):
        """Queues tables of nodes, sealed with a key, without merging them."""
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest",
                               SYNC_encryption_key=key)
        for node in nodes:
            answer = netalertx_push(ingest.url, device_table(device_rows(3, node=node)), node,
                                    passphrase=key)
            self.assertEqual(answer.status, 200, answer)
        ingest.stop()

    def wrong(self, **settings):
        """A receiver with another key, once it has logged that."""
        hub = self.program("receiver", self.receiver_settings(
            self.hub_redis, self.db, SYNC_encryption_key=OTHER, **settings))
        hub.wait_for_log(NOT_OURS)
        return hub

    def letters(self):
        done = self.run_program("receiver", {"SYNC_redis_url": self.hub_redis.url}, "dead", "list",
                                "--json", code=0)
        return json.loads(done.stdout)["dead"]

    def adopt(self, key):
        return self.run_program("receiver", self.receiver_settings(
            self.hub_redis, self.db, SYNC_encryption_key=key), "key", "adopt", code=0)

    def test_a_receiver_with_another_key_accepts_nothing_and_is_not_ready(self):
        first = self.receiver(self.hub_redis, self.db)
        self.queue("Node_A")
        self.wait_merged(self.hub_redis, self.db, 3)
        first.stop()
        self.queue(*[f"Node_{i}" for i in range(27)])
        hub = self.wrong()
        hub.wait_unready(NOT_OURS)
        self.assertEqual((self.hub_redis.backlog(), self.hub_redis.dead()), (27, 0))
        self.receiver(self.hub_redis, self.db)  # one with the right key has all of them
        self.wait_merged(self.hub_redis, self.db, 84)
        self.assertEqual(self.hub_redis.dead(), 0)

    def test_ingest_or_puller_with_another_key_accepts_nothing(self):
        self.receiver(self.hub_redis, self.db)
        self.queue("Node_A")
        self.wait_merged(self.hub_redis, self.db, 3)
        ingest = self.program("receiver", self.receiver_settings(
            self.hub_redis, SYNC_receiver_role="ingest", SYNC_encryption_key=OTHER))
        ingest.wait_for_log("no push is accepted: " + NOT_OURS)
        ingest.wait_unready(NOT_OURS)
        # Neither a node with the hub's key nor one with this receiver's key loses data.
        for key in (KEY, OTHER):
            answer = netalertx_push(ingest.url, device_table(device_rows(3, node="B")), "B",
                                    passphrase=key)
            self.assertEqual(answer.status, 503, answer)
        self.assertIn(b"Not authorized", netalertx_push(ingest.url, "x", "B", token="bad").body)
        node = self.server(FakeNetAlertXNode("C", device_table(device_rows(3, node="C"))))
        done = self.run_program("puller", self.puller_settings(
            self.hub_redis, [node.url], SYNC_encryption_key=OTHER, SYNC_protocol="netalertx"),
            "--once", code=1)
        self.assertIn(NOT_OURS, done.stderr)
        self.assertEqual((self.hub_redis.backlog(), self.hub_redis.dead()), (0, 0))

    def test_before_the_first_merge_the_entries_determine_the_right_key(self):
        self.queue("Node_A", "Node_B")
        self.wrong()
        self.assertEqual((self.hub_redis.backlog(), self.hub_redis.dead()), (2, 0))
        self.receiver(self.hub_redis, self.db, SYNC_claim_idle_s="1")
        self.wait_merged(self.hub_redis, self.db, 6)
        self.assertEqual(self.hub_redis.dead(), 0)

    def test_one_entry_with_another_key_stops_no_receiver(self):
        self.queue("Stray", key=OTHER)
        self.queue("Node_A", "Node_B")
        self.receiver(self.hub_redis, self.db)
        self.wait_merged(self.hub_redis, self.db, 6)
        letter = self.letters()[0]
        self.assertEqual(letter["node"], "Stray")
        for word in ("sealed with another key", "SYNC_encryption_key", "dead retry", "dead drop"):
            self.assertIn(word, letter["reason"])

    def test_the_check_value_is_published_again_after_a_data_loss_of_redis(self):
        hub = self.receiver(self.hub_redis, self.db)
        self.queue("Node_A")
        self.wait_merged(self.hub_redis, self.db, 3)
        published = wait_until(lambda: self.hub_redis.cli("GET", "synchub:key"), "the key", details=hub.log)
        self.assertRegex(published, "^[0-9a-f]{32}")
        self.hub_redis.cli("FLUSHALL")
        wait_until(lambda: self.hub_redis.cli("GET", "synchub:key") == published, "the key",
                   details=hub.log)
        hub.stop()
        self.hub_redis.cli("FLUSHALL")
        self.wrong()

    def test_an_intended_key_change_loses_nothing(self):
        first = self.receiver(self.hub_redis, self.db)
        self.queue("Node_A")
        self.wait_merged(self.hub_redis, self.db, 3)
        first.stop()
        self.queue("Left")
        self.adopt(OTHER)
        hub = self.receiver(self.hub_redis, self.db, SYNC_encryption_key=OTHER)
        self.queue("Node_B", key=OTHER)
        self.wait_merged(self.hub_redis, self.db, 6)
        letter = self.letters()[0]
        self.assertEqual(letter["node"], "Left")
        hub.stop()
        # Remaining entries are merged by a hub that temporarily has the old key.
        self.adopt(KEY)
        self.run_program("receiver", {"SYNC_redis_url": self.hub_redis.url}, "dead", "retry",
                         letter["id"], code=0)
        self.receiver(self.hub_redis, self.db)
        self.wait_merged(self.hub_redis, self.db, 9)
        self.assertEqual(count(self.db, "Devices", "devSyncHubNode = 'Left'"), 3)


if __name__ == "__main__":
    unittest.main()
