# SPDX-License-Identifier: Apache-2.0
"""The pusher against counterparts in Python, curl and openssl: every way to run, messages about errors, and what
survives crashes."""

import base64
import json
import os
import pathlib
import subprocess
import threading
import unittest
import urllib.parse

import harness
from harness import (
    BIN, FakeNetAlertXHub, FakeServer, SyncHubTest, TYPE_ENVELOPE, bearer, clean_environment, curl,
    device_row, device_rows, device_table, free_port, wait_until)

LINE = "10.0.0.1|aa:bb:cc:dd:ee:ff|2026-08-22 02:53:00|one|two|three|four|extra|key\n"
KIND_DEVICES, KIND_PLUGIN = 1, 2


class Envelope:
    """The clear header of an envelope (PROTOCOL.md, section 2)."""

    def __init__(self, body):
        assert body[:4] == b"SHUB" and body[4] == 1, body[:8]
        self.kind = body[5]
        node, plugin = body[6], body[7]
        self.id = body[8:24].hex()
        self.digest = body[40:72].hex()
        self.part, self.parts = (int.from_bytes(body[at:at + 4], "big") for at in (72, 76))
        self.text_len = int.from_bytes(body[80:84], "big")
        self.nonce = body[88:112]
        self.node = body[112:112 + node].decode()
        self.plugin = body[112 + node:112 + node + plugin].decode()


class FakeHub(FakeServer):
    """A receiver that accepts every envelope, unless status(envelope) returns another status."""

    def __init__(self, port=0):
        self.status = None
        self.known = {}
        self.heartbeats = []  # which are not among the requests
        super().__init__(port=port)

    def record(self, request):
        (self.requests if request.body else self.heartbeats).append(request)

    def answer(self, request):
        if request.headers.get("authorization") != bearer()["Authorization"]:
            return 403, {}, {"error": "Forbidden", "message": "ERROR: Not authorized",
                             "success": False}
        if not request.body:
            return 200, {}, {"status": "changed"}
        digest = request.headers.get("sync-hub-digest")
        node = urllib.parse.unquote(request.headers.get("sync-hub-node", ""))
        envelope = Envelope(request.body)
        if self.status:
            refusal = self.status(envelope)
            if refusal:
                return refusal
        if digest and self.known.get(node) == digest:
            return 200, {}, {"status": "unchanged"}
        if envelope.kind == KIND_DEVICES:
            self.known[envelope.node] = envelope.digest
        return 202, {}, {"status": "queued", "id": envelope.id}

    def envelopes(self):
        with self.lock:
            return [Envelope(request.body) for request in self.requests]


def error(status, message, headers=None, code=None):
    body = {"error": "refused", "message": message, "success": False}
    return status, headers or {}, body if code is None else {**body, "code": code}


class PusherTest(SyncHubTest):
    def settings(self, url, rows=3, **settings):
        result = self.pusher_settings(url, device_table(device_rows(rows)) if rows else None,
                                      **{"SYNC_RUN_SCHD": "0 0 1 1 *", **settings})
        self.table = pathlib.Path(result["SYNC_devices_file"])
        self.plugins = pathlib.Path(result["SYNC_plugins_dir"])
        self.spool = pathlib.Path(result["SYNC_spool_dir"])
        return result

    def plugin_result(self, text=LINE, plugin="ARPSCAN"):
        (self.plugins / f"last_result.{plugin}.log").write_text(text)

    def spooled(self):
        folder = self.spool / "spool"
        return sorted(folder.glob("*.item")) if folder.exists() else []

    def refused(self):
        return sorted((self.spool / "refused").glob("*.item"))

    def once(self, settings, code, *words):
        """Runs it once and checks the exit code and the output."""
        done = self.run_program("pusher", settings, "--once", code=code)
        for word in words:
            self.assertIn(word, done.stderr)
        for secret in ("t0ken-of-the-tests", "a passphrase for the tests"):
            self.assertNotIn(secret, done.stderr)
        return done.stderr


