# SPDX-License-Identifier: Apache-2.0
"""What nodes and the puller report to the hub: rejected content, problems of the node's own, pulls that fail."""

import contextlib
import os
import socket
import sqlite3
import time

import authority
import envelopes
import harness
from harness import TYPE_ENVELOPE, bearer, curl, free_port, wait_until
from nodes_base import NodesTest, table
from postgres import Postgres
from problem_site import TlsRelay


class RejectedContent(NodesTest):
    def setUp(self):
        super().setUp()
        self.key = envelopes.NodeKey("Cabin")
        self.hub = self.receiver(self.hub_redis, self.db)

    def post(self, text, plugin="", **changes):
        body = envelopes.envelope(self.key, text, plugin, **changes)
        def accepted():
            answer = curl(self.hub.url + "/sync", body=body, headers={"Content-Type": TYPE_ENVELOPE, **bearer()})
            return answer.status == 202
        wait_until(accepted, "the hub to accept it", details=self.hub.log)

    def ask(self, digest):
        return curl(self.hub.url + "/sync", "-X", "POST", headers={
            **bearer(), "Content-Type": TYPE_ENVELOPE, "Content-Length": "0", "Sync-Hub-Node": "Cabin",
            "Sync-Hub-Digest": digest.hex()})

    def drained(self):
        wait_until(lambda: self.hub_redis.backlog() == 0, "the queue to be empty", details=self.hub.log)

    def assert_lasts(self):
        """Contacts do not end the problem."""
        contact = self.nodes()["Cabin"]["last_contact"]
        def later():
            self.assertEqual(self.ask(bytes(32)).json, {"status": "changed"})
            return self.nodes()["Cabin"]["last_contact"] > contact
        wait_until(later, "a later contact")
        self.assertEqual(self.nodes()["Cabin"]["state"], "failing")

    def test_a_rejected_table_is_a_problem_until_a_table_is_merged(self):
        text = table("Cabin")[:-1]
        self.post(text)
        node = self.problem("Cabin", "truncated")
        self.assertEqual((node["state"], node["problem"]["kind"], node["dead"]), ("failing", "content", 1))
        self.assertIn("its device table cannot be merged", node["reason"])
        self.assertIn("`dead list`", node["reason"])
        self.assertIn("cannot be merged", self.command("node", "show", "Cabin").stdout)
        since = node["problem"]["at"]
        # The node asks about the same table, which is refused for the same reason.
        digest = envelopes.keyed_hash(self.key.digest, text.encode(), 32)
        self.assertEqual(self.ask(digest).status, 422)
        self.assert_lasts()
        self.assertEqual(self.nodes()["Cabin"]["problem"]["at"], since)
        self.hub_redis.cli("FLUSHALL")
        self.assertEqual(self.nodes()["Cabin"]["state"], "failing")
        self.post(table("Cabin"))
        wait_until(lambda: self.nodes()["Cabin"]["state"] == "online", "the end of the problem",
                   details=lambda: self.command("nodes", code=None).stdout)
        self.assertIsNone(self.nodes()["Cabin"]["problem"])
        self.no_problem()

    def test_a_node_s_own_report_does_not_hide_that_its_table_is_rejected(self):
        self.post(table("Cabin")[:-1])
        self.problem("Cabin", "truncated")
        answer = curl(self.hub.url + "/sync", "-X", "POST", headers={
            **bearer(), "Content-Type": TYPE_ENVELOPE, "Content-Length": "0", "Sync-Hub-Node": "Cabin",
            "Sync-Hub-Digest": "0" * 64, "Sync-Hub-Problem": "spool_full its%20spool%20is%20full"})
        self.assertEqual(answer.json, {"status": "changed"})
        wait_until(lambda: self.hub_redis.call("HLEN", "synchub:problems") == 0, "the report to be recorded")
        self.assert_lasts()
        self.problem("Cabin", "truncated")

    def test_a_rejected_result_is_a_problem_until_content_is_merged(self):
        self.post("a|b\n", "ARPSCAN")
        node = self.problem("Cabin", "result of plugin ARPSCAN cannot be merged")
        self.assertEqual(node["problem"]["kind"], "content")
        self.assert_lasts()
        self.post("key|second|2026-08-22 02:53:00|1|2|3|4|extra|other\n", "ARPSCAN")
        wait_until(lambda: self.nodes()["Cabin"]["state"] == "online", "the end of the problem")
        self.assertEqual(self.nodes()["Cabin"]["problem"], None)
        self.assertIn("dead list", self.problem("Cabin", "dead letters")["reason"])
        self.command("dead", "drop", "--all")
        self.no_problem()

    def test_a_table_in_parts_ends_it_once_it_is_whole(self):
        parts = [table("Cabin", first=0), table("Cabin", first=3)]
        whole = envelopes.keyed_hash(self.key.digest, "".join(parts).encode(), 32)
        self.post(parts[0], digest=whole, part=0, parts=2)
        self.post(parts[1][:-1], digest=whole, part=1, parts=2)
        self.problem("Cabin", "truncated")
        self.post(parts[0], digest=whole, part=0, parts=2)
        self.drained()
        self.assertEqual(self.nodes()["Cabin"]["state"], "failing")
        self.post(parts[1], digest=whole, part=1, parts=2)
        wait_until(lambda: self.nodes()["Cabin"]["state"] == "online", "the end of the problem")

    def test_other_nodes_of_the_same_batch_are_not_affected(self):
        self.hub.stop()
        self.hub = self.receiver(self.hub_redis, self.db, SYNC_receiver_role="ingest")
        self.post(table("Cabin")[:-1])
        self.key = envelopes.NodeKey("Barn")
        self.post(table("Barn"))
        self.receiver(self.hub_redis, self.db, SYNC_receiver_role="merge")
        self.problem("Cabin", "truncated")
        self.drained()
        self.assertEqual(self.nodes()["Barn"]["state"], "online")


