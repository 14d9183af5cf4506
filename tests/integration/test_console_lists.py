# SPDX-License-Identifier: Apache-2.0
"""Blocklist and refused requests by the console's API: the same as the commands do."""

import json
import unittest
import urllib.parse

import postgres
from console_base import ConsoleTest
from harness import device_mac, device_rows, device_table, long_test, netalertx_push, wait_until

SKIPPED = "00:00:5e:00:53:77"


class ListTest(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.start(SYNC_skip_macs=f"['{SKIPPED}']")
        self.token = self.command("console", "token", "add", "robot").stdout.strip()
        self.reader = self.command("console", "token", "add", "reader", "--read-only").stdout.strip()

    def ask(self, method, path, value=None, status=200, **more):
        answer = self.call(method, path, value, token=more.pop("token", self.token), **more)
        self.assertEqual(answer.status, status, answer)
        return answer.json if answer.body else None

    def pages(self, path, limit=2):
        items, after = [], ""
        while after is not None:
            page = self.ask("GET", f"{path}?limit={limit}&after={urllib.parse.quote(after)}", token=self.reader)
            self.assertLessEqual(len(page["items"]), limit)
            items += page["items"]
            after = page["next"]
        return items

    def assert_only_writers_change(self, requests):
        self.first_visit()
        cookie = {"Cookie": f"synchub_session={self.cookie}"}
        for method, path, body in requests:
            self.ask(method, path, body, status=403, token=self.reader)
            for origin in ({}, {"Origin": "https://evil.example"}):
                answer = self.call(method, path, body, headers={"Origin": None, **cookie, **origin})
                self.assertEqual(answer.status, 403, (method, path, origin))


class Blocklist(ListTest):
    def commanded(self):
        return json.loads(self.command("blocklist", "list", "--json", SYNC_skip_macs=f"['{SKIPPED}']").stdout)["items"]

    def push(self, rows):
        answer = netalertx_push(self.hub.url, device_table(device_rows(rows, node="Berlin")), "Berlin")
        self.assertEqual(answer.status, 200, answer)
        wait_until(lambda: self.hub_redis.backlog() == 0, "the merge", details=self.hub.log)

    def devices(self):
        return {device["devMac"] for device in self.ask("GET", "/devices")["items"]}

    def test_a_blocked_device_is_not_inserted_until_it_is_unblocked(self):
        mac = device_mac(1, "Berlin")
        spelled = mac.upper().replace(":", "-")
        self.assertEqual(self.ask("POST", "/blocklist", {"macs": [spelled], "note": "a guest's"}), {"added": 1})
        self.assertEqual(self.ask("POST", "/blocklist", {"macs": [mac]}), {"added": 0})
        self.push(3)
        self.assertEqual(len(self.devices()), 2)
        self.assertNotIn(mac, self.devices())
        self.ask("DELETE", "/blocklist/" + urllib.parse.quote(spelled), status=204)
        self.push(4)
        wait_until(lambda: mac in self.devices() or self.push(4), "the device", details=self.hub.log)

    def test_the_list_is_that_of_the_command_in_pages(self):
        macs = [f"00:00:5e:00:53:{i:02x}" for i in range(5)] + [SKIPPED, "Internet", "=1+1", "two words"]
        self.assertEqual(self.ask("POST", "/blocklist", {"macs": macs, "note": "<b>\u202e"}), {"added": 9})
        items = self.pages("/blocklist")
        self.assertEqual(items, self.commanded())
        self.assertEqual([one["source"] for one in items if one["mac"] == SKIPPED], ["SYNC_skip_macs", "blocklist"])
        self.assertEqual(len(items), 10)
        for mac in macs:
            self.ask("DELETE", "/blocklist/" + urllib.parse.quote(mac, safe=""), status=204)
        self.assertEqual([one["source"] for one in self.pages("/blocklist")], ["SYNC_skip_macs"])

    def test_invalid_requests_change_nothing(self):
        good = "00:00:5e:00:53:01"
        for body in ({}, {"macs": []}, {"macs": good}, {"macs": [5]}, {"macs": [good, ""]}, {"macs": [good, "x\u0001"]},
                     {"macs": [good], "note": "x" * 201}, {"macs": [good], "note": 5}, {"macs": [good], "notes": "x"},
                     {"macs": [f"00:00:5e:{i >> 8:02x}:{i & 255:02x}:00" for i in range(1001)]}):
            self.ask("POST", "/blocklist", body, status=422)
        for path in ("/blocklist?after=x", "/blocklist?limit=0"):
            self.ask("GET", path, status=422)
        self.ask("DELETE", "/blocklist/" + good, status=404)
        self.ask("DELETE", "/blocklist/" + SKIPPED, status=404)
        self.assertEqual(len(self.pages("/blocklist")), 1)

    def test_a_full_list_is_refused(self):
        for thousand in range(10):
            macs = [f"00:00:5e:{thousand:02x}:{i >> 8:02x}:{i & 255:02x}" for i in range(1000)]
            self.assertEqual(self.ask("POST", "/blocklist", {"macs": macs}), {"added": 1000})
        self.ask("POST", "/blocklist", {"macs": ["aa:00:5e:00:53:01"]}, status=422)
        self.assertEqual(len(self.pages("/blocklist", 1000)), 10001)

    def test_readers_and_other_sites_change_nothing(self):
        mac = "00:00:5e:00:53:01"
        self.ask("POST", "/blocklist", {"macs": [mac]})
        self.assert_only_writers_change((("POST", "/blocklist", {"macs": ["00:00:5e:00:53:02"]}),
                                         ("DELETE", f"/blocklist/{mac}", None)))
        self.assertEqual(len(self.pages("/blocklist")), 2)

    def test_without_redis_the_list_is_shown_but_not_changed(self):
        self.ask("POST", "/blocklist", {"macs": ["00:00:5e:00:53:01"]})
        self.hub_redis.stop()
        self.assertEqual(len(self.pages("/blocklist")), 2)
        self.ask("POST", "/blocklist", {"macs": ["00:00:5e:00:53:02"]}, status=503)
        self.hub_redis.start()
        self.assertEqual(len(self.pages("/blocklist")), 2)


class AuthFailures(ListTest):
    def commanded(self):
        return json.loads(self.command("auth-failures", "--json").stdout)["items"]

    def refuse(self, node):
        """A request with a wrong token that claims to be this node."""
        self.assertEqual(netalertx_push(self.hub.url, "{}", node, token="wrong").status, 403)

    def test_they_are_listed_in_pages_and_cleared(self):
        self.assertEqual(self.pages("/auth-failures"), [])
        names = ("Berlin", "two words", "B\u00fcro <b>", "=1+1", "Rome")
        for node in names:
            self.refuse(node)
        wait_until(lambda: len(self.pages("/auth-failures")) >= 5, "the refused requests", details=self.hub.log)
        items = wait_until(lambda: (found := self.pages("/auth-failures")) == self.commanded() and found,
                           "both to say the same")
        self.assertEqual({one["claimed_node"] for one in items}, set(names))
        self.assertEqual({one["address"] for one in items}, {"127.0.0.1"})
        self.assertEqual(len(items), 5)
        for path in ("/auth-failures?after=x", "/auth-failures?after=1%20x", "/auth-failures?after=x%20y%20z"):
            self.ask("GET", path, status=422)
        self.ask("DELETE", "/auth-failures", status=204)
        self.assertEqual(self.pages("/auth-failures"), [])
        self.assertEqual(self.commanded(), [])

    def test_readers_and_other_sites_clear_nothing(self):
        self.refuse("Berlin")
        wait_until(lambda: self.pages("/auth-failures"), "the refused request")
        self.assert_only_writers_change((("DELETE", "/auth-failures", None),))
        self.assertEqual(len(self.pages("/auth-failures")), 1)

    def test_without_redis_it_is_not_known(self):
        self.hub_redis.stop()
        self.ask("GET", "/auth-failures", status=503)
        self.hub_redis.start()
        self.ask("GET", "/auth-failures")


@long_test
class BlocklistOnPostgres(Blocklist):
    @classmethod
    def setUpClass(cls):
        cls.server = postgres.Postgres()
        cls.addClassCleanup(cls.server.remove)

    def new_database(self):
        return self.server.new_database()

    def test_no_answer_has_the_password_of_the_database(self):
        self.hub_redis.call("SET", "synchub:database", "0" * 32)
        answer = self.ask("POST", "/blocklist", {"macs": ["00:00:5e:00:53:01"]}, status=422)
        self.assertIn("another one than postgresql://", answer["detail"])
        for password in (postgres.PASSWORD, self.db):
            self.assertNotIn(password, str(answer))


if __name__ == "__main__":
    unittest.main()
