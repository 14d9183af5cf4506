# SPDX-License-Identifier: Apache-2.0
"""`backup` while everything runs, and `restore` into either kind of database."""

import json
import shutil
import sqlite3
import stat
import subprocess
import unittest

import harness
import postgres
from harness import (BIN, READY_S, REPO, SyncHubTest, clean_environment, device_mac, device_row,
                     device_rows, device_table, netalertx_push, poll_until, query, wait_until)

TABLES = ("Devices", "Plugins_Objects", "SyncHub_Meta", "SyncHub_Items", "SyncHub_Nodes",
          "SyncHub_Parts", "SyncHub_Presence", "SyncHub_AuthFailures", "SyncHub_Credentials",
          "SyncHub_Blocklist")
OF_DATABASE = {"generation", "database_id", "database", "backup_digest", "backup_generation",
               "backup_of"}  # keys in SyncHub_Meta that are not moved

server = None


def setUpModule():
    global server
    server = postgres.Postgres()
    unittest.addModuleCleanup(lambda: server.remove())


def is_postgres(db):
    return str(db).startswith("postgres")


def normal(value):
    return "\\x" + value.hex() if isinstance(value, bytes) else str(value)


def rows_of(db, table):
    ask = postgres.query if is_postgres(db) else query
    rows = [{key: normal(value) for key, value in row.items() if key not in ("rowid", "syncHubKey")}
            for row in ask(db, f"SELECT * FROM {table}")]
    if table == "SyncHub_Meta":
        rows = [row for row in rows if row["key"] not in OF_DATABASE]
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def content(db):
    return {table: rows_of(db, table) for table in TABLES}


class BackupTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.hub_redis.cli("FLUSHALL")  # as a new hub has it
        self.file = self.folder / "hub.backup"
        self.made = 0

    def receiver_settings(self, redis, db=None, **settings):
        """Node_A is in contact twice at once, and would be late a minute later: its devices were not known to be present."""
        return super().receiver_settings(redis, db, **{"SYNC_late_after": "1h", **settings})

    def new_db(self, kind):
        self.made += 1
        if kind == "postgresql":
            return server.new_database()
        return self.folder / f"db{self.made}.db"

    def command(self, db, *arguments, code=0):
        return self.run_program("receiver", self.receiver_settings(self.hub_redis, db), *arguments,
                                code=code)

    def push(self, hub, node, rows, own=None):
        secrets = {} if own is None else {"passphrase": own["SYNC_encryption_key"],
                                          "token": own["SYNC_api_token"]}
        return netalertx_push(hub.url, device_table(rows), node, **secrets).status

    def wait_empty(self, hub):
        wait_until(lambda: self.hub_redis.backlog() == 0, "the merge", details=hub.log)

    def fill(self, db):
        """A hub that has something of everything; returns it, and the credentials of Guarded."""
        hub = self.receiver(self.hub_redis, db)
        printed = self.command(db, "node", "add", "Guarded", "--netalertx").stdout
        own = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
        self.command(db, "blocklist", "add", "02:00:00:00:00:99", "--note", "a 'test' device")
        rows = [device_row(i, devComments="Büro\t\\ 'x'\n\"y\"", devParentPort=port, devName=name)
                for i, (port, name) in enumerate([("Gi1/0/24", "日本"), (7, "a\\b"), (1.5, "x"),
                                                  ("", "é"), (None, "\\N"), ("\\.", "e")])]
        self.assertEqual(self.push(hub, "Node_A", rows), 200)
        self.assertEqual(self.push(hub, "Guarded", device_rows(3, node="g"), own), 200)
        lines = "\n".join(f"p{i}|s|2026-08-22 02:53:00|w1|w\\2|three|four|extra ü|key"
                          for i in range(4))
        self.assertEqual(netalertx_push(hub.url, lines, "Node_A", "ARPSCAN").status, 200)
        self.assertEqual(netalertx_push(hub.url, lines, "Nobody", token="wrong").status, 403)
        self.command(db, "node", "label", "Node_A", "site=north")
        self.wait_empty(hub)
        wait_until(lambda: rows_of(db, "SyncHub_AuthFailures"), "the failure", details=hub.log)
        return hub, own

    def restore(self, db, *arguments, code=0):
        return self.command(db, "restore", self.file, *arguments, code=code)


