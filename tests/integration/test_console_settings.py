# SPDX-License-Identifier: Apache-2.0
"""Settings > Sync Hub by the console's API: the same settings, checks and effects as of the commands."""

import json

from console_base import ConsoleTest
from harness import wait_until

PLUGIN = ["SYNC_RUN", "SYNC_RUN_SCHD", "SYNC_api_token", "SYNC_encryption_key", "SYNC_node_name", "SYNC_hub_url",
          "SYNC_devices", "SYNC_plugins", "SYNC_nodes", "SYNC_RUN_TIMEOUT"]


class SettingsApi(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.token = self.command("console", "token", "add", "robot").stdout.strip()

    def ask(self, method, path, value=None, status=200, **more):
        answer = self.call(method, f"/settings{path}", value, token=more.pop("token", self.token), **more)
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def commanded(self):
        return json.loads(self.command("settings", "list", "--json").stdout)["items"]

    def test_the_list_is_that_of_the_command(self):
        self.ask("PUT", "/SYNC_skip_macs", {"value": "['00:00:5e:00:53:01']"})
        wait_until(lambda: all(one["programs"] is not None for one in self.commanded()), "the report of the receiver")
        items = self.ask("GET", "")["items"]
        self.assertEqual([one["name"] for one in items[:10]], PLUGIN)
        self.assertEqual([{**one, "programs": None} for one in items],
                         [{**one, "programs": None} for one in self.commanded()])
        for one in items:
            self.assertEqual({**self.ask("GET", f"/{one['name']}"), "programs": None}, {**one, "programs": None})
        for secret in self.secrets().values():
            self.assertNotIn(secret, json.dumps(items))

    def test_a_setting_is_set_survives_a_restart_and_is_unset(self):
        set_here = self.ask("PUT", "/sync_run_timeout", {"value": " 45 "})
        self.assertEqual((set_here["name"], set_here["value"], set_here["origin"], set_here["hub_value"]),
                         ("SYNC_RUN_TIMEOUT", "45", "hub", "45"))
        self.hub.wait_for_log(r"console: token robot set SYNC_RUN_TIMEOUT on the hub")
        self.hub.stop()
        self.hub_redis.cli("FLUSHALL")
        self.start()
        self.assertEqual(self.ask("GET", "/SYNC_RUN_TIMEOUT")["value"], "45")
        wait_until(lambda: '"45"' in self.hub_redis.cli("GET", "synchub:settings"), "it to be published again")
        unset = self.ask("DELETE", "/SYNC_RUN_TIMEOUT")
        self.assertEqual((unset["value"], unset["origin"], unset["hub_value"]), (unset["default"], "default", None))

    def test_a_value_is_checked_in_the_words_of_a_start(self):
        for name, value in (("SYNC_RUN_SCHD", "0 0 31 2 *"), ("SYNC_RUN_TIMEOUT", "0"), ("SYNC_RUN", "sometimes"),
                            ("SYNC_nodes", "ftp://x"), ("SYNC_skip_macs", "x" * 300000)):
            start = self.run_program("puller", self.secrets(SYNC_redis_url=self.hub_redis.url, **{name: value}),
                                     "--check-config", code=2).stderr if len(value) < 1000 else None
            path = f"/{name}"
            if start is None:
                self.ask("PUT", path, {"value": value}, status=413)
                continue
            words = start[start.index(f"{name} holds"):].splitlines()[0]
            checked = self.ask("POST", f"{path}/check", {"value": value})
            self.assertEqual((checked["valid"], checked["value"]), (False, None))
            self.assertIn(words, checked["message"])
            self.assertIn(words, self.ask("PUT", path, {"value": value}, status=422)["detail"])
            self.assertIsNone(self.ask("GET", path)["hub_value"])
        checked = self.ask("POST", "/SYNC_nodes/check", {"value": "Attic=http://10.0.0.9:20212"})
        self.assertEqual(checked, {"valid": True, "value": '["Attic=http://10.0.0.9:20212"]', "message": None})

    def test_what_cannot_be_changed_says_why(self):
        for name, words in (("SYNC_listen", "start them again"), ("SYNC_api_token", "node add"),
                            ("SYNC_node_name", "Each node has its own")):
            self.assertIn(words, self.ask("PUT", f"/{name}", {"value": "x" * 30}, status=409)["detail"])
            self.assertIn(words, self.ask("GET", f"/{name}")["reason"])
            self.assertIn(name, self.ask("POST", f"/{name}/check", {"value": "x" * 30}, status=409)["detail"])
        self.assertIn("did you mean SYNC_nodes?", self.ask("GET", "/SYNC_node", status=404)["detail"])
        puller = self.program("puller", self.secrets(SYNC_redis_url=self.hub_redis.url, SYNC_nodes="http://127.0.0.1:9"))
        wait_until(lambda: self.ask("GET", "/SYNC_nodes")["origin"] == "environment", "the puller's report",
                   details=puller.log)
        refused = self.ask("PUT", "/SYNC_nodes", {"value": "http://127.0.0.1:8"}, status=409)
        self.assertRegex(refused["detail"], "environment of the puller on .*: remove it there")

    def test_invalid_requests_readers_and_other_sites_change_nothing(self):
        reader = self.command("console", "token", "add", "reader", "--read-only").stdout.strip()
        path = "/SYNC_RUN_TIMEOUT"
        for body in ({}, {"value": 5}, {"value": None}, {"value": "5", "force": True}):
            self.ask("PUT", path, body, status=422)
            self.ask("POST", f"{path}/check", body, status=422)
        self.ask("PUT", path, {"value": "5"}, status=403, token=reader)
        self.ask("DELETE", path, status=403, token=reader)
        self.ask("GET", path, token=reader)
        self.first_visit()
        for headers in ({"Origin": "https://evil.example"}, {"Origin": None}):
            for method, body in (("PUT", {"value": "5"}), ("DELETE", None)):
                self.assertEqual(self.call(method, f"/settings{path}", body, headers=headers).status, 403)
        self.assertIsNone(self.ask("GET", path)["hub_value"])

    def test_without_redis_they_are_shown_but_not_changed(self):
        """It is not known then which programs have values of their own."""
        self.hub_redis.stop()
        self.assertIsNone(self.ask("GET", "/SYNC_RUN_TIMEOUT")["programs"])
        self.assertEqual(len(self.ask("GET", "")["items"]), len(self.commanded()))
        for method, value in (("PUT", {"value": "7"}), ("DELETE", None)):
            self.assertIn("Redis", self.ask(method, "/SYNC_RUN_TIMEOUT", value, status=503)["detail"])
        self.assertIsNone(self.ask("GET", "/SYNC_RUN_TIMEOUT")["hub_value"])
        self.hub_redis.start()
        self.assertEqual(self.ask("PUT", "/SYNC_RUN_TIMEOUT", {"value": "7"})["hub_value"], "7")
