#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/VERSION with the programs of that release: a hub's database (SQLite, and
PostgreSQL as a dump), its Redis with a waiting entry, a node's spool, and settings. Or makes
tests/golden/schema-N with today's programs, for a database of version N that no release has yet: its
databases and its Redis only, but with what an operator has noted.

The files are kept permanently; this script documents how they were made.
Usage: make.py VERSION | schema-N
"""

import json
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import old  # noqa: E402
import harness  # noqa: E402
from harness import (REPO, SyncHubTest, device_rows, device_table, netalertx_push,  # noqa: E402
                     wait_until)
from postgres import Postgres  # noqa: E402

LINE = "10.0.0.1|aa:bb:cc:dd:ee:ff|2026-08-22 02:53:00|one|two|three|four|extra|key\n"


class Make(SyncHubTest):
    def runTest(self):
        version = sys.argv[1]
        self.is_release = not version.startswith("schema-")
        if self.is_release:
            harness.BIN = old.build(version)
        self.golden = REPO / "tests" / "golden" / version
        shutil.rmtree(self.golden, ignore_errors=True)
        self.golden.mkdir(parents=True)
        redis = self.redis()
        self.fill(redis, self.folder / "hub.db")
        self.keep_sqlite()
        self.queue_one(redis)
        redis.cli("SAVE")
        shutil.copy(redis.folder / "dump.rdb", self.golden / "redis.rdb")
        self.make_postgres()
        if self.is_release:
            self.keep_spool()
            self.keep_settings()

    def fill(self, redis, db):
        """Two nodes' tables and a plugin's result, in the database; and credentials."""
        hub = self.receiver(redis, db)
        settings = self.pusher_settings(hub.url, device_table(device_rows(20, "a")), "Node_A",
                                        SYNC_plugins="['ARPSCAN']")
        (self.folder / "node-Node_A" / "plugins" / "last_result.ARPSCAN.log").write_text(LINE)
        self.run_program("pusher", settings, "--once", code=0)
        self.assertEqual(
            netalertx_push(hub.url, device_table(device_rows(10, "b")), "Node_B").status, 200)
        output = self.run_program("receiver", self.receiver_settings(redis, db), "node", "add",
                                  "Cabin", code=0)
        if not (self.golden / "cabin.env").exists():  # those of the Redis whose dump is kept
            (self.golden / "cabin.env").write_text(output.stdout)

        def merged():
            done = self.run_program("receiver", self.receiver_settings(redis, db), "devices",
                                    "--json", code=0)
            found = json.loads(done.stdout)  # 0.1.0 has no items
            return redis.backlog() == 0 and len(found.get("items", found.get("data"))) == 30
        wait_until(merged, "30 devices")
        if not self.is_release:
            self.note(redis, db)
        hub.stop()

    def note(self, redis, db):
        """What an operator notes of nodes and devices."""
        for arguments in (("node", "label", "Node_A", "site=north"), ("node", "note", "Node_A", "in the cellar"),
                          ("node", "silent-after", "Node_A", "12h"), ("node", "expect", "Node_E"),
                          ("blocklist", "add", "00:00:5e:00:53:01", "--note", "a test")):
            self.run_program("receiver", self.receiver_settings(redis, db), *arguments, code=0)

    def keep_sqlite(self):
        subprocess.run(["sqlite3", self.folder / "hub.db",
                        f"VACUUM INTO '{self.golden / 'hub.db'}'"], check=True)

    def queue_one(self, redis):
        """Queues a table that was not merged."""
        hub = self.receiver(redis, SYNC_receiver_role="ingest")
        self.run_program("pusher", self.pusher_settings(
            hub.url, device_table(device_rows(5, "c")), "Node_C"), "--once", code=0)
        hub.stop()
        self.assertEqual(redis.backlog(), 1)

    def make_postgres(self):
        server = Postgres()
        self.addCleanup(server.remove)
        url = server.new_database()
        self.fill(self.redis(), url)
        dump = subprocess.run([server.programs / "pg_dump", "--no-owner", "--inserts", "-d", url],
                              capture_output=True, check=True).stdout
        (self.golden / "postgres.sql").write_bytes(dump)

    def keep_spool(self):
        """Spools a result that no hub has accepted."""
        settings = self.pusher_settings("http://127.0.0.1:1", None, "Node_S", SYNC_devices="False",
                                        SYNC_plugins="['ARPSCAN']")
        (self.folder / "node-Node_S" / "plugins" / "last_result.ARPSCAN.log").write_text(LINE)
        self.run_program("pusher", settings, "--once", code=1)
        shutil.copytree(self.folder / "node-Node_S" / "spool", self.golden / "spool")

    def keep_settings(self):
        shutil.copy(old.build(sys.argv[1]).parents[1] / "source" / "docker" / ".env.example",
                    self.golden / "settings.env")


if __name__ == "__main__":
    import unittest
    result = unittest.TextTestRunner().run(Make())
    sys.exit(not result.wasSuccessful())
