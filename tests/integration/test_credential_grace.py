# SPDX-License-Identifier: Apache-2.0
"""`node add --grace`: the shared credentials keep working for a node that got its own."""

import json
import re
import time
import unittest

from harness import TOKEN, devices, wait_until
from test_credentials import SHARED, CredentialsTest, table

DAY_S = 24 * 3600


class GraceTest(CredentialsTest):
    def item(self, node):
        listed = json.loads(self.node("list", "--json").stdout)
        self.assertIsNone(listed["next"])
        return next(item for item in listed["items"] if item["name"] == node)

    def hub_by(self, clock):
        return self.receiver(self.hub_redis, **clock.environment,
                             SYNC_receiver_role="ingest")

    def push_pusher(self, hub, node, rows, own=None):
        settings = self.pusher_settings(hub.url, table(node, rows), node, **(own or {}))
        return self.run_program("pusher", settings, "--once", code=0)


class Pushing(GraceTest):
    def test_during_the_grace_both_work_on_every_replica_in_both_formats(self):
        self.start()
        for hub in self.hubs:
            self.assert_accepted(self.push_json(hub, "Node_A"))
        own = self.node("add", "Node_A", "--grace", "1h")
        rows = 4
        for hub in self.hubs:
            self.assert_accepted(self.push_native(hub, self.request("Node_A", rows=rows), TOKEN))
            self.assert_accepted(self.push_json(hub, "Node_A", rows=rows + 1))
            self.assert_accepted(self.push_native(hub, self.request("Node_A", own, rows + 2),
                                                  own["SYNC_api_token"]))
            rows += 3
        self.assertEqual(self.item("Node_A")["state"], "grace")
        self.merge_all(rows - 1)
        self.assertEqual({row["devSyncHubNode"] for row in devices(self.db).values()}, {"Node_A"})

    def test_its_own_token_still_needs_its_own_key(self):
        hub = self.start()[0]
        own = self.node("add", "Node_A", "--grace", "1h")
        mixed = self.request("Node_A", {"SYNC_api_token": own["SYNC_api_token"]})
        self.assertEqual(self.push_native(hub, mixed, own["SYNC_api_token"]).status, 422)

    def test_afterwards_the_shared_token_is_refused_with_the_remedy(self):
        clock = self.clock()
        self.command_environment = clock.environment
        hubs = [self.hub_by(clock) for _ in range(2)]
        self.node("add", "Node_A", "--netalertx", "--grace", "1h")
        shared_until = self.item("Node_A")["shared_until"]
        clock.set(3601)
        for hub in hubs:
            wait_until(lambda: self.push_json(hub, "Node_A").status == 403, "the grace to end")
            request = self.request("Node_A")
            self.assert_forbidden(hub, SHARED, lambda: self.push_native(hub, request, TOKEN))
            hub.wait_for_log(re.escape(f"since {shared_until}"))
            hub.wait_for_log("SYNC_api_token and SYNC_encryption_key there must be its own")
            hub.wait_for_log("node rotate")
        item = self.item("Node_A")
        self.assertEqual((item["state"], item["shared_until"]), ("active", None))
        own = self.node("rotate", "Node_A")  # the record had room again
        self.assert_accepted(self.push_json(hubs[0], "Node_A", own))

    def test_only_that_node_may_use_them(self):
        hub = self.start()[0]
        self.node("add", "Node_A", "--grace", "1h")
        self.node("add", "Node_B")
        request = self.request("Node_B")
        self.assert_forbidden(hub, SHARED, lambda: self.push_native(hub, request, TOKEN))
        self.assert_accepted(self.push_native(hub, self.request("Node_C"), TOKEN))

    def test_a_file_of_names_gets_the_same_grace(self):
        hub = self.start()[0]
        names = self.folder / "names"
        names.write_text("Node_A\nNode_B\n", encoding="utf-8")
        self.node("add", "--file", names, "--netalertx", "--grace", "12h")
        for node in ("Node_A", "Node_B"):
            self.assert_accepted(self.push_json(hub, node))
            self.assertEqual(self.item(node)["state"], "grace")
        self.assertRegex(self.node("list").stdout, r"REVOKED +SHARED UNTIL\nNode_A +grace +any ")

    def test_revoking_and_rotating_end_it(self):
        hub = self.start()[0]
        for change in (["revoke", "Node_A"], ["rotate", "Node_B", "--grace", "0s"]):
            node = change[1]
            self.node("add", node, "--grace", "1h")
            self.assert_accepted(self.push_json(hub, node))
            self.node(*change)
            self.assert_forbidden(hub, SHARED, lambda: self.push_json(hub, node))
        self.assertIn("leave out the grace period (--grace)", self.node("add", "Node_A", "--grace", "1h", code=1).stderr)

    def test_a_rotation_does_not_extend_it_and_keeps_it(self):
        hub = self.start()[0]
        self.node("add", "Node_A", "--grace", "1h")
        before = self.item("Node_A")["shared_until"]
        self.node("rotate", "Node_A", "--grace", "7d")
        self.assertEqual(self.item("Node_A")["shared_until"], before)
        self.assert_accepted(self.push_json(hub, "Node_A"))

    def test_without_a_duration_that_is_valid_nothing_is_added(self):
        for bad in (["--grace"], ["--grace", "1w"], ["--grace", "91d"], ["--for", "1h"]):
            self.assertIn("node add" if bad[0] == "--for" else "duration",
                          self.node("add", "Node_A", *bad, code=2).stderr)
        self.assertEqual(self.nodes(), {})


