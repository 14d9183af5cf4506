# SPDX-License-Identifier: Apache-2.0
"""Dead letters: their subcommands, and which entries become dead letters when receivers die."""

import json
import sqlite3
import unittest

import harness
from harness import SyncHubTest, count, device_rows, device_table, netalertx_push, wait_until

MOVE = """local e = redis.call('XRANGE', KEYS[1], '-', '+')[1]
redis.call('XADD', KEYS[2], '*', 'e', e[2][2], 'm', e[2][4], 'i', e[1], 'r', ARGV[1])
redis.call('INCRBY', KEYS[3], #e[2][2]) redis.call('DECRBY', KEYS[4], #e[2][2])
redis.call('XDEL', KEYS[1], e[1]) return e[1]"""

COPY = """local bytes, all = 0, redis.call('XRANGE', KEYS[1], '-', '+')
for copy = 1, ARGV[1] do for _, letter in ipairs(all) do
redis.call('XADD', KEYS[1], '*', unpack(letter[2])) bytes = bytes + #letter[2][2] end end
return redis.call('INCRBY', KEYS[2], bytes)"""


class DeadTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.db = self.folder / "hub.db"

    def queue(self, *nodes, rows=3):
        """Pushes a table of each node without merging it."""
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        for node in nodes:
            table = device_table(device_rows(rows, node=node))
            self.assertEqual(netalertx_push(ingest.url, table, node).status, 200)
        ingest.stop()

    def add_dead_letters(self, *nodes, reason="a reason of the test"):
        """Moves a mergeable entry of each node to the dead letters."""
        self.queue(*nodes)
        for _ in nodes:
            self.hub_redis.cli("EVAL", MOVE, 4, "synchub:ingest", "synchub:dead",
                               "synchub:dead:bytes", "synchub:bytes", reason)

    def dead(self, *arguments, code=0):
        """Runs a subcommand with only SYNC_redis_url: it needs no token and no key."""
        return self.run_program("receiver", {"SYNC_redis_url": self.hub_redis.url}, "dead",
                                *arguments, code=code)

    def letters(self, *arguments):
        return json.loads(self.dead("list", "--json", *arguments).stdout)["dead"]

    def changes(self):
        return [line for line in self.hub_redis.cli("INFO", "persistence").splitlines()
                if line.startswith("rdb_changes_since_last_save")]

    def number(self, key):
        return int(self.hub_redis.cli("GET", key) or 0)


