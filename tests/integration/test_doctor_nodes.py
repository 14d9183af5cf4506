# SPDX-License-Identifier: Apache-2.0
"""`synchub-pusher doctor` and `synchub-puller doctor`: each fault is found, with its remedy, and gone once it is fixed."""

import json
import os
import time

import authority
from harness import FakeNetAlertXNode, FakeServer, curl, free_port, wait_until
from nodes_base import NodesTest, table


class DoctorTest(NodesTest):
    def doctor(self, program, settings, code):
        """The results by check, each a list of (status, detail, remedy)."""
        done = self.run_program(program, settings, "doctor", "--json", code=code)
        found = {}
        for item in json.loads(done.stdout)["items"]:
            self.assertIn(item["status"], ("ok", "warning", "failed", "skipped"))
            self.assertEqual(item["remedy"] is not None, item["status"] in ("warning", "failed"), item)
            found.setdefault(item["check"], []).append((item["status"], item["detail"], item["remedy"]))
        for secret in ("t0ken-of-the-tests", "a passphrase for the tests"):
            self.assertNotIn(secret, done.stdout + done.stderr)
        return found

    def assert_found(self, found, check, status, *words):
        text = " ".join(f"{result} {detail} {remedy}" for result, detail, remedy in found.get(check, []))
        self.assertIn(status, [result for result, _, _ in found.get(check, [])], found)
        for word in words:
            self.assertIn(word, text)


class PusherDoctor(DoctorTest):
    def setUp(self):
        super().setUp()
        self.hub = self.receiver(self.hub_redis, self.db)

    def settings(self, hub_url=None, **settings):
        return self.pusher_settings(hub_url or self.hub.url, table("Cabin"), "Cabin", **settings)

    def check(self, code=3, hub_url=None, **settings):
        return self.doctor("pusher", self.settings(hub_url, **settings), code)

    def test_a_good_node_has_no_findings_and_sends_nothing(self):
        found = self.check(code=0)
        for check in ("settings", "device table", "spool", "encryption", "proxy", "name resolution", "connection",
                      "token", "node name", "clock", "key"):
            self.assert_found(found, check, "ok")
        self.assert_found(found, "device table", "ok", "3 devices")
        text = self.run_program("pusher", self.settings(), "doctor", code=0).stdout
        self.assertIn("ok       key: it is the hub's\n", text)
        self.assertRegex(text, r"\d+ checks: 0 failed, 0 warnings, 0 skipped\n$")
        # It is a contact, and no problem.
        wait_until(lambda: self.nodes().get("Cabin", {}).get("state") == "online", "the contact",
                   details=lambda: self.command("nodes").stdout)
        self.no_problem()
        self.assertEqual(self.hub_redis.backlog(), 0)
        self.assertEqual(self.nodes()["Cabin"]["sent"], 0)
        self.run_program("pusher", self.settings(), "doctor", "more", code=2)

    def test_credentials_and_name(self):
        self.assert_found(self.check(SYNC_api_token="another"), "token", "failed", "403", "SYNC_api_token")
        self.assert_found(self.check(SYNC_encryption_key="another passphrase"), "key", "failed",
                          "SYNC_encryption_key of this node must be the hub's")
        self.credentials("Attic")
        settings = self.pusher_settings(self.hub.url, table("attic"), "attic")
        self.assert_found(self.doctor("pusher", settings, 3), "node name", "failed", "SYNC_node_name")
        self.check(code=0)

    def test_files(self):
        settings = self.settings()
        file = self.folder / "node-Cabin" / "table_devices.json"
        text = file.read_text()
        file.unlink()
        self.assert_found(self.doctor("pusher", settings, 3), "device table", "failed", "SYNC_devices_file")
        # The check's heartbeat reports it to the hub, too.
        self.assertEqual(self.problem("Cabin", "no device table")["problem"]["kind"], "table_missing")
        file.write_text(text[:-5])
        self.assert_found(self.doctor("pusher", settings, 3), "device table", "failed", "truncated")
        file.write_text("<html>")
        self.assert_found(self.doctor("pusher", settings, 3), "device table", "failed", "not a device table")
        file.write_text(text)
        os.utime(file, (0, time.time() - 2 * 86400))
        self.assert_found(self.doctor("pusher", settings, 3), "device table", "warning", "SYNC_table_max_age")
        file.write_text(text)
        self.doctor("pusher", settings, 0)
        self.no_problem()
        self.assert_found(self.check(SYNC_plugins="['ARPSCAN']"), "plugin result", "failed", "last_result.ARPSCAN.log")
        self.assert_found(self.check(SYNC_spool_dir=self.folder / "nowhere", SYNC_plugins="[]"), "spool", "warning",
                          "SYNC_spool_dir")

    def test_the_way_to_the_hub(self):
        nowhere = f"http://127.0.0.1:{free_port()}"
        found = self.check(hub_url=nowhere)
        self.assert_found(found, "connection", "failed", "refused", "SYNC_hub_url")
        self.assert_found(found, "token, node name, clock, key", "skipped")
        self.assert_found(self.check(hub_url="http://hub.invalid:20212"), "name resolution", "failed", "hub.invalid")
        self.assert_found(self.check(hub_url=self.hub.url.replace("http", "https")), "hub", "failed", "SYNC_hub_url")
        found = self.check(http_proxy=nowhere, hub_url="http://hub.example:20212")
        self.assert_found(found, "proxy", "ok", "http_proxy")
        self.assert_found(found, "encryption", "warning", "https://")
        self.assert_found(found, "connection", "failed")
        portal = self.server(FakeServer(lambda request: (200, {"Content-Type": "text/html"}, "<html>log in</html>")))
        self.assert_found(self.check(hub_url=portal.url), "hub", "failed", "text/html")
        self.check(code=0)

    def test_a_clock_that_is_off(self):
        clock = self.clock(86400)
        found = self.check(**clock.environment)
        self.assert_found(found, "clock", "failed", "ahead of that of the hub", "NTP")
        clock.set(-300)
        self.assert_found(self.check(**clock.environment), "clock", "warning", "behind")
        clock.set(0)
        self.check(code=0, **clock.environment)

    def test_a_certificate(self):
        self.push(self.hub)  # so that credentials are published
        self.hub.stop()
        ca = authority.Authority(self.folder / "ca")
        for days, code, status in ((5, 3, "warning"), (100, 0, "ok")):
            with self.subTest(days):
                cert, key = ca.issue("localhost", san="DNS:localhost", days=days)
                hub = self.program("receiver", self.receiver_settings(
                    self.hub_redis, self.db, SYNC_tls_cert=cert, SYNC_tls_key=key))
                url = hub.url.replace("http://127.0.0.1", "https://localhost")
                wait_until(lambda: curl(f"{url}/readyz", "-k").status == 200, "the hub to be ready", details=hub.log)
                self.assert_found(self.check(code, url, SYNC_tls_ca=ca.file), "certificate", status, "days")
                self.assert_found(self.check(3, url), "hub", "failed", "SYNC_tls_ca")
                self.assert_found(self.check(3, hub.url.replace("http:", "https:"), SYNC_tls_ca=ca.file), "hub",
                                  "failed", "127.0.0.1")
                hub.stop()

    def test_a_node_that_is_pulled(self):
        found = self.doctor("pusher", self.settings(SYNC_hub_url="", SYNC_listen="127.0.0.1:0"), 0)
        self.assert_found(found, "hub", "skipped", "the hub pulls this node")