class OnceTest(PusherTest):
    def test_a_table_and_a_plugin_result_arrive_once(self):
        hub = self.server(FakeHub())
        settings = self.settings(hub.url, node="Nø de", SYNC_plugins="['ARPSCAN']")
        self.plugin_result()
        self.once(settings, 0, "device table of 3 rows", "plugin ARPSCAN", "queued")
        table, plugin = hub.envelopes()
        self.assertEqual((table.kind, table.node, table.plugin), (KIND_DEVICES, "Nø de", ""))
        self.assertEqual(table.text_len, self.table.stat().st_size)
        self.assertEqual((plugin.kind, plugin.node, plugin.plugin),
                         (KIND_PLUGIN, "Nø de", "ARPSCAN"))
        headers = hub.requests[0].headers
        self.assertEqual(headers["sync-hub-node"], "N%C3%B8%20de")
        self.assertEqual(headers["sync-hub-digest"], table.digest)
        self.assertEqual(headers["expect"], "100-continue")
        self.assertEqual(headers["content-type"], TYPE_ENVELOPE)
        self.assertNotIn("sync-hub-digest", hub.requests[1].headers)
        self.assertEqual(self.spooled(), [])

        self.once(settings, 0, "unchanged")
        self.assertEqual(len(hub.requests), 3)  # the table again, the same plugin result not
        self.plugin_result(LINE * 2)
        self.once(settings, 0, "plugin ARPSCAN")
        self.assertEqual([e.plugin for e in hub.envelopes()], ["", "ARPSCAN", "", "", "ARPSCAN"])

    def test_a_table_is_sent_in_full_when_the_last_one_is_a_day_old(self):
        hub = self.server(FakeHub())
        settings = self.settings(hub.url)
        self.once(settings, 0, "queued")
        state = json.loads((self.spool / "state.json").read_text())
        state["full_ms"] -= 86_401_000
        (self.spool / "state.json").write_text(json.dumps(state))
        self.once(settings, 0, "queued")
        self.assertNotIn("sync-hub-digest", hub.requests[1].headers)
        self.once(settings, 0, "unchanged")
        self.assertIn("sync-hub-digest", hub.requests[2].headers)

    def test_a_table_that_changed_is_sent_without_a_question(self):
        hub = self.server(FakeHub())
        settings = self.settings(hub.url)
        self.once(settings, 0, "queued")
        self.table.write_text(device_table(device_rows(4)))
        self.once(settings, 0, "device table of 4 rows", "queued")
        for name in ("sync-hub-digest", "expect"):
            self.assertNotIn(name, hub.requests[1].headers)
        self.once(settings, 0, "unchanged")
        self.assertIn("sync-hub-digest", hub.requests[2].headers)

    def test_a_damaged_state_is_replaced(self):
        hub = self.server(FakeHub())
        settings = self.settings(hub.url)
        (self.spool / "state.json").write_text('{"version":1,"no')
        self.once(settings, 0, "state.json is damaged", "queued")
        self.assertEqual(json.loads((self.spool / "state.json").read_text())["node"], "Node_A")

    def test_a_busy_hub_gets_the_same_id_again(self):
        hub = self.server(FakeHub())
        busy = iter([error(503, "queue full", {"Retry-After": "1"}), error(500, "oops")])
        hub.status = lambda envelope: next(busy, None)
        self.once(self.settings(hub.url), 0, "503 (queue full)", "500 (oops)", "queued")
        self.assertEqual(len({e.id for e in hub.envelopes()}), 1)
        self.assertEqual(len({e.nonce for e in hub.envelopes()}), 3)

    def test_an_unreachable_hub_is_tried_a_few_times(self):
        url = f"http://127.0.0.1:{free_port()}"
        settings = self.settings(url, SYNC_plugins="ARPSCAN")
        self.plugin_result()
        output = self.once(settings, 1, url, "nothing listens there")
        self.assertEqual(output.count("not delivered"), 3)
        self.assertEqual(len(self.spooled()), 1)

    def test_errors_for_the_operator_name_the_remedy(self):
        cases = [
            (403, None, "ERROR: Not authorized", ["SYNC_api_token"], True),
            (404, None, "no", ["SYNC_hub_url"], True),
            (405, None, "no", ["SYNC_hub_url"], True),
            (415, None, "no", ["SYNC_protocol=netalertx"], True),
            # Hubs of 0.1.0 have no codes: the text of the message decides.
            (422, None, "look at SYNC_encryption_key", ["SYNC_encryption_key of this node"], True),
            (422, None, "the clock is off", ["set this node's clock"], True),
            (422, None, "it holds no plugin result", ["will not accept this item"], False),
            (413, None, "too large", ["will not accept this item", "too large"], False),
            # The code decides, whatever the message.
            (403, "token", "no", ["SYNC_api_token"], True),
            (422, "key", "no", ["SYNC_encryption_key of this node"], True),
            (422, "clock", "no", ["set this node's clock"], True),
            (422, "node_name", "no", ["SYNC_node_name of this node"], True),
            (422, "content", "SYNC_encryption_key, clock", ["will not accept this item"], False),
            (422, "plugin_name", "no", ["will not accept this item"], False),
            (422, "of_a_newer_hub", "SYNC_node_name", ["will not accept this item"], False),
            (413, "size", "no", ["will not accept this item"], False),
        ]
        for number, (status, code, message, words, kept) in enumerate(cases):
            with self.subTest(status=status, code=code, message=message):
                hub = self.server(FakeHub())
                hub.status = lambda envelope, s=status, m=message, c=code: error(s, m, code=c)
                settings = self.settings(hub.url, rows=0, node=f"n{number}",
                                         SYNC_devices="False", SYNC_plugins="ARPSCAN")
                self.plugin_result()
                self.once(settings, 1, str(status), *words)
                self.assertEqual(len(hub.requests), 1)
                self.assertEqual(len(self.spooled()), 1 if kept else 0)
                self.assertEqual(len(self.refused()), 0 if kept else 1)
                if kept:  # and arrives with its id once the cause is fixed
                    hub.status = None
                    self.once(settings, 0, "queued")
                    first, second = hub.envelopes()
                    self.assertEqual(first.id, second.id)
                    self.assertEqual(self.spooled(), [])

    def test_a_success_must_come_from_a_receiver(self):
        for reply in [(200, {}, "<html>Welcome</html>"), (200, {}, {"status": "fine"}),
                      (202, {}, ""), (202, {}, {"status": "queued", "id": "0" * 32}),
                      (200, {}, {"status": "duplicate", "id": "0" * 32})]:
            with self.subTest(reply=reply):
                hub = self.server(FakeServer(lambda request, r=reply: r))
                self.once(self.settings(hub.url), 1, "not the hub's own answer", "SYNC_hub_url")
        hub = self.server(FakeServer(
            lambda _: (200, {}, {"message": "Data received and stored successfully"})))
        self.once(self.settings(hub.url), 1, "NetAlertX hub's answer", "SYNC_protocol=netalertx")

    @harness.long_test
    def test_an_answer_of_a_proxy_does_not_discard_an_item(self):
        html = {"Content-Type": "text/html", "Server": "nginx/1.22.1"}
        cases = [
            (413, html, "client_max_body_size"),
            (422, html, "422 with text/html by nginx/1.22.1"),
            (403, html, "login page"),
            (404, html, "another server"),
            (200, html, "login page"),
            (302, {"Location": "http://portal/"}, "redirects are not followed"),
            (407, html, "http_proxy"),
            (422, {"Content-Type": "application/json"}, "not the hub's own answer"),
        ]
        for protocol in ("native", "netalertx"):
            for status, headers, words in cases:
                with self.subTest(status=status, protocol=protocol):
                    hub = self.server(
                        FakeHub() if protocol == "native" else FakeNetAlertXHub())
                    good = hub.answer
                    hub.answer = lambda _, r=(status, headers, "{}"): r
                    settings = self.settings(hub.url, rows=0, node=f"{protocol} {status} {len(words)}",
                                             SYNC_devices="False", SYNC_plugins="ARPSCAN",
                                             SYNC_protocol=protocol)
                    self.plugin_result()
                    log = self.once(settings, 1, f"answered {status}")
                    if (status, protocol) != (200, "netalertx"):
                        self.assertIn(words, log)
                    self.assertEqual(len(self.spooled()), 1)
                    self.assertEqual(self.refused(), [])
                    hub.answer = good
                    self.once(settings, 0, "queued")
                    self.assertEqual(self.spooled(), [])

    def test_a_result_too_large_for_a_proxy_does_not_delay_smaller_ones(self):
        hub = self.server(FakeHub())
        html = {"Content-Type": "text/html"}
        hub.status = lambda e: (413, html, "<html>") if e.plugin == "A" else None
        settings = self.settings(hub.url, rows=0, SYNC_devices="False", SYNC_plugins="['A','B']")
        self.plugin_result(plugin="A")
        self.plugin_result(plugin="B")
        self.once(settings, 1, "plugin A", "client_max_body_size", "plugin B", "queued")
        self.assertEqual(len(self.spooled()), 1)
        self.assertEqual([e.plugin for e in hub.envelopes()].count("B"), 1)

    def test_a_login_page_is_not_sent_the_whole_spool(self):
        hub = self.server(FakeHub())
        hub.status = lambda e: error(503, "later")
        plugins = [f"P{i}" for i in range(8)]
        settings = self.settings(hub.url, rows=0, SYNC_devices="False", SYNC_plugins=str(plugins))
        for plugin in plugins:
            self.plugin_result(plugin=plugin)
        self.once(settings, 1)
        self.assertEqual(len(self.spooled()), 8)
        hub.requests.clear()
        hub.status = lambda e: (200, {"Content-Type": "text/html"}, "<html>Welcome</html>")
        self.once(settings, 1, "login page")
        self.assertEqual(len(hub.requests), 3 * 3)  # a few in each attempt
        self.assertEqual(len(self.spooled()), 8)

    def test_a_refused_result_does_not_delay_the_next(self):
        hub = self.server(FakeHub())
        hub.status = lambda e: error(422, "no such result") if e.plugin == "A" else None
        settings = self.settings(hub.url, rows=0, SYNC_devices="False", SYNC_plugins="['A','B']")
        self.plugin_result(plugin="A")
        self.plugin_result(plugin="B")
        self.once(settings, 1, "plugin A", "no such result", "plugin B", "queued")
        self.assertEqual(self.spooled(), [])
        self.assertEqual(len(self.refused()), 1)

    def spool_command(self, settings, *arguments, code=0):
        return self.run_program("pusher", settings, "spool", *arguments, code=code)

    def test_a_refused_result_is_listed_with_its_reason_and_sent_again(self):
        hub = self.server(FakeHub())
        hub.status = lambda e: error(422, "no such result")
        settings = self.settings(hub.url, rows=0, SYNC_devices="False", SYNC_plugins="['A','B']")
        self.assertIn("is empty", self.spool_command(settings, "list").stdout)
        self.assertEqual(json.loads(self.spool_command(settings, "list", "--json").stdout),
                         {"items": [], "next": None})
        self.plugin_result(plugin="A")
        self.plugin_result(plugin="B")
        self.once(settings, 1, "spool list")
        listed = json.loads(self.spool_command(settings, "list", "--json").stdout)["items"]
        self.assertEqual([(i["state"], i["plugin"]) for i in listed],
                         [("refused", "A"), ("refused", "B")])
        self.assertIn("no such result", listed[0]["reason"])
        self.assertRegex(listed[0]["refused"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        text = self.spool_command(settings, "list").stdout
        self.assertIn(listed[1]["id"], text)
        self.assertIn("422", text)

        self.assertIn("there is no item nope",
                      self.spool_command(settings, "retry", "nope", code=1).stderr)
        self.spool_command(settings, "retry", code=2)
        self.spool_command(settings, "retry", "--all", listed[0]["id"], code=2)
        self.spool_command(settings, "list", "extra", code=2)
        self.assertIn(f"dropped {listed[0]['id']}",
                      self.spool_command(settings, "drop", listed[0]["id"]).stdout)
        done = json.loads(self.spool_command(settings, "retry", "--all", "--json").stdout)
        self.assertEqual(done, {"retried": [listed[1]["id"]]})
        self.assertEqual(self.refused(), [])
        [waiting] = json.loads(self.spool_command(settings, "list", "--json").stdout)["items"]
        self.assertEqual((waiting["state"], waiting["reason"], waiting["refused"]),
                         ("waiting", None, None))
        self.assertIn("was not refused",
                      self.spool_command(settings, "retry", waiting["id"], code=1).stderr)
        hub.status = None
        hub.requests.clear()
        self.once(settings, 0, "plugin B", "queued")
        self.assertEqual([(e.plugin, e.id) for e in hub.envelopes()], [("B", listed[1]["id"])])
        self.assertEqual(self.spooled(), [])

    def test_a_running_pusher_sends_retried_results_at_once(self):
        hub = self.server(FakeHub())
        hub.status = lambda e: error(422, "no such result")
        settings = self.settings(hub.url, rows=0, SYNC_devices="False", SYNC_plugins="['A']",
                                 SYNC_RUN="always_after_scan")
        self.plugin_result(plugin="A")
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("spool list")
        hub.status = None
        [item] = json.loads(self.spool_command(settings, "list", "--json").stdout)["items"]
        self.assertIn("1 retried.", self.spool_command(settings, "retry", item["id"]).stdout)
        pusher.wait_for_log("plugin A.*queued")
        wait_until(lambda: self.spooled() == [], "the spool to be empty")
        self.assertEqual(self.refused(), [])
        pusher.stop()

    def test_a_list_that_cannot_be_written_is_reported(self):
        settings = self.settings("http://127.0.0.1:1", rows=0, SYNC_spool_dir=self.folder / "gone")
        self.assertIn("SYNC_spool_dir", self.spool_command(settings, "list", code=1).stderr)
        settings = self.settings("http://127.0.0.1:1", rows=0)
        with open("/dev/full", "w") as full:
            done = subprocess.run([str(BIN / "synchub-pusher"), "spool", "list"], stdout=full,
                                  stderr=subprocess.PIPE, text=True,
                                  env=clean_environment(settings))
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left on device", done.stderr)

    def test_a_damaged_spool_file_is_moved_to_the_refused_ones(self):
        hub = self.server(FakeHub())
        hub.status = lambda e: error(503, "later")
        settings = self.settings(hub.url, rows=0, SYNC_devices="False", SYNC_plugins="['A','B']")
        self.plugin_result(plugin="A")
        self.plugin_result(plugin="B")
        self.once(settings, 1)
        first, second = self.spooled()
        first.write_bytes(first.read_bytes()[:-1])
        hub.status = None
        hub.requests.clear()
        self.once(settings, 0, f"{first} is damaged")
        self.assertEqual([e.plugin for e in hub.envelopes()], ["B"])
        self.assertEqual([path.name for path in self.refused()], [first.name])

    def test_a_full_spool_refuses_the_newest(self):
        hub = self.server(FakeHub())
        hub.status = lambda e: error(503, "later")
        settings = self.settings(hub.url, rows=0, SYNC_devices="False", SYNC_plugins="A")
        self.plugin_result(plugin="A")
        self.once(settings, 1)
        (item,) = self.spooled()
        for number in range(999):
            os.link(item, item.with_name(f"0000000000000000-{number:08}-x.item"))
        self.plugin_result(LINE * 2, plugin="A")
        self.once(settings, 1, "is full with 1000 items", "plugin A")
        self.assertEqual(len(self.spooled()), 1000)

    def test_an_unwritable_spool_is_fatal_only_with_plugins(self):
        hub = self.server(FakeHub())
        settings = self.settings(hub.url, SYNC_spool_dir="/proc/none", SYNC_plugins="ARPSCAN")
        self.once(settings, 1, "SYNC_spool_dir", "/proc/none")
        self.assertEqual(hub.requests, [])
        settings["SYNC_plugins"] = ""
        self.once(settings, 0, "SYNC_spool_dir", "continuing without it", "queued")

    def test_a_disabled_pusher_reports_that(self):
        settings = self.settings("http://127.0.0.1:1", SYNC_RUN="disabled")
        done = self.run_program("pusher", settings, code=0)
        self.assertIn("nothing is pushed: SYNC_RUN is disabled", done.stderr)

    def test_settings_with_nothing_to_push_are_refused(self):
        settings = self.settings("http://127.0.0.1:1", SYNC_devices="False")
        self.assertIn("SYNC_devices", self.run_program("pusher", settings, code=2).stderr)
        settings = self.settings("", SYNC_RUN="disabled", SYNC_listen="127.0.0.1:0")
        del settings["SYNC_api_token"]
        self.assertIn("SYNC_api_token", self.run_program("pusher", settings, code=2).stderr)

    def test_an_unencrypted_token_causes_a_warning(self):
        settings = self.settings("http://hub.invalid:20212", SYNC_RUN_TIMEOUT="5")
        self.once(settings, 1, "is not https", "token")

    def test_a_large_table_arrives_in_parts(self):
        hub = self.server(FakeHub())
        rows = device_rows(40000)
        settings = self.settings(hub.url, rows=0)
        self.table.write_text(device_table(rows))
        self.once(settings, 0, "device table of 40000 rows", "part 4 of 4: queued")
        sent = hub.envelopes()
        self.assertEqual([(e.part, e.parts) for e in sent], [(n, 4) for n in range(4)])
        self.assertEqual(len({e.id for e in sent}), 4)
        between = 3 * (len(", ") - len('{"data": []}'))
        self.assertEqual(sum(e.text_len for e in sent) + between, self.table.stat().st_size)


class SourceTest(PusherTest):
    def setUp(self):
        super().setUp()
        self.hub = self.server(FakeHub())

    def test_missing_files_are_reported(self):
        settings = self.settings(self.hub.url, rows=0, SYNC_plugins="['ARPSCAN']")
        self.once(settings, 1, f"{self.table} not found", "SYNC_devices_file",
                  f"{self.plugins}/last_result.ARPSCAN.log not found", "SYNC_plugins")
        settings["SYNC_devices_file"] = self.folder / "none" / "table_devices.json"
        settings["SYNC_plugins_dir"] = self.folder / "none" / "plugins"
        self.once(settings, 1, f"nor its folder {self.folder / 'none'}: mount NetAlertX's volume",
                  f"nor its folder {self.folder / 'none' / 'plugins'}", "SYNC_plugins_dir")
        self.assertEqual(self.hub.requests, [])

    def test_an_invalid_table_is_distinguished_from_a_truncated_one(self):
        whole = device_table(device_rows(3))
        shape = ['not a device table', 'SYNC_devices_file', '{"data": [...]}']
        cases = [
            ("this is no JSON, and it is long enough that it will never become a table", shape),
            ('{"devices": "' + "x" * 100 + '"}', shape),
            ("[]", shape),
            ("{}", shape),
            ("", ["is empty", "may still be being written"]),
            (whole[:-2], ["is truncated", "may still be being written"]),
            (whole[:len(whole) // 2], ["is truncated", "may still be being written"]),
            ('{"data": [{"dev_MAC": "aa:bb:cc:dd:ee:ff"}]}', ["older than November 2024"]),
        ]
        settings = self.settings(self.hub.url)
        for text, words in cases:
            with self.subTest(text=text[:40]):
                self.table.write_text(text)
                self.once(settings, 1, str(self.table), *words)
        self.assertEqual(self.hub.requests, [])

    @unittest.skipIf(os.geteuid() != 0, "only root can run a program as somebody else")
    def test_an_unreadable_file_is_reported_with_uid_and_owner(self):
        settings = self.settings(self.hub.url, SYNC_spool_dir=self.folder / "nobody")
        (self.folder / "nobody").mkdir()
        os.chmod(self.folder, 0o755)
        os.chown(self.folder / "nobody", 65534, 65534)
        os.chmod(self.table, 0o600)
        os.chown(self.table, 20211, 20211)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                               str(BIN / "synchub-pusher"), "--once"], capture_output=True,
                              text=True, env=clean_environment(settings), cwd=self.folder)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("runs as uid 65534", done.stderr)
        self.assertIn(f"{self.table} belongs to uid 20211", done.stderr)

    def test_a_half_written_table_is_read_again(self):
        settings = self.settings(self.hub.url, SYNC_RUN="always_after_scan")
        whole = device_table(device_rows(50))
        self.table.write_text(whole[:4000])
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("is truncated: .*being written")
        self.assertEqual(self.hub.requests, [])
        with open(self.table, "a") as table:
            table.write(whole[4000:])
        self.hub.wait_for_requests(1, pusher.log)
        self.assertEqual(self.hub.envelopes()[0].text_len, len(whole))

    def test_a_result_that_ends_inside_a_line_is_finally_sent(self):
        settings = self.settings(self.hub.url, rows=0, SYNC_devices="False",
                                 SYNC_plugins="ARPSCAN")
        self.plugin_result(LINE + "10.0.0.2|half")
        self.once(settings, 0, "queued")
        self.assertEqual(self.hub.envelopes()[0].text_len, len(LINE) + len("10.0.0.2|half"))

    def test_an_invalid_plugin_result_is_not_sent(self):
        settings = self.settings(self.hub.url, rows=0, SYNC_devices="False",
                                 SYNC_plugins="ARPSCAN")
        self.plugin_result("one|two\n")
        self.once(settings, 1, "is not a plugin result and was not sent")
        self.plugin_result("")
        self.once(settings, 0)
        self.assertEqual(self.hub.requests, [])


class WatchTest(PusherTest):
    def setUp(self):
        super().setUp()
        self.hub = self.server(FakeHub(free_port()))

    def another_hub(self):
        """On the same port; what was sent to the one before, by a pusher that was killed, does not come here."""
        self.hub.stop()
        self.hub = self.server(FakeHub(self.hub.port))

    def test_every_way_to_write_a_file_is_noticed(self):
        settings = self.settings(self.hub.url, SYNC_RUN="always_after_scan",
                                 SYNC_plugins="['ARPSCAN']")
        pusher = self.program("pusher", settings)
        self.hub.wait_for_requests(1, pusher.log)
        self.table.write_text(device_table(device_rows(4)))  # in place
        self.hub.wait_for_requests(2, pusher.log)
        for rows in (5, 6, 7):  # by rename
            beside = self.table.with_name("new")
            beside.write_text(device_table(device_rows(rows)))
            beside.rename(self.table)
            self.hub.wait_for_requests(rows - 2, pusher.log)
        self.plugin_result()
        self.hub.wait_for_requests(6, pusher.log)
        lengths = [e.text_len for e in self.hub.envelopes()]
        self.assertEqual(lengths, [len(device_table(device_rows(n))) for n in (3, 4, 5, 6, 7)] +
                         [len(LINE)])

    def test_a_folder_that_appears_later_or_again_is_noticed(self):
        settings = self.settings(self.hub.url, rows=0, SYNC_RUN="always_after_scan")
        table = self.folder / "volume" / "api" / "table_devices.json"
        settings["SYNC_devices_file"] = table
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("nor its folder .*: mount NetAlertX's volume here")
        for number in (1, 2, 3):
            table.parent.mkdir(parents=True)
            table.write_text(device_table(device_rows(number)))
            self.hub.wait_for_requests(number, pusher.log)
            pusher.wait_for_log(f"device table of {number} rows.*queued")
            table.unlink()
            table.parent.rmdir()
            table.parent.parent.rmdir()
        # And a folder that is moved into place with the file.
        away = self.folder / "away"
        (away / "api").mkdir(parents=True)
        (away / "api" / table.name).write_text(device_table(device_rows(9)))
        away.rename(self.folder / "volume")
        self.hub.wait_for_requests(4, pusher.log)

    def test_a_file_that_stays_missing_is_reported_once(self):
        settings = self.settings(self.hub.url, rows=0, SYNC_RUN="always_after_scan")
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("not found")
        for number in range(3):  # each is an event, after which the pusher checks the table
            (self.table.parent / f"other-{number}").write_text("")
        self.table.write_text(device_table(device_rows(3)))
        self.hub.wait_for_requests(1, pusher.log)
        self.assertEqual(pusher.log().count(f"{self.table} not found"), 1)

    def test_after_an_outage_the_newest_table_arrives(self):
        settings = self.settings(self.hub.url, SYNC_RUN="always_after_scan", SYNC_plugins="A")
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("queued")
        self.hub.stop()
        self.plugin_result(plugin="A")
        for rows in (5, 6):
            self.table.write_text(device_table(device_rows(rows)))
            pusher.wait_for_log(f"device table of {rows} rows.*not delivered .*nothing listens there")
        self.another_hub()
        self.hub.wait_for_requests(2, pusher.log)
        table, plugin = self.hub.envelopes()[:2]
        self.assertEqual(table.text_len, len(device_table(device_rows(6))))
        self.assertEqual(plugin.plugin, "A")
        wait_until(lambda: self.spooled() == [], "an empty spool", details=pusher.log)

    def test_the_spool_survives_a_kill(self):
        self.hub.status = lambda e: error(503, "later") if e.plugin else None
        settings = self.settings(self.hub.url, SYNC_RUN="always_after_scan", SYNC_plugins="A")
        self.plugin_result(plugin="A")
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("plugin A.*not delivered")
        self.plugin_result(LINE * 2, plugin="A")
        wait_until(lambda: len(self.spooled()) == 2, "two spooled results", details=pusher.log)
        pusher.kill()
        first = [e.id for e in self.hub.envelopes() if e.plugin][0]
        self.another_hub()
        self.program("pusher", settings).wait_for_log("plugin A(.|\n)*plugin A.*queued")
        results = [e for e in self.hub.envelopes() if e.plugin]
        self.assertEqual([e.text_len for e in results], [len(LINE), 2 * len(LINE)])
        self.assertEqual(results[0].id, first)
        wait_until(lambda: self.spooled() == [], "an empty spool", details=pusher.log)

    def test_a_result_spooled_before_a_kill_is_spooled_once(self):
        """The pusher is killed after it wrote the spool and before it wrote the state."""
        self.hub.status = lambda e: error(503, "later") if e.plugin else None
        settings = self.settings(self.hub.url, SYNC_RUN="always_after_scan", SYNC_plugins="A")
        self.plugin_result(plugin="A")
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("plugin A.*not delivered")
        pusher.kill()
        next(self.folder.rglob("state.json")).unlink()
        self.another_hub()
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("plugin A.*queued")
        wait_until(lambda: not self.spooled(), "the spool to be empty", details=pusher.log)
        pusher.stop()
        self.assertEqual(len([e for e in self.hub.envelopes() if e.plugin]), 1)

    def test_on_new_device_sends_only_with_a_new_device(self):
        settings = self.settings(self.hub.url, SYNC_RUN="on_new_device", SYNC_plugins="A",
                                 SYNC_log_level="debug")
        self.plugin_result(plugin="A")
        pusher = self.program("pusher", settings)
        self.hub.wait_for_requests(2, pusher.log)
        pusher.wait_for_log("3 new devices .*rows=3")
        wait_until(lambda: (self.spool / "pushed-macs").exists(), "the set of pushed MACs")
        pusher.stop()

        # Across a restart: changed rows, other spellings and fewer rows are not new devices.
        rows = device_rows(2)
        rows[0]["devName"] = "renamed"
        rows[1]["devMac"] = rows[1]["devMac"].upper().replace(":", "-")
        self.table.write_text(device_table(rows))
        self.plugin_result(LINE * 2, plugin="A")
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("device table of 2 rows: no new device")
        self.table.write_text(device_table(rows + [device_row(7, devMac=7)]))
        pusher.wait_for_log("1 new devices .*rows=3")
        self.hub.wait_for_requests(4, pusher.log)
        self.assertEqual([e.plugin for e in self.hub.envelopes()], ["", "A", "", "A"])
        self.table.write_text(device_table(rows + [device_row(7, devMac="7")]))
        pusher.wait_for_log("device table of 3 rows: no new device")
        self.assertEqual(len(self.hub.requests), 4)

    def test_new_devices_that_were_not_delivered_stay_new(self):
        self.hub.status = lambda e: error(403, "ERROR: Not authorized")
        settings = self.settings(self.hub.url, SYNC_RUN="on_new_device")
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("SYNC_api_token")
        pusher.stop()
        self.hub.status = None
        self.program("pusher", settings).wait_for_log(r"3 new devices(.|\n)*queued")

    def test_a_second_pusher_on_the_same_spool_is_refused(self):
        settings = self.settings(self.hub.url, SYNC_RUN="always_after_scan", SYNC_plugins="A")
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("queued")
        self.once(settings, 1, "another synchub-pusher uses this folder")

    def test_a_schedule_runs_at_start_and_logs_the_next_time(self):
        settings = self.settings(self.hub.url, SYNC_RUN_SCHD="0 0 1 1 *")
        pusher = self.program("pusher", settings)
        self.hub.wait_for_requests(1, pusher.log)
        pusher.wait_for_log(r"the next run is at \d{4}-01-01T00:00:00Z \(0 0 1 1 \*\)")
        pusher.wait_for_log("queued")

    def test_sigterm_lets_a_running_exchange_end(self):
        def slow(handler, request):
            self.hub.asked.set()
            self.hub.released.wait(harness.READY_S)
            body = json.dumps({"status": "queued", "id": Envelope(request.body).id}).encode()
            handler.send_response(202)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        self.hub.asked, self.hub.released = threading.Event(), threading.Event()
        self.hub.raw = slow
        pusher = self.program("pusher", self.settings(self.hub.url))
        self.assertTrue(self.hub.asked.wait(harness.READY_S))
        pusher.process.terminate()
        self.hub.released.set()
        pusher.stop()
        self.assertRegex(pusher.log(), "device table of 3 rows.*queued")

    def test_sigterm_does_not_wait_for_a_silent_hub(self):
        asked = threading.Event()

        def silent(handler, request):
            asked.set()
            self.hub.stopping.wait()
        self.hub.raw = silent
        pusher = self.program("pusher", self.settings(self.hub.url, SYNC_RUN_TIMEOUT="300"))
        self.assertTrue(asked.wait(harness.READY_S))
        pusher.stop()
        self.assertIn("was aborted", pusher.log())


class NetAlertXTest(PusherTest):
    def test_a_netalertx_hub_accepts_pushes(self):
        hub = self.server(FakeNetAlertXHub())
        settings = self.settings(hub.url, SYNC_protocol="netalertx", SYNC_plugins="['ARPSCAN']")
        self.plugin_result()
        self.once(settings, 0, "queued")
        text = self.table.read_text()
        self.assertEqual(hub.pushes(), [("Node_A", "SYNC", text), ("Node_A", "ARPSCAN", LINE)])
        body = hub.requests[0].json
        self.assertEqual(body["file_path"], str(self.table))
        self.assertTrue(hub.requests[0].headers["content-type"].startswith("application/json"))
        self.assertNotIn("sync-hub-digest", hub.requests[0].headers)
        self.once(settings, 0)
        self.assertEqual([p[1] for p in hub.pushes()], ["SYNC", "ARPSCAN", "SYNC"])

    def test_only_200_is_success(self):
        for status in (201, 202, 204, 500, 403):
            with self.subTest(status=status):
                hub = self.server(FakeServer(lambda request, s=status: (s, {}, {"message": "OK"})))
                self.once(self.settings(hub.url, SYNC_protocol="netalertx"), 1, str(status))

    def test_a_rewritten_unchanged_table_is_not_sent(self):
        hub = self.server(FakeNetAlertXHub())
        settings = self.settings(hub.url, SYNC_protocol="netalertx",
                                 SYNC_RUN="always_after_scan")
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("queued")
        self.table.write_text(self.table.read_text())
        pusher.wait_for_log("unchanged, not sent")
        self.table.write_text(device_table(device_rows(4)))
        pusher.wait_for_log("device table of 4 rows.*queued")
        self.assertEqual(len(hub.pushes()), 2)


class PullTest(PusherTest):
    def serving(self, rows=3, **settings):
        settings = self.settings("", rows=rows, SYNC_listen="127.0.0.1:0", SYNC_devices="False",
                                 **settings)
        program = self.program("pusher", settings)
        program.wait_for_log(program.LISTENING)
        return program

    def envelope(self, pusher, **headers):
        return curl(pusher.url + "/sync",
                    headers={**bearer(), "Accept": TYPE_ENVELOPE, **headers})

    def test_a_netalertx_hub_can_pull(self):
        pusher = self.serving(SYNC_RUN="disabled").wait_ready()
        answer = curl(pusher.url + "/sync", headers=bearer())
        self.assertEqual((answer.status, answer.headers["content-type"]),
                         (200, "application/json"))
        body = answer.json
        self.assertRegex(body.pop("timestamp"), r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
        self.assertEqual(base64.b64decode(body.pop("data_base64")), self.table.read_bytes())
        self.assertEqual(body, {"message": "OK", "node_name": "Node_A", "status": 200})

    def test_a_wrong_token_gets_netalertx_s_answer(self):
        pusher = self.serving()
        for headers in ({}, bearer("wrong"), {"Authorization": "Bearer "}):
            for accept in ({}, {"Accept": TYPE_ENVELOPE}):
                answer = curl(pusher.url + "/sync", headers={**headers, **accept})
                self.assertEqual(answer.status, 403)
                expected = {"error": "Forbidden", "success": False,
                            "message": "ERROR: Not authorized"}
                if accept:  # the native protocol has codes
                    expected["code"] = "token"
                self.assertEqual(answer.json, expected)

    def test_an_envelope_is_sent_once_and_then_304(self):
        pusher = self.serving()
        answer = self.envelope(pusher)
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, TYPE_ENVELOPE))
        envelope = Envelope(answer.body)
        self.assertEqual((envelope.kind, envelope.node), (KIND_DEVICES, "Node_A"))
        etag = answer.headers["etag"]
        self.assertEqual(etag, f'"{envelope.digest}"')
        same = self.envelope(pusher, **{"If-None-Match": etag})
        self.assertEqual((same.status, same.body, same.headers["etag"]), (304, b"", etag))
        self.assertEqual(Envelope(self.envelope(pusher).body).id, envelope.id)
        self.table.write_text(device_table(device_rows(4)))
        other = self.envelope(pusher, **{"If-None-Match": etag})
        self.assertEqual(other.status, 200)
        self.assertNotEqual(Envelope(other.body).id, envelope.id)
        self.assertNotEqual(other.headers["etag"], etag)
        # Rewriting the same content changes nothing.
        self.table.write_text(device_table(device_rows(4)))
        rewritten = self.envelope(pusher, **{"If-None-Match": other.headers["etag"]})
        self.assertEqual(rewritten.status, 304)

    def test_a_missing_truncated_or_invalid_table_is_reported(self):
        pusher = self.serving(rows=0)
        missing = curl(pusher.url + "/sync", headers=bearer())
        self.assertEqual((missing.status, list(missing.json)), (500, ["error"]))
        self.assertIn("not found", missing.json["error"])
        missing = self.envelope(pusher)
        self.assertEqual(missing.status, 500)
        self.assertIn(str(self.table), missing.json["message"])
        ready = curl(pusher.url + "/readyz")
        self.assertEqual(ready.status, 503)
        self.assertIn("SYNC_devices_file", ready.json["message"])

        self.table.write_text(device_table(device_rows(3))[:-1])
        for answer in (self.envelope(pusher), curl(pusher.url + "/sync", headers=bearer())):
            self.assertEqual(answer.status, 503)
            self.assertGreater(int(answer.headers["retry-after"]), 0)
            self.assertIn("is truncated", answer.json["message"])
        self.table.write_text('{"devices": "' + "x" * 100 + '"}')
        answer = self.envelope(pusher)
        self.assertEqual(answer.status, 500)
        self.assertIn("not a device table", answer.json["message"])

        self.table.write_text(device_table(device_rows(3)))
        self.assertEqual(self.envelope(pusher).status, 200)
        pusher.wait_ready()

    def test_it_serves_probes_and_metrics(self):
        pusher = self.serving()
        self.assertEqual(curl(pusher.url + "/livez").status, 200)
        self.envelope(pusher)
        metrics = curl(pusher.url + "/metrics")
        self.assertTrue(metrics.headers["content-type"].startswith("text/plain"))
        self.assertIn('synchub_pusher_pulled_total{result="envelope"} 1', metrics.text)
        self.assertEqual(curl(pusher.url + "/other").status, 404)
        self.assertEqual(curl(pusher.url + "/sync", body="x", headers=bearer()).status, 405)

    def test_a_port_in_use_is_reported(self):
        hub = self.server(FakeServer())
        settings = self.settings("", SYNC_listen=f"127.0.0.1:{hub.port}")
        done = self.run_program("pusher", settings, code=1)
        self.assertIn(f"SYNC_listen=127.0.0.1:{hub.port}", done.stderr)


if __name__ == "__main__":
    unittest.main()
