# SPDX-License-Identifier: Apache-2.0
"""Nodes with credentials of their own: what they may and may not do, on every replica."""

import json
import os
import pathlib
import re
import socket
import sqlite3
import unittest

from harness import (KEY, READY_S, TOKEN, TYPE_ENVELOPE, FakeServer, SyncHubTest, bearer, curl, device_rows,
                     device_table, devices, netalertx_body, netalertx_push, queued, receive_head, wait_until)
from metrics_base import metric

FORBIDDEN = '{"error":"Forbidden","message":"ERROR: Not authorized","success":false}'
FORBIDDEN_NATIVE = FORBIDDEN[:-1] + ',"code":"token"}'
ANOTHER, SHARED, UNKNOWN = "another_node", "shared_token", "token"


def table(node, rows=3):
    return device_table(device_rows(rows, node=node))


class CredentialsTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.db = self.folder / "hub.db"
        self.secrets_seen = []
        self.command_environment = {}
        self.publish()

    def publish(self):
        """Most tests run no receiver that merges."""
        self.adopt(self.hub_redis, self.db)

    def change_record(self, node, change):
        """Replaces a node's record in the database by change(record), and publishes it."""
        with sqlite3.connect(self.db) as db:
            (record,), = db.execute("SELECT record FROM SyncHub_Credentials WHERE node = ?", (node,))
            db.execute("UPDATE SyncHub_Credentials SET record = ? WHERE node = ?",
                       (change(record), node))
            db.execute("UPDATE SyncHub_Meta SET value = lower(hex(randomblob(16)))"
                       " WHERE key = 'credentials_version'")
        self.publish()

    def start(self):
        """Two replicas that ingest, and none that merges."""
        self.hubs = [self.receiver(self.hub_redis, SYNC_receiver_role="ingest") for _ in range(2)]
        return self.hubs

    def node(self, *arguments, code=0):
        """Runs `node add|rotate|revoke|list`; returns the settings it printed, as a dictionary."""
        settings = {"SYNC_redis_url": self.hub_redis.url, "SYNC_db": self.db, **self.command_environment}
        if arguments[:1] not in (("list",), ("revoke",)):
            settings = self.secrets(**settings)
        done = self.run_program("receiver", settings, "node", *arguments, code=code)
        printed = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        self.secrets_seen += [value for name, value in printed.items() if name != "SYNC_node_name"]
        return printed if printed else done

    def nodes(self):
        return {node["node"]: node for node in json.loads(self.node("list", "--json").stdout)["nodes"]}

    def request(self, node, own=None, rows=3, plugin=None):
        """A push of a real pusher, captured."""
        trap = self.server(FakeServer(queued))
        settings = self.pusher_settings(trap.url, table(node, rows), node, **(own or {}))
        self.run_program("pusher", settings, "--once", code=0)
        return next(request for request in trap.requests if request.body)

    def push_native(self, hub, request, token, headers=None):
        return curl(hub.url + "/sync", body=request.body,
                    headers={**bearer(token), "Content-Type": TYPE_ENVELOPE, **(headers or {})})

    def push_json(self, hub, node, own=None, rows=3):
        own = own or {"SYNC_api_token": TOKEN, "SYNC_encryption_key": KEY}
        return netalertx_push(hub.url, table(node, rows), node, passphrase=own["SYNC_encryption_key"],
                              token=own["SYNC_api_token"])

    def refused(self, hub, reason):
        return int(metric(hub, f'synchub_refused_total{{reason="{reason}"}}'))

    def assert_forbidden(self, hub, reason, push):
        """push() must get the uniform 403, counted under its reason."""
        before, backlog = self.refused(hub, reason), self.hub_redis.backlog()
        answer = push()
        self.assertIn((answer.status, answer.text), ((403, FORBIDDEN), (403, FORBIDDEN_NATIVE)))
        self.assertEqual(self.refused(hub, reason), before + 1)
        self.assertEqual(self.hub_redis.backlog(), backlog)

    def assert_accepted(self, answer):
        self.assertIn(answer.status, (200, 202), answer)

    def merge_all(self, rows):
        self.receiver(self.hub_redis, self.db, SYNC_receiver_role="merge")
        self.wait_merged(self.hub_redis, self.db, rows)
        self.assertEqual(self.hub_redis.dead(), 0)


