# SPDX-License-Identifier: Apache-2.0
"""When a node is late, silent, or missing for too long, as set on the hub: in commands, API, metrics and presence,
without a restart."""

import json
import sqlite3

import postgres
from console_base import ConsoleTest
from harness import device_rows, device_table, netalertx_push, wait_until
from metrics_base import Scrape

MINUTE_MS = 60 * 1000


class Thresholds:
    def setUp(self):
        super().setUp()
        self.start()
        self.first_visit()

    def set(self, name, value, code=0, **settings):
        return self.command("settings", "set", f"{name}={value}", code=code, **settings)

    def push(self, node, first=1):
        rows = device_rows(1, node=node, first=first)
        self.assertEqual(netalertx_push(self.hub.url, device_table(rows), node).status, 200)

    def rewrite(self, sql, **settings):
        """Changes what is recorded of nodes while no receiver runs."""
        wait_until(lambda: len(self.nodes()) == 2 and all(node["last_table"] for node in self.nodes().values()),
                   "the nodes", details=self.hub.log)
        self.hub.stop()
        self.hub_redis.cli("DEL", "synchub:contacts")
        self.run_sql(sql)
        self.start(**settings)

    def nodes(self, *arguments, code=0):
        items = json.loads(self.command("nodes", "--json", *arguments, code=code).stdout)["items"]
        return {node["name"]: node for node in items}

    def states(self):
        return {name: node["state"] for name, node in self.nodes().items()}

    def present(self):
        items = json.loads(self.command("devices", "--json").stdout)["items"]
        return {device["devSyncHubNode"]: device["present"] for device in items}

    def metric_states(self):
        return {labels["node"]: labels["state"] for name, labels, _ in Scrape(self.hub).series
                if name == "synchub_node_state"}

    def api_states(self):
        return {node["name"]: node["state"] for node in self.call("GET", "/nodes").json["items"]}

    def assert_states(self, states):
        """Everywhere; of the metrics the next readings have them."""
        self.assertEqual(self.states(), states)
        self.assertEqual(self.api_states(), states)
        counts = self.call("GET", "/summary").json["nodes"]["states"]
        self.assertEqual({state: count for state, count in counts.items() if count},
                         {state: list(states.values()).count(state) for state in states.values()})
        self.assertEqual(self.present(),
                         {node: "yes" if state == "online" else "unknown" for node, state in states.items()})
        wait_until(lambda: self.metric_states() == states, f"{states} in the metrics",
                   details=lambda: str(self.metric_states()))

    def age(self):
        """Two nodes that were in contact 20 minutes ago, one of them with an interval of 8 minutes."""
        self.push("Attic")
        self.push("Cabin", first=5)
        self.rewrite(f"UPDATE \"SyncHub_Nodes\" SET last_contact_ms = last_contact_ms - {20 * MINUTE_MS},"
                     f" reported_interval_ms = CASE node WHEN 'Cabin' THEN {8 * MINUTE_MS} ELSE 0 END,"
                     f" interval_ms = CASE node WHEN 'Cabin' THEN {8 * MINUTE_MS} ELSE 0 END")

    def test_states_follow_without_a_restart(self):
        self.age()
        self.assert_states({"Attic": "silent", "Cabin": "late"})
        self.set("SYNC_silent_after", "2h")
        self.assert_states({"Attic": "online", "Cabin": "late"})
        self.assertEqual(self.nodes()["Attic"]["silent_after_s"], 7200)
        answer = self.call("PUT", "/settings/SYNC_late_after", {"value": "60m"})
        self.assertEqual((answer.status, answer.json["value"], answer.json["kind"]), (200, "1h", "duration"), answer)
        self.assert_states({"Attic": "online", "Cabin": "online"})
        self.command("node", "silent-after", "Cabin", "10m")
        self.assert_states({"Attic": "online", "Cabin": "silent"})
        self.set("SYNC_silent_after", "1m")
        self.command("node", "silent-after", "Cabin", "default")
        self.command("settings", "unset", "SYNC_late_after")
        self.assert_states({"Attic": "silent", "Cabin": "late"})
        self.assertEqual(self.nodes()["Cabin"]["silent_after_s"], 24 * 60)
        self.assertEqual(self.hub.log().count("merging as consumer"), 1)

    def test_how_long_a_node_may_not_have_been_seen(self):
        self.push("Attic")
        self.command("node", "expect", "Shed")
        self.command("nodes", "--problems", code=0)
        self.command("node", "expect", "Barn")
        self.hub.stop()
        self.run_sql(f"UPDATE \"SyncHub_Nodes\" SET expected_ms = expected_ms - {25 * 60 * MINUTE_MS}"
                     " WHERE node = 'Shed'")
        self.start()
        self.assertEqual(list(self.nodes("--problems", code=3)), ["Shed"])
        self.set("SYNC_never_after", "30d")
        self.assertEqual(self.nodes("--problems"), {})
        self.assertEqual(self.call("GET", "/summary").json["problems"], [])

    def test_values_out_of_range_are_refused_with_what_is_possible(self):
        for value in ("59s", "0m", "367d", "15", "a while", "-1h", "1.5h", "15 m"):
            done = self.set("SYNC_silent_after", value, code=2)
            self.assertIn(f"SYNC_silent_after holds '{value}': use a duration from 1m to 366d, as in 90s, 15m, 12h or 7d",
                          done.stderr)
            start = self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db, SYNC_silent_after=value),
                                     "--check-config", code=2)
            self.assertIn(f"SYNC_silent_after holds '{value}': use a duration", start.stderr)
        checked = self.call("POST", "/settings/SYNC_late_after/check", {"value": "1w"})
        self.assertIn("use a duration from 1m to 366d", json.dumps(checked.json))

    def test_the_environment_of_a_receiver_that_merges_wins(self):
        self.set("SYNC_silent_after", "10m")
        self.push("Attic")
        self.push("Cabin", first=5)
        self.rewrite(f"UPDATE \"SyncHub_Nodes\" SET last_contact_ms = last_contact_ms - {20 * MINUTE_MS},"
                     " interval_ms = 0", SYNC_silent_after="1h")
        wait_until(lambda: self.states() == {"Attic": "online", "Cabin": "online"}, "the threshold of the environment",
                   details=self.hub.log)
        self.assert_states({"Attic": "online", "Cabin": "online"})
        wait_until(lambda: "environment" in self.set("SYNC_silent_after", "5m", code=1).stderr, "a refusal")
        self.hub.stop()
        self.start()
        wait_until(lambda: self.states() == {"Attic": "silent", "Cabin": "silent"}, "the threshold of the hub",
                   details=self.hub.log)

    def test_they_survive_a_lost_redis_and_a_restored_backup(self):
        self.age()
        self.set("SYNC_silent_after", "2h")
        self.command("backup", self.folder / "hub.backup")
        self.hub_redis.cli("FLUSHALL")
        self.set("SYNC_silent_after", "15m")
        self.hub.stop()
        self.command("restore", "--force", self.folder / "hub.backup")
        self.assertEqual(self.states(), {"Attic": "online", "Cabin": "late"})
        self.start()
        self.cookie = None  # no backup has sessions
        self.cookie = self.session_of(self.log_in())
        self.assert_states({"Attic": "online", "Cabin": "late"})


class OnSqlite(Thresholds, ConsoleTest):
    def run_sql(self, sql):
        with sqlite3.connect(self.db) as db:
            db.executescript(sql)


class OnPostgres(Thresholds, ConsoleTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = postgres.Postgres()
        cls.addClassCleanup(cls.server.remove)

    def new_database(self):
        return self.server.new_database()

    def run_sql(self, sql):
        postgres.psql(self.db, sql)
