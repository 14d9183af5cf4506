# SPDX-License-Identifier: Apache-2.0
"""Several transactions of one receiver at once, on a real PostgreSQL server."""

import random
import subprocess
import threading
import unittest

import postgres
from harness import device_mac, device_row, device_rows, device_table, mac_spellings, netalertx_push, wait_until
from merge_base import MergeTest

server = None


def setUpModule():
    global server
    server = postgres.Postgres()
    unittest.addModuleCleanup(lambda: server.remove())


class WorkersTest(MergeTest):
    def setUp(self):
        super().setUp()
        self.db = server.new_database()
        self.ingest = self.receiver(self.hub_redis, self.db, SYNC_receiver_role="ingest")

    def queue(self, node, rows):
        answer = netalertx_push(self.ingest.url, device_table(rows), node)
        self.assertEqual(answer.status, 200, answer)

    def settings(self, **settings):
        return self.receiver_settings(self.hub_redis, settings.pop("db", self.db), SYNC_receiver_role="merge",
                                      **settings)

    def merge(self, **settings):
        self.run_program("receiver", self.settings(**settings), "--once")
        self.assertEqual(self.hub_redis.backlog(), 0)
        self.assertEqual(self.hub_redis.dead(), 0)

    def value(self, sql):
        return postgres.psql(self.db, sql).strip()

    def query(self, sql, *parameters):
        return postgres.query(self.db, sql, *parameters)

    def names(self):
        return dict(line.split("|") for line in
                    postgres.psql(self.db, 'SELECT "devMac", "devName" FROM "Devices"').splitlines())


class InOrder(WorkersTest):
    def test_the_row_that_was_queued_first_wins_whichever_worker_merges_it(self):
        self.merge()  # makes the tables
        for seed in range(4):
            with self.subTest(seed=seed):
                chance = random.Random(seed)
                nodes = [f"Node_{seed}_{n}" for n in range(chance.choice((3, 12, 30)))]
                common = [f"{seed:02x}:00:00:00:00:{n:02x}" for n in range(40)] + [f"printer {seed} {n}" for n in range(9)]
                expected = self.names()
                for number in range(60):
                    node = chance.choice(nodes)
                    rows = device_rows(3, node, first=3 * chance.randrange(20))
                    for mac in chance.sample(common, chance.choice((0, 0, 1, 4))):
                        spelled = chance.choice(sorted(mac_spellings(mac))) if ":" in mac else mac.upper()
                        rows.append(device_row(number, node, devMac=spelled))
                    chance.shuffle(rows)
                    for place, row in enumerate(rows):
                        row["devName"] = f"{number} {place}"
                        mac = row["devMac"]
                        key = next((one for one in common if mac == one.upper() or
                                    (":" in one and mac in mac_spellings(one))), mac)
                        if key.lower() not in (one.lower() for one in expected):
                            expected[mac if key.startswith("printer") else key] = row["devName"]
                    self.queue(node, rows)
                before = int(self.value("SELECT txid_current()"))
                self.merge()
                self.assertEqual(self.names(), expected)
                writers = self.value(f'SELECT count(DISTINCT xmin::text) FROM "Devices" WHERE xmin::text::bigint >= {before}')
                self.assertGreater(int(writers), 1)

    def test_counts_and_presence_are_those_of_one_after_the_other(self):
        nodes = [f"Node_{n}" for n in range(16)]
        for turn in range(3):
            for node in nodes:
                self.queue(node, device_rows(20, "common") + device_rows(10 + turn, node))
        self.merge()
        rows = self.query("SELECT * FROM SyncHub_Nodes ORDER BY node")
        self.assertEqual(len(rows), len(nodes))
        self.assertEqual(sum(row["inserted"] for row in rows), 20 + 16 * 12)
        self.assertEqual({row["sent"] for row in rows}, {32}, rows)
        present = self.query("SELECT node, count(*) AS n FROM SyncHub_Presence GROUP BY node")
        self.assertEqual({row["n"] for row in present}, {32})
        self.assertEqual(self.count_items(), 48)

    def count_items(self):
        return int(self.value('SELECT count(*) FROM "SyncHub_Items"'))


