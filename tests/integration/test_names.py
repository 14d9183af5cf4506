# SPDX-License-Identifier: Apache-2.0
"""Names of nodes and plugins: which are accepted, and which are easily confused."""

import base64
import json
import unicodedata
import unittest

import envelopes
import harness
from harness import (FakeServer, SyncHubTest, TYPE_ENVELOPE, bearer, curl, device_rows, device_table,
                     netalertx_push, wait_until)

TABLE = device_table(device_rows(3))
LINE = "a|b|c|d|e|f|g|h|i\n"


def percent(name):
    return "".join(f"%{byte:02X}" for byte in name.encode())


class NamesTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.adopt(self.hub_redis)

    def ingest(self):
        return self.receiver(self.hub_redis, SYNC_receiver_role="ingest")

    def native(self, hub, node, plugin="", text=TABLE, **headers):
        body = envelopes.envelope(envelopes.NodeKey(node), text, plugin=plugin)
        return curl(hub.url + "/sync", body=body,
                    headers={**bearer(), "Content-Type": TYPE_ENVELOPE, **headers})

    def node(self, *arguments, code=0):
        settings = self.receiver_settings(self.hub_redis)
        return self.run_program("receiver", settings, "node", *arguments, code=code)


class Rules(NamesTest):
    def test_names_that_break_the_rules_are_422_in_both_formats(self):
        hub = self.ingest()
        bad = ["Victim ", " Victim", "Victim\u00a0", "Vic\u200btim", "\u202emitciV", "Victim\u200e",
               "a/b", "a\\b", "..", "x" * 51, "\u5317" * 51, "\ue000", "a\u2028b", "\u3164", "\u2800"]
        for node in bad:
            with self.subTest(node=ascii(node)):
                answers = [netalertx_push(hub.url, TABLE, node), self.native(hub, node)]
                question = {"Sync-Hub-Node": percent(node), "Sync-Hub-Digest": "00" * 32,
                            "Content-Length": "0"}
                answers.append(curl(hub.url + "/sync", body=b"", headers={
                    **bearer(), "Content-Type": TYPE_ENVELOPE, **question}))
                for answer in answers:
                    self.assertEqual(answer.status, 422, answer)
                    self.assertEqual(json.loads(answer.body)["success"], False)
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_names_in_many_scripts_are_accepted(self):
        hub = self.ingest()
        good = ["B\u00fcro 1", "\u5317\u4eac", "\u043e\u0444\u0438\u0441", "\u2600\ufe0f", "x" * 50,
                "\U0001f600" * 50, "Nu\u0308rnberg", "O'Brien & Sons", "a.b", "\u0645\u0643\u062a\u0628"]
        for node in good:
            with self.subTest(node=ascii(node)):
                self.assertEqual(netalertx_push(hub.url, TABLE, node).status, 200)
                self.assertEqual(self.native(hub, node).status, 202)

    @harness.long_test
    def test_control_format_and_private_use_characters_are_not_allowed_in_names(self):
        """Compares Python's Unicode tables with ours for all characters, through the settings of a pusher."""
        hub = self.ingest()
        codes = [code for code in range(0x110000)
                 if unicodedata.category(chr(code)) in ("Cc", "Cf", "Co") and code != 0]
        chosen = [code for index, code in enumerate(codes)
                  if code < 0x3000 or codes[index - 1] != code - 1 or codes[index + 1:][:1] != [code + 1]]
        for code in chosen:
            answer = self.native(hub, f"a{chr(code)}b")
            self.assertEqual(answer.status, 422, hex(code))

    def test_a_plugin_called_sync_is_refused(self):
        out = self.folder / "out"
        out.mkdir()
        hub = self.receiver(self.hub_redis, SYNC_plugins_out=out)
        for plugin in ("SYNC", "sync", "Sync"):
            self.assertEqual(self.native(hub, "Node_A", plugin, LINE).status, 422)
        for plugin in ("sync", "Sync", "../x", "A.B", "x" * 65):
            self.assertEqual(netalertx_push(hub.url, LINE, "Node_A", plugin).status, 422)
        done = self.run_program("pusher", self.pusher_settings(hub.url, SYNC_plugins="['sync']"),
                                "--check-config", code=0)  # NetAlertX accepts it, too
        self.assertIn("SYNC_devices", done.stderr)
        self.assertEqual(list(out.iterdir()), [])

    def test_the_longest_names_fit_into_a_file_name(self):
        out = self.folder / "out"
        out.mkdir()
        hub = self.receiver(self.hub_redis, self.folder / "hub.db", SYNC_plugins_out=out)
        long = "\U0001f600" * 49

        def written(nodes, plugin):
            for node in nodes:
                self.assertEqual(netalertx_push(hub.url, LINE, node, plugin).status, 200)
            wait_until(lambda: len(list(out.glob(f"last_result.{plugin}.*"))) == len(nodes),
                       "the results' files", details=hub.log)
            files = list(out.glob(f"last_result.{plugin}.*"))
            self.assertEqual([file.read_text() for file in files], [LINE] * len(nodes))
            return {file.name.split(".")[3] for file in files}
        # With usual plugin names every node name fits.
        self.assertEqual(written([long + "a"], "ARPSCAN"), {long + "a"})
        # If it does not fit, two nodes still have different names.
        cut = written([long + "a", long + "b"], "P" * 64)
        self.assertEqual(len(cut), 2)
        for part in cut:
            name, _, digits = part.rpartition("~")
            self.assertTrue(long.startswith(name) and len(name) > 20 and len(digits) == 8, part)


