# SPDX-License-Identifier: Apache-2.0
"""Data of 0.1.0, and of later versions of the database, with the new programs; programs of both releases with each other; and that an older program refuses a
newer one's data."""

import json
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import old  # noqa: E402
import harness  # noqa: E402
from harness import (REPO, Redis, SyncHubTest, curl, device_rows, device_table,  # noqa: E402
                     wait_until)
from postgres import PASSWORD, USER, Postgres, find_programs, psql  # noqa: E402

GOLDEN = REPO / "tests" / "golden" / "0.1.0"
SCHEMAS = sorted((REPO / "tests" / "golden").glob("schema-*"))


class GoldenTest(SyncHubTest):
    """Goes on with what tests/upgrade/make.py kept."""

    def golden_redis(self, golden=GOLDEN):
        """A Redis with kept data: its dump as the first part of an append-only file."""
        folder = self.folder / f"redis-{golden.name}-{self.redis_count}"
        self.redis_count += 1
        folder.mkdir()
        shutil.copy(golden / "redis.rdb", folder / "dump.rdb")
        (folder / "redis.conf").write_text(f"dir {folder}\n")
        subprocess.run([REPO / "packaging" / "redis" / "prepare-redis", folder / "redis.conf"],
                       check=True, stdout=subprocess.DEVNULL)
        redis = Redis(folder)
        self.addCleanup(redis.stop)
        self.assertEqual(redis.backlog(), 1)
        return redis

    def sqlite_database(self, golden=GOLDEN):
        path = self.folder / f"{golden.name}.db"
        shutil.copy(golden / "hub.db", path)
        return path

    def devices_of(self, settings):
        output = self.run_program("receiver", settings, "devices", "--json", code=0)
        return json.loads(output.stdout)["data"]

    def check_hub(self, redis, db):
        """Everything must be there, waiting entries be merged, and the hub continue."""
        hub = self.receiver(redis, db)
        settings = self.receiver_settings(redis, db)
        wait_until(lambda: redis.backlog() == 0 and len(self.devices_of(settings)) == 35,
                   "the 30 devices and the 5 waiting ones", details=hub.log)
        self.assertEqual(redis.dead(), 0)
        output = self.run_program("receiver", settings, "nodes", code=0).stdout
        for node in ("Node_A", "Node_B", "Node_C"):
            self.assertIn(node, output)
        self.assertIn("Cabin", self.run_program("receiver", settings, "node", "list", code=0).stdout)
        return hub

    def push(self, hub, node, rows, **settings):
        return self.run_program("pusher", self.pusher_settings(
            hub.url, device_table(rows), node, **settings), "--once", code=0)

    def own_credentials(self, golden=GOLDEN):
        """Those of node Cabin."""
        own = dict(re.findall(r"^(SYNC_\w+)='?([^'\n]*)'?$", (golden / "cabin.env").read_text(),
                              re.MULTILINE))
        self.assertIn("SYNC_api_token", own)
        return own


class UpgradeTest(GoldenTest):
    def test_a_sqlite_hub_of_0_1_0_goes_on(self):
        redis = self.golden_redis()
        db = self.sqlite_database()
        hub = self.check_hub(redis, db)
        rows = self.devices_of(self.receiver_settings(redis, db))
        self.assertEqual({row["devSyncHubNode"] for row in rows}, {"Node_A", "Node_B", "Node_C"})
        self.assertEqual(harness.count(db, "Plugins_Objects"), 1)
        # 0.1.0 recorded no presence, so each node sends its table once more.
        for result in ("queued", "unchanged"):
            self.push(hub, "Node_A", device_rows(20, "a"))
            wait_until(lambda: redis.backlog() == 0, "the merge", details=hub.log)
            wait_until(lambda: f'synchub_pushes_total{{result="{result}"}} 1' in
                       curl(hub.url + "/metrics").text, f"a table to be {result}", details=hub.log)
        self.push(hub, "Node_A", device_rows(21, "a"))
        wait_until(lambda: harness.count(db) == 36, "the new device")

    def test_a_postgresql_hub_of_0_1_0_goes_on(self):
        server = Postgres()
        self.addCleanup(server.remove)
        url = server.new_database()
        psql(url, (GOLDEN / "postgres.sql").read_text())
        self.check_hub(self.golden_redis(), url)

    def test_a_nodes_own_credentials_are_still_good(self):
        redis = self.golden_redis()
        hub = self.check_hub(redis, self.sqlite_database())
        self.push(hub, "Cabin", device_rows(1, "d"), **self.own_credentials())

    def test_a_spool_of_0_1_0_reaches_the_hub(self):
        redis = self.redis()
        hub = self.receiver(redis)
        settings = self.pusher_settings(hub.url, None, "Node_S", SYNC_devices="False",
                                        SYNC_plugins="['ARPSCAN']")
        spool = self.folder / "node-Node_S" / "spool"
        shutil.rmtree(spool)
        shutil.copytree(GOLDEN / "spool", spool)
        spool.chmod(0o700)
        self.program("pusher", {**settings, "SYNC_RUN": "schedule"})
        self.wait_merged(redis, self.folder / "hub.db", 1, table="Plugins_Objects")

    def test_settings_of_0_1_0_are_understood(self):
        text = (GOLDEN / "settings.env").read_text()
        path = self.folder / "settings.env"
        path.write_text(text.replace("SYNC_api_token=''", f"SYNC_api_token='{harness.TOKEN}'")
                        .replace("SYNC_encryption_key=''", f"SYNC_encryption_key='{harness.KEY}'"))
        output = self.run_program("receiver", {"SYNC_config_file": path}, "--check-config", code=0)
        self.assertIn("SYNC_api_token=(hidden) (from file)", output.stdout)
        self.assertNotIn("is not a setting", output.stderr)


