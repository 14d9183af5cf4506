# SPDX-License-Identifier: Apache-2.0
"""Settings made on the hub: stored in the database, published in Redis, used by all programs without a restart."""

import json

import postgres
from console_base import ConsoleTest
from harness import FakeNetAlertXNode, device_rows, device_table, netalertx_push, wait_until


class HubSettings(ConsoleTest):
    def command_json(self, *arguments, **settings):
        return json.loads(self.command(*arguments, "--json", **settings).stdout)

    def set(self, name, value, code=0, **settings):
        return self.command("settings", "set", f"{name}={value}", code=code, **settings)

    def setting(self, name):
        found = {one["name"]: one for one in self.command_json("settings", "list")["items"]}
        return found[name]

    def in_use(self, name, program):
        """The values that programs of a kind report."""
        return [one["value"] for one in self.setting(name)["programs"] if one["program"] == program]

    def wait_in_use(self, name, program, value):
        wait_until(lambda: value in self.in_use(name, program), f"{name}={value} in a {program}",
                   details=lambda: str(self.setting(name)))

    def puller(self, **settings):
        return self.program("puller", self.secrets(**{"SYNC_redis_url": self.hub_redis.url,
                                                      "SYNC_protocol": "netalertx", **settings}))

    def node(self, name, rows):
        return self.server(FakeNetAlertXNode(name, device_table(rows)))


