# SPDX-License-Identifier: Apache-2.0
"""What operators change of nodes by the console's API: the same as the commands do."""

import json
import unittest
import urllib.parse

import postgres
from console_base import ConsoleTest
from harness import KEY, TOKEN, device_rows, device_table, long_test, netalertx_push, wait_until

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


class Credentials(NodesTest):
    def add(self, name="Berlin", status=201, **options):
        return self.ask("POST", self.path(name, "credentials"), options or None, status=status)

    def try_push(self, credentials, rows=3):
        table = device_table(device_rows(rows, node="Berlin"))
        return netalertx_push(self.hub.url, table, "Berlin", passphrase=credentials["SYNC_encryption_key"],
                              token=credentials["SYNC_api_token"]).status

    def shared(self):
        return {"SYNC_api_token": TOKEN, "SYNC_encryption_key": KEY}

    def wait_for(self, credentials, status):
        wait_until(lambda: self.try_push(credentials) == status, f"a push to answer {status}", details=self.hub.log)

    def test_they_are_added_rotated_and_revoked(self):
        first = self.add(netalertx=True)
        self.assertEqual((first["name"], first["SYNC_node_name"], first["published"]), ("Berlin", "Berlin", True))
        self.wait_for(first, 200)
        self.assertEqual(self.try_push(self.shared()), 403)
        self.add(status=409)
        second = self.ask("POST", self.path("Berlin", "credentials", "rotate"), {"grace_s": 3600})
        self.assertNotEqual(first["SYNC_api_token"], second["SYNC_api_token"])
        self.wait_for(second, 200)
        self.assertEqual(self.try_push(first), 200)
        state = self.ask("GET", self.path("Berlin", "credentials"))
        self.assertEqual((state["name"], state["state"], state["protocol"]), ("Berlin", "rotating", "any"))
        self.assertTrue(state["last_used"])
        third = self.ask("POST", self.path("Berlin", "credentials", "rotate"), {"grace_s": 0})
        self.wait_for(third, 200)
        wait_until(lambda: self.try_push(first) == 403 == self.try_push(second), "the older ones to end")
        self.ask("DELETE", self.path("Berlin"), status=409)
        self.ask("DELETE", self.path("Berlin", "credentials"), status=204)
        self.wait_for(third, 403)
        self.assertEqual(self.try_push(self.shared()), 403)
        self.assertEqual(self.ask("GET", self.path("Berlin", "credentials"))["state"], "revoked")
        self.assertEqual(self.ask("GET", self.path("Berlin"))["state"], "revoked")
        self.ask("DELETE", self.path("Berlin", "credentials"), status=204)
        self.ask("DELETE", self.path("Berlin"), status=204)
        self.hub.wait_for_log("console: token robot from 127[.]0[.]0[.]1: POST /api/v1/nodes/Berlin/credentials/rotate")
        log = self.hub.log()
        for made in (first, second, third):
            for name in ("SYNC_api_token", "SYNC_encryption_key"):
                self.assertNotIn(made[name], log)

    def test_during_the_grace_period_the_shared_ones_work_too(self):
        made = self.add(netalertx=True, ephemeral=True, grace_s=3600)
        self.wait_for(made, 200)
        self.assertEqual(self.try_push(self.shared()), 200)
        self.assertEqual(self.ask("GET", self.path("Berlin", "credentials"))["state"], "grace")
        self.assertTrue(self.ask("GET", self.path("Berlin"))["ephemeral"])

    def test_the_list_is_that_of_the_command_in_pages(self):
        for name in ("Rome", "Athens", *NAMES[:2]):
            self.add(name)
        listed = json.loads(self.command("node", "list", "--json").stdout)["items"]
        items, after = [], ""
        while after is not None:
            page = self.ask("GET", f"/credentials?limit=2&after={urllib.parse.quote(after)}", token=self.reader)
            self.assertLessEqual(len(page["items"]), 2)
            items += page["items"]
            after = page["next"]
        self.assertEqual(items, listed)
        self.assertEqual(len(items), 4)
        for one in items:
            self.assertEqual(self.ask("GET", self.path(one["name"], "credentials"), token=self.reader), one)

    def test_invalid_requests_are_refused(self):
        for options in ({"grace_s": -1}, {"grace_s": 7776001}, {"grace_s": "7d"}, {"netalertx": 1}, {"grace": 5}):
            self.add(status=422, **options)
        for name in ("a b ", "x" * 51, "\u202e"):
            self.add(name, status=422)
        for method, more in (("POST", ["rotate"]), ("DELETE", []), ("GET", [])):
            self.ask(method, self.path("Berlin", "credentials", *more), status=404)
        self.add("Berlin")
        self.add("berlin", status=409)
        self.ask("POST", self.path("Berlin", "credentials", "rotate"), {"netalertx": True}, status=422)
        self.ask("POST", self.path("Berlin", "credentials", "again"), {}, status=404, check=False)

    def test_readers_and_other_sites_make_none(self):
        self.first_visit()
        cookie = {"Cookie": f"synchub_session={self.cookie}"}
        self.add("Rome")
        for method, path in (("POST", self.path("Berlin", "credentials")), ("DELETE", self.path("Rome", "credentials")),
                             ("POST", self.path("Rome", "credentials", "rotate"))):
            self.ask(method, path, status=403, token=self.reader)
            for origin in ({}, {"Origin": "https://evil.example"}):
                answer = self.call(method, path, headers={"Origin": None, **cookie, **origin})
                self.assertEqual(answer.status, 403, (method, origin))
        self.assertEqual([one["state"] for one in self.ask("GET", "/credentials")["items"]], ["active"])

    def test_nobody_keeps_an_answer_with_secrets(self):
        answer = self.call("POST", self.path("Berlin", "credentials"), token=self.token)
        self.assertEqual((answer.status, answer.headers["cache-control"]), (201, "no-store"))
        self.assertNotIn("etag", answer.headers)
        self.assertNotIn("SYNC_api_token", json.dumps(self.ask("GET", self.path("Berlin"))))

    def test_without_redis_nothing_is_made(self):
        self.hub_redis.stop()
        self.add(status=503)
        self.hub_redis.start()
        self.add()


@long_test
class EditsOnPostgres(Edits):
    @classmethod
    def setUpClass(cls):
        cls.server = postgres.Postgres()
        cls.addClassCleanup(cls.server.remove)

    def new_database(self):
        return self.server.new_database()


@long_test
class CredentialsOnPostgres(Credentials):
    @classmethod
    def setUpClass(cls):
        cls.server = postgres.Postgres()
        cls.addClassCleanup(cls.server.remove)

    def new_database(self):
        return self.server.new_database()


if __name__ == "__main__":
    unittest.main()