class Commands(DeadTest):
    def test_unmergeable_entries_are_listed_with_the_reason(self):
        self.hub_redis.cli("XADD", "synchub:ingest", "*", "e", "no envelope", "m", "push")
        hub = self.receiver(self.hub_redis, self.db)
        wait_until(lambda: self.hub_redis.dead() == 1, "the dead letter", details=hub.log)
        self.assertEqual(self.number("synchub:dead:bytes"), len("no envelope"))
        letter = self.letters()[0]
        self.assertEqual((letter["node"], letter["kind"], letter["mode"], letter["bytes"]),
                         ("", "?", "push", 11))
        self.assertIn("too few for an envelope", letter["reason"])
        self.assertIn(letter["reason"], self.dead("list").stdout)

    def test_list_and_show_print_everything_but_the_content_and_are_read_only(self):
        self.add_dead_letters("Node_A", "Büro 1")
        before = self.changes()
        letters = self.letters()
        self.assertEqual([letter["node"] for letter in letters], ["Node_A", "Büro 1"])
        self.assertEqual({letter["reason"] for letter in letters}, {"a reason of the test"})
        self.assertEqual([letter["node"] for letter in self.letters("--node", "Büro 1")],
                         ["Büro 1"])
        text = self.dead("list").stdout.splitlines()
        self.assertEqual(text[0].split(), ["ID", "NODE", "KIND", "BYTES", "MODE", "WHEN", "REASON"])
        self.assertEqual(len(text), 3)
        self.assertEqual({line.index("devices") for line in text[1:]}, {text[0].index("KIND")})
        shown = self.dead("show", letters[1]["id"]).stdout
        for word in (letters[1]["id"], "Büro 1", "devices", "a reason of the test",
                     letters[1]["item"], letters[1]["key_id"], letters[1]["entry"]):
            self.assertIn(word, shown)
        self.assertEqual(json.loads(self.dead("show", "--json", letters[1]["id"]).stdout),
                         letters[1])
        self.assertNotIn("Phone", shown)
        self.assertEqual(self.changes(), before)

    def sent_by_redis(self):
        info = self.hub_redis.cli("INFO", "stats")
        return int(info.split("total_net_output_bytes:")[1].split()[0])

    def test_no_command_transfers_the_content(self):
        self.add_dead_letters("Node_A")
        for size in (0, 1, 100, 2 << 20, 2 << 20, 2 << 20):
            self.hub_redis.cli("EVAL", """local e = redis.call('XRANGE', KEYS[1], '-', '+')[1][2][2]
redis.call('XADD', KEYS[1], '*', 'e', e .. string.rep('x', ARGV[1]), 'm', 'push', 'i', '1-1', 'r',
'stretched')""", 1, "synchub:dead", size)
        before = self.sent_by_redis()
        letters = self.letters()
        self.assertEqual([letter["bytes"] - letters[0]["bytes"] for letter in letters],
                         [0, 0, 1, 100, 2 << 20, 2 << 20, 2 << 20])
        self.assertEqual([letter["node"] for letter in letters], ["Node_A"] * 2 + [""] * 5)
        self.dead("list")
        self.assertIn(str(letters[-1]["bytes"]), self.dead("show", letters[-1]["id"]).stdout)
        self.dead("drop", "--all")
        self.assertLess(self.sent_by_redis() - before, 100_000)
        self.assertEqual(self.letters(), [])

    def test_an_empty_list_is_reported(self):
        self.assertEqual(self.dead("list").stdout, "There are no dead letters.\n")
        self.assertEqual(self.letters(), [])
        self.assertEqual(self.dead("retry", "--all").stdout, "0 retried.\n")

    def test_retried_letters_are_merged_and_all_counts_are_right(self):
        self.add_dead_letters("Node_A", "Node_B")
        total = self.number("synchub:dead:bytes")
        first, second = self.letters()
        self.assertEqual(total, first["bytes"] + second["bytes"])
        self.dead("retry", first["id"])
        self.assertEqual((self.hub_redis.backlog(), self.hub_redis.dead()), (1, 1))
        self.assertEqual(self.number("synchub:bytes"), first["bytes"])
        self.assertEqual(self.number("synchub:dead:bytes"), second["bytes"])
        done = self.dead("retry", "--all", "--json")
        self.assertEqual(json.loads(done.stdout), {"retried": [second["id"]]})
        self.assertEqual(self.number("synchub:dead:bytes"), 0)
        self.receiver(self.hub_redis, self.db)
        self.wait_merged(self.hub_redis, self.db, 6)
        self.assertEqual((self.hub_redis.dead(), self.number("synchub:bytes")), (0, 0))

    def test_only_dropped_letters_are_deleted(self):
        self.add_dead_letters("Node_A", "Node_B", "Node_C")
        first, second, third = self.letters()
        self.assertEqual(self.dead("drop", second["id"]).stdout,
                         f"dropped {second['id']}\n1 dropped.\n")
        self.assertEqual([letter["node"] for letter in self.letters()], ["Node_A", "Node_C"])
        self.assertEqual(self.number("synchub:dead:bytes"), first["bytes"] + third["bytes"])
        self.dead("drop", "--all")
        self.assertEqual((self.letters(), self.hub_redis.backlog()), ([], 0))
        self.assertEqual(self.number("synchub:dead:bytes"), 0)

    def test_those_of_one_node_are_retried_and_dropped(self):
        self.add_dead_letters("Node_A", "Node_B", "Node_C")
        of_b = [letter["id"] for letter in self.letters() if letter["node"] == "Node_B"]
        done = self.dead("retry", "--node", "Node_B", "--json")
        self.assertEqual(json.loads(done.stdout), {"retried": of_b})
        self.assertEqual([letter["node"] for letter in self.letters()], ["Node_A", "Node_C"])
        self.assertEqual(self.dead("drop", "--node=Nobody").stdout, "0 dropped.\n")
        self.dead("drop", "--all", "--node=Node_A")
        self.assertEqual([letter["node"] for letter in self.letters()], ["Node_C"])

    def test_thousands_are_listed_retried_and_dropped(self):
        self.add_dead_letters("Node_A", "Node_B")
        self.hub_redis.cli("EVAL", COPY, 2, "synchub:dead", "synchub:dead:bytes", 2499)
        total = self.number("synchub:dead:bytes")
        listed = json.loads(self.dead("list", "--json").stdout)
        self.assertEqual(len(listed["items"]), 5000)
        self.assertEqual(listed["items"], listed["dead"])
        self.assertEqual([letter["id"] for letter in listed["items"]],
                         [line.split()[0] for line in self.dead("list").stdout.splitlines()[1:]])
        of_b = [letter["id"] for letter in listed["items"] if letter["node"] == "Node_B"]
        lines = self.dead("retry", "--node", "Node_B").stdout.splitlines()
        self.assertEqual(lines, [*(f"retried {id}" for id in of_b), "2500 retried."])
        self.assertEqual((self.hub_redis.backlog(), self.hub_redis.dead()), (2500, 2500))
        self.assertEqual(self.number("synchub:bytes") + self.number("synchub:dead:bytes"), total)
        ids = [letter["id"] for letter in self.letters()]
        done = self.dead("drop", *ids[:70], "1-1", *ids[70:200], code=1)
        self.assertEqual(done.stdout.splitlines(), [*(f"dropped {id}" for id in ids[:200]), "200 dropped."])
        self.assertEqual(json.loads(self.dead("drop", "--all", "--json").stdout), {"dropped": ids[200:]})
        self.assertEqual(self.number("synchub:dead:bytes"), 0)
        self.assertEqual(self.dead("list", "--node", "Node_B").stdout.splitlines()[-1],
                         "There are no dead letters of this node.")

    def test_a_missing_id_exits_with_1_after_the_others_were_handled(self):
        self.add_dead_letters("Node_A", "Node_B")
        ids = [letter["id"] for letter in self.letters()]
        for bad in ("1-1", ids[0].split("-")[0], "x", "1-1 ", "$", "9" * 70):
            with self.subTest(bad):
                for verb in ("show", "retry", "drop"):
                    self.assertIn("there is no dead letter",
                                  self.dead(verb, bad, code=1).stderr)
        done = self.dead("retry", "1-1", ids[1], code=1)
        self.assertIn(f"retried {ids[1]}", done.stdout)
        self.assertEqual([letter["id"] for letter in self.letters()], ids[:1])

    def test_unknown_arguments_exit_with_2_and_change_nothing(self):
        self.add_dead_letters("Node_A")
        id = self.letters()[0]["id"]
        for bad in (["retry"], ["drop"], ["drop", "--all", id], ["drop", "--al"], ["show"],
                    ["drop", "--node"], ["drop", "--node", "Node_A", id], ["show", "--node", "N"],
                    ["show", id, id], ["show", "--all"], ["list", id], [], ["bury", id]):
            with self.subTest(bad):
                self.dead(*bad, code=2)
        self.assertEqual(len(self.letters()), 1)

    def test_a_full_queue_refuses_a_retry_with_a_message(self):
        self.add_dead_letters("Node_A")
        self.queue("Node_B")
        self.hub_redis.cli("SET", "synchub:bytes", 256 * 1024 * 1024)
        done = self.dead("retry", "--all", code=1)
        self.assertIn("the queue is full", done.stderr)
        self.assertEqual((self.hub_redis.backlog(), self.hub_redis.dead()), (1, 1))

    def test_without_redis_commands_exit_with_1_and_a_message(self):
        self.hub_redis.stop()
        for verb in (["list"], ["retry", "--all"]):
            self.assertIn("SYNC_redis_url", self.dead(*verb, code=1).stderr)

    def test_the_oldest_letters_over_the_limit_are_dropped_and_logged(self):
        self.add_dead_letters("Node_A", "Node_B")
        self.hub_redis.cli("SET", "synchub:dead:bytes", 128 * 1024 * 1024)
        self.hub_redis.cli("XADD", "synchub:ingest", "*", "e", "no envelope", "m", "push")
        hub = self.receiver(self.hub_redis, self.db)
        hub.wait_for_log(r"error receiver: the dead letters, .* are full: some were dropped for "
                         r"good.* node=Node_A entry=[0-9-]+ dropped=1: a reason of the test")
        self.assertEqual([letter["node"] for letter in self.letters()], ["Node_B", ""])