class Surroundings(GraceTest):
    def test_a_step_of_the_hub_s_clock_never_keeps_them_valid_for_long(self):
        clock = self.clock()
        hub = self.hub_by(clock)
        self.node("add", "Node_A", "--netalertx", "--grace", "1h")
        self.assert_accepted(self.push_json(hub, "Node_A"))
        clock.set(2 * DAY_S)
        self.assertEqual(self.push_json(hub, "Node_A", rows=4).status, 403)
        # Further in the future than any grace: it was written under a clock that was ahead.
        clock.set(-400 * DAY_S)
        self.assertEqual(self.push_json(hub, "Node_A", rows=5).status, 403)
        clock.set(0)
        self.assert_accepted(self.push_json(hub, "Node_A", rows=6))

    def test_it_outlives_flushall(self):
        hub = self.receiver(self.hub_redis, self.db)
        self.node("add", "Node_A", "--netalertx", "--grace", "1h")
        self.assert_accepted(self.push_json(hub, "Node_A"))
        self.hub_redis.cli("FLUSHALL")
        wait_until(lambda: self.push_json(hub, "Node_A", rows=4).status == 200, "the credentials to be back")

    def test_export_and_import_keep_it(self):
        self.node("add", "Node_A", "--netalertx", "--grace", "1h")
        exported = self.folder / "exported"
        settings = self.secrets(SYNC_redis_url=self.hub_redis.url, SYNC_db=self.db)
        exported.write_text(self.run_program("receiver", settings, "node", "export").stdout,
                            encoding="utf-8")
        before = self.item("Node_A")["shared_until"]
        other, database = self.redis(), self.folder / "other.db"
        self.adopt(other, database)
        settings = self.secrets(SYNC_redis_url=other.url, SYNC_db=database)
        self.run_program("receiver", settings, "node", "import", exported)
        listed = json.loads(self.run_program("receiver", settings, "node", "list", "--json").stdout)
        self.assertEqual(listed["items"][0]["shared_until"], before)
        hub = self.receiver(other, SYNC_receiver_role="ingest")
        self.assert_accepted(self.push_json(hub, "Node_A"))

    def test_receivers_before_it_read_the_record_as_one_with_another_credential(self):
        """Their format: four words for each credential, and each opens with the hub's key."""
        self.node("add", "Node_A", "--grace", "1h")
        words = self.hub_redis.cli("HGET", "synchub:nodes", "Node_A").split(" ")
        self.assertEqual((words[0], words[3], len(words)), ("2", "2", 4 + 2 * 4))
        own, shared = words[4:8], words[8:12]
        self.assertEqual(own[1], "0")
        self.assertLess(abs(int(shared[1]) / 1000 - time.time() - 3600), 600)
        self.assertEqual(shared[2], 64 * "0")
        self.assertEqual(len(shared[3]), len(own[3]))

    def test_an_ephemeral_node_is_added_as_such(self):
        self.node("add", "Node_A", "--ephemeral")
        self.node("add", "Node_B")
        settings = {"SYNC_redis_url": self.hub_redis.url, "SYNC_db": self.db}
        done = self.run_program("receiver", settings, "nodes", "--json")
        self.assertEqual({item["name"]: item["ephemeral"] for item in json.loads(done.stdout)["items"]},
                         {"Node_A": True, "Node_B": False})


class Pulling(GraceTest):
    def serve_node(self, node, own, rows=3):
        settings = self.pusher_settings("", table(node, rows), node, **own,
                                        SYNC_listen="127.0.0.1:0")
        del settings["SYNC_hub_url"]
        return self.program("pusher", settings).url

    def pull(self, *nodes, code=0, **settings):
        return self.run_program("puller", self.puller_settings(self.hub_redis, nodes, **settings),
                                "--once", code=code)

    def test_a_node_is_pulled_with_either_named_or_not(self):
        own = self.node("add", "Node_A", "--grace", "1h")
        self.pull(f"Node_A={self.serve_node('Node_A', {}, 3)}")
        self.pull(self.serve_node("Node_A", {}, 4))
        self.pull(f"Node_A={self.serve_node('Node_A', own, 5)}")
        self.merge_all(5)

    def test_in_netalertx_s_format_it_is_pulled_with_the_shared_token(self):
        self.node("add", "Node_A", "--grace", "1h")
        url = self.serve_node("Node_A", {}, 3)
        self.pull(f"Node_A={url}", SYNC_protocol="netalertx")
        self.pull(self.serve_node("Node_A", {}, 4), SYNC_protocol="netalertx")
        self.merge_all(4)

    def test_afterwards_the_puller_says_what_to_set_on_the_node(self):
        url = self.serve_node("Node_A", {})
        self.node("add", "Node_A", "--grace", "1s")
        wait_until(lambda: self.item("Node_A")["state"] == "active", "the grace to end")
        done = self.pull(f"Node_A={url}", code=1)
        self.assertIn("SYNC_api_token and SYNC_encryption_key there must be its own", done.stderr)
        self.assertIn("credentials of its own", self.pull(url, code=1).stderr)
        self.assertEqual(self.hub_redis.backlog(), 0)


if __name__ == "__main__":
    unittest.main()