class Kinds(BackupTest):
    def check(self, source, target):
        old, new = self.new_db(source), self.new_db(target)
        hub, own = self.fill(old)
        self.command(old, "backup", self.file)
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertEqual(self.push(hub, "Later", device_rows(2, node="later")), 200)
        hub.stop()
        merged_later = device_mac(0, "later")
        self.hub_redis.cli("FLUSHALL")
        self.assertIn("9 devices", self.restore(new).stdout)
        hub = self.receiver(self.hub_redis, new)
        self.assertEqual(self.push(hub, "Guarded", device_rows(4, node="g"), own), 200)
        self.assertEqual(self.push(hub, "Guarded", device_rows(4, node="g")), 403)
        self.wait_empty(hub)
        macs = {row["devMac"].lower() for row in rows_of(new, "Devices")}
        self.assertIn(device_mac(3, "g"), macs)
        self.assertNotIn(merged_later, macs)
        listed = self.command(new, "devices", "--json", "--present").stdout
        self.assertTrue(device_mac(1) in listed)
        self.assertIn("02:00:00:00:00:99", self.command(new, "blocklist", "list").stdout)
        self.assertIn("site=north", self.command(new, "node", "show", "Node_A").stdout)
        # What the restore removed is not unchanged.
        self.assertEqual(self.push(hub, "Later", device_rows(2, node="later")), 200)
        self.wait_empty(hub)
        self.assertIn(merged_later, {row["devMac"].lower() for row in rows_of(new, "Devices")})

    @harness.long_test
    def test_sqlite_to_sqlite(self):
        self.check("sqlite", "sqlite")

    def test_sqlite_to_postgresql(self):
        self.check("sqlite", "postgresql")

    def test_postgresql_to_sqlite(self):
        self.check("postgresql", "sqlite")

    @harness.long_test
    def test_postgresql_to_postgresql(self):
        self.check("postgresql", "postgresql")

    @harness.long_test
    def test_every_row_is_the_same_after_a_round_trip(self):
        old, there, back = (self.new_db(kind) for kind in ("sqlite", "postgresql", "sqlite"))
        self.fill(old)[0].stop()
        wanted = content(old)
        self.assertTrue(all(wanted[table] for table in TABLES if table != "SyncHub_Parts"), wanted)
        self.command(old, "backup", self.file)
        self.restore(there)
        self.assertEqual(content(there), wanted)
        self.command(there, "backup", self.file, "--force")
        self.restore(back)
        self.assertEqual(content(back), wanted)
        order = "SELECT devMac FROM Devices ORDER BY rowid"
        self.assertEqual(query(back, order), query(old, order))
        self.assertEqual(postgres.query(there, order), query(old, order))


class RowsToPostgresql(BackupTest):
    """A backup of 3,000 devices, more than one statement takes."""

    def setUp(self):
        super().setUp()
        source = self.new_db("sqlite")
        self.command(source, "node", "expect", "Node_A")
        with sqlite3.connect(source) as db:
            db.executemany("INSERT INTO Devices(devMac, devName, devComments, devFirstConnection, devLastConnection)"
                           " VALUES(?, ?, ?, '', '')",
                           ((device_mac(i), f"n{i}", "é" * 2500) for i in range(3000)))
        db.close()
        self.wanted = content(source)
        self.command(source, "backup", self.file)
        self.target = self.new_db("postgresql")

    def test_a_statement_has_many_rows(self):
        postgres.psql(self.target, f"ALTER DATABASE {self.target.rpartition('/')[2]} SET log_statement = 'all'")
        log = server.folder / "log"
        before = log.stat().st_size
        self.restore(self.target)
        self.assertEqual(content(self.target), self.wanted)
        with open(log, errors="replace") as lines:
            lines.seek(before)
            written = [line for line in lines if 'COPY "Devices"' in line or 'INSERT INTO "Devices"' in line]
        self.assertIn(len(written), range(2, 30), written[:3])

    def test_a_text_that_postgresql_refuses_changes_nothing(self):
        self.restore(self.target)
        before = content(self.target)
        with sqlite3.connect(self.file) as db:
            db.execute("DELETE FROM SyncHub_Meta WHERE key LIKE 'backup%'")
            db.execute("UPDATE Devices SET devName = CAST(x'ff' AS TEXT) WHERE devMac = ?", (device_mac(1500),))
        db.close()
        done = self.restore(self.target, "--force", code=1)
        self.assertRegex(done.stderr, "cannot write to the PostgreSQL database .*invalid byte sequence")
        self.assertEqual(content(self.target), before)
        with sqlite3.connect(self.file) as db:
            db.execute("UPDATE Devices SET devName = 'good' WHERE devMac = ?", (device_mac(1500),))
        db.close()
        self.restore(self.target, "--force")
        self.assertEqual(len(rows_of(self.target, "Devices")), 3000)