class PoisonEntries(DeadTest):
    """Entries in the state left by receivers that died while merging them."""

    def mark_as_redelivered(self, deliveries, deaths=0):
        """Makes the first entry look as if it was delivered to receivers that died; returns its id."""
        if "receivers" not in self.hub_redis.cli("XINFO", "GROUPS", "synchub:ingest"):
            self.hub_redis.cli("XGROUP", "CREATE", "synchub:ingest", "receivers", "0")
        self.hub_redis.cli("XREADGROUP", "GROUP", "receivers", "ghost", "COUNT", 1, "STREAMS",
                           "synchub:ingest", ">")
        id = self.hub_redis.cli("XRANGE", "synchub:ingest", "-", "+", "COUNT", 1).split()[0]
        self.assign_to_dead_consumer(id, deliveries)
        if deaths:
            self.hub_redis.cli("HSET", "synchub:failures", id, deaths)
        return id

    def assign_to_dead_consumer(self, id, deliveries=3, idle_ms=3600000):
        """Assigns it to a dead consumer; the next delivery has the given count."""
        self.hub_redis.cli("XCLAIM", "synchub:ingest", "receivers", "ghost", 0, id, "IDLE", idle_ms,
                           "RETRYCOUNT", deliveries - 1)

    def lock(self):
        """Locks the database as another program would."""
        lock = sqlite3.connect(self.db, timeout=harness.READY_S, isolation_level=None)
        self.addCleanup(lock.close)
        lock.execute("BEGIN IMMEDIATE")
        return lock

    def failures(self, id):
        return int(self.hub_redis.cli("HGET", "synchub:failures", id) or 0)

    def holder(self, id):
        words = self.hub_redis.cli("XPENDING", "synchub:ingest", "receivers", id, id, 1).split()
        return words[1] if words else ""

    def test_an_entry_that_kills_receivers_becomes_a_dead_letter_and_others_are_merged(self):
        self.queue("Killer", "Innocent")
        self.mark_as_redelivered(8, deaths=5)
        hub = self.receiver(self.hub_redis, self.db)
        self.wait_merged(self.hub_redis, self.db, 3)
        letter = self.letters()[0]
        self.assertEqual((letter["node"], letter["reason"]),
                         ("Killer", "the receiver died 5 times while merging it"))
        self.assertEqual(self.hub_redis.cli("EXISTS", "synchub:failures"), "0")
        hub.wait_for_log("an entry went to the dead letters node=Killer")

    def test_a_suspect_entry_that_can_be_merged_is_merged_and_its_count_deleted(self):
        for deaths in (0, 4):
            with self.subTest(deaths):
                self.queue(f"Node_{deaths}")
                self.mark_as_redelivered(50, deaths)
                hub = self.receiver(self.hub_redis, self.db)
                wait_until(lambda: self.hub_redis.backlog() == 0, "the merge", details=hub.log)
                hub.stop()
                self.assertEqual(self.hub_redis.dead(), 0)
                self.assertEqual(self.hub_redis.cli("EXISTS", "synchub:failures"), "0")
        self.assertEqual(count(self.db, "Devices", "1"), 6)

    def test_many_deliveries_alone_do_not_make_a_dead_letter(self):
        self.queue("Node_A")
        self.mark_as_redelivered(1000)
        self.receiver(self.hub_redis, self.db)
        self.wait_merged(self.hub_redis, self.db, 3)
        self.assertEqual(self.hub_redis.dead(), 0)

    @harness.long_test
    def test_an_entry_during_whose_merge_receivers_are_killed_ends_in_the_dead_letters(self):
        self.queue("Huge", rows=40000)
        self.queue("Innocent")
        id = self.mark_as_redelivered(3)
        for deaths in range(1, 6):
            hub = self.program("receiver", self.receiver_settings(self.hub_redis, self.db))
            wait_until(lambda: self.failures(id) == deaths, "the attempt to be counted",
                       details=hub.log)
            hub.kill()
            self.assertEqual((self.failures(id), self.hub_redis.dead()), (deaths, 0))
        hub = self.receiver(self.hub_redis, self.db)
        self.wait_merged(self.hub_redis, self.db, 3)
        self.assertEqual([(letter["node"], letter["reason"]) for letter in self.letters()],
                         [("Huge", "the receiver died 5 times while merging it")])
        self.dead("retry", "--all")
        self.wait_merged(self.hub_redis, self.db, 40003)

    @harness.long_test
    def test_receivers_killed_while_the_database_is_locked_cause_no_dead_letters(self):
        self.queue("Node_A")
        id = self.mark_as_redelivered(3)
        for _ in range(6):
            self.assign_to_dead_consumer(id, idle_ms=0)
            hub = self.receiver(self.hub_redis, self.db)
            lock = self.lock()
            self.assign_to_dead_consumer(id)
            wait_until(lambda: self.holder(id) != "ghost", "the receiver to take it",
                       details=hub.log)
            hub.kill()
            lock.execute("ROLLBACK")
            self.assertEqual((self.failures(id), self.hub_redis.backlog()), (0, 1))
        self.receiver(self.hub_redis, self.db)
        self.wait_merged(self.hub_redis, self.db, 3)
        self.assertEqual(self.hub_redis.dead(), 0)

    @harness.long_test
    def test_a_database_outage_causes_no_dead_letters(self):
        self.queue("Node_A")
        id = self.mark_as_redelivered(3)
        self.assign_to_dead_consumer(id, idle_ms=0)
        hub = self.receiver(self.hub_redis, self.db)
        lock = self.lock()
        self.assign_to_dead_consumer(id)
        hub.wait_for_log("merging waits and will try again")
        self.assertEqual(self.failures(id), 0)
        lock.execute("ROLLBACK")
        self.wait_merged(self.hub_redis, self.db, 3)
        self.assertEqual(self.hub_redis.dead(), 0)

    def test_a_receiver_that_starts_while_the_database_is_locked_waits_for_it(self):
        self.receiver(self.hub_redis, self.db).stop()
        self.queue("Node_A")
        lock = self.lock()
        hub = self.program("receiver", self.receiver_settings(self.hub_redis, self.db))
        hub.wait_for_log("merging waits and will try again")
        lock.execute("ROLLBACK")
        self.wait_merged(self.hub_redis, self.db, 3)


if __name__ == "__main__":
    unittest.main()