class Adding(CredentialsTest):
    def test_a_node_needs_only_the_settings_printed_by_node_add(self):
        self.start()
        own = self.node("add", "Node_A")
        self.assertEqual(list(own), ["SYNC_node_name", "SYNC_api_token", "SYNC_encryption_key"])
        self.assertEqual(own["SYNC_node_name"], "Node_A")
        self.assertRegex(own["SYNC_api_token"], r"^[A-Za-z0-9_-]{43}$")
        self.assertRegex(own["SYNC_encryption_key"], r"^shkey1_[A-Za-z0-9_-]{43}$")
        for number, hub in enumerate(self.hubs):
            settings = self.pusher_settings(hub.url, table("Node_A", 3 + number), "Node_A", **own)
            self.run_program("pusher", settings, "--once", code=0)
        self.merge_all(4)
        self.assertEqual({row["devSyncHubNode"] for row in devices(self.db).values()}, {"Node_A"})

    def test_a_node_with_its_own_credentials_does_not_resend_an_unchanged_table(self):
        hub = self.receiver(self.hub_redis, self.db)
        own = self.node("add", "Node_A")
        settings = self.pusher_settings(hub.url, table("Node_A"), "Node_A", **own)
        self.run_program("pusher", settings, "--once", code=0)
        self.wait_merged(self.hub_redis, self.db, 3)
        self.run_program("pusher", settings, "--once", code=0)
        self.assertIn('synchub_pushes_total{result="unchanged"} 1', curl(hub.url + "/metrics").text)

    def test_a_netalertx_node_with_its_own_credentials_is_accepted(self):
        self.start()
        own = self.node("add", "Büro 1", "--netalertx")
        self.assertEqual(own["SYNC_node_name"], "'Büro 1'")
        for hub in self.hubs:
            self.assert_accepted(self.push_json(hub, "Büro 1", own))
        self.merge_all(3)

    def test_a_node_may_use_netalertx_s_format_only_if_added_with_netalertx(self):
        hub = self.start()[0]
        native = self.node("add", "Native")
        either = self.node("add", "Either", "--netalertx")
        answer = self.push_json(hub, "Native", native)
        self.assertEqual(answer.status, 415, answer)
        self.assertIn("node add --netalertx", answer.json["error"])
        self.assert_accepted(self.push_json(hub, "Either", either))
        for node, own in (("Native", native), ("Either", either)):
            self.assert_accepted(self.push_native(hub, self.request(node, own), own["SYNC_api_token"]))
        # Programs that use NetAlertX's format may not know random keys.
        self.assertRegex(either["SYNC_encryption_key"], r"^[A-Za-z0-9_-]{43}$")
        nodes = self.nodes()
        self.assertEqual({name: node["protocol"] for name, node in nodes.items()},
                         {"Native": "native", "Either": "any"})
        # A rotation keeps the format; adding a node again sets it anew.
        self.assertEqual(self.push_json(hub, "Native", self.node("rotate", "Native")).status, 415)
        rotated = self.node("rotate", "Either")
        self.assertRegex(rotated["SYNC_encryption_key"], r"^[A-Za-z0-9_-]{43}$")
        self.assert_accepted(self.push_json(hub, "Either", rotated, rows=4))
        self.node("revoke", "Native")
        self.assert_accepted(self.push_json(hub, "Native", self.node("add", "--netalertx", "Native")))

    def test_a_version_1_record_allows_both_formats(self):
        """Records of version 1 do not restrict formats."""
        hub = self.start()[0]
        own = self.node("add", "Node_A")
        record = self.hub_redis.cli("HGET", "synchub:nodes", "Node_A")
        self.assertTrue(record.startswith("2 "), record)
        self.change_record("Node_A", lambda record: "1" + record[1:])
        # An unknown token makes the receiver load all records again.
        self.assertEqual(netalertx_push(hub.url, table("Node_A"), "Node_A", token="?").status, 403)
        self.assert_accepted(self.push_json(hub, "Node_A", own))
        new = self.node("rotate", "Node_A")
        self.assert_accepted(self.push_json(hub, "Node_A", new, rows=4))

    def test_other_nodes_keep_using_the_shared_credentials(self):
        self.start()
        self.node("add", "Node_A")
        for hub in self.hubs:
            self.assert_accepted(self.push_json(hub, "Node_B"))
            self.assert_accepted(self.push_native(hub, self.request("Node_C"), TOKEN))
        self.merge_all(6)

    def test_impossible_changes_exit_with_1_and_a_reason(self):
        self.node("add", "Node_A")
        self.assertIn("node rotate", self.node("add", "Node_A", code=1).stderr)
        self.assertIn("node add", self.node("rotate", "Node_B", code=1).stderr)
        self.assertIn("node add", self.node("revoke", "Node_B", code=1).stderr)
        self.node("revoke", "Node_A")
        self.assertIn("node add", self.node("rotate", "Node_A", code=1).stderr)
        self.assertEqual(list(self.nodes()), ["Node_A"])

    def test_unknown_arguments_exit_with_2(self):
        self.node("add", "Node_A")
        for bad in (["add"], ["add", "a/b"], ["add", "--for", "1d", "A"], [],
                    ["rotate", "Node_A", "--for"], ["rotate", "Node_A", "--for", "1w"],
                    ["rotate", "Node_A", "--for", "91d"], ["rotate", "Node_A", "--for", "-1d"],
                    ["rotate", "Node_A", "--for", "d"], ["revoke"], ["list", "x"], ["delete", "A"]):
            with self.subTest(bad):
                self.run_program("receiver", self.secrets(SYNC_redis_url=self.hub_redis.url),
                                 "node", *bad, code=2)
        self.assertEqual([node["state"] for node in self.nodes().values()], ["active"])

    def test_add_and_rotate_need_the_hub_s_key(self):
        for verb in ("add", "rotate"):
            done = self.run_program("receiver", {"SYNC_redis_url": self.hub_redis.url,
                                                 "SYNC_api_token": TOKEN}, "node", verb, "A", code=2)
            self.assertIn("SYNC_encryption_key", done.stderr)

    def test_the_list_has_states_and_last_use_which_is_written_once_a_minute(self):
        self.assertEqual(self.node("list").stdout, "No node has credentials of its own.\n")
        hub = self.start()[0]
        own = self.node("add", "Node_A", "--netalertx")
        self.node("add", "Node_B")
        self.node("revoke", "Node_B")
        self.assertIsNone(self.nodes()["Node_A"]["last_used_ms"])
        self.assert_accepted(self.push_json(hub, "Node_A", own))
        used = self.nodes()["Node_A"]["last_used_ms"]
        self.assertGreaterEqual(used, self.nodes()["Node_A"]["created_ms"])
        self.assert_accepted(self.push_json(hub, "Node_A", own, rows=4))
        self.assertEqual(self.nodes()["Node_A"]["last_used_ms"], used)
        self.node("rotate", "Node_A")
        nodes = self.nodes()
        self.assertEqual({name: node["state"] for name, node in nodes.items()},
                         {"Node_A": "rotating", "Node_B": "revoked"})
        week = 7 * 24 * 3600 * 1000
        self.assertAlmostEqual(nodes["Node_A"]["rotates_until_ms"],
                               nodes["Node_A"]["created_ms"] + week, delta=600000)
        self.assertIsNotNone(nodes["Node_B"]["revoked_ms"])
        text = self.node("list").stdout
        self.assertRegex(text, r"NODE +STATE +PROTOCOL +CREATED +LAST USED +ROTATES UNTIL +REVOKED")
        self.assertRegex(text, r"Node_B +revoked +native +20.* never ")


