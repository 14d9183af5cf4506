# SPDX-License-Identifier: Apache-2.0
"""What nodes and the puller report to the hub: rejected content, problems of the node's own, pulls that fail."""

import envelopes
from harness import TYPE_ENVELOPE, bearer, curl, wait_until
from nodes_base import NodesTest, table
from postgres import Postgres


class RejectedContent(NodesTest):
    def setUp(self):
        super().setUp()
        self.key = envelopes.NodeKey("Cabin")
        self.hub = self.receiver(self.hub_redis, self.db)

    def post(self, text, plugin="", **changes):
        body = envelopes.envelope(self.key, text, plugin, **changes)
        def accepted():
            answer = curl(self.hub.url + "/sync", body=body, headers={"Content-Type": TYPE_ENVELOPE, **bearer()})
            return answer.status == 202
        wait_until(accepted, "the hub to accept it", details=self.hub.log)

    def ask(self, digest):
        return curl(self.hub.url + "/sync", "-X", "POST", headers={
            **bearer(), "Content-Type": TYPE_ENVELOPE, "Content-Length": "0", "Sync-Hub-Node": "Cabin",
            "Sync-Hub-Digest": digest.hex()})

    def drained(self):
        wait_until(lambda: self.hub_redis.backlog() == 0, "the queue to be empty", details=self.hub.log)

    def assert_lasts(self):
        """Contacts do not end the problem."""
        contact = self.nodes()["Cabin"]["last_contact"]
        def later():
            self.assertEqual(self.ask(bytes(32)).json, {"status": "changed"})
            return self.nodes()["Cabin"]["last_contact"] > contact
        wait_until(later, "a later contact")
        self.assertEqual(self.nodes()["Cabin"]["state"], "failing")

    def test_a_rejected_table_is_a_problem_until_a_table_is_merged(self):
        text = table("Cabin")[:-1]
        self.post(text)
        node = self.problem("Cabin", "truncated")
        self.assertEqual((node["state"], node["problem"]["kind"], node["dead"]), ("failing", "content", 1))
        self.assertIn("its device table cannot be merged", node["reason"])
        self.assertIn("`dead list`", node["reason"])
        self.assertIn("cannot be merged", self.command("node", "show", "Cabin").stdout)
        since = node["problem"]["at"]
        # The node asks about the same table, which is refused for the same reason.
        digest = envelopes.keyed_hash(self.key.digest, text.encode(), 32)
        self.assertEqual(self.ask(digest).status, 422)
        self.assert_lasts()
        self.assertEqual(self.nodes()["Cabin"]["problem"]["at"], since)
        self.hub_redis.cli("FLUSHALL")
        self.assertEqual(self.nodes()["Cabin"]["state"], "failing")
        self.post(table("Cabin"))
        wait_until(lambda: self.nodes()["Cabin"]["state"] == "online", "the end of the problem",
                   details=lambda: self.command("nodes", code=None).stdout)
        self.assertIsNone(self.nodes()["Cabin"]["problem"])
        self.no_problem()

    def test_a_rejected_result_is_a_problem_until_content_is_merged(self):
        self.post("a|b\n", "ARPSCAN")
        node = self.problem("Cabin", "result of plugin ARPSCAN cannot be merged")
        self.assertEqual(node["problem"]["kind"], "content")
        self.assert_lasts()
        self.post("key|second|2026-08-22 02:53:00|1|2|3|4|extra|other\n", "ARPSCAN")
        wait_until(lambda: self.nodes()["Cabin"]["state"] == "online", "the end of the problem")
        self.assertEqual(self.nodes()["Cabin"]["problem"], None)
        self.assertIn("dead list", self.problem("Cabin", "dead letters")["reason"])
        self.command("dead", "drop", "--all")
        self.no_problem()

    def test_a_table_in_parts_ends_it_once_it_is_whole(self):
        parts = [table("Cabin", first=0), table("Cabin", first=3)]
        whole = envelopes.keyed_hash(self.key.digest, "".join(parts).encode(), 32)
        self.post(parts[0], digest=whole, part=0, parts=2)
        self.post(parts[1][:-1], digest=whole, part=1, parts=2)
        self.problem("Cabin", "truncated")
        self.post(parts[0], digest=whole, part=0, parts=2)
        self.drained()
        self.assertEqual(self.nodes()["Cabin"]["state"], "failing")
        self.post(parts[1], digest=whole, part=1, parts=2)
        wait_until(lambda: self.nodes()["Cabin"]["state"] == "online", "the end of the problem")

    def test_other_nodes_of_the_same_batch_are_not_affected(self):
        self.hub.stop()
        self.hub = self.receiver(self.hub_redis, self.db, SYNC_receiver_role="ingest")
        self.post(table("Cabin")[:-1])
        self.key = envelopes.NodeKey("Barn")
        self.post(table("Barn"))
        self.receiver(self.hub_redis, self.db, SYNC_receiver_role="merge")
        self.problem("Cabin", "truncated")
        self.drained()
        self.assertEqual(self.nodes()["Barn"]["state"], "online")


class RejectedContentOnPostgres(RejectedContent):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Postgres()
        cls.addClassCleanup(cls.server.remove)

    def make_database(self):
        return self.server.new_database()
