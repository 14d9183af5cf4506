# SPDX-License-Identifier: Apache-2.0
"""The programs' logs: fields in JSON, escaped input of peers, summaries of repeated lines."""

import http.client
import json
import re

import harness
from harness import bearer, curl, device_rows, device_table, netalertx_push, wait_until

TABLE = device_table(device_rows(3))


class LogTest(harness.SyncHubTest):
    def lines(self, program):
        return [json.loads(line) for line in program.log().splitlines()]

    def line(self, program, message, **fields):
        """Waits for a line with this message and these fields; returns it."""
        def found():
            for line in self.lines(program):
                if line["message"] == message and all(
                        line.get(name) == value for name, value in fields.items()):
                    return line
            return None
        return wait_until(found, f"{message} {fields}", details=program.log)


class Fields(LogTest):
    def test_json_lines_have_fields(self):
        redis = self.redis()
        hub = self.receiver(redis, SYNC_log_format="json")
        self.assertEqual(netalertx_push(hub.url, TABLE, "Küche 1").status, 200)
        line = self.line(hub, "queued", node="Küche 1")
        self.assertEqual(line["format"], "netalertx")
        line = self.line(hub, "merged", node="Küche 1")
        self.assertEqual((line["rows"], line["inserted"], line["known"]), (3, 3, 0))
        self.assertRegex(line["entry"], r"^\d+-\d+$")
        self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertNotIn("plugin", line)
        netalertx_push(hub.url, TABLE, "Küche 1", token="wrong")
        line = self.line(hub, "refused a push with 403", peer="127.0.0.1")
        self.assertIn("SYNC_api_token", line["reason"])
        netalertx_push(hub.url, TABLE, "Küche 1", passphrase="another one")
        self.line(hub, "refused a push with 422", peer="127.0.0.1", node="Küche 1")

    def test_pusher_and_puller_too(self):
        node = self.server(harness.FakeNetAlertXNode("Node_B", TABLE))
        redis = self.redis()
        puller = self.program("puller", self.puller_settings(
            redis, [node.url], SYNC_protocol="netalertx", SYNC_log_format="json"))
        line = self.line(puller, "pulled", node="Node_B", url=node.url)
        self.assertEqual(line["rows"], 3)
        pusher = self.program("pusher", self.pusher_settings(
            "http://127.0.0.1:9", TABLE, SYNC_log_format="json"))

        def refused():
            return [line for line in self.lines(pusher)
                    if "not delivered" in line["message"] and line["node"] == "Node_A"]
        line = wait_until(refused, "a failed push", details=pusher.log)[0]
        self.assertIn("127.0.0.1:9", line["reason"])

    def test_a_name_cannot_forge_fields_in_text_lines(self):
        hub = self.receiver(self.redis())
        netalertx_push(hub.url, TABLE, 'x" peer=10.0.0.1')
        hub.wait_for_log(r'queued node="x\\" peer=10\.0\.0\.1" plugin=')


class Hostile(LogTest):
    NAMES = ("a\u202eb", "a\u200bb", "a\u2066b\u2069", "a\ufeffb", "a\x1b[2Jb", "a\x9bb", "a\u2028b",
             "a\U000e0041b", "a\u00adb", "a\ue000b")

    def test_terminal_control_sequences_are_escaped(self):
        for format in ("text", "json"):
            hub = self.receiver(self.redis(), self.folder / f"{format}.db", SYNC_log_format=format,
                                SYNC_log_level="debug")
            for name in self.NAMES:
                netalertx_push(hub.url, TABLE, name)
                netalertx_push(hub.url, TABLE, "Node_A", plugin=name)
                curl(hub.url + "/sync", body="{}",
                     headers={**bearer(), "Content-Type": "text/" + name.encode().decode("latin-1")})
            hub.wait_for_log("refused a push with 422")
            for name in self.NAMES:
                with self.subTest(format, name=name):
                    self.assertNotIn(name[1], hub.log())

    def test_a_flood_of_one_peer_is_summarized_and_hides_no_other_peer(self):
        hub = self.receiver(self.redis())
        peer = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=harness.READY_S)
        self.addCleanup(peer.close)
        for number in range(300):
            peer.request("POST", "/sync", b"{}", {**bearer(f"wrong {number}"),
                                                  "Content-Type": "application/json"})
            answer = peer.getresponse()
            self.assertEqual(answer.status, 403)
            answer.read()
        netalertx_push(hub.url, TABLE, "Quiet", passphrase="another one")
        hub.wait_for_log("refused a push with 422 node=Quiet ")
        hub.wait_for_log(r"refused a push with 403 .*repeated \d+ times in \d+ s")
        self.assertLess(len(re.findall("refused a push with 403", hub.log())), 60)
        hub.stop()
        log = hub.log()
        times = sum(int(n) for n in re.findall(r"refused a push with 403.*repeated (\d+) times", log))
        written = len([line for line in log.splitlines()
                       if "refused a push with 403" in line and "repeated" not in line])
        self.assertEqual(times + written, 300)