@harness.long_test
class RejectedContentOnPostgres(RejectedContent):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Postgres()
        cls.addClassCleanup(cls.server.remove)

    def make_database(self):
        return self.server.new_database()


class ManyContacts(NodesTest):
    """More contacts than one transaction records."""

    def put(self, first, end):
        for start in range(first, end, 1000):
            values = [item for i in range(start, min(start + 1000, end))
                      for item in (f"node-{i}", f"{int(time.time() * 1000)} push")]
            self.hub_redis.call("HSET", "synchub:contacts", *values)

    def recorded(self, where="last_contact_ms > 0"):
        return harness.count(self.db, "SyncHub_Nodes", where)

    def test_a_single_run_records_all(self):
        self.put(0, 3000)
        self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db), "--once", code=0)
        self.assertEqual(self.recorded(), 3000)

    def test_a_killed_receiver_loses_none(self):
        self.put(0, 20000)
        hub = self.receiver(self.hub_redis, self.db)
        wait_until(lambda: self.recorded() > 0, "the first ones to be recorded", details=hub.log)
        hub.kill()
        hub = self.receiver(self.hub_redis, self.db)
        wait_until(lambda: self.recorded() == 20000, "all to be recorded", details=hub.log)

    def test_one_that_cannot_be_recorded_keeps_no_table_from_being_merged(self):
        hub = self.receiver(self.hub_redis, self.db)
        with contextlib.closing(sqlite3.connect(self.db)) as database:
            database.execute("CREATE TRIGGER refuse BEFORE INSERT ON SyncHub_Nodes WHEN NEW.node = 'node-7' "
                             "BEGIN SELECT raise(ABORT, 'not this one'); END")
        self.put(0, 3000)
        hub.wait_for_log("not this one")
        self.push(hub)
        wait_until(lambda: harness.count(self.db) == 3, "the table to be merged", details=hub.log)
        self.assertEqual(self.recorded("node = 'node-7'"), 0)
        with contextlib.closing(sqlite3.connect(self.db)) as database:
            database.execute("DROP TRIGGER refuse")
        wait_until(lambda: self.recorded() == 3001, "all to be recorded", details=hub.log)


