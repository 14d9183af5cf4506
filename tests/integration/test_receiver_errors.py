# SPDX-License-Identifier: Apache-2.0
"""Messages of the receiver when something is missing or down, and how it continues."""

import json
import re
import shutil
import sqlite3
import unittest

from harness import (KEY, READY_S, TOKEN, count, device_mac, device_rows, device_table, free_port,
                     netalertx_push, query, wait_until)
from merge_base import MergeTest


class Settings(MergeTest):
    def assert_refused(self, settings, *words):
        """Exit code 2, and one line that says what to fix and contains no secret."""
        done = self.run_program("receiver", settings, code=2)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn("a-secret-word", done.stderr)

    def test_missing_or_invalid_settings_are_reported(self):
        good = self.receiver_settings(self.hub_redis)
        for name, value, *words in (
                ("SYNC_api_token", "", "SYNC_api_token"),
                ("SYNC_encryption_key", "", "SYNC_encryption_key"),
                ("SYNC_redis_url", "http://:a-secret-word@x", "SYNC_redis_url"),
                ("SYNC_listen", "everywhere", "SYNC_listen", "everywhere"),
                ("SYNC_claim_idle_s", "-1", "SYNC_claim_idle_s", "-1"),
                ("SYNC_claim_idle_s", "soon", "SYNC_claim_idle_s", "soon"),
                ("SYNC_receiver_role", "both", "SYNC_receiver_role", "both", "ingest"),
                ("SYNC_log_level", "loud", "SYNC_log_level", "loud"),
                ("SYNC_log_format", "xml", "SYNC_log_format", "xml")):
            with self.subTest(name, value=value):
                self.assert_refused({**good, name: value}, *words)

    def test_no_setting_at_all_is_refused(self):
        self.assert_refused({}, "SYNC_api_token")

    def test_names_are_matched_without_regard_to_case(self):
        settings = {name.upper(): value
                    for name, value in self.receiver_settings(self.hub_redis).items()}
        self.program("receiver", settings).wait_ready()
        self.assert_refused({**settings, "SYNC_listen": "127.0.0.1:1"}, "SYNC_listen")

    def test_an_unknown_name_causes_a_warning(self):
        hub = self.start(SYNC_lissten="x")
        hub.wait_for_log("SYNC_lissten")

    def test_secrets_may_come_from_files(self):
        (self.folder / "token").write_text(TOKEN + "\n")
        (self.folder / "key").write_text(KEY + "\n")
        settings = self.receiver_settings(self.hub_redis)
        del settings["SYNC_api_token"], settings["SYNC_encryption_key"]
        settings.update(SYNC_api_token_FILE=self.folder / "token",
                        SYNC_encryption_key_FILE=self.folder / "key")
        self.hub = self.program("receiver", settings).wait_ready()
        self.push(device_rows(1))
        self.assert_refused({**settings, "SYNC_api_token_FILE": self.folder / "none"},
                            "SYNC_api_token_FILE", "none")

    def test_json_logs_are_json(self):
        hub = self.start(SYNC_log_format="json")
        self.push(device_rows(1))
        hub.stop()
        for line in hub.log().splitlines():
            entry = json.loads(line)
            self.assertLessEqual({"time", "level", "program", "message"}, set(entry))


