# SPDX-License-Identifier: Apache-2.0
"""Altered, truncated, moved, replayed or wrongly dated envelopes: each is refused with the status of PROTOCOL.md,
section 3, and a reason of its own in log and metric; a peer without a token only gets 403."""

import re
import time

import envelopes
from harness import (TOKEN, KEY, TYPE_ENVELOPE, bearer, count, curl, device_rows, device_table,
                     wait_until)
import test_receiver_http

NATIVE = test_receiver_http.NATIVE
TABLE = device_table(device_rows(3))
LINE = "key|second|2026-08-22 02:53:00|1|2|3|4|extra|other\n"
SKEW_S = 600
# Texts that pushers of 0.1.0 search for in the message of a 422 in order to keep the item.
OLD_WORDS = {"key": "SYNC_encryption_key", "clock": "clock", "node_name": "SYNC_node_name"}
PLAIN_MAX = 64 * 1024 * 1024
ADD = """local e = string.gsub(ARGV[1], '..', function (hex) return string.char(tonumber(hex, 16)) end)
return redis.call('XADD', KEYS[1], '*', 'e', e, 'm', 'push')"""


class EnvelopeRefusals(test_receiver_http.ReceiverHttpTest):
    @classmethod
    def setUpClass(cls):
        cls.node_key = envelopes.NodeKey("Node_A")

    def reasons(self):
        text = curl(self.hub.url + "/metrics").text
        return {reason: int(value) for reason, value in
                re.findall(r'^synchub_refused_total\{reason="(\w+)"\} (\d+)$', text, re.M)}

    def post(self, body, token=TOKEN):
        return curl(self.url, body=body, headers={"Content-Type": TYPE_ENVELOPE, **bearer(token)})

    def assert_counted(self, before, reason):
        expected = {**before, reason: before[reason] + 1}
        self.assertEqual(self.reasons(), expected)

    def assert_refused(self, body, status, reason, words):
        """Must be refused with this status, for only this reason, with a message that only the hub's own nodes get."""
        before = self.reasons()
        code = ("plugin_name" if words == "plugin" else "node_name") if reason == "name" else reason
        answer = self.post(body)
        self.assert_error(answer, status, words, code=code)
        if code in OLD_WORDS:
            self.assertIn(OLD_WORDS[code], answer.json["message"])
        self.assert_counted(before, reason)
        # Repeated lines are suppressed, so one of an earlier request is accepted.
        self.hub.wait_for_log(rf"refused a push with {status} .*{re.escape(words)}")

        before = self.reasons()
        answer = self.post(body, token="a stranger's")
        self.assertEqual((answer.status, answer.text), (403, test_receiver_http.FORBIDDEN_NATIVE))
        self.assert_counted(before, "token")
        self.hub.wait_for_log("refused a push with 403")

        self.assertEqual(self.hub_redis.backlog(), 0)
        for secret in (TOKEN, KEY, "a stranger's"):
            self.assertNotIn(secret, self.hub.log())

    def test_each_field_of_the_header_is_authenticated(self):
        body = self.envelope().body
        altered = (422, "altered", "altered after it was sealed")
        cut = (400, "envelope", "truncated or extended")
        expected = {
            "magic": (400, "envelope", "not a Sync Hub envelope"),
            "version": (400, "envelope", "version"),
            "kind": (400, "envelope", "unknown kind"),
            "node length": cut, "plugin length": cut, "packed length": cut,
            "key id": (422, "key", "SYNC_encryption_key"),
            "part": (400, "envelope", "part 1 of 1"),
            "parts": (400, "envelope", "part 0 of 0"),
            "id": altered, "time": altered, "digest": altered, "text length": altered,
            "nonce": altered,
        }
        self.assertEqual(set(expected), set(envelopes.FIELDS))
        for name, (status, reason, words) in expected.items():
            value = envelopes.field(body, name)
            value = 9 if name == "kind" else value ^ 1
            with self.subTest(name):
                self.assert_refused(envelopes.with_field(body, name, value), status, reason, words)
        with self.subTest("one part of two"):
            self.assert_refused(envelopes.with_field(body, "parts", 2), *altered)

    def test_sizes_and_parts_over_the_limit_are_refused_before_it_is_opened(self):
        body = self.envelope().body
        for name, value, words in (("text length", PLAIN_MAX + 1, "more than the"),
                                   ("parts", 1025, "more than allowed")):
            with self.subTest(name):
                self.assert_refused(envelopes.with_field(body, name, value), 413, "size", words)

    def test_names_that_break_the_rules_are_refused(self):
        body = self.envelope().body
        for node in ("..", "a/b", "a\\b", "a\nb"):
            with self.subTest(node):
                self.assert_refused(envelopes.moved(body, node=node), 422, "name", "node")
        for plugin in ("../X", "A/B", "A B"):
            with self.subTest(plugin):
                self.assert_refused(envelopes.moved(body, plugin=plugin, kind=envelopes.PLUGIN),
                                    422, "name", "plugin")

    def test_every_bit_of_the_sealed_part_and_tag_is_authenticated(self):
        body = self.envelope().body
        sealed = envelopes.FIXED_BYTES + len("Node_A")
        for place in (sealed, (sealed + len(body)) // 2, len(body) - envelopes.TAG_BYTES,
                      len(body) - 1):
            broken = bytearray(body)
            broken[place] ^= 0x80
            with self.subTest(place):
                self.assert_refused(bytes(broken), 422, "altered", "altered after it was sealed")

    def test_truncated_and_extended_envelopes_are_refused(self):
        body = self.envelope().body
        for broken, words in ((body[:100], "too few"), (body[:-1], "truncated or extended"),
                              (body[:-16], "truncated or extended"), (body + b"\0", "truncated or extended"),
                              (body + body, "truncated or extended")):
            with self.subTest(len(broken)):
                self.assert_refused(broken, 400, "envelope", words)

    def test_an_envelope_does_not_move_to_another_node_or_plugin(self):
        body = self.envelope().body
        other = envelopes.NodeKey("Node_B")
        self.assert_refused(envelopes.moved(body, node="Node_B"), 422, "key",
                            "SYNC_encryption_key")
        self.assert_refused(envelopes.moved(body, node="Node_B", key_id=other.id), 422, "altered",
                            "altered after it was sealed")
        self.assert_refused(envelopes.moved(body, plugin="ARPSCAN", kind=envelopes.PLUGIN), 422,
                            "altered", "altered after it was sealed")
        self.assert_refused(envelopes.with_field(body, "kind", envelopes.PLUGIN), 422, "name",
                            "plugin")
        result = envelopes.envelope(self.node_key, LINE, "ARPSCAN")
        self.assert_refused(envelopes.moved(result, plugin="NMAP"), 422, "altered",
                            "altered after it was sealed")
        self.assert_refused(envelopes.moved(result, plugin="", kind=envelopes.DEVICES), 422,
                            "altered", "altered after it was sealed")

    def test_an_authentic_envelope_with_a_wrong_time_is_refused(self):
        def now():
            return int(time.time() * 1000)
        for moved_s in (-SKEW_S - 60, SKEW_S + 60, -10 * 365 * 86400):
            body = envelopes.envelope(self.node_key, TABLE, time_ms=now() + moved_s * 1000)
            with self.subTest(moved_s):
                self.assert_refused(body, 422, "clock", "off the hub's clock")
        no_time = envelopes.envelope(self.node_key, TABLE, time_ms=1 << 63)
        self.assert_refused(no_time, 400, "envelope", "time is out of range")
        for moved_s in (-SKEW_S + 120, SKEW_S - 120):
            body = envelopes.envelope(self.node_key, TABLE, time_ms=now() + moved_s * 1000)
            with self.subTest(moved_s):
                self.assertEqual(self.post(body).status, 202)

    def test_an_authentic_envelope_of_another_version_or_kind_is_refused(self):
        self.assert_refused(envelopes.envelope(self.node_key, TABLE, version=2), 400, "envelope",
                            "version 2")
        self.assert_refused(envelopes.envelope(self.node_key, TABLE, kind=3), 400, "envelope",
                            "unknown kind")

    def merge(self):
        return self.receiver(self.hub_redis, self.folder / "hub.db", SYNC_receiver_role="merge")

    def assert_dead(self, body, words):
        """Must be queued, and then end in the dead letters with this reason, which is returned."""
        before = self.hub_redis.dead()
        answer = self.post(body)
        self.assertEqual((answer.status, answer.json["status"]), (202, "queued"))
        wait_until(lambda: self.hub_redis.dead() > before, "a dead letter")
        self.assertEqual((self.hub_redis.dead(), self.hub_redis.backlog()), (before + 1, 0))
        reason = self.hub_redis.cli("XREVRANGE", "synchub:dead", "+", "-", "COUNT", 1).split("\n")[-1]
        self.assertIn(words, reason)
        return reason

    def ask(self, digest, node="Node_A"):
        return curl(self.url, body=b"", headers={**NATIVE, "Sync-Hub-Node": node,
                                                 "Sync-Hub-Digest": digest.hex()})

    def test_an_authentic_envelope_with_a_wrong_frame_is_a_dead_letter(self):
        self.merge()
        for change in ({"plain_len": len(TABLE) - 1}, {"plain_len": len(TABLE) + 1},
                       {"packed": b"no frame"}, {"packed": envelopes.compress(TABLE.encode())[:-4]},
                       {"packed": envelopes.compress(TABLE.encode()) * 2}):
            with self.subTest(change):
                self.assert_dead(envelopes.envelope(self.node_key, TABLE, **change), "frame")

    def test_an_authentic_envelope_without_table_or_result_is_a_dead_letter(self):
        merge = self.merge()
        for text, plugin, words in (
                (TABLE[:-1], "", "the table is truncated"), ('{"rows": []}', "", "a device table is"),
                (LINE, "", "a device table is"), ("", "", "a device table is"),
                (b"\xff\xfe", "", "a device table is"),
                (b"\0" * 100, "ARPSCAN", "the plugin result contains a NUL byte")):
            with self.subTest(text=text[:20], plugin=plugin):
                self.assert_dead(envelopes.envelope(self.node_key, text, plugin), words)
        # Others are merged as if nothing had come.
        other = envelopes.NodeKey("Node_B")
        self.assertEqual(self.post(envelopes.envelope(other, TABLE)).status, 202)
        self.wait_merged(self.hub_redis, self.folder / "hub.db", 3)
        self.assertEqual(self.hub_redis.dead(), 6, merge.log())

    def test_a_node_that_asks_learns_why_its_table_was_not_merged(self):
        self.merge()
        text = TABLE[:-1].encode()
        digest = envelopes.keyed_hash(self.node_key.digest, text, 32)
        self.assertEqual(self.ask(digest).json, {"status": "changed"})
        reason = self.assert_dead(envelopes.envelope(self.node_key, text), "truncated")
        before = self.reasons()
        self.assert_error(self.ask(digest), 422, reason, code="content")
        self.assert_counted(before, "content")
        # Only of this table, only this node, and no longer than it is the last one.
        self.assertEqual(self.ask(bytes(32)).json, {"status": "changed"})
        self.assertEqual(self.ask(digest, "Node_B").json, {"status": "changed"})
        self.assertEqual(self.post(envelopes.envelope(self.node_key, TABLE)).status, 202)
        self.wait_merged(self.hub_redis, self.folder / "hub.db", 3)
        self.assertEqual(self.ask(digest).json, {"status": "changed"})

    def test_an_altered_envelope_publishes_no_reason(self):
        """Whoever can write to the queue, but has no key, does not stop a node's table."""
        body = bytearray(self.envelope().body)
        digest = body[40:72]
        body[-1] ^= 1
        self.hub_redis.cli("HSET", "synchub:digests", "Node_A", f"queued {digest.hex()} 1-0")
        self.hub_redis.cli("EVAL", ADD, 1, "synchub:ingest", body.hex())
        self.merge()
        wait_until(lambda: self.hub_redis.dead() == 1, "a dead letter")
        self.assertEqual(self.ask(digest).json, {"status": "changed"})

    def test_the_pusher_gives_its_user_the_hub_s_reason(self):
        self.merge()
        reason = self.assert_dead(envelopes.envelope(self.node_key, "a|b\n", "ARPSCAN"), "no line")
        folder = self.folder / "plugins"
        folder.mkdir()
        (folder / "last_result.ARPSCAN.log").write_text("a|b\n")
        settings = self.pusher_settings(self.hub.url, None, SYNC_devices="False",
                                        SYNC_plugins="['ARPSCAN']", SYNC_plugins_dir=folder)
        self.assertIn(reason, self.run_program("pusher", settings, "--once", code=1).stderr)

    def test_a_replay_is_a_duplicate_and_merged_once(self):
        body = self.envelope(TABLE).body
        item = envelopes.field(body, "id").to_bytes(16, "big").hex()
        self.assertEqual(self.post(body).status, 202)
        self.assertEqual(self.post(body).json, {"status": "duplicate", "id": item})
        database = self.folder / "hub.db"
        merge = self.receiver(self.hub_redis, database, SYNC_receiver_role="merge")
        self.wait_merged(self.hub_redis, database, 3)
        result = envelopes.envelope(self.node_key, LINE, "ARPSCAN")
        self.assertEqual(self.post(result).status, 202)
        self.wait_merged(self.hub_redis, database, 1, "Plugins_Objects")
        for again in (body, result):
            answer = self.post(again)
            self.assertEqual((answer.status, answer.json["status"]), (200, "duplicate"))
            stranger = self.post(again, token="a stranger's")
            self.assertEqual((stranger.status, stranger.text),
                             (403, test_receiver_http.FORBIDDEN_NATIVE))
        merge.stop()
        self.assertEqual(self.hub_redis.backlog(), 0)
        stored = count(database), count(database, "Plugins_Objects")
        self.assertEqual(stored, (3, 1))
