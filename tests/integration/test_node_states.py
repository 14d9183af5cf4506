# SPDX-License-Identifier: Apache-2.0
"""What the hub knows of nodes: each problem is created for real, is listed with its remedy, and disappears once it is
fixed."""

import json

from harness import TYPE_ENVELOPE, bearer, curl, netalertx_push, wait_until
from nodes_base import NodesTest, table


class NodeStatesTest(NodesTest):
    def test_a_wrong_token_is_listed_apart_and_makes_no_node(self):
        hub = self.receiver(self.hub_redis)
        for _ in range(2):
            self.push(hub, SYNC_api_token="another", code=1)
        wait_until(lambda: sum(f["count"] for f in self.failures()) >= 2, "two failures")
        [failure] = self.failures()
        self.assertEqual((failure["address"], failure["claimed_node"]), ("127.0.0.1", "Cabin"))
        self.assertIn("SYNC_api_token", failure["reason"])
        self.assertEqual(self.nodes(), {})
        self.command("node", "expect", "Cabin")
        self.assertIn("come from 127.0.0.1", self.nodes()["Cabin"]["reason"])
        self.wait_recorded('SELECT sum(failures) > 1 FROM "SyncHub_AuthFailures"', 1)
        self.hub_redis.cli("FLUSHALL")
        self.assertEqual(len(self.failures()), 1)
        self.command("auth-failures", "clear")
        self.assertEqual(self.failures(), [])

    def test_a_refused_node_is_failing_until_it_is_fixed(self):
        hub = self.receiver(self.hub_redis)
        self.push(hub, SYNC_encryption_key="another passphrase", code=1)
        node = self.problem("Cabin", "wrong key")
        self.assertEqual((node["state"], node["first_contact"], node["problem"]["status"], node["problem"]["kind"]),
                         ("failing", None, 422, "key"))
        self.assertIn("SYNC_encryption_key must be the same", node["reason"])
        self.wait_recorded("SELECT problem_kind FROM SyncHub_Nodes", "key")
        self.hub_redis.cli("FLUSHALL")
        self.assertEqual(self.nodes()["Cabin"]["state"], "failing")
        wait_until(lambda: self.push(hub, code=None).returncode == 0, "a push that is accepted")
        self.no_problem()
        # What is known of the agent is written a moment after the contact.
        wait_until(lambda: self.nodes()["Cabin"]["protocol"] == "native", "the protocol")
        node = self.nodes()["Cabin"]
        self.assertEqual((node["state"], node["reason"], node["problem"], node["mode"]),
                         ("online", "", None, "push"))
        self.wait_recorded("SELECT problem_kind FROM SyncHub_Nodes", "")
        self.assertRegex(self.nodes()["Cabin"]["agent"], r"^synchub-pusher/\d")

    def test_a_wrong_clock(self):
        hub = self.receiver(self.hub_redis)
        clock = self.clock(86400)
        self.push(hub, code=1, **clock.environment)
        node = self.problem("Cabin", "wrong clock")
        self.assertIn("set the clocks (NTP)", node["reason"])
        clock.set(0)
        self.push(hub, **clock.environment)
        self.no_problem()

    def test_names_that_are_confused(self):
        hub = self.receiver(self.hub_redis)
        own = self.credentials("Cabin")
        self.push(hub, "cabin", code=1)
        node = self.problem("cabin", "easily confused with \"Cabin\"")
        self.assertEqual(node["problem"]["kind"], "node_name")
        self.command("node", "forget", "cabin")
        self.no_problem("cabin")
        self.push(hub, "Attic")
        self.push(hub, "attic")
        for name, other in (("Attic", "attic"), ("attic", "Attic")):
            self.assertIn(f'"{other}"', self.problem(name, "easily confused")["reason"])
            self.assertEqual(self.nodes()[name]["state"], "online")
        self.command("node", "forget", "attic")
        self.no_problem()
        # A token of its own, used under another name: the owner's fault, whoever has that name.
        self.push(hub, "Attic", code=1, SYNC_api_token=own["SYNC_api_token"],
                  SYNC_encryption_key=own["SYNC_encryption_key"])
        self.assertIn('sends as node "Attic"', self.problem("Cabin", "SYNC_node_name")["reason"])
        self.assertEqual(self.nodes()["Attic"]["state"], "online")

    def test_credentials_of_its_own(self):
        hub = self.receiver(self.hub_redis)
        own = self.credentials("Cabin")
        self.assertEqual((self.nodes()["Cabin"]["state"], self.nodes()["Cabin"]["credentials"]), ("never", "own"))
        self.no_problem()  # for a day
        self.push(hub, code=1)  # with the shared token: others must not make it fail
        wait_until(self.failures, "a failure")
        self.assertIn("must be its own", self.failures()[0]["reason"])
        self.assertEqual(self.problem("Cabin", "127.0.0.1")["state"], "never")
        own_settings = {name: own[name] for name in ("SYNC_api_token", "SYNC_encryption_key")}
        self.push(hub, first=1, **own_settings)
        self.no_problem()
        self.assertEqual(self.nodes()["Cabin"]["state"], "online")
        self.command("node", "forget", "Cabin", code=1)
        hub.stop()
        self.hub_redis.cli("FLUSHALL")  # what is published in Redis is only a copy
        self.command("node", "forget", "Cabin", code=1)
        self.command("node", "revoke", "Cabin")
        self.assertEqual(self.nodes()["Cabin"]["state"], "revoked")
        self.assertIn("node add", self.nodes()["Cabin"]["reason"])
        self.no_problem()
        self.command("node", "forget", "Cabin")
        self.assertEqual(self.nodes(), {})
        self.command("node", "forget", "Cabin")  # revoked, so it is still known

    def test_a_revoked_node_that_was_never_seen_is_forgotten(self):
        self.receiver(self.hub_redis)
        self.credentials("Attic")
        self.command("node", "forget", "Attic", code=1)
        self.command("node", "revoke", "Attic")
        self.command("node", "forget", "Attic")
        self.assertEqual(self.nodes(), {})
        self.command("node", "forget", "Nobody", code=1)

    def test_netalertx_nodes(self):
        hub = self.receiver(self.hub_redis)
        netalertx_push(hub.url, table("Barn"), "Barn", passphrase="another")
        self.assertIn("SYNC_encryption_key", self.problem("Barn", "refused")["reason"])
        netalertx_push(hub.url, table("Barn"), "Barn")
        self.no_problem()
        wait_until(lambda: self.nodes()["Barn"]["agent"] == "NetAlertX", "the agent")
        self.assertEqual(self.nodes()["Barn"]["protocol"], "netalertx")

    def test_instances_that_share_a_name(self):
        hub = self.receiver(self.hub_redis)
        self.push(hub)
        self.no_problem()

        def heartbeat(instance):
            answer = curl(hub.url + "/sync", "-X", "POST", headers={
                **bearer(), "Content-Type": TYPE_ENVELOPE, "Content-Length": "0", "Sync-Hub-Node": "Cabin",
                "Sync-Hub-Digest": "0" * 64, "Sync-Hub-Instance": instance * 8, "Sync-Hub-Interval": "300"})
            self.assertEqual(answer.json["status"], "changed")
            def known():
                return self.hub_redis.cli("HGET", "synchub:instances", "Cabin").startswith(instance * 8)
            wait_until(known, f"instance {instance}")
        for instance in "ab":  # one that replaces the other is no conflict
            heartbeat(instance)
        self.no_problem()
        self.assertEqual(self.nodes()["Cabin"]["interval_s"], 300)
        heartbeat("a")
        node = self.problem("Cabin", "several instances")
        self.assertEqual((node["state"], node["problem"]["kind"]), ("online", "name_conflict"))
        self.assertIn("SYNC_node_name of its own", node["reason"])

    def test_what_an_operator_notes(self):
        hub = self.receiver(self.hub_redis)
        self.push(hub)
        self.push(hub, "木の小屋")
        self.push(hub, "Barn")
        self.command("node", "label", "Cabin", "site=north")
        self.command("node", "label", "Cabin", "owner=Zoë")
        self.command("node", "note", "Cabin", "in the cellar")
        self.command("node", "silent-after", "Cabin", "12h")
        self.command("node", "ephemeral", "Cabin", "on")
        node = json.loads(self.command("node", "show", "Cabin", "--json").stdout)
        self.assertEqual((node["labels"], node["note"], node["silent_after_s"], node["ephemeral"]),
                         ({"site": "north", "owner": "Zoë"}, "in the cellar", 43200, True))
        self.assertEqual(list(self.nodes("--label", "site=north")), ["Cabin"])
        self.assertEqual(list(self.nodes("--label=site=south")), [])
        self.command("node", "label", "Cabin", "site=")
        self.assertEqual(self.nodes()["Cabin"]["labels"], {"owner": "Zoë"})
        shown = self.command("node", "show", "Cabin").stdout
        self.assertIn("note            in the cellar", shown)
        self.assertEqual(list(self.nodes("--sort", "-name")), ["木の小屋", "Cabin", "Barn"])
        self.assertEqual(list(self.nodes("--state", "late")), [])
        lines = self.command("nodes").stdout.splitlines()
        at = lines[0].index("STATE")
        self.assertEqual([line[at:at + 6] for line in lines[1:3]], ["online", "online"])
        self.assertEqual(lines[3][at - 4:at + 2], "online")  # four of its characters are two columns wide
        for arguments in (("label", "Cabin", "no value"), ("silent-after", "Cabin", "soon"),
                          ("ephemeral", "Cabin", "maybe"), ("note", "Cabin"), ("expect", " bad")):
            self.command("node", *arguments, code=2)
        for arguments in (("label", "Nobody", "a=b"), ("show", "Nobody"), ("forget", "Nobody")):
            self.command("node", *arguments, code=1)
        self.command("node", "expect", "Shed")
        self.assertEqual(self.nodes()["Shed"]["state"], "never")
        self.command("node", "forget", "Shed")
        self.command("node", "forget", "Barn")
        self.assertEqual(sorted(self.nodes()), ["Cabin", "木の小屋"])
        self.wait_recorded("SELECT count(*) FROM Devices WHERE devSyncHubNode = 'Barn'", 3)
