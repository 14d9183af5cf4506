# SPDX-License-Identifier: Apache-2.0
"""Dead letters by the console's API: one at a time, and thousands as a job that survives kills."""

import json
import unittest
import urllib.parse

from console_base import CONSOLE, ConsoleTest
from harness import device_rows, device_table, netalertx_push, wait_until
from test_dead import MOVE

# Copies the last dead letter so many times.
COPY = """local l = redis.call('XREVRANGE', KEYS[1], '+', '-')[1][2]
for i = 1, tonumber(ARGV[1]) do redis.call('XADD', KEYS[1], '*', unpack(l)) end
redis.call('INCRBY', KEYS[2], #l[2] * tonumber(ARGV[1])) return 'done'"""


class DeadTest(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.adopt(self.hub_redis, self.db)

    def add_dead_letters(self, *nodes, copies=0, reason="a reason of the test"):
        """Moves a mergeable table of each node to the dead letters, and copies the last one."""
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        for node in nodes:
            self.assertEqual(netalertx_push(ingest.url, device_table(device_rows(3, node=node)), node).status, 200)
        ingest.stop()
        for _ in nodes:
            self.hub_redis.cli("EVAL", MOVE, 4, "synchub:ingest", "synchub:dead", "synchub:dead:bytes",
                               "synchub:bytes", reason)
        if copies:
            self.hub_redis.cli("EVAL", COPY, 2, "synchub:dead", "synchub:dead:bytes", copies)

    def start_console(self, **settings):
        """A console that does not merge, so that what was retried stays in the queue."""
        self.start(SYNC_receiver_role="console", **settings)
        self.token = self.command("console", "token", "add", "robot").stdout.strip()
        self.reader = self.command("console", "token", "add", "reader", "--read-only").stdout.strip()

    def ask(self, method, path, value=None, status=200, **more):
        answer = self.call(method, path, value, token=more.pop("token", self.token), **more)
        self.assertEqual(answer.status, status, answer)
        return answer.json if answer.body else None

    def pages(self, limit=2, **parameters):
        items, after = [], ""
        while after is not None:
            query = urllib.parse.urlencode({"limit": limit, "after": after, **parameters},
                                           quote_via=urllib.parse.quote)
            page = self.ask("GET", f"/dead-letters?{query}", token=self.reader)
            self.assertLessEqual(len(page["items"]), limit)
            items += page["items"]
            after = page["next"]
        return items

    def number(self, key):
        return int(self.hub_redis.cli("GET", key) or 0)

    def ended(self, job):
        """The job once it has ended."""
        return wait_until(lambda: (now := self.ask("GET", f"/jobs/{job['id']}", token=self.reader))["state"] not in
                          ("running", "waiting") and now, "the job to end", details=self.hub.log)


class Letters(DeadTest):
    def test_they_are_listed_shown_retried_and_dropped(self):
        self.add_dead_letters("Node_A", "B\u00fcro <b>1", "Node_C", "Node_C", reason="<img src=x> \u202e")
        self.start_console()
        letters = self.pages()
        listed = json.loads(self.command("dead", "list", "--json").stdout)["items"]
        self.assertEqual(letters, listed)
        self.assertEqual([letter["node"] for letter in letters], ["Node_A", "B\u00fcro <b>1", "Node_C", "Node_C"])
        self.assertEqual([letter["id"] for letter in self.pages(1, node="Node_C")],
                         [letter["id"] for letter in letters[2:]])
        self.assertEqual(self.pages(node="Nobody"), [])
        for letter in letters:
            self.assertEqual(self.ask("GET", f"/dead-letters/{letter['id']}", token=self.reader), letter)
        first, second = letters[0]["id"], letters[1]["id"]
        self.ask("POST", f"/dead-letters/{first}/retry", status=204)
        self.ask("POST", f"/dead-letters/{second}/retry", {}, status=204)
        self.assertEqual((self.hub_redis.backlog(), self.hub_redis.dead()), (2, 2))
        self.ask("DELETE", f"/dead-letters/{letters[2]['id']}", status=204)
        self.assertEqual((self.hub_redis.backlog(), self.hub_redis.dead()), (2, 1))
        for method, path in (("POST", f"/dead-letters/{first}/retry"), ("DELETE", f"/dead-letters/{first}"),
                             ("GET", f"/dead-letters/{first}"), ("GET", "/dead-letters/x"), ("DELETE", "/dead-letters/-")):
            self.ask(method, path, status=404)
        self.assertEqual(self.number("synchub:dead:bytes"), letters[3]["bytes"])

    def test_invalid_requests_are_refused(self):
        self.start_console()
        for path in ("/dead-letters?after=x", "/dead-letters?after=1", "/dead-letters?limit=0",
                     "/dead-letters?node=" + "x" * 300):
            self.ask("GET", path, status=422)
        for body in ({}, {"action": "retry"}, {"all": True}, {"action": "read", "all": True},
                     {"action": "drop", "all": False}, {"action": "drop", "all": True, "node": "x"},
                     {"action": "drop", "node": ""}, {"action": "drop", "ids": ["1-1"]}, {"action": "drop", "node": 5}):
            self.ask("POST", "/dead-letters/bulk", body, status=422)
        for path in ("/jobs/x", "/jobs/" + "0" * 32):
            self.ask("GET", path, status=404)
            self.ask("DELETE", path, status=404)
        self.assertEqual(self.ask("GET", "/jobs"), {"items": [], "next": None})

    def test_readers_and_other_sites_change_nothing(self):
        self.add_dead_letters("Node_A")
        self.start_console()
        letter = self.pages()[0]["id"]
        self.first_visit()
        cookie = {"Cookie": f"synchub_session={self.cookie}"}
        for method, path, body in (("POST", f"/dead-letters/{letter}/retry", None),
                                   ("DELETE", f"/dead-letters/{letter}", None), ("DELETE", "/jobs/x", None),
                                   ("POST", "/dead-letters/bulk", {"action": "drop", "all": True})):
            self.ask(method, path, body, status=403, token=self.reader)
            for origin in ({}, {"Origin": "https://evil.example"}):
                answer = self.call(method, path, body, headers={"Origin": None, **cookie, **origin})
                self.assertEqual(answer.status, 403, (method, path, origin))
        self.assertEqual(len(self.pages()), 1)
        self.assertEqual(self.ask("GET", "/jobs")["items"], [])

    def test_without_redis_they_are_not_known(self):
        self.start_console()
        self.hub_redis.stop()
        for method, path, body in (("GET", "/dead-letters", None), ("GET", "/jobs", None),
                                   ("POST", "/dead-letters/bulk", {"action": "drop", "all": True})):
            self.ask(method, path, body, status=503)
        self.hub_redis.start()
        self.assertEqual(self.pages(), [])


class Jobs(DeadTest):
    def bulk(self, action, status=202, **whose):
        return self.ask("POST", "/dead-letters/bulk", {"action": action, **(whose or {"all": True})}, status=status)

    def hold(self):
        """A job that cannot go on, as the queue is said to be full, until release()."""
        self.hub_redis.cli("XADD", "synchub:ingest", "*", "e", "no envelope", "m", "push")
        self.hub_redis.cli("SET", "synchub:bytes", 1 << 40)
        job = self.bulk("retry")
        wait_until(lambda: self.ask("GET", f"/jobs/{job['id']}")["state"] == "waiting", "the job to wait",
                   details=self.hub.log)
        return job

    def release(self):
        self.hub_redis.cli("DEL", "synchub:ingest", "synchub:bytes")

    def test_ten_thousand_are_retried(self):
        self.add_dead_letters("Node_A", "Node_B", copies=10_000)
        self.start_console()
        total = self.number("synchub:dead:bytes")
        answer = self.call("POST", "/dead-letters/bulk", {"action": "retry", "all": True}, token=self.token)
        self.assertEqual(answer.status, 202)
        self.assertEqual(answer.headers["location"], f"/api/v1/jobs/{answer.json['id']}")
        self.assertEqual((answer.json["total"], answer.json["node"]), (10_002, None))
        job = self.ended(answer.json)
        self.assertEqual((job["state"], job["done"], job["missing"], job["message"]), ("done", 10_002, 0, None))
        self.assertEqual((self.hub_redis.backlog(), self.hub_redis.dead()), (10_002, 0))
        self.assertEqual((self.number("synchub:bytes"), self.number("synchub:dead:bytes")), (total, 0))
        self.assertEqual(self.ask("GET", "/jobs")["items"], [job])
        self.hub.wait_for_log(rf"console: token robot: job {job['id']}, retry of the dead letters of all nodes")
        self.hub.wait_for_log(rf"job {job['id']}, .* is done: 10002 of 10002")

    def test_those_of_one_node_are_dropped(self):
        self.add_dead_letters("Node_A", "B\u00fcro 1", copies=1000)
        self.start_console()
        node = self.pages(1000)[-1]["node"]
        job = self.ended(self.bulk("drop", node=node))
        self.assertEqual((job["total"], job["done"], job["node"]), (1001, 1001, node))
        self.assertEqual([letter["node"] for letter in self.pages()], ["Node_A"])
        nothing = self.ended(self.bulk("drop", node="Nobody"))
        self.assertEqual((nothing["total"], nothing["done"]), (0, 0))
        self.assertEqual([one["id"] for one in self.ask("GET", "/jobs")["items"]], [nothing["id"], job["id"]])

    def test_a_job_goes_on_after_the_console_was_killed(self):
        self.add_dead_letters("Node_A", copies=500)
        self.start_console()
        job = self.hold()
        self.hub.kill()
        self.release()
        self.assertEqual(self.hub_redis.dead(), 501)
        self.start_console_again()
        wait_until(lambda: self.hub_redis.dead() == 0, "the job to go on", details=self.hub.log)
        self.assertEqual(self.ended(job)["done"], 501)
        self.assertEqual(self.hub_redis.backlog(), 501)

    def start_console_again(self):
        self.start(SYNC_receiver_role="console")

    def test_killed_at_any_time_it_changes_each_letter_once(self):
        self.add_dead_letters("Node_A", copies=9_000)
        self.start_console()
        job = self.bulk("retry")
        for least in (8_500, 5_000, 2_000):
            wait_until(lambda: self.hub_redis.dead() < least, "some steps", details=self.hub.log)
            self.hub.kill()  # Redis may still do its last step
            wait_until(lambda: self.hub_redis.dead() + self.hub_redis.backlog() == 9_001, "all letters to be somewhere")
            self.start_console_again()
        self.assertEqual((self.ended(job)["done"], self.hub_redis.dead(), self.hub_redis.backlog()), (9_001, 0, 9_001))

    def test_two_consoles_share_it(self):
        self.add_dead_letters("Node_A", copies=5_000)
        self.start_console()
        other = self.receiver(self.hub_redis, self.db, SYNC_receiver_role="console", SYNC_console_listen="127.0.0.1:0")
        job = self.hold()
        own, self.url = self.url, f"http://127.0.0.1:{int(other.wait_for_log(CONSOLE).group(2))}"
        self.assertEqual(self.bulk("retry")["id"], job["id"])  # asked twice
        self.assertIn(job["id"], self.bulk("drop", status=409)["detail"])
        self.assertIn("cancel", self.bulk("retry", status=409, node="Node_A")["detail"])
        self.release()
        self.ask("GET", f"/jobs/{job['id']}")
        self.url = own
        self.ask("GET", f"/jobs/{job['id']}")
        self.assertEqual(self.ended(job)["done"], 5_001)
        self.assertEqual((self.hub_redis.dead(), self.hub_redis.backlog()), (0, 5_001))

    def test_a_cancelled_job_changes_nothing_more(self):
        self.add_dead_letters("Node_A", copies=100)
        self.start_console()
        job = self.hold()
        waiting = self.ask("GET", f"/jobs/{job['id']}")
        self.assertIn("queue is full", waiting["message"])
        self.ask("DELETE", f"/jobs/{job['id']}", status=204)
        self.ask("DELETE", f"/jobs/{job['id']}", status=204)
        self.release()
        self.assertEqual(self.ended(job)["state"], "cancelled")
        self.assertEqual(self.ended(self.bulk("drop"))["done"], 101)
        self.assertEqual(self.ask("GET", f"/jobs/{job['id']}")["state"], "cancelled")

    def test_what_fails_again_is_not_retried_again(self):
        self.hub_redis.cli("XADD", "synchub:dead", "*", "e", "no envelope", "m", "push", "i", "1-1", "r", "before")
        self.hub_redis.cli("INCRBY", "synchub:dead:bytes", 11)
        self.start()
        self.token = self.reader = self.command("console", "token", "add", "robot").stdout.strip()
        job = self.ended(self.bulk("retry"))
        self.assertEqual((job["state"], job["done"]), ("done", 1))
        wait_until(lambda: [letter for letter in self.pages() if "too few" in letter["reason"]], "it to fail again",
                   details=self.hub.log)

    def test_a_redis_that_comes_back_goes_on_with_it(self):
        self.add_dead_letters("Node_A", copies=100)
        self.start_console()
        job = self.hold()
        self.hub_redis.stop()
        self.hub.wait_for_log("jobs wait, as Redis could not be asked")
        self.hub_redis.start()
        self.release()
        self.assertEqual(self.ended(job)["done"], 101)
        self.hub_redis.cli("FLUSHALL")
        self.ask("GET", f"/jobs/{job['id']}", status=404)


if __name__ == "__main__":
    unittest.main()
