# SPDX-License-Identifier: Apache-2.0
"""GET /metrics of all programs: valid for Prometheus, and what it says of nodes."""

import calendar
import re
import sqlite3
import time

import postgres
from authority import Authority, openssl
from harness import READY_S, curl, wait_until
from metrics_base import MetricsTest, Scrape, promtool

STATES = ["failing", "gone", "late", "never", "online", "revoked", "silent"]
HOSTILE = ['a"b', 'x{y="z"} 1', "Büro «Süd»", "日本 🏠", "a,b=c}", "# HELP x", "%s%n", "it's"]


class Promtool(MetricsTest):
    def assert_silent(self, program):
        scrape = Scrape(program)
        done = promtool("check", "metrics", text=scrape.text)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), program.name)
        self.assertEqual(set(scrape.types), set(scrape.helps))
        self.assertLessEqual({name for name, _, _ in scrape.series}, set(scrape.types))
        keys = [(name, *sorted(labels.items())) for name, labels, _ in scrape.series]
        self.assertEqual(len(keys), len(set(keys)), "a series is there twice")
        self.assertEqual(list(scrape.values("synchub_build_info", "program").items()), [(program.name, 1)])

    def test_it_has_nothing_to_say_of_any_program(self):
        hub = self.receiver(self.hub_redis)
        pusher = self.start_pusher(hub)
        puller = self.start_puller(self.start_pulled().url, "http://127.0.0.1:1")
        self.scrape_nodes(hub, 3)
        for program in (hub, pusher, puller):
            self.assert_silent(program)

    def test_it_has_nothing_to_say_of_the_roles(self):
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        merge = self.program("receiver", self.receiver_settings(self.hub_redis, SYNC_receiver_role="merge"))
        ingest.wait_ready()
        self.push(ingest)
        self.scrape_nodes(merge, 1)
        self.assert_silent(ingest)
        self.assert_silent(merge)
        self.assertNotIn("synchub_node", Scrape(ingest).text)

    def test_it_complains_of_an_invalid_text(self):
        self.assertNotEqual(promtool("check", "metrics", text='x{y="z} 1\n').returncode, 0)
        self.assertNotEqual(promtool("check", "metrics", text="# TYPE x_ms gauge\nx_ms 1\n").returncode, 0)