class Programs(HubSettings):
    def setUp(self):
        super().setUp()
        self.start()

    def test_a_puller_without_nodes_waits_and_pulls_those_of_the_hub(self):
        puller = self.puller()
        puller.wait_for_log("SYNC_nodes is empty: nothing is pulled until it is set")
        node = self.node("Attic", device_rows(3, node="Attic"))
        self.set("SYNC_nodes", f"Attic={node.url}")
        self.wait_merged(self.hub_redis, self.db, 3)
        self.wait_in_use("SYNC_nodes", "puller", json.dumps([f"Attic={node.url}"], separators=(",", ":")))
        other = self.node("Shed", device_rows(2, node="Shed", first=10))
        self.set("SYNC_nodes", f"['Attic={node.url}', 'Shed={other.url}']")
        self.wait_merged(self.hub_redis, self.db, 5)
        self.command("settings", "unset", "SYNC_nodes")
        wait_until(lambda: puller.log().count("nothing is pulled until it is set") == 2, "nothing to pull",
                   details=puller.log)
        puller.stop()
        self.assertEqual(self.in_use("SYNC_nodes", "puller"), [])

    def test_schedule_run_and_timeout_are_used_from_the_next_run_on(self):
        node = self.node("Attic", device_rows(1))
        puller = self.puller(SYNC_nodes=node.url)
        wait_until(lambda: len(node.requests) >= 1, "a pull", details=puller.log)
        self.set("SYNC_RUN_SCHD", "1 2 3 4 *")
        puller.wait_for_log("at start and then at '1 2 3 4 [*]'")
        self.set("SYNC_RUN_TIMEOUT", "7")
        self.wait_in_use("SYNC_RUN_TIMEOUT", "puller", "7")
        self.set("SYNC_RUN", "disabled")
        puller.wait_for_log("SYNC_RUN is disabled: nothing is pulled")
        seen = len(node.requests)
        self.set("SYNC_RUN", "once")
        puller.wait_for_log("once, as set on the hub")
        wait_until(lambda: len(node.requests) > seen, "one more pull", details=puller.log)
        self.assertEqual(puller.process.poll(), None)

    def test_one_run_uses_what_the_hub_says(self):
        node = self.node("Attic", device_rows(2))
        settings = self.secrets(SYNC_redis_url=self.hub_redis.url, SYNC_protocol="netalertx")
        refused = self.run_program("puller", settings, "--once", code=2)
        self.assertIn("SYNC_nodes is empty: name the nodes to pull", refused.stderr)
        self.set("SYNC_nodes", node.url)
        self.run_program("puller", settings, "--once", code=0)
        self.wait_merged(self.hub_redis, self.db, 2)

    def test_log_level_changes_in_every_program(self):
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        puller = self.puller()
        self.set("SYNC_log_level", "debug")
        for program, name in ((self.hub, "receiver"), (ingest, "receiver"), (puller, "puller")):
            program.wait_for_log("settings were changed on the hub, now in use: SYNC_log_level")
        wait_until(lambda: self.in_use("SYNC_log_level", "receiver") == ["debug", "debug"], "two receivers")
        self.set("SYNC_log_level", "error")
        wait_until(lambda: self.in_use("SYNC_log_level", "receiver") == ["error", "error"], "two receivers")
        self.wait_in_use("SYNC_log_level", "puller", "error")
        self.assertEqual(netalertx_push(ingest.url, device_table(device_rows(1)), "Node_A").status, 200)
        self.wait_merged(self.hub_redis, self.db, 1)
        self.assertNotIn(" queued ", ingest.log())

    def test_settings_of_the_environment_win_and_cannot_be_changed(self):
        puller = self.puller(SYNC_nodes="http://127.0.0.1:9", SYNC_log_level="warning")
        self.wait_in_use("SYNC_nodes", "puller", '["http://127.0.0.1:9"]')
        one = self.setting("SYNC_nodes")
        self.assertEqual((one["origin"], one["value"], one["changeable"]),
                         ("environment", '["http://127.0.0.1:9"]', False))
        self.assertRegex(one["reason"], "set in the environment of the puller on .*: remove it there")
        refused = self.set("SYNC_nodes", "http://other:1", code=1)
        self.assertIn("SYNC_nodes cannot be changed here. It is set in the environment of the puller", refused.stderr)
        puller.stop()
        self.set("SYNC_nodes", "http://127.0.0.1:8")
        puller = self.puller(SYNC_nodes="http://127.0.0.1:9")
        self.wait_in_use("SYNC_nodes", "puller", '["http://127.0.0.1:9"]')
        one = self.setting("SYNC_nodes")
        self.assertEqual((one["value"], one["hub_value"]), ('["http://127.0.0.1:9"]', '["http://127.0.0.1:8"]'))

    def test_bad_values_are_refused_in_the_words_of_a_start(self):
        for name, value in (("SYNC_RUN_SCHD", "0 0 31 2 *"), ("SYNC_RUN_TIMEOUT", "0"), ("SYNC_RUN", "sometimes"),
                            ("SYNC_nodes", "ftp://x"), ("SYNC_nodes", "http://a:1,http://a:1")):
            start = self.run_program("puller", self.secrets(SYNC_redis_url=self.hub_redis.url, **{name: value}),
                                     "--check-config", code=2)
            words = start.stderr[start.stderr.index(f"{name} holds"):].splitlines()[0]
            self.assertIn(words, self.set(name, value, code=2).stderr)
        self.assertIn("is empty: unset it", self.set("SYNC_nodes", "", code=2).stderr)
        self.assertIn("did you mean SYNC_nodes?", self.set("SYNC_node", "x", code=1).stderr)
        self.assertIn("start them again", self.set("SYNC_listen", "0.0.0.0:1", code=1).stderr)
        self.assertIn("node add", self.set("SYNC_api_token", "x" * 30, code=1).stderr)
        self.assertIn("Each node has its own", self.set("SYNC_node_name", "x", code=1).stderr)

    def test_without_another_word_the_settings_are_listed(self):
        self.set("SYNC_RUN_TIMEOUT", "9")
        self.assertEqual(self.command("settings").stdout, self.command("settings", "list").stdout)
        names = [one["name"] for one in self.command_json("settings")["items"]]
        self.assertEqual(names, [one["name"] for one in self.command_json("settings", "list")["items"]])
        self.assertIn("usage: settings [list] [--json]", self.command("settings", "--jason", code=2).stderr)
        self.assertIn("did you mean 'settings set'?", self.command("settings", "sett", code=2).stderr)

    def test_no_secret_is_in_the_list(self):
        self.puller()
        wait_until(lambda: self.in_use("SYNC_nodes", "puller"), "a puller's report")
        texts = (self.command("settings", "list").stdout + self.command("settings", "list", "--json").stdout +
                 self.hub_redis.cli("HGETALL", "synchub:programs") + self.hub_redis.cli("GET", "synchub:settings"))
        for secret in self.secrets().values():
            self.assertNotIn(secret, texts)

    def test_what_redis_lost_is_published_again(self):
        self.set("SYNC_RUN_TIMEOUT", "9")
        for lost in (["FLUSHALL"], ["DEL", "synchub:settings"], ["SET", "synchub:settings:version", "0" * 32]):
            self.hub_redis.cli(*lost)
            wait_until(lambda: self.hub_redis.cli("GET", "synchub:settings") == '{"SYNC_RUN_TIMEOUT":"9"}',
                       f"settings after {lost}", details=self.hub.log)
        self.hub.stop()
        self.start()
        self.assertEqual(self.setting("SYNC_RUN_TIMEOUT")["value"], "9")

    def test_they_survive_backup_and_restore(self):
        self.set("SYNC_RUN_TIMEOUT", "9")
        self.command("backup", self.folder / "hub.backup")
        self.set("SYNC_RUN_TIMEOUT", "10")
        self.hub.stop()
        self.command("restore", "--force", self.folder / "hub.backup")
        self.start()
        wait_until(lambda: self.hub_redis.cli("GET", "synchub:settings") == '{"SYNC_RUN_TIMEOUT":"9"}',
                   "the settings of the backup", details=self.hub.log)