class Refusing(CredentialsTest):
    def test_a_node_can_send_only_as_itself(self):
        self.start()
        own = self.node("add", "Node_A")
        self.node("add", "Node_B")
        for hub in self.hubs:
            for other in ("Node_B", "Node_C"):
                with self.subTest(other):
                    request = self.request(other, {**own, "SYNC_node_name": other})
                    token = own["SYNC_api_token"]
                    self.assert_forbidden(hub, ANOTHER,
                                          lambda: self.push_native(hub, request, token))
                    self.assert_forbidden(hub, ANOTHER, lambda: self.push_native(
                        hub, self.request("Node_A", own), token, {"Sync-Hub-Node": other}))
                    self.assert_forbidden(hub, ANOTHER, lambda: self.push_json(hub, other, own))
            hub.wait_for_log("the token belongs to node Node_A, which may send only as itself")

    def test_the_shared_token_is_not_accepted_for_a_node_with_its_own(self):
        self.start()
        request = self.request("Node_A")
        self.node("add", "Node_A")
        for hub in self.hubs:
            self.assert_forbidden(hub, SHARED, lambda: self.push_native(hub, request, TOKEN))
            self.assert_forbidden(hub, SHARED, lambda: self.push_native(
                hub, self.request("Node_B"), TOKEN, {"Sync-Hub-Node": "Node%5FA"}))
            self.assert_forbidden(hub, SHARED, lambda: self.push_json(hub, "Node_A"))
            hub.wait_for_log("the shared token is not accepted for it")

    def test_a_question_by_digest_is_refused_too(self):
        self.start()
        own = self.node("add", "Node_A")
        for token, node, reason in ((own["SYNC_api_token"], "Node_B", ANOTHER),
                                    (TOKEN, "Node_A", SHARED), ("x", "Node_A", UNKNOWN)):
            headers = {**bearer(token), "Content-Type": TYPE_ENVELOPE, "Sync-Hub-Node": node,
                       "Sync-Hub-Digest": "00" * 32}
            self.assert_forbidden(self.hubs[0], reason, lambda: curl(
                self.hubs[0].url + "/sync", "-X", "POST", "-H", "Content-Length: 0",
                headers=headers))

    def test_the_token_is_useless_without_the_node_s_key(self):
        self.start()
        own = self.node("add", "Node_A", "--netalertx")
        other = self.node("add", "Node_B")
        for hub in self.hubs:
            for key in (KEY, other["SYNC_encryption_key"]):
                mixed = {**own, "SYNC_encryption_key": key}
                for answer in (self.push_json(hub, "Node_A", mixed),
                               self.push_native(hub, self.request("Node_A", mixed),
                                                own["SYNC_api_token"])):
                    self.assertEqual(answer.status, 422)
                    self.assertIn("SYNC_encryption_key", answer.json["message"])
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_the_node_s_key_does_not_open_pushes_with_the_shared_token(self):
        hub = self.start()[0]
        own = self.node("add", "Node_A")
        request = self.request("Node_B", {"SYNC_encryption_key": own["SYNC_encryption_key"]})
        self.assertEqual(self.push_native(hub, request, TOKEN).status, 422)

    def test_nobody_can_send_with_unreadable_records(self):
        self.start()
        own = self.node("add", "Node_A", "--netalertx")
        self.change_record("Node_A", lambda record: "9" + record)
        for hub in self.hubs:
            self.assert_forbidden(hub, UNKNOWN, lambda: self.push_json(hub, "Node_A", own))
            self.assert_forbidden(hub, SHARED, lambda: self.push_json(hub, "Node_A"))
        self.assertEqual(self.nodes()["Node_A"]["state"], "unreadable")

    def test_a_token_s_hash_moved_to_another_node_opens_nothing(self):
        hub = self.start()[0]
        own, other = self.node("add", "Node_A", "--netalertx"), self.node("add", "Node_B", "--netalertx")
        a = self.hub_redis.cli("HGET", "synchub:nodes", "Node_A").split()
        b = self.hub_redis.cli("HGET", "synchub:nodes", "Node_B").split()
        b[-2] = a[-2]
        self.hub_redis.cli("HDEL", "synchub:nodes", "Node_A")
        self.hub_redis.cli("HSET", "synchub:nodes", "Node_B", " ".join(b))
        self.hub_redis.cli("SET", "synchub:nodes:version", "another")
        mixed = {**other, "SYNC_api_token": own["SYNC_api_token"]}
        answers = []

        def refused_by_the_changed_record():
            """A hub that knows the former records still says 403: the token is Node_A's."""
            answers.append(self.push_json(hub, "Node_B", mixed).status)
            return answers[-1] == 503
        wait_until(refused_by_the_changed_record, "the changed record to be loaded",
                   details=lambda: answers)
        self.assertLessEqual(set(answers), {403, 503})
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_a_changed_hub_key_is_logged(self):
        own = self.node("add", "Node_A", "--netalertx")
        hub = self.receiver(self.hub_redis, SYNC_receiver_role="ingest",
                            SYNC_encryption_key="another passphrase of the hub")
        native = self.push_native(hub, self.request("Node_A", own), own["SYNC_api_token"])
        for answer in (self.push_json(hub, "Node_A", own), native):
            self.assertEqual(answer.status, 503)
        self.assertEqual(native.json["code"], "credentials")
        self.assertIn('synchub_unavailable_total{reason="credentials"} 2',
                      curl(hub.url + "/metrics").text)
        hub.wait_for_log("do not open with this hub's SYNC_encryption_key")