class Lookalikes(NamesTest):
    ALIKE = ("victim", "VICTIM", "Vi\u0441tim", "\uff36ictim", "V\u0406CTIM", "Vict\u0131m")

    def test_a_name_that_resembles_a_node_with_its_own_credentials_is_refused(self):
        hub = self.ingest()
        self.node("add", "Victim")
        for node in self.ALIKE:
            with self.subTest(node=ascii(node)):
                for answer in (netalertx_push(hub.url, TABLE, node), self.native(hub, node)):
                    self.assertEqual(answer.status, 422, answer)
                    self.assertIn("Victim", json.loads(answer.body)["error"])
                done = self.node("add", node, code=1)
                self.assertIn("Victim", done.stderr)
        self.assertEqual(self.hub_redis.backlog(), 0)
        self.assertEqual(netalertx_push(hub.url, TABLE, "Victims").status, 200)

    def test_other_lookalikes_are_accepted_and_reported_once(self):
        hub = self.ingest()
        self.assertEqual(netalertx_push(hub.url, TABLE, "Office").status, 200)
        for rows in (3, 4):
            table = device_table(device_rows(rows))
            self.assertEqual(netalertx_push(hub.url, table, "\u041effice").status, 200)
        self.assertEqual(netalertx_push(hub.url, TABLE, "Another").status, 200)
        hub.wait_for_log("queued node=Another ")  # lines are written after the answer, in order
        self.assertEqual(hub.log().count("easily confused"), 1, hub.log())
        # Names known before a restart count, too.
        again = self.ingest()
        self.assertEqual(netalertx_push(again.url, TABLE, "ANOTHER").status, 200)
        again.wait_for_log('"Another".*node=ANOTHER')

    def test_node_add_warns_about_nodes_that_will_be_refused(self):
        hub = self.ingest()
        self.assertEqual(netalertx_push(hub.url, TABLE, "office").status, 200)
        done = self.node("add", "Office")
        self.assertIn("node=office", done.stderr)
        self.assertEqual(netalertx_push(hub.url, device_table(device_rows(4)), "office").status, 422)


class Pulled(NamesTest):
    def pull(self, names, code=0):
        """Pulls a NetAlertX at each of the given URLs; returns the puller's output."""
        def answer(request):
            index = int(request.path.split("/")[2])
            return 200, {}, {"data_base64": base64.b64encode(TABLE.encode()).decode(),
                             "message": "OK", "node_name": names[index], "status": 200,
                             "timestamp": "2026-08-22 02:53:00"}
        server = self.server(FakeServer(answer))
        urls = [f"{server.url}/n/{index}" for index in range(len(names))]
        return self.run_program("puller", self.puller_settings(
            self.hub_redis, urls, SYNC_protocol="netalertx"), "--once", code=code)

    def test_many_nodes_with_one_name_are_one_line(self):
        done = self.pull(["Same"] * 40 + ["Other"])
        lines = [line for line in done.stderr.splitlines() if " warning " in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertIn('40 nodes have the name "Same"', lines[0])

    def test_names_that_look_alike_are_reported_once(self):
        done = self.pull(["Office", "office", "\u041effice", "Other", "N I", "N l"])
        lines = [line for line in done.stderr.splitlines() if "easily confused" in line]
        self.assertEqual(len(lines), 2, lines)

    def test_a_lookalike_of_a_node_with_its_own_credentials_is_not_pulled(self):
        self.node("add", "Victim")
        done = self.pull(["v\u0456ctim", "Other"], code=1)
        self.assertIn('"Victim"', done.stderr)
        self.assertEqual(self.hub_redis.backlog(), 1)


if __name__ == "__main__":
    unittest.main()
