# SPDX-License-Identifier: Apache-2.0
"""What operators change of nodes by the console's API: the same as the commands do."""

import json
import unittest
import urllib.parse

import postgres
from console_base import ConsoleTest
from harness import device_rows, device_table, long_test, netalertx_push, wait_until

NAMES = ("Büro <b>&amp; 中文", "a b", "%41?x#y", "'; DROP TABLE SyncHub_Nodes; --")


class NodesTest(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.token = self.command("console", "token", "add", "robot").stdout.strip()
        self.reader = self.command("console", "token", "add", "reader", "--read-only").stdout.strip()

    def ask(self, method, path, value=None, status=200, **more):
        answer = self.call(method, path, value, token=more.pop("token", self.token), **more)
        self.assertEqual(answer.status, status, answer)
        return answer.json if answer.body else None

    def path(self, name, *more):
        return "/".join(["/nodes", urllib.parse.quote(name, safe=""), *more])

    def shown(self, name):
        return json.loads(self.command("node", "show", name, "--json").stdout)

    def push(self, node, rows=3):
        answer = netalertx_push(self.hub.url, device_table(device_rows(rows, node=node)), node)
        self.assertEqual(answer.status, 200, answer)
        wait_until(lambda: self.hub_redis.backlog() == 0, "the merge", details=self.hub.log)


class Edits(NodesTest):
    def test_a_node_is_expected_changed_and_forgotten(self):
        for name in NAMES:
            with self.subTest(name=name):
                added = self.ask("POST", "/nodes", {"name": name}, status=201)
                self.assertEqual((added["name"], added["state"]), (name, "never"))
                again = self.ask("POST", "/nodes", {"name": name}, status=201)
                self.assertEqual(again["name"], name)
                changed = self.ask("PATCH", self.path(name), {
                    "labels": {"site": "north", "floor": "=2"}, "note": "by the window",
                    "silent_after_s": 7200, "ephemeral": True})
                self.assertEqual((changed["labels"], changed["note"], changed["silent_after_s"], changed["ephemeral"]),
                                 ({"site": "north", "floor": "=2"}, "by the window", 7200, True))
                for key, value in self.shown(name).items():
                    if key != "reason":
                        self.assertEqual(changed[key], value, key)
                changed = self.ask("PATCH", self.path(name), {"labels": {"site": None, "floor": "3"}})
                self.assertEqual((changed["labels"], changed["note"]), ({"floor": "3"}, "by the window"))
                changed = self.ask("PATCH", self.path(name), {"silent_after_s": None, "ephemeral": False})
                self.assertNotEqual(changed["silent_after_s"], 7200)
                self.assertFalse(changed["ephemeral"])
                self.ask("DELETE", self.path(name), status=204)
                self.ask("GET", self.path(name), status=404)
                self.ask("DELETE", self.path(name), status=404)

    def test_a_node_in_contact_is_changed_and_comes_back_after_it_was_forgotten(self):
        self.push("Berlin")
        self.ask("PATCH", self.path("Berlin"), {"note": "first"})
        self.assertEqual(self.shown("Berlin")["note"], "first")
        self.ask("DELETE", self.path("Berlin"), status=204)
        self.push("Berlin", 4)
        node = self.ask("GET", self.path("Berlin"))
        self.assertEqual((node["note"], node["state"]), ("", "online"))

    def test_what_commands_say_the_api_answers(self):
        self.ask("POST", "/nodes", {"name": "Berlin"}, status=201)
        self.command("node", "label", "Berlin", "site=north")
        self.assertEqual(self.ask("GET", self.path("Berlin"))["labels"], {"site": "north"})
        self.ask("PATCH", self.path("Berlin"), {"labels": {"site": ""}})
        self.assertEqual(self.shown("Berlin")["labels"], {})

    def test_invalid_changes_are_refused_and_change_nothing(self):
        self.ask("POST", "/nodes", {"name": "Berlin"}, status=201)
        before = self.ask("GET", self.path("Berlin"))
        for body in ({"note": "x" * 501}, {"note": "two\nlines"}, {"labels": {"a b": "c"}}, {"labels": {"a=b": "c"}},
                     {"labels": {"": "c"}}, {"labels": {"a": 5}}, {"labels": {"a": "x" * 2000}},
                     {"labels": {f"key-{i}": "x" for i in range(33)}}, {"silent_after_s": 0},
                     {"silent_after_s": 1e10}, {"silent_after_s": "7d"}, {"ephemeral": "yes"}, {"notes": "x"},
                     {"note": "kept?", "labels": {"a b": "c"}}):
            self.ask("PATCH", self.path("Berlin"), body, status=422)
        for key, value in self.ask("GET", self.path("Berlin")).items():
            if key != "reason":
                self.assertEqual(value, before[key], key)
        for name in ("", " x", "x\u202e", "a/b", "..", "x" * 51, 5, None):
            self.ask("POST", "/nodes", {"name": name}, status=422)
        self.ask("PATCH", self.path("Nobody"), {"note": "x"}, status=404)
        self.ask("PATCH", self.path("x" * 300), {"note": "x"}, status=404)

    def test_readers_and_other_sites_change_nothing(self):
        self.ask("POST", "/nodes", {"name": "Berlin"}, status=201)
        self.first_visit()
        cookie = {"Cookie": f"synchub_session={self.cookie}"}
        for method, path, body in (("POST", "/nodes", {"name": "Rome"}), ("DELETE", self.path("Berlin"), None),
                                   ("PATCH", self.path("Berlin"), {"note": "changed"})):
            self.ask(method, path, body, status=403, token=self.reader)
            for origin in ({}, {"Origin": "https://evil.example"}, {"Origin": self.url, "Sec-Fetch-Site": "cross-site"}):
                answer = self.call(method, path, body, headers={"Origin": None, **cookie, **origin})
                self.assertEqual(answer.status, 403, (method, origin))
            self.assertEqual(self.call(method, path, body, headers={"Cookie": None, "Origin": None}).status, 401)
        self.assertEqual([node["name"] for node in self.ask("GET", "/nodes")["items"]], ["Berlin"])
        self.assertEqual(self.ask("GET", self.path("Berlin"))["note"], "")
        own = self.call("PATCH", self.path("Berlin"), {"note": "by the page"})
        self.assertEqual((own.status, own.json["note"]), (200, "by the page"))
        self.hub.wait_for_log(r"console: admin from 127\.0\.0\.1: PATCH /api/v1/nodes/Berlin")
        self.assertNotIn("by the page", self.hub.log())

    def test_without_redis_the_record_is_changed_but_nothing_forgotten(self):
        self.ask("POST", "/nodes", {"name": "Berlin"}, status=201)
        self.hub_redis.stop()
        self.assertEqual(self.ask("PATCH", self.path("Berlin"), {"note": "alone"})["note"], "alone")
        self.ask("DELETE", self.path("Berlin"), status=503)
        self.hub_redis.start()
        self.assertEqual(self.ask("GET", self.path("Berlin"))["note"], "alone")


@long_test
class OnPostgres(Edits):
    @classmethod
    def setUpClass(cls):
        cls.server = postgres.Postgres()
        cls.addClassCleanup(cls.server.remove)

    def new_database(self):
        return self.server.new_database()


if __name__ == "__main__":
    unittest.main()