class AtOnce(WorkersTest):
    def inserted_elsewhere(self, mac):
        """A session that has inserted a device and not committed; release() ends it."""
        session = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", "-d", self.db],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        session.stdin.write(
            "BEGIN; CREATE TEMP TABLE one AS SELECT * FROM \"Devices\" LIMIT 1;"
            f"UPDATE one SET \"devMac\" = '{mac}', rowid = 1000000;"
            "INSERT INTO \"Devices\" OVERRIDING SYSTEM VALUE SELECT * FROM one;\n\\echo inserted\n")
        session.stdin.flush()
        self.assertEqual(session.stdout.readline().strip(), "inserted")

        def release():
            if session.poll() is None:
                session.communicate("ROLLBACK;\n")
        self.addCleanup(release)
        return release

    def devices_of(self, nodes):
        names = self.names()
        return {node for node in nodes if device_mac(1, node) in names}

    def test_others_are_committed_while_one_waits(self):
        nodes = [f"Node_{n}" for n in range(16)]
        self.queue("Earlier", device_rows(1, "Earlier"))
        self.merge()
        release = self.inserted_elsewhere(device_mac(1, "Node_3"))
        for node in nodes:
            self.queue(node, device_rows(2, node))
        self.hub = self.program("receiver", self.settings())
        wait_until(lambda: len(self.devices_of(nodes)) > 1, "tables of other nodes to be committed",
                   details=self.hub.log)
        self.assertNotIn("Node_3", self.devices_of(nodes))
        release()
        self.wait_drained()
        self.assertEqual(self.devices_of(nodes), set(nodes))
        self.hub.stop()

    def test_nothing_is_lost_or_doubled_when_connections_end(self):
        nodes = [f"Node_{n}" for n in range(8)]
        for node in nodes:
            for part in range(6):
                self.queue(node, device_rows(100, node, first=100 * part))
        self.hub = self.program("receiver", self.settings())
        done = threading.Event()

        def end_sessions():
            while not done.is_set():
                postgres.psql(self.db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                                       "application_name = 'synchub-receiver' ORDER BY random() LIMIT 1")
                done.wait(0.2)
        self.hub.wait_ready()
        killer = threading.Thread(target=end_sessions)
        killer.start()
        try:
            wait_until(lambda: int(self.value('SELECT count(*) FROM "Devices"')) >= 2000, "most devices to be there",
                       details=self.hub.log)
        finally:
            done.set()
            killer.join()
        self.wait_drained()
        self.assertEqual(self.hub_redis.dead(), 0)
        self.assertEqual(int(self.value('SELECT count(*) FROM "Devices"')), 4800)
        self.assertEqual(int(self.value('SELECT sum(inserted) FROM "SyncHub_Nodes"')), 4800)
        self.hub.stop()

    def test_one_connection_is_enough(self):
        name = self.db.rpartition("/")[2]
        postgres.psql(self.db, "CREATE ROLE narrow LOGIN PASSWORD 'narrow' CONNECTION LIMIT 1;"
                               f"ALTER DATABASE {name} OWNER TO narrow; ALTER SCHEMA public OWNER TO narrow")
        narrow = f"postgresql://narrow:narrow@127.0.0.1:{server.port}/{name}"
        nodes = [f"Node_{n}" for n in range(8)]
        for node in nodes:
            self.queue(node, device_rows(2, node))
        self.hub = self.program("receiver", self.settings(db=narrow))
        self.wait_drained()
        self.assertEqual(self.devices_of(nodes), set(nodes))
        self.hub.wait_ready()
        self.assertIn("too many connections for role", self.hub.log())
        self.hub.stop()