class NodeMetrics(MetricsTest):
    def test_hostile_names_stay_names(self):
        hub = self.receiver(self.hub_redis)
        for index, name in enumerate(HOSTILE):
            self.push(hub, name, first=10 * index)
        scrape = self.scrape_nodes(hub, len(HOSTILE))
        self.assertEqual(promtool("check", "metrics", text=scrape.text).stderr, "")
        scrape = self.scrape_merged(hub, len(HOSTILE))
        self.assertEqual(scrape.values("synchub_node_rows", "node"), dict.fromkeys(HOSTILE, 3))
        self.assertEqual(scrape.values("synchub_node_state", "node"), dict.fromkeys(HOSTILE, 1))

    def test_each_node_has_the_state_that_nodes_shows(self):
        hub = self.receiver(self.hub_redis)
        for name in ("Online", "Silent", "Gone", "Late", "Revoked"):
            self.push(hub, name)
        self.command("node", "expect", "Never")
        self.command("node", "ephemeral", "Gone", "on")
        self.credentials("Revoked")
        self.command("node", "revoke", "Revoked")
        self.credentials("Added")
        self.credentials("Forgotten")
        self.command("node", "revoke", "Forgotten")
        self.push(hub, "Failing", code=1, SYNC_encryption_key="another passphrase")
        self.wait_recorded("SELECT count(*) FROM SyncHub_Nodes WHERE last_contact_ms > 0 OR problem_ms > 0", 6)
        hub.stop()
        self.hub_redis.cli("DEL", "synchub:contacts")
        with sqlite3.connect(self.db) as db:
            db.execute("UPDATE SyncHub_Nodes SET last_contact_ms = last_contact_ms - 86400000 WHERE node IN"
                       " ('Silent', 'Gone')")
            db.execute("UPDATE SyncHub_Nodes SET interval_ms = 600000, silent_set_ms = 86400000,"
                       " last_contact_ms = last_contact_ms - 2000000 WHERE node = 'Late'")
            contacts = dict(db.execute("SELECT node, last_contact_ms FROM SyncHub_Nodes WHERE last_contact_ms > 0"))
        hub = self.receiver(self.hub_redis)
        scrape = self.scrape_nodes(hub, 8)
        shown = {name: node["state"] for name, node in self.nodes().items()}
        self.assertEqual({labels["node"]: labels["state"] for name, labels, _ in scrape.series
                          if name == "synchub_node_state"}, shown)
        self.assertEqual(sorted(set(shown.values())), STATES)
        self.assertEqual(scrape.values("synchub_nodes", "state"),
                         {state: list(shown.values()).count(state) for state in STATES})
        seen = scrape.values("synchub_node_last_contact_timestamp_seconds", "node")
        self.assertEqual({node: round(at * 1000) for node, at in seen.items()}, contacts)
        present = {name: node["present"] for name, node in self.nodes().items() if node["present"] is not None}
        self.assertEqual(present, {"Online": 1, "Revoked": 1})
        self.assertEqual(scrape.values("synchub_node_present", "node"), present)
        self.assertEqual(scrape.value("synchub_nodes_without_series"), 0)

    def insert_nodes(self, count):
        now_ms = time.time_ns() // 1000000
        with sqlite3.connect(self.db) as db:
            db.executemany(
                "INSERT INTO SyncHub_Nodes(node, mode, merged_ms, sent, inserted, known, skipped, set_aside, reason,"
                " last_contact_ms) VALUES(?, 'push', ?, 3, 3, 0, 0, 0, '', ?)",
                [(f"Node {index}", now_ms, now_ms) for index in range(count)])

    def test_above_the_limit_there_are_only_counts(self):
        self.receiver(self.hub_redis).stop()
        self.insert_nodes(1000)
        hub = self.receiver(self.hub_redis)
        scrape = self.scrape_nodes(hub, 1000)
        self.assertEqual(scrape.value("synchub_nodes_without_series"), 0)
        self.assertEqual(len(scrape.values("synchub_node_rows", "node")), 1000)
        self.command("node", "expect", "One more")
        scrape = self.scrape_until(hub, lambda s: s.value("synchub_nodes_without_series"), "nodes over the limit")
        self.assertEqual(scrape.value("synchub_nodes_without_series"), 1001)
        self.assertNotIn("synchub_node_", scrape.text)
        self.assertEqual({state: count for state, count in scrape.values("synchub_nodes", "state").items() if count},
                         {"online": 1000, "never": 1})

    def test_one_of_several_receivers_shows_them(self):
        first = self.receiver(self.hub_redis)
        self.push(first)
        self.scrape_nodes(first, 1)
        second = self.receiver(self.hub_redis)
        self.push(second, "Attic")
        self.scrape_nodes(first, 2)
        self.assertEqual(self.hub_redis.cli("EXISTS", "synchub:metrics:lease"), "1")
        self.assertNotIn("synchub_node", Scrape(second).text)
        first.stop()
        self.scrape_nodes(second, 2)

    def test_a_locked_database_does_not_delay_a_scrape(self):
        hub = self.receiver(self.hub_redis)
        self.push(hub)
        self.scrape_merged(hub, 1)
        other = sqlite3.connect(self.db, timeout=READY_S, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        read = re.search(r"^synchub_node_rows.*$", Scrape(hub).text, re.MULTILINE).group()
        for _ in range(15):
            self.assertIn(read, curl(hub.url + "/metrics").text)
        other.execute("ROLLBACK")
        wait_until(lambda: curl(hub.url + "/readyz").status == 200, "a ready hub")

    def test_shared_parts_of_answers_arrive_over_tls(self):
        authority = Authority(self.folder / "ca")
        certificate, key = authority.issue("server")
        self.receiver(self.hub_redis).stop()
        self.insert_nodes(500)
        hub = self.program("receiver", self.receiver_settings(
            self.hub_redis, SYNC_tls_cert=certificate, SYNC_tls_key=key))
        url = f"https://127.0.0.1:{hub.port}/metrics"
        scrape = wait_until(lambda: re.search("synchub_node_rows.*", self.curl_tls(authority, url)), "nodes")
        self.assertTrue(scrape)
        text = self.curl_tls(authority, url)
        self.assertEqual(len(re.findall("^synchub_node_state", text, re.MULTILINE)), 500)
        self.assertTrue(text.endswith("\n"))

    def test_the_end_of_the_certificate(self):
        authority = Authority(self.folder / "ca")
        certificate, key = authority.issue("server", days=5)
        hub = self.program("receiver", self.receiver_settings(
            self.hub_redis, SYNC_tls_cert=certificate, SYNC_tls_key=key))
        url = f"https://127.0.0.1:{hub.port}/metrics"
        self.assertEqual(self.shown_end(authority, url), end_of(certificate))
        for new, old in zip(authority.issue("renewed", days=50), (certificate, key)):
            old.write_bytes(new.read_bytes())
        wait_until(lambda: self.shown_end(authority, url) == end_of(certificate), "the new end", details=hub.log)

    def shown_end(self, authority, url):
        found = re.search(r"^synchub_tls_certificate_not_after_timestamp_seconds (\d+)$",
                          self.curl_tls(authority, url), re.MULTILINE)
        return int(found.group(1))

    def curl_tls(self, authority, url):
        return curl(url, "--cacert", str(authority.file)).text


def end_of(certificate):
    """When it ends, by openssl."""
    text = openssl("x509", "-in", certificate, "-noout", "-enddate").strip().removeprefix("notAfter=")
    return calendar.timegm(time.strptime(text, "%b %d %H:%M:%S %Y %Z"))


class Queue(MetricsTest):
    def test_the_oldest_entry_ages_until_it_is_merged(self):
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        scrape = self.scrape_until(ingest, lambda s: s.value("synchub_queue_oldest_age_seconds") is not None, "an age")
        self.assertEqual(scrape.value("synchub_queue_oldest_age_seconds"), 0)
        self.assertEqual((scrape.value("synchub_queue_entries_limit"), scrape.value("synchub_queue_bytes_limit")),
                         (100000, 256 << 20))
        self.push(ingest)
        self.scrape_until(ingest, lambda s: s.value("synchub_queue_oldest_age_seconds") > 0, "an age over 0")
        self.program("receiver", self.receiver_settings(self.hub_redis, SYNC_receiver_role="merge"))
        self.scrape_until(ingest, lambda s: s.value("synchub_queue_oldest_age_seconds") == 0, "an empty queue")
        self.hub_redis.kill()
        scrape = self.scrape_until(ingest, lambda s: s.value("synchub_redis_up") == 0, "no Redis")
        self.assertIsNone(scrape.value("synchub_queue_oldest_age_seconds"))


class OnPostgres(MetricsTest):
    def make_database(self):
        self.server = postgres.Postgres()
        self.addCleanup(self.server.remove)
        return self.server.new_database()

    def test_nodes_below_and_above_the_limit_and_without_a_server(self):
        hub = self.receiver(self.hub_redis, self.db)
        for index, name in enumerate(HOSTILE[:3]):
            self.push(hub, name, first=10 * index)
        self.credentials("Never")
        self.scrape_nodes(hub, 4)
        scrape = self.scrape_merged(hub, 3)
        self.assertEqual(scrape.values("synchub_node_rows", "node"), dict.fromkeys(HOSTILE[:3], 3))
        self.assertEqual(scrape.values("synchub_node_present", "node"), dict.fromkeys(HOSTILE[:3], 1))
        self.server.pause()
        self.addCleanup(self.server.resume)
        self.assertEqual(Scrape(hub).values("synchub_build_info", "program"), {"receiver": 1})
        self.server.resume()
        postgres.psql(self.db, 'INSERT INTO "SyncHub_Nodes"(node, mode, merged_ms, sent, inserted, known, skipped,'
                               " set_aside, reason) SELECT 'Node ' || i, 'push', 1, 3, 3, 0, 0, 0, ''"
                               " FROM generate_series(1, 20000) AS i")
        scrape = self.scrape_until(hub, lambda s: s.value("synchub_nodes_without_series"), "nodes over the limit")
        self.assertEqual(scrape.value("synchub_nodes_without_series"), 20004)
        self.assertEqual(sum(scrape.values("synchub_nodes", "state").values()), 20004)