class Away(MergeTest):
    def test_a_redis_that_is_down_at_start_is_reported_and_waited_for(self):
        self.hub_redis.stop()
        hub = self.program("receiver", self.receiver_settings(self.hub_redis, self.db))
        hub.wait_for_log(f"127.0.0.1:{self.hub_redis.port}")
        self.hub_redis.start()
        self.hub = hub.wait_ready()
        self.push(device_rows(3))
        self.assertEqual(count(self.db), 3)

    def test_the_address_of_a_redis_that_is_down_is_shown(self):
        port = free_port()
        for url, *words in (
                (f"redis://localhost:{port}", f"localhost:{port} (SYNC_redis_url): could not connect (",
                 "127.0.0.1"),
                ("redis://no-such-host.invalid", "no-such-host.invalid:6379 (SYNC_redis_url): the host "
                                                 "was not found by name")):
            settings = {**self.receiver_settings(self.hub_redis, self.db), "SYNC_redis_url": url}
            hub = self.program("receiver", settings)
            for word in words:
                hub.wait_for_log(re.escape(word))

    def test_a_wrong_redis_password_is_reported_without_the_password(self):
        self.hub_redis.cli("CONFIG", "SET", "requirepass", "right")
        url = f"redis://:a-secret-word@127.0.0.1:{self.hub_redis.port}/0"
        hub = self.program("receiver", self.receiver_settings(self.hub_redis, self.db,
                                                              SYNC_redis_url=url))
        hub.wait_for_log("SYNC_redis_url")
        self.assertNotIn("a-secret-word", hub.log())

    def test_an_unwritable_folder_is_reported(self):
        done = self.run_program("receiver", self.receiver_settings(
            self.hub_redis, "/proc/synchub/hub.db"))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/proc/synchub", done.stderr)
        self.assertIn("SYNC_db", done.stderr)

    def test_a_file_that_is_not_a_database_is_reported_and_unchanged(self):
        self.db.write_text("these are notes of mine, no database\n" * 100)
        done = self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("hub.db", done.stderr)
        self.assertTrue(self.db.read_text().startswith("these are notes"))

    def test_killing_redis_loses_nothing(self):
        self.start()
        for n in range(6):
            table = device_table(device_rows(50, f"n{n}"))
            wait_until(lambda: netalertx_push(self.hub.url, table, f"n{n}").status == 200,
                       "the push to be accepted")  # a node also retries after 503
            if n % 2:
                self.hub_redis.kill()
                self.hub_redis.start()
                self.hub.wait_ready()
        self.wait_merged(self.hub_redis, self.db, 300)

    def test_a_redis_out_of_memory_still_drains(self):
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        for n in range(3):
            netalertx_push(ingest.url, device_table(device_rows(50, f"n{n}")), f"n{n}")
        self.hub_redis.cli("XADD", "synchub:ingest", "*", "e", "no envelope", "m", "push")
        self.assertEqual(self.hub_redis.backlog(), 4)
        self.hub_redis.cli("CONFIG", "SET", "maxmemory", "1")
        # It is not ready, as nothing can be queued; queued entries are still merged.
        self.program("receiver", self.receiver_settings(self.hub_redis, self.db,
                                                        SYNC_receiver_role="merge"))
        self.wait_merged(self.hub_redis, self.db, 150)
        self.assertEqual(self.hub_redis.dead(), 1)

    def test_entries_of_a_dead_receiver_are_taken_over(self):
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        netalertx_push(ingest.url, device_table(device_rows(5)), "Node_A")
        self.hub_redis.cli("XGROUP", "CREATE", "synchub:ingest", "receivers", "0", "MKSTREAM")
        self.assertIn("SHUB", self.hub_redis.cli("XREADGROUP", "GROUP", "receivers", "gone",
                                                 "STREAMS", "synchub:ingest", ">"))
        self.start(SYNC_receiver_role="merge", SYNC_claim_idle_s=1)
        self.wait_merged(self.hub_redis, self.db, 5)

    def test_a_lost_consumer_group_is_created_again(self):
        hub = self.start()
        self.push(device_rows(1))
        self.hub_redis.cli("FLUSHALL")
        wait_until(lambda: self.hub_redis.cli("GET", "synchub:nodes:version"),
                   "the credentials to be published", details=hub.log)
        hub.wait_ready()
        self.push(device_rows(2))
        self.assertEqual(count(self.db), 2)

    def test_after_a_data_loss_of_redis_no_table_counts_as_merged(self):
        """The published digests are those of tables in this database."""
        hub = self.start()
        self.push(device_rows(3))
        digest = self.hub_redis.cli("HGET", "synchub:digests", "Node_A")
        self.assertRegex(digest, r"^[0-9a-f]{64} \d+$")
        hub.stop()
        self.hub_redis.cli("DEL", "synchub:digests")
        hub = self.start()
        wait_until(lambda: self.hub_redis.cli("HGET", "synchub:digests", "Node_A") == digest, "the digest",
                   details=hub.log)
        hub.stop()
        self.start_on_new_database()
        self.assertEqual(self.hub_redis.cli("HGET", "synchub:digests", "Node_A"), "")

    def start_on_new_database(self):
        self.db = self.folder / "another.db"
        self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db), "adopt",
                         code=0)
        self.start()
        wait_until(self.db.exists, "the database")
        wait_until(lambda: self.hub_redis.cli("HGET", "synchub:digests", "Node_A") == "",
                   "the digests of the other database to be deleted")

    def test_a_removed_database_is_created_and_filled_again(self):
        self.start()
        table = device_table(device_rows(3))
        self.push_text(table)
        for path in self.folder.glob("hub.db*"):
            path.unlink(missing_ok=True)  # the hub may remove some, too
        self.hub.wait_for_log("hub.db was removed or replaced while it was open")
        wait_until(lambda: self.hub_redis.cli("HGET", "synchub:digests", "Node_A") == "",
                   "the digests of the removed database to be deleted")
        self.push_text(table)
        self.wait_merged(self.hub_redis, self.db, 3)

    def test_a_replaced_database_is_used(self):
        hub = self.start()
        self.push(device_rows(1))
        hub.stop()
        restored = self.folder / "backup"
        shutil.copy(self.db, restored)
        self.start()
        self.push(device_rows(3))
        digest = self.hub_redis.cli("HGET", "synchub:digests", "Node_A")
        for path in self.folder.glob("hub.db-*"):
            path.unlink(missing_ok=True)  # the hub may remove some, too
        restored.rename(self.db)
        self.hub.wait_for_log("hub.db was removed or replaced while it was open")
        # Until the digests are those of the new file, the table is unchanged.
        wait_until(lambda: self.hub_redis.cli("HGET", "synchub:digests", "Node_A") != digest,
                   "the digest of the new file")
        self.push(device_rows(3))
        self.wait_merged(self.hub_redis, self.db, 3)

    def test_a_single_run_with_a_dead_letter_fails(self):
        settings = self.receiver_settings(self.hub_redis, self.db)
        self.run_program("receiver", settings, "--once", code=0)
        self.hub_redis.cli("XADD", "synchub:ingest", "*", "e", "no envelope", "m", "push")
        done = self.run_program("receiver", settings, "--once", code=1)
        self.assertIn("dead letters", done.stderr)
        self.run_program("receiver", settings, "--once", code=0)

    def test_a_locked_database_only_delays(self):
        self.start()
        self.push(device_rows(1))
        connection = sqlite3.connect(self.db, timeout=READY_S, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        netalertx_push(self.hub.url, device_table(device_rows(3)), "Node_A")
        wait_until(lambda: self.hub_redis.cli("XPENDING", "synchub:ingest", "receivers")
                   .splitlines()[0] == "1", "the entry to be pending")
        connection.execute("COMMIT")
        connection.close()
        self.wait_merged(self.hub_redis, self.db, 3)
        self.assertEqual(query(self.db, "SELECT inserted FROM SyncHub_Nodes")[0]["inserted"], 3)
        self.assertIn(device_mac(2), self.macs())


if __name__ == "__main__":
    unittest.main()