class PullerDoctor(DoctorTest):
    def node(self, name="Cabin", **settings):
        wanted = {"SYNC_hub_url": "", "SYNC_listen": "127.0.0.1:0", **settings}
        return self.program("pusher", self.pusher_settings("", table(name), name, **wanted)).wait_ready()

    def check(self, code, *nodes, **settings):
        return self.doctor("puller", self.puller_settings(self.hub_redis, nodes, **settings), code)

    def push_first(self, hub):
        """A hub that has merged publishes its key."""
        self.push(hub, "Loft")
        wait_until(lambda: self.hub_redis.cli("EXISTS", "synchub:key") == "1", "the hub's key", details=hub.log)

    def test_each_node_is_checked_and_nothing_is_queued(self):
        hub = self.receiver(self.hub_redis, self.db)
        self.push_first(hub)
        good, other = self.node().url, self.node("Barn", SYNC_encryption_key="another passphrase").url
        found = self.check(0, f"Cabin={good}")
        for check in ("settings", "Redis", "key", "node Cabin"):
            self.assert_found(found, check, "ok")
        nowhere = f"http://127.0.0.1:{free_port()}"
        found = self.check(3, f"Cabin={good}", f"Barn={other}", nowhere)
        self.assert_found(found, "node Cabin", "ok")
        self.assert_found(found, "node Barn", "failed", "SYNC_encryption_key")
        self.assert_found(found, f"node {nowhere}", "failed", "nothing listens there", "SYNC_nodes")
        self.assert_found(self.check(3, f"Shed={good}"), "node Shed", "failed", 'calls itself "Cabin"')
        found = self.check(3, f"Cabin={good}", SYNC_api_token="another")
        self.assert_found(found, "node Cabin", "failed", "SYNC_api_token")
        self.assertEqual((self.hub_redis.backlog(), list(self.nodes())), (0, ["Loft"]), hub.log())

    def test_every_token_that_a_pull_tries_is_tried(self):
        self.receiver(self.hub_redis, self.db)
        shared = self.node()
        node = f"Cabin={shared.url}"
        own = [dict(line.split("=", 1) for line in self.command("node", *change).stdout.splitlines() if "=" in line)
               for change in (("add", "Cabin", "--grace", "1h"), ("rotate", "Cabin", "--grace", "1h"))]
        self.assert_found(self.check(0, node), "node Cabin", "ok")  # still with the shared token
        shared.stop()
        for printed in own:  # the former one, and the newest
            pulled = self.node(**{name: printed[name] for name in ("SYNC_api_token", "SYNC_encryption_key")})
            self.assert_found(self.check(0, f"Cabin={pulled.url}"), "node Cabin", "ok")
            pulled.stop()
        other = self.node(SYNC_api_token="another")
        self.assert_found(self.check(3, f"Cabin={other.url}"), "node Cabin", "failed", "its own token")

    def test_redis_and_the_key(self):
        self.push_first(self.receiver(self.hub_redis, self.db))
        node = self.server(FakeNetAlertXNode("Cabin", table("Cabin")))
        settings = {"SYNC_protocol": "netalertx"}
        self.check(0, node.url, **settings)
        self.assert_found(self.check(3, node.url, **settings, SYNC_encryption_key="another passphrase"), "key",
                          "failed", "set theirs here")
        self.hub_redis.cli("CONFIG", "SET", "appendfsync", "everysec")
        self.assert_found(self.check(3, node.url, **settings), "Redis", "failed", "appendfsync")
        self.hub_redis.cli("CONFIG", "SET", "appendfsync", "always")
        self.check(0, node.url, **settings)
        self.hub_redis.stop()
        self.assert_found(self.check(3, node.url, **settings), "Redis", "failed", "SYNC_redis_url")