class Heartbeats(NodesTest):
    """Pushers in every mode, with a real hub."""

    def setUp(self):
        super().setUp()
        self.hub = self.receiver(self.hub_redis, self.db)
        self.file = self.folder / "node-Cabin" / "table_devices.json"

    def start(self, **settings):
        """A pusher with a schedule that does not come by itself."""
        self.ticks = self.clock(0)
        wanted = {"SYNC_RUN_SCHD": "0 0 1 1 *", "SYNC_log_level": "debug", **settings, **self.ticks.environment}
        return self.program("pusher", self.pusher_settings(self.hub.url, table("Cabin"), "Cabin", **wanted))

    def node(self):
        return self.nodes().get("Cabin") or {}

    def contact_after(self, act, details):
        """Waits for a contact that is later than act()."""
        before = self.node()["last_contact"]
        wait_until(lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) > before, "another second")
        act()
        wait_until(lambda: self.node()["last_contact"] > before, "a contact", details=details)

    def tick(self):
        """The schedule of the pusher's clock comes."""
        self.ticks.set_before_minute(self.ticks.ahead_s, 1)

    def test_each_watching_mode_is_in_contact_though_nothing_changes(self):
        for run in ("always_after_scan", "on_notification", "on_new_device"):
            with self.subTest(run):
                pusher = self.start(SYNC_RUN=run, SYNC_RUN_SCHD="* * * * *")
                wait_until(lambda: self.node().get("interval_s") == 60, "the interval", details=pusher.log)
                pusher.wait_for_log("queued|heartbeat|unchanged")
                self.contact_after(self.tick, pusher.log)
                pusher.wait_for_log("heartbeat" if run == "on_new_device" else "unchanged")
                self.no_problem()
                pusher.stop()

    def test_a_node_of_plugins_only_is_in_contact(self):
        pusher = self.start(SYNC_devices="False", SYNC_plugins="['ARPSCAN']", SYNC_RUN_SCHD="* * * * *")
        node = self.problem("Cabin", "it cannot read a plugin result")
        self.assertEqual((node["problem"]["kind"], node["interval_s"]), ("result_unreadable", 60))
        (self.folder / "node-Cabin" / "plugins" / "last_result.ARPSCAN.log").write_text("")
        self.tick()
        self.no_problem()
        self.contact_after(self.tick, pusher.log)

    def test_a_problem_is_reported_while_watching_and_ends(self):
        pusher = self.start(SYNC_RUN="always_after_scan")
        pusher.wait_for_log("queued")
        self.no_problem()
        text = self.file.read_text()
        self.file.write_text("<html>")
        self.assertEqual(self.problem("Cabin", "not a device table")["problem"]["kind"], "table_invalid")
        self.file.write_text(text)
        self.no_problem()
        self.assertEqual(self.node()["state"], "online")

    @harness.long_test
    def test_each_problem_of_the_table_is_reported(self):
        self.push(self.hub)
        self.no_problem()
        text = self.file.read_text()
        settings = self.pusher_settings(self.hub.url, None, "Cabin")

        def missing():
            self.file.unlink()

        def cut():
            self.file.write_text(text[:-10])

        def unreadable():
            self.file.unlink()
            self.file.mkdir()

        def invalid():
            self.file.write_text("<html>")

        def old():
            os.utime(self.file, (0, time.time() - 2 * 86400))

        for break_it, kind, words in (
                (missing, "table_missing", "SYNC_devices_file"), (cut, "table_cut", "truncated"),
                (unreadable, "table_unreadable", "SYNC_devices_file"), (invalid, "table_invalid", "not a device table"),
                (old, "table_old", "SYNC_table_max_age")):
            with self.subTest(kind):
                break_it()
                self.run_program("pusher", settings, "--once")
                node = self.problem("Cabin", words)
                self.assertEqual((node["state"], node["problem"]["kind"]), ("failing", kind))
                if self.file.is_dir():
                    self.file.rmdir()
                self.file.write_text(text)
                self.run_program("pusher", settings, "--once", code=0)
                self.no_problem()

    def test_a_single_run_reports_problems_but_sends_no_heartbeat(self):
        self.push(self.hub)
        self.no_problem()
        self.assertIsNone(self.node()["interval_s"])
        self.file.unlink()
        settings = self.pusher_settings(self.hub.url, None, "Cabin")
        self.run_program("pusher", settings, "--once", code=1)
        self.assertEqual(self.problem("Cabin", "SYNC_devices_file")["problem"]["kind"], "table_missing")
        self.push(self.hub)
        self.no_problem()
        quiet = self.pusher_settings(self.hub.url, None, "Cabin", SYNC_devices="False", SYNC_plugins="['A']",
                                     SYNC_log_level="debug")
        (self.folder / "node-Cabin" / "plugins" / "last_result.A.log").write_text("")
        self.assertNotIn("heartbeat", self.run_program("pusher", quiet, "--once", code=0).stderr)

    def test_the_age_of_the_table_can_be_limited_or_not(self):
        self.push(self.hub)
        for age, limit, is_problem in ((600, 300, True), (600, 900, False), (10 ** 9, 0, False)):
            with self.subTest(limit):
                os.utime(self.file, (0, time.time() - age))
                settings = self.pusher_settings(self.hub.url, None, "Cabin", SYNC_table_max_age=limit)
                self.run_program("pusher", settings, "--once", code=0)
                if is_problem:
                    self.problem("Cabin", f"SYNC_table_max_age ({limit} s)")
                else:
                    self.no_problem()

    def test_a_clock_that_is_off_is_reported_before_the_hub_refuses_it(self):
        clock = self.clock(400)
        self.push(self.hub, **clock.environment)
        node = self.problem("Cabin", "its clock is wrong")
        self.assertRegex(node["reason"], "(3[0-9][0-9]|400) s ahead of the hub's")  # less what the push takes
        clock.set(0)
        self.push(self.hub, **clock.environment)
        self.no_problem()

    def test_two_pushers_with_one_name_are_noticed(self):
        spools = [self.folder / name for name in ("here", "there")]
        instances = []
        for spool in (spools[0], spools[1], spools[0]):
            spool.mkdir(exist_ok=True)
            self.push(self.hub, SYNC_spool_dir=spool)
            instance = (spool / "instance").read_text()
            self.assertRegex(instance, "^[0-9a-f]{32}$")
            instances.append(instance)
            wait_until(lambda: self.hub_redis.cli("HGET", "synchub:instances", "Cabin").startswith(instance),
                       "the instance")
        self.assertEqual(instances[0], instances[2])
        self.assertNotEqual(instances[0], instances[1])
        self.assertEqual(self.problem("Cabin", "several instances")["problem"]["kind"], "name_conflict")

    def test_a_spool_that_cannot_be_used_is_reported(self):
        spool = self.folder / "node-Cabin" / "spool"
        self.push(self.hub)
        for file in (spool / "spool").iterdir():
            file.unlink()
        (spool / "spool").rmdir()
        (spool / "spool").write_text("not a folder")
        settings = self.pusher_settings(self.hub.url, None, "Cabin")
        self.run_program("pusher", settings, "--once", code=0)
        self.assertEqual(self.problem("Cabin", "it cannot use its spool")["problem"]["kind"], "spool_unusable")
        (spool / "spool").unlink()
        self.push(self.hub)
        self.no_problem()