class Rotating(CredentialsTest):
    def test_old_and_new_both_work_on_every_replica(self):
        self.start()
        old = self.node("add", "Node_A", "--netalertx")
        new = self.node("rotate", "Node_A", "--for", "1h")
        self.assertNotEqual(old["SYNC_api_token"], new["SYNC_api_token"])
        self.assertNotEqual(old["SYNC_encryption_key"], new["SYNC_encryption_key"])
        rows = 3
        for hub in self.hubs:
            for own in (old, new):
                rows += 2
                self.assert_accepted(self.push_json(hub, "Node_A", own, rows))
                self.assert_accepted(self.push_native(hub, self.request("Node_A", own, rows - 1),
                                                   own["SYNC_api_token"]))
        self.merge_all(rows)

    def test_the_old_ones_end_when_their_time_is_over(self):
        self.start()
        old = self.node("add", "Node_A", "--netalertx")
        for hub in self.hubs:
            self.assert_accepted(self.push_json(hub, "Node_A", old))
        new = self.node("rotate", "Node_A", "--for", "1s")
        for hub in self.hubs:
            wait_until(lambda: self.push_json(hub, "Node_A", old).status == 403, "the old credentials to end")
            self.assert_accepted(self.push_json(hub, "Node_A", new))

    def test_rotating_with_0s_ends_the_old_ones_at_once(self):
        self.start()
        old = self.node("add", "Node_A", "--netalertx")
        new = self.node("rotate", "Node_A", "--for", "0s")
        for hub in self.hubs:
            self.assert_forbidden(hub, UNKNOWN, lambda: self.push_json(hub, "Node_A", old))
            self.assert_accepted(self.push_json(hub, "Node_A", new))

    def test_a_second_rotation_does_not_extend_the_first_credentials(self):
        self.start()
        first = self.node("add", "Node_A", "--netalertx")
        self.node("rotate", "Node_A", "--for", "0s")
        self.node("rotate", "Node_A", "--for", "1h")
        self.assert_forbidden(self.hubs[0], UNKNOWN,
                              lambda: self.push_json(self.hubs[0], "Node_A", first))

    def test_too_many_at_once_are_refused(self):
        self.node("add", "Node_A")
        for _ in range(3):
            self.node("rotate", "Node_A")
        self.assertIn("valid tokens", self.node("rotate", "Node_A", code=1).stderr)
        self.node("rotate", "Node_A", "--for", "0s")