class Schemas(GoldenTest):
    """Databases of versions between releases: from each to today's."""

    def check_noted(self, redis, db):
        """What an operator had noted is there."""
        def said(*arguments):
            return self.run_program("receiver", self.receiver_settings(redis, db), *arguments, code=0).stdout
        node = json.loads(said("node", "show", "Node_A", "--json"))
        self.assertEqual((node["labels"], node["note"], node["silent_after_s"]),
                         ({"site": "north"}, "in the cellar", 43200))
        self.assertIn("Node_E", said("nodes"))
        self.assertIn("00:00:5e:00:53:01", said("blocklist", "list"))

    def test_each_kept_database_goes_on(self):
        self.assertTrue(SCHEMAS)
        server = Postgres()
        self.addCleanup(server.remove)
        for golden in SCHEMAS:
            url = server.new_database()
            psql(url, (golden / "postgres.sql").read_text())
            for db in (self.sqlite_database(golden), url):
                with self.subTest(golden=golden.name, db=str(db)):
                    redis = self.golden_redis(golden)
                    # The Redis is that of the SQLite database.
                    self.run_program("receiver", self.receiver_settings(redis, db), "adopt", code=0)
                    hub = self.check_hub(redis, db)
                    self.check_noted(redis, db)
                    if db is not url:
                        self.push(hub, "Cabin", device_rows(1, "d"), **self.own_credentials(golden))
                    hub.stop()
                    redis.stop()


class RestoreTest(GoldenTest):
    """Dumps of older versions replace today's database by what the restore job of k8s/components/backup-postgresql runs."""

    def setUp(self):
        super().setUp()
        self.server = Postgres()
        self.addCleanup(self.server.remove)
        text = (REPO / "k8s" / "components" / "backup-postgresql" / "restore.yaml").read_text()
        block = re.search(r"^( +)- sh\n +- -c\n +- \|\n((?:\1  .*\n)+)", text, re.MULTILINE)
        self.script = re.sub(rf"^{block[1]}  ", "", block[2], flags=re.MULTILINE)

    def restore(self, dump, url):
        database = url.rsplit("/", 1)[1]
        return subprocess.run(
            ["sh", "-c", self.script], capture_output=True, text=True, timeout=harness.READY_S,
            env={"PATH": f"{find_programs()}:/usr/bin:/bin", "PGHOST": "127.0.0.1", "PGPORT": str(self.server.port),
                 "PGUSER": USER, "PGPASSWORD": PASSWORD, "PGDATABASE": database, "RESTORE_FILE": str(dump)})

    def todays_database(self, redis):
        url = self.server.new_database()
        self.run_program("receiver", self.receiver_settings(redis, url), "--once", code=0)
        psql(url, """INSERT INTO "Devices" ("devMac", "devFirstConnection", "devLastConnection") VALUES ('02:00:00:00:00:99', '', '')""")
        return url

    def dump(self, url, name):
        path = self.folder / f"{name}.dump"
        subprocess.run([find_programs() / "pg_dump", "--format=custom", f"--file={path}", url], check=True)
        return path

    def test_a_dump_of_each_older_version_is_restored_and_upgraded(self):
        for golden in (GOLDEN, *SCHEMAS):
            with self.subTest(golden=golden.name):
                older = self.server.new_database()
                psql(older, (golden / "postgres.sql").read_text())
                redis = self.golden_redis(golden)
                today = self.todays_database(self.redis())
                done = self.restore(self.dump(older, golden.name), today)
                self.assertEqual(done.returncode, 0, done.stderr)
                devices = "SELECT count(*) FROM \"Devices\""
                self.assertEqual(psql(today, devices), psql(older, devices))
                self.run_program("receiver", self.receiver_settings(redis, today), "adopt", code=0)
                self.check_hub(redis, today).stop()
                redis.stop()

    def test_a_dump_that_breaks_off_changes_nothing(self):
        today = self.todays_database(self.redis())
        path = self.dump(today, "whole")
        broken = self.folder / "broken.dump"
        broken.write_bytes(path.read_bytes()[:-2000])
        before = self.dump(today, "before").stat().st_size
        self.assertNotEqual(self.restore(broken, today).returncode, 0)
        self.assertEqual(self.dump(today, "after").stat().st_size, before)
        self.assertEqual(psql(today, 'SELECT "devMac" FROM "Devices"'), "02:00:00:00:00:99\n")