class Pulls(NodesTest):
    """The puller's reports, with a real hub, puller, and pushers that are pulled."""

    def setUp(self):
        super().setUp()
        self.hub = self.receiver(self.hub_redis, self.db)

    def node(self, name="Cabin", **settings):
        """A pusher that waits to be pulled."""
        wanted = {"SYNC_hub_url": "", "SYNC_listen": "127.0.0.1:0", **settings}
        return self.program("pusher", self.pusher_settings("", table(name), name, **wanted)).wait_ready()

    def pull(self, *nodes, code=None, **settings):
        return self.run_program("puller", self.puller_settings(self.hub_redis, nodes, **settings), "--once", code=code)

    def test_a_node_that_cannot_be_pulled_is_a_problem_until_it_can(self):
        node = self.node(SYNC_listen=f"127.0.0.1:{free_port()}")
        self.pull(node.url, code=0)
        self.no_problem()
        wait_until(lambda: (self.nodes()["Cabin"]["agent"] or "").startswith("synchub-pusher/"), "the agent")
        self.assertEqual((self.nodes()["Cabin"]["mode"], self.nodes()["Cabin"]["protocol"]), ("pull", "native"))
        url = node.url
        node.stop()
        self.pull(url, code=1)
        found = self.problem("Cabin", "nothing listens there")
        self.assertEqual((found["state"], found["problem"]["kind"], found["problem"]["status"]),
                         ("failing", "pull", None))
        self.assertIn("cannot be pulled since", found["reason"])
        node = self.node(SYNC_listen=url.removeprefix("http://"))
        self.pull(url, code=0)
        self.no_problem()
        # A refused token has a status, a missing table as well.
        self.pull(url, code=1, SYNC_api_token="another")
        self.assertEqual(self.problem("Cabin", "SYNC_api_token")["problem"]["status"], 403)
        (self.folder / "node-Cabin" / "table_devices.json").unlink()
        self.pull(url, code=1)
        self.assertEqual(self.problem("Cabin", "no device table")["problem"]["status"], 500)
        (self.folder / "node-Cabin" / "table_devices.json").write_text(table("Cabin"))
        self.pull(url, code=0)
        self.no_problem()

    def test_an_old_table_is_a_problem_until_it_is_written_again(self):
        url = self.node().url
        file = self.folder / "node-Cabin" / "table_devices.json"
        self.pull(url, code=0)
        self.no_problem()
        asked = {**bearer(), "Accept": TYPE_ENVELOPE}
        self.assertIsNone(curl(f"{url}/sync", headers=asked).headers.get("sync-hub-problem"))
        os.utime(file, (0, time.time() - 2 * 86400))
        answer = curl(f"{url}/sync", headers=asked)
        self.assertTrue(answer.headers["sync-hub-problem"].startswith("table_old "), answer)
        unchanged = curl(f"{url}/sync", headers={**asked, "If-None-Match": answer.headers["etag"]})
        self.assertEqual((unchanged.status, unchanged.headers.get("sync-hub-problem")),
                         (304, answer.headers.get("sync-hub-problem")))
        self.assertIsNone(curl(f"{url}/sync", headers=bearer()).headers.get("sync-hub-problem"))
        for _ in range(2):
            self.pull(url, code=0)
            found = self.problem("Cabin", "SYNC_table_max_age")
            self.assertEqual((found["state"], found["problem"]["kind"]), ("failing", "table_old"))
        self.wait_recorded("SELECT problem_kind FROM SyncHub_Nodes", "table_old")
        os.utime(file)
        self.pull(url, code=0)
        self.no_problem()

    def test_a_slow_node_and_one_without_a_known_certificate(self):
        node = self.node()
        self.pull(f"Cabin={node.url}", code=0)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.pull(f"Cabin=http://127.0.0.1:{silent.getsockname()[1]}", code=1, SYNC_RUN_TIMEOUT="1")
            self.assertEqual(self.problem("Cabin", "cannot be pulled since")["state"], "failing")
        ca = authority.Authority(self.folder / "ca")
        relay = TlsRelay(*ca.issue("node"), node.port)
        self.addCleanup(relay.stop)
        url = f"Cabin=https://127.0.0.1:{relay.port}"
        self.pull(url, code=1)
        self.problem("Cabin", "SYNC_tls_ca")
        self.pull(url, code=0, SYNC_tls_ca=ca.file)
        self.no_problem()

    def test_a_node_without_a_name_is_listed_by_its_url_until_it_answers(self):
        url = f"http://127.0.0.1:{free_port()}"
        self.pull(url, code=1)
        self.assertEqual(self.problem(url, "nothing listens there")["state"], "failing")
        self.node(SYNC_listen=url.removeprefix("http://"))
        self.pull(url, code=0)
        wait_until(lambda: list(self.nodes()) == ["Cabin"], "only the name to be listed",
                   details=lambda: self.command("nodes").stdout)
        self.no_problem()

    def test_reasons_for_people(self):
        url = self.node().url
        for settings, words in (({"SYNC_encryption_key": "another passphrase of this hub"}, None),
                                ({"SYNC_protocol": "netalertx", "SYNC_api_token": "wrong"}, "SYNC_api_token")):
            self.pull(f"Cabin={url}", code=1, **settings)
            if words:
                self.assertIn(words, self.problem("Cabin", "cannot be pulled")["reason"])
        self.pull(f"Barn={url}", code=1)
        self.assertIn('calls itself "Cabin"', self.problem("Barn", "cannot be pulled")["reason"])
        self.command("node", "forget", "Barn")

        def names_the_scheme():  # if the node answers the TLS handshake before the puller takes it for silent
            self.pull(f"Cabin={url.replace('http', 'https')}", code=1)
            return "http://" in self.problem("Cabin", "cannot be pulled")["reason"]
        wait_until(names_the_scheme, "the scheme in the reason", details=lambda: self.command("nodes", code=None).stdout)
        self.pull(f"Cabin={url}", code=0)
        self.no_problem()

    def test_a_puller_on_a_schedule_tells_its_interval(self):
        url = self.node().url
        puller = self.program("puller", self.puller_settings(self.hub_redis, [url], SYNC_RUN_SCHD="*/10 * * * *"))
        puller.wait_for_log("run done")
        wait_until(lambda: self.nodes()["Cabin"]["interval_s"] == 600, "the interval",
                   details=lambda: self.command("nodes").stdout)

    def test_nodes_that_answer_with_one_name_are_a_conflict(self):
        urls = [self.node().url, self.node(SYNC_spool_dir=self.folder).url]
        self.pull(*urls, code=0)
        found = self.problem("Cabin", "both answer with this name")
        self.assertEqual(found["problem"]["kind"], "name_conflict")
        self.assertIn(urls[0], found["reason"])

    def test_a_hub_without_redis_blames_no_node(self):
        url = self.node().url
        self.pull(url, code=0)
        self.hub_redis.cli("CONFIG", "SET", "maxmemory", "1")
        self.pull(url, code=1, SYNC_RUN_TIMEOUT=1)
        self.hub_redis.cli("CONFIG", "SET", "maxmemory", "0")
        self.no_problem()