class Revoking(CredentialsTest):
    def test_a_revoked_node_is_refused_at_once_on_every_replica(self):
        self.start()
        own = self.node("add", "Node_A", "--netalertx")
        request = self.request("Node_A", own)
        for hub in self.hubs:
            self.assert_accepted(self.push_native(hub, request, own["SYNC_api_token"]))
            self.assert_accepted(self.push_json(hub, "Node_A", own))
        self.node("revoke", "Node_A")
        request = self.request("Node_A", own, rows=5)
        for hub in self.hubs:
            self.assert_forbidden(hub, UNKNOWN, lambda: self.push_json(hub, "Node_A", own, rows=6))
            self.assert_forbidden(hub, UNKNOWN,
                                  lambda: self.push_native(hub, request, own["SYNC_api_token"]))
            self.assert_forbidden(hub, SHARED, lambda: self.push_json(hub, "Node_A"))

    def test_each_kind_of_request_notices_a_revocation_first(self):
        own = self.node("add", "Node_A", "--netalertx")
        request = self.request("Node_A", own)
        token = own["SYNC_api_token"]
        hubs = [self.receiver(self.hub_redis, SYNC_receiver_role="ingest") for _ in range(3)]
        for hub in hubs:
            self.assert_accepted(self.push_native(hub, request, token))
        self.node("revoke", "Node_A")
        ask = {**bearer(token), "Content-Type": TYPE_ENVELOPE, "Sync-Hub-Node": "Node_A",
               "Sync-Hub-Digest": "00" * 32}
        self.assert_forbidden(hubs[0], UNKNOWN, lambda: self.push_native(hubs[0], request, token))
        self.assert_forbidden(hubs[1], UNKNOWN, lambda: self.push_json(hubs[1], "Node_A", own))
        self.assert_forbidden(hubs[2], UNKNOWN, lambda: curl(
            hubs[2].url + "/sync", "-X", "POST", "-H", "Content-Length: 0", headers=ask))

    def test_a_push_in_progress_is_refused_after_a_revocation(self):
        hub = self.start()[0]
        own = self.node("add", "Node_A", "--netalertx")
        body = netalertx_body(table("Node_A"), "Node_A",
                              passphrase=own["SYNC_encryption_key"]).encode()
        with socket.create_connection(("127.0.0.1", hub.port), timeout=READY_S) as peer:
            peer.sendall((f"POST /sync HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
                          f"Authorization: Bearer {own['SYNC_api_token']}\r\n"
                          f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n").encode())
            self.assertIn(b"100 Continue", receive_head(peer))
            peer.sendall(body[:1000])
            self.node("revoke", "Node_A")
            peer.sendall(body[1000:])
            self.assertIn(b" 403 ", receive_head(peer))
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_entries_accepted_before_a_revocation_are_merged(self):
        hub = self.start()[0]
        own = self.node("add", "Node_A", "--netalertx")
        self.assert_accepted(self.push_native(hub, self.request("Node_A", own), own["SYNC_api_token"]))
        self.assert_accepted(self.push_json(hub, "Node_A", own, rows=4))
        self.node("revoke", "Node_A")
        self.merge_all(4)

    def test_a_revoked_node_may_be_added_again_with_new_ones(self):
        hub = self.start()[0]
        old = self.node("add", "Node_A", "--netalertx")
        self.node("revoke", "Node_A")
        new = self.node("add", "Node_A", "--netalertx")
        self.assert_accepted(self.push_json(hub, "Node_A", new))
        self.assert_forbidden(hub, UNKNOWN, lambda: self.push_json(hub, "Node_A", old))

    def test_revoking_works_in_a_redis_that_is_full(self):
        self.start()
        own = self.node("add", "Node_A", "--netalertx")
        self.hub_redis.cli("CONFIG", "SET", "maxmemory", "1")
        self.node("revoke", "Node_A")
        self.hub_redis.cli("CONFIG", "SET", "maxmemory", "0")
        self.assert_forbidden(self.hubs[1], UNKNOWN,
                              lambda: self.push_json(self.hubs[1], "Node_A", own))


class Outages(CredentialsTest):
    def test_without_published_credentials_everybody_is_asked_to_retry(self):
        self.start()
        own = self.node("add", "Node_A", "--netalertx")
        self.assert_accepted(self.push_json(self.hubs[0], "Node_A", own))
        request = self.request("Node_B")
        self.hub_redis.cli("FLUSHALL")
        fresh = self.program("receiver", self.receiver_settings(self.hub_redis,
                                                                SYNC_receiver_role="ingest"))
        for hub in (*self.hubs, fresh):
            for push in (lambda: self.push_json(hub, "Node_A", own, rows=5),
                         lambda: self.push_json(hub, "Node_A", rows=5),
                         lambda: self.push_native(hub, request, TOKEN),
                         lambda: netalertx_push(hub.url, table("Node_A"), "Node_A", token="?")):
                for _ in range(8):  # more than unknown tokens are looked up in a second
                    answer = push()
                    self.assertEqual(answer.status, 503, answer)
                    self.assertIsNotNone(answer.headers.get("retry-after"))
            hub.wait_unready("credentials are not in Redis")
        self.assertEqual(self.hub_redis.backlog(), 0)
        self.publish()
        for hub in (*self.hubs, fresh):
            hub.wait_ready()
            self.assert_accepted(self.push_json(hub, "Node_A", own, rows=6))
            self.assert_forbidden(hub, SHARED, lambda: self.push_json(hub, "Node_A"))

    def test_credentials_outlive_a_crash_of_redis(self):
        self.start()
        own = self.node("add", "Node_A", "--netalertx")
        self.hub_redis.kill()
        self.hub_redis.start()
        for hub in self.hubs:
            self.assert_accepted(self.push_json(hub, "Node_A", own))

    def test_without_redis_known_tokens_get_503_and_unknown_ones_403(self):
        hub = self.start()[0]
        own = self.node("add", "Node_A", "--netalertx")
        self.assert_accepted(self.push_json(hub, "Node_A", own))
        self.hub_redis.stop()
        answer = self.push_json(hub, "Node_A", own, rows=5)
        self.assertEqual((answer.status, answer.headers.get("retry-after") is None), (503, False))
        answer = netalertx_push(hub.url, table("Node_A"), "Node_A", token="unknown")
        self.assertEqual((answer.status, answer.text), (403, FORBIDDEN))

    def test_no_secret_is_in_redis_or_a_log(self):
        hub = self.start()[0]
        own = self.node("add", "Node_A", "--netalertx")
        new = self.node("rotate", "Node_A")
        for rows, used in ((3, own), (4, new)):
            self.assert_accepted(self.push_json(hub, "Node_A", used, rows))
            self.assert_accepted(self.push_native(hub, self.request("Node_A", used, rows),
                                               used["SYNC_api_token"]))
        self.push_json(hub, "Node_B", own)
        self.node("list")
        self.hub_redis.cli("--rdb", self.folder / "dump.rdb")
        self.assertEqual(len(self.secrets_seen), 4)
        searched = 0
        for folder, _, names in os.walk(self.folder):
            if re.search(r"/node-", folder):
                continue
            for name in names:
                try:
                    content = pathlib.Path(folder, name).read_bytes()
                except FileNotFoundError:
                    continue  # a temporary file of Redis
                searched += 1
                for secret in (*self.secrets_seen, TOKEN, KEY):
                    self.assertNotIn(secret.encode(), content, name)
        self.assertGreater(searched, 4)


class Pulling(CredentialsTest):
    def serve_node(self, node, own, rows=3):
        """Starts a pusher that only answers GET /sync; returns its URL."""
        settings = self.pusher_settings("", table(node, rows), node, **own,
                                        SYNC_listen="127.0.0.1:0")
        del settings["SYNC_hub_url"]
        program = self.program("pusher", settings)
        return program.url

    def pull(self, *nodes, code=0, **settings):
        return self.run_program("puller", self.puller_settings(self.hub_redis, nodes, **settings),
                                "--once", code=code)

    def test_a_named_node_is_pulled_with_its_own_token_and_key(self):
        own = self.node("add", "Node_A")
        url = self.serve_node("Node_A", own)
        self.pull(f"Node_A={url}")
        self.merge_all(3)
        self.assertIn("1 unchanged", self.pull(f"Node_A={url}").stderr)

    def test_during_a_rotation_the_old_credentials_also_pull(self):
        old = self.node("add", "Node_A")
        new = self.node("rotate", "Node_A")
        self.pull(f"Node_A={self.serve_node('Node_A', old)}")
        self.pull(f"Node_A={self.serve_node('Node_A', new, 4)}")
        self.merge_all(4)

    def test_an_unnamed_node_only_gets_the_shared_token(self):
        own = self.node("add", "Node_A")
        seen = []

        def answer(request):
            seen.append(request.headers.get("authorization"))
            return 403, {}, {"error": "Forbidden", "message": "no"}
        spy = self.server(FakeServer(answer))
        self.hub_redis.cli("HSET", "synchub:pull:names", spy.url, "Node_A")
        self.pull(spy.url, code=1)
        self.assertEqual(seen, [f"Bearer {TOKEN}"])
        self.assertNotIn(own["SYNC_api_token"], str(seen))

    def test_the_shared_key_does_not_pull_a_node_with_its_own(self):
        self.node("add", "Node_A")
        url = self.serve_node("Node_A", {})
        self.assertIn("credentials of its own", self.pull(url, code=1).stderr)
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_an_unnamed_netalertx_cannot_be_a_node_with_its_own_credentials(self):
        self.node("add", "Node_A")
        url = self.serve_node("Node_A", {})
        done = self.pull(url, code=1, SYNC_protocol="netalertx")
        self.assertIn("Node_A=URL", done.stderr)
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_a_native_only_node_is_not_pulled_in_netalertx_s_format(self):
        for add, code in ((["Node_A"], 1), (["Node_B", "--netalertx"], 0)):
            own = self.node("add", *add)
            url = self.serve_node(add[0], own)
            done = self.pull(f"{add[0]}={url}", code=code, SYNC_protocol="netalertx")
            self.assertEqual("node add --netalertx" in done.stderr, code == 1, done.stderr)
        self.assertEqual(self.hub_redis.backlog(), 1)

    def test_a_revoked_node_is_not_pulled(self):
        own = self.node("add", "Node_A")
        url = self.serve_node("Node_A", own)
        self.node("revoke", "Node_A")
        for entry in (f"Node_A={url}", url):
            with self.subTest(entry):
                self.pull(entry, code=1)
        self.assertIn("revoked", self.pull(f"Node_A={url}", code=1).stderr)
        self.assertEqual(self.hub_redis.backlog(), 0)


if __name__ == "__main__":
    unittest.main()