class SkippedDevices:
    """SYNC_skip_macs on the hub, for both kinds of databases; two receivers merge."""

    def push(self, rows):
        text = device_table(rows)
        return netalertx_push(self.hub.url, text, "Node_A").status

    def macs(self):
        return sorted(one["devMac"] for one in self.command_json("devices")["items"])

    def test_devices_are_skipped_and_readmitted_without_a_restart(self):
        rows = device_rows(3)
        first = rows[0]["devMac"].lower()
        other = self.receiver(self.hub_redis, self.database, SYNC_receiver_role="merge")
        self.set("SYNC_skip_macs", f"internet,{first.upper()}")
        for program in (self.hub, other):
            program.wait_for_log("devices that are never inserted were changed")
        self.assertEqual(self.push(rows), 200)
        wait_until(lambda: len(self.macs()) == 2, "two devices", details=self.hub.log)
        self.assertNotIn(first, self.macs())
        self.assertIn(first, self.command("blocklist", "list").stdout)
        self.command("settings", "unset", "SYNC_skip_macs")
        for program in (self.hub, other):
            wait_until(lambda: program.log().count("never inserted were changed") == 2, "the change")
        self.assertEqual(self.push(rows), 200)
        wait_until(lambda: first in self.macs(), "the third device", details=self.hub.log)
        restarts = self.hub.log().count("merging as consumer")
        self.assertEqual(restarts, 1)

    def test_the_same_rules_after_a_restart_forget_no_digest(self):
        self.set("SYNC_skip_macs", "internet,00:11:22:33:44:55")
        self.run_program("pusher", self.pusher_settings(self.hub.url, device_table(device_rows(2))), "--once", code=0)
        wait_until(lambda: len(self.macs()) == 2, "two devices")
        wait_until(lambda: self.hub_redis.cli("HLEN", "synchub:digests") == "1", "a digest")
        digest = self.hub_redis.cli("HGET", "synchub:digests", "Node_A").split()[0]
        self.hub.stop()
        self.hub_redis.cli("DEL", "synchub:digests")
        self.start_hub()
        wait_until(lambda: self.hub_redis.cli("HGET", "synchub:digests", "Node_A").startswith(digest),
                   "the digest of the database", details=self.hub.log)


class SkippedSqlite(SkippedDevices, HubSettings):
    def setUp(self):
        super().setUp()
        self.database = self.db
        self.start_hub()

    def start_hub(self):
        self.start()


class SkippedPostgres(SkippedDevices, HubSettings):
    @classmethod
    def setUpClass(cls):
        cls.server = postgres.Postgres()
        cls.addClassCleanup(cls.server.remove)

    def setUp(self):
        super().setUp()
        self.db = self.database = self.server.new_database()
        self.start_hub()

    def start_hub(self):
        self.start()