class Rules(BackupTest):
    def setUp(self):
        super().setUp()
        self.db = self.new_db("sqlite")

    def refused(self, *arguments, says, code=1):
        done = self.command(self.db, *arguments, code=code)
        self.assertIn(says, done.stderr)

    def test_a_file_and_a_database_are_replaced_only_on_request(self):
        hub, _ = self.fill(self.db)
        self.command(self.db, "backup", self.file)
        before = self.file.read_bytes()
        self.refused("backup", self.file, says="exists")
        self.assertEqual(self.file.read_bytes(), before)
        self.command(self.db, "backup", self.file, "--force")
        self.assertEqual(self.push(hub, "Later", device_rows(2, node="later")), 200)
        self.wait_empty(hub)
        hub.stop()
        self.refused("restore", self.file, says="not empty")
        self.assertEqual(len(rows_of(self.db, "Devices")), 11)
        self.restore(self.db, "--force")
        self.assertEqual(len(rows_of(self.db, "Devices")), 9)
        self.assertEqual(list(self.folder.glob("*.partial*")), [])
        other = server.new_database()
        self.restore(other)
        self.assertIn("not empty", self.restore(other, code=1).stderr)
        self.restore(other, "--force")
        self.assertEqual(content(other), content(self.db))

    def test_a_restore_is_refused_while_a_receiver_merges(self):
        hub, _ = self.fill(self.db)
        self.command(self.db, "backup", self.file)
        self.refused("restore", self.file, "--force", says="merges now")
        new = self.new_db("sqlite")
        self.assertIn("merges now", self.restore(new, code=1).stderr)
        self.assertFalse(new.exists())
        hub.kill()  # its consumer is still in Redis
        self.restore(self.db, "--force")

    @harness.long_test
    def test_a_receiver_with_the_former_database_merges_nothing_more(self):
        hub, _ = self.fill(self.db)
        self.command(self.db, "backup", self.file)
        hub.stop()
        new = self.new_db("postgresql")
        # One with the new database waits, and goes on by itself.
        waiting = self.program("receiver", self.receiver_settings(self.hub_redis, new))
        waiting.wait_for_log("merged into another database")
        self.restore(new)
        waiting.wait_ready()
        former = self.program("receiver", self.receiver_settings(self.hub_redis, self.db,
                                                                 SYNC_receiver_role="merge"))
        former.wait_for_log("merged into another database")

    @harness.long_test
    def test_by_standard_output_and_input(self):
        self.fill(self.db)[0].stop()
        settings = clean_environment(self.receiver_settings(self.hub_redis, self.db))
        program = BIN / "synchub-receiver"
        made = subprocess.run([program, "backup", "-"], env=settings, capture_output=True,
                              check=True, timeout=READY_S)
        self.assertIn(b"backed up: 9 devices", made.stderr)
        wanted = content(self.db)
        done = subprocess.run([program, "restore", "-", "--force"], env=settings, input=made.stdout,
                              capture_output=True, timeout=READY_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(content(self.db), wanted)
        self.assertEqual(list(self.folder.glob(".synchub-*")), [])

    @harness.long_test
    def test_entries_in_the_queue_are_merged_afterwards(self):
        hub, own = self.fill(self.db)
        self.command(self.db, "backup", self.file)
        hub.stop()
        ingest = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        self.assertEqual(self.push(ingest, "Guarded", device_rows(5, node="g"), own), 200)
        self.restore(self.db, "--force")
        self.assertEqual(self.push(ingest, "Guarded", device_rows(6, node="g"), own), 200)
        self.wait_empty(self.receiver(self.hub_redis, self.db))
        self.assertEqual(len(rows_of(self.db, "Devices")), 12)

    @harness.long_test
    def test_a_damaged_file_changes_nothing(self):
        self.fill(self.db)[0].stop()
        self.command(self.db, "backup", self.file)
        good = self.file.read_bytes()
        targets = [self.new_db("sqlite"), self.new_db("postgresql")]
        self.restore(targets[0])
        self.restore(targets[1])
        wanted = [content(db) for db in targets]
        text = good.index("Büro".encode())
        bad = {"empty": b"", "text": b"not a database\n" * 100, "cut": good[:len(good) // 2],
               "one byte less": good[:-4096], "no header": b"\0" * 16 + good[16:],
               "one bit of a text": good[:text] + bytes([good[text] ^ 1]) + good[text + 1:]}
        for name, damaged in bad.items():
            with self.subTest(name):
                self.file.write_bytes(damaged)
                for db in targets:
                    done = self.restore(db, "--force", code=1)
                    self.assertIn(str(self.file), done.stderr)
                    self.assertIn("nothing was changed", done.stderr)
        for step in range(7, len(good), len(good) // 16):
            self.file.write_bytes(good[:step] + bytes([good[step] ^ 0x55]) + good[step + 1:])
            self.command(targets[0], "restore", self.file, "--force", code=None)
        self.assertEqual([content(db) for db in targets], wanted)
        missing = self.command(targets[0], "restore", self.folder / "none", "--force", code=1)
        self.assertIn("none", missing.stderr)

    def test_a_newer_version_is_refused_with_a_message(self):
        self.fill(self.db)[0].stop()
        with sqlite3.connect(self.db) as connection:
            connection.execute("UPDATE SyncHub_Meta SET value = '99' WHERE key = 'schema_version'")
        connection.close()
        shutil.copy(self.db, self.file)
        for kind in ("sqlite", "postgresql"):
            done = self.restore(self.new_db(kind), code=2)
            self.assertIn("newer Sync Hub", done.stderr)

    @harness.long_test
    def test_an_older_version_is_upgraded(self):
        shutil.copy(REPO / "tests" / "golden" / "0.1.0" / "hub.db", self.file)
        wanted = rows_of(self.file, "Devices")
        for kind in ("sqlite", "postgresql"):
            new = self.new_db(kind)
            self.restore(new)
            self.assertEqual(rows_of(new, "Devices"), wanted)
            self.receiver(self.hub_redis, new).stop()
        self.assertEqual([path.name for path in self.folder.glob("*.partial*")], [])

    @harness.long_test
    def test_a_kill_at_any_time_leaves_the_old_or_the_new_database(self):
        """Both kinds; a backup that is killed leaves no file of its name."""
        self.fill(self.db)[0].stop()
        with sqlite3.connect(self.db) as connection:
            for i in range(20000):
                connection.execute("INSERT INTO SyncHub_Presence VALUES('N', ?, 1, 1, 1, 1, '')",
                                   (f"mac-{i}",))
        connection.close()
        self.command(self.db, "backup", self.file)
        new = content(self.db)
        for kind in ("sqlite", "postgresql"):
            db = self.new_db(kind)
            self.restore(db)
            self.command(db, "blocklist", "add", "02:00:00:00:00:11")
            old = content(db)
            for tenths in range(1, 13):
                self.kill_after(tenths / 20, db, "restore", self.file, "--force")
                found = content(db)
                self.assertTrue(found in (old, new), kind)
            self.restore(db, "--force")
            self.assertEqual(content(db), new)
        other = self.folder / "killed.backup"
        self.kill_after(0.05, self.db, "backup", other)
        self.command(self.db, "backup", other, "--force")
        self.assertEqual([path.name for path in self.folder.glob("*.partial*")], [])

    def kill_after(self, seconds, db, *arguments):
        process = subprocess.Popen(
            [BIN / "synchub-receiver", *arguments], cwd=self.folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=clean_environment(self.receiver_settings(self.hub_redis, db)))
        poll_until(lambda: process.poll() is not None, seconds)
        process.kill()
        process.wait()
        if is_postgres(db):
            postgres.wait_for_ended_sessions(db)

    @harness.long_test
    def test_a_backup_is_of_one_time_while_tables_are_merged(self):
        """All rows of a table, and the digest that says so, or none of them."""
        for kind in ("sqlite", "postgresql"):
            db = self.new_db(kind)
            self.hub_redis.cli("FLUSHALL")
            hub = self.receiver(self.hub_redis, db)
            for i in range(8):
                self.assertEqual(self.push(hub, f"N{i}", device_rows(200, node=f"n{i}")), 200)
                self.command(db, "backup", self.file, "--force")
                nodes = {row["node"]: row for row in query(self.file, "SELECT * FROM SyncHub_Nodes")}
                counts = query(self.file, "SELECT devSyncHubNode AS node, count(*) AS n FROM Devices"
                                          " GROUP BY 1")
                for row in counts:
                    self.assertEqual(row["n"], 200)
                    self.assertIsNotNone(nodes[row["node"]]["digest"])
            hub.stop()

    @harness.long_test
    def test_of_a_netalertx_database_what_is_sync_hub_s(self):
        script = (REPO / "tests" / "fixtures" / "app_db.sql").read_text()
        for path in (self.db, self.folder / "other.db"):
            connection = sqlite3.connect(path)
            connection.executescript(script)
            connection.close()
        hub = self.receiver(self.hub_redis, self.db)
        self.command(self.db, "node", "add", "Guarded", "--netalertx")
        self.assertEqual(self.push(hub, "Node_A", device_rows(5)), 200)
        self.wait_empty(hub)
        done = self.command(self.db, "backup", self.file)
        self.assertIn("NetAlertX", done.stdout)
        self.assertEqual(query(self.file, "SELECT * FROM Devices"), [])
        hub.stop()
        other = self.folder / "other.db"
        rows = query(other, "SELECT * FROM Devices")
        self.restore(other)
        self.assertEqual(query(other, "SELECT * FROM Devices"), rows)
        self.assertEqual(rows_of(other, "SyncHub_Credentials"),
                         rows_of(self.db, "SyncHub_Credentials"))
        digests = query(other, "SELECT digest FROM SyncHub_Nodes WHERE digest IS NOT NULL")
        self.assertEqual(digests, [])  # other Devices do not have these rows
        own = self.new_db("sqlite")
        self.restore(own)
        self.receiver(self.hub_redis, own)


if __name__ == "__main__":
    unittest.main()