class BothReleases(SyncHubTest):
    """Each connection between a program of 0.1.0 and one of today."""

    @classmethod
    def setUpClass(cls):
        cls.new = harness.BIN
        cls.old = old.build("0.1.0")

    def use(self, folder):
        harness.BIN = folder
        self.addCleanup(setattr, harness, "BIN", self.new)

    def check(self, hub_programs, node_programs):
        redis = self.redis()
        db = self.folder / "hub.db"
        self.use(hub_programs)
        hub = self.receiver(redis, db)
        self.use(node_programs)
        line = "10.0.0.1|aa:bb:cc:dd:ee:ff|2026-08-22 02:53:00|a|b|c|d|extra|key\n"
        pushing = self.pusher_settings(hub.url, device_table(device_rows(20, "a")), "Node_A",
                                       SYNC_plugins="['ARPSCAN']")
        (self.folder / "node-Node_A" / "plugins" / "last_result.ARPSCAN.log").write_text(line)
        self.run_program("pusher", pushing, "--once", code=0)
        listening = self.program("pusher", self.pusher_settings(
            "", device_table(device_rows(30, "b")), "Node_B", SYNC_listen="127.0.0.1:0"))
        self.use(hub_programs)
        for _ in range(2):  # the second time the node answers that nothing changed
            self.run_program("puller", self.puller_settings(redis, [listening.url]), "--once",
                             code=0)
        self.wait_merged(redis, db, 50)
        self.assertEqual(harness.count(db, "Plugins_Objects"), 1)
        self.assertEqual(redis.dead(), 0)

    def test_old_nodes_and_a_new_hub(self):
        self.check(self.new, self.old)

    def test_new_nodes_and_an_old_hub(self):
        self.check(self.old, self.new)

    def test_an_old_node_gets_credentials_of_its_own_from_a_new_hub(self):
        redis = self.redis()
        db = self.folder / "hub.db"
        hub = self.receiver(redis, db)
        settings = self.receiver_settings(redis, db)
        for number, command in enumerate((["add", "--netalertx"], ["rotate"])):
            printed = self.run_program("receiver", settings, "node", *command, "Cabin", code=0).stdout
            own = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
            self.use(self.old)
            self.run_program("pusher", self.pusher_settings(
                hub.url, device_table(device_rows(2 + number, "c")), "Cabin", **own), "--once", code=0)
            self.use(self.new)
        self.wait_merged(redis, db, 3)

    def spool_of_refused(self, hub_programs, node_programs):
        """A result with a wrong key is kept, and arrives once the key is correct."""
        redis = self.redis()
        self.use(hub_programs)
        hub = self.receiver(redis, SYNC_receiver_role="ingest")
        self.use(node_programs)
        settings = self.pusher_settings(hub.url, None, "Node_A", SYNC_devices="False",
                                        SYNC_plugins="['ARPSCAN']", SYNC_encryption_key="wrong one")
        (self.folder / "node-Node_A" / "plugins" / "last_result.ARPSCAN.log").write_text(
            "10.0.0.1|aa:bb:cc:dd:ee:ff|2026-08-22 02:53:00|a|b|c|d|extra|key\n")
        output = self.run_program("pusher", settings, "--once", code=1)
        self.assertIn("SYNC_encryption_key of this node must be the hub's", output.stderr)
        self.assertEqual(redis.backlog(), 0)
        self.run_program("pusher", {**settings, "SYNC_encryption_key": harness.KEY}, "--once", code=0)
        self.assertEqual(redis.backlog(), 1)

    def test_an_old_node_keeps_what_a_new_hub_refuses_for_its_key(self):
        self.spool_of_refused(self.new, self.old)

    def test_a_new_node_keeps_what_an_old_hub_refuses_for_its_key(self):
        self.spool_of_refused(self.old, self.new)

    def test_an_upgraded_database_is_refused_by_the_old_program_and_stays_whole(self):
        redis = self.redis()
        db = self.folder / "hub.db"
        for count in (5, 6):
            hub = self.receiver(redis, db)
            self.run_program("pusher", self.pusher_settings(
                hub.url, device_table(device_rows(count, "a")), "Node_A"), "--once", code=0)
            self.wait_merged(redis, db, count)
            hub.stop()
            self.use(self.old)
            output = self.run_program("receiver", self.receiver_settings(redis, db), code=2).stderr
            self.assertIn("run the newer version", output)
            self.use(self.new)

    def test_a_newer_schema_is_refused_with_both_versions(self):
        db = self.folder / "hub.db"
        redis = self.redis()
        self.receiver(redis, db).stop()
        connection = sqlite3.connect(db)
        connection.execute("UPDATE SyncHub_Meta SET value = '999' WHERE key = 'schema_version'")
        connection.commit()
        connection.close()
        for programs in (self.new, self.old):
            self.use(programs)
            output = self.run_program("receiver", self.receiver_settings(redis, db), code=2).stderr
            self.assertRegex(output, r"made by a newer Sync Hub \(its schema is 999, "
                                   r"this program knows \d+\): run the newer version")


if __name__ == "__main__":
    unittest.main()
