# SPDX-License-Identifier: Apache-2.0
"""`synchub-receiver doctor`: each fault is found with a remedy, and gone when it is fixed."""

import json
import os
import shutil
import sqlite3
import unittest

import authority
import postgres
from harness import (REPO, FakeServer, SyncHubTest, curl, device_rows, device_table, free_port, netalertx_push,
                     query, wait_until)


class Doctor(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.db = self.folder / "hub.db"
        self.listen = f"127.0.0.1:{free_port()}"

    def settings(self, **more):
        return self.receiver_settings(self.hub_redis, self.db,
                                      **{"SYNC_listen": self.listen, **more})

    def start(self, **more):
        return self.program("receiver", self.settings(**more)).wait_ready()

    def doctor(self, code, **more):
        """What it found, by check; the worst result counts."""
        done = self.run_program("receiver", self.settings(**more), "doctor", "--json", code=code)
        found = {}
        for item in json.loads(done.stdout)["items"]:
            self.assertEqual(set(item), {"check", "status", "detail", "remedy"})
            if item["status"] in ("warning", "failed"):
                self.assertTrue(item["remedy"], item)
            if found.get(item["check"], ("ok",))[0] in ("ok", "skipped"):
                found[item["check"]] = (item["status"], item["detail"])
        return found

    def finds(self, check, status, says, **more):
        found = self.doctor(3, **more)
        self.assertEqual(found[check][0], status, found)
        self.assertRegex(found[check][1], says)

    def is_well(self, **more):
        found = self.doctor(0, **more)
        self.assertFalse([item for item in found.values() if item[0] in ("warning", "failed")])
        return found

    def test_a_healthy_hub_has_no_findings(self):
        self.start()
        found = self.is_well()
        self.assertTrue({"settings", "database", "database lock", "disk", "Redis", "Redis memory",
                         "Redis durability", "clock", "queue", "dead letters", "hub's database",
                         "credentials", "nodes", "authentication", "receiver",
                         "file modes"} <= set(found), found)
        lines = self.run_program("receiver", self.settings(), "doctor", code=0).stdout.splitlines()
        self.assertTrue(all(line for line in lines))
        usage = self.run_program("receiver", self.settings(), "doctor", "--bad", code=2)
        self.assertIn("usage", usage.stderr)

    def test_ports(self):
        console = f"127.0.0.1:{free_port()}"
        hub = self.start(SYNC_console_listen=console)
        found = self.is_well(SYNC_console_listen=console)
        self.assertEqual((found["receiver"][0], found["console"][0]), ("ok", "ok"))
        other = self.server(FakeServer(lambda request: (200, {}, "It works!"))).url.removeprefix("http://")
        self.finds("console", "warning", "another program", SYNC_console_listen=other)
        self.finds("receiver", "failed", "another program", SYNC_listen=other)
        hub.stop()
        self.finds("receiver", "failed", "nothing listens there")
        self.finds("console", "warning", "nothing listens there", SYNC_console_listen=console)

    def test_on_postgresql(self):
        server = postgres.Postgres()
        self.addCleanup(server.remove)
        self.db = server.new_database()
        self.start()
        self.assertEqual(self.is_well()["database rights"][0], "ok")
        server.stop()
        self.finds("database", "failed", "PostgreSQL")

    def test_redis(self):
        self.start()
        self.hub_redis.cli("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        self.finds("Redis", "failed", "maxmemory-policy")
        self.hub_redis.cli("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self.hub_redis.cli("CONFIG", "SET", "maxmemory", "100gb")
        self.assertIn("of 102400 MiB", self.is_well()["Redis memory"][1])
        self.hub_redis.stop()
        self.finds("Redis", "failed", "SYNC_redis_url")

    def test_queue_and_dead_letters(self):
        self.start()
        self.hub_redis.cli("XADD", "synchub:ingest", "1700000000000-0", "e", "x", "m", "push")
        wait_until(lambda: self.hub_redis.dead() == 1, "the dead letter")
        self.finds("dead letters", "warning", "1 entries")
        self.run_program("receiver", self.settings(), "dead", "drop", "--all", code=0)
        self.is_well()

    def test_an_old_entry_that_nobody_merges(self):
        self.start().stop()
        self.hub_redis.cli("XADD", "synchub:old", "1700000000000-0", "e", "x", "m", "push")
        self.hub_redis.cli("RENAME", "synchub:old", "synchub:ingest")
        self.finds("queue", "warning", "1 entries")
        self.finds("receiver", "failed", self.listen)

    def test_credentials_and_nodes(self):
        hub = self.start()
        self.run_program("receiver", self.settings(), "node", "add", "Office", code=0)
        self.is_well()
        self.assertEqual(netalertx_push(hub.url, device_table(device_rows(1)), "Office").status,
                         403)
        wait_until(lambda: query(self.db, "SELECT 1 FROM SyncHub_AuthFailures"), "the failure",
                   details=hub.log)
        found = self.doctor(3)
        self.assertEqual(found["authentication"][0], "warning")
        hub.stop()
        self.hub_redis.cli("DEL", "synchub:nodes:version")
        self.finds("credentials", "failed", "503")
        self.hub_redis.cli("SET", "synchub:database", "0" * 32)
        self.finds("hub's database", "failed", "another database")

    def test_the_database(self):
        self.finds("database", "failed", "there is no database")
        self.start().stop()
        connection = sqlite3.connect(self.db, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        self.finds("database lock", "failed", "locked")
        connection.close()
        shutil.copy(REPO / "tests" / "golden" / "0.1.0" / "hub.db", self.db)
        before = self.db.read_bytes()
        self.finds("database", "failed", "older Sync Hub")
        self.assertEqual(self.db.read_bytes(), before)

    def test_a_clock(self):
        self.start()
        clock = self.clock(ahead_s=3600)
        self.finds("clock", "warning", "is behind", **clock.environment)

    def test_certificates_and_modes(self):
        root = authority.Authority(self.folder)
        cert, key = root.issue("hub", days=90)
        os.chmod(key, 0o600)
        tls = {"SYNC_tls_cert": cert, "SYNC_tls_key": key}
        self.program("receiver", self.settings(**tls))
        ready = f"https://{self.listen}/readyz"
        wait_until(lambda: curl(ready, "--cacert", str(root.file)).status == 200, "the hub to be ready")
        self.assertIn("127.0.0.1 is valid until", self.is_well(**tls)["certificate"][1])
        other, other_key = root.issue("other", days=5)
        self.finds("certificate", "warning", "for [45] days",
                   SYNC_tls_cert=other, SYNC_tls_key=other_key)
        self.finds("certificate's key", "failed", "another certificate",
                   SYNC_tls_cert=cert, SYNC_tls_key=other_key)
        self.finds("certificate", "failed", "PEM", SYNC_tls_cert=key, SYNC_tls_key=key)
        os.chmod(key, 0o644)
        self.finds("file modes", "warning", "SYNC_tls_key", **tls)


if __name__ == "__main__":
    unittest.main()
