# SPDX-License-Identifier: Apache-2.0
"""The database is the record of the nodes' credentials: whatever happens to Redis or to the database,
guarded nodes are asked to retry for seconds at most, and are never refused."""

import json
import re
import shutil
import subprocess
import threading
import unittest

import harness
import postgres
from harness import READY_S, SyncHubTest, TOKEN, device_rows, device_table, netalertx_push, wait_until

NODES = 4
FLUSHES = 3


class StateOfRecord:
    """For both kinds of databases; db names one."""

    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.hub_redis.cli("FLUSHALL")  # as a new hub has it
        self.db = self.new_db()
        self.rows = 0

    def command(self, *arguments, code=0, **settings):
        done = self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db,
                                                                   **settings),
                                *arguments, code=code)
        printed = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        return printed or done

    def add(self, node):
        return self.command("node", "add", node, "--netalertx")

    def names(self):
        nodes = json.loads(self.command("node", "list", "--json").stdout)["nodes"]
        return [node["node"] for node in nodes]

    def push(self, hub, node, own=None):
        """The status of a push of a table that differs from all others."""
        self.rows += 1
        secrets = {} if own is None else {"passphrase": own["SYNC_encryption_key"],
                                          "token": own["SYNC_api_token"]}
        text = device_table(device_rows(1, node=node, first=self.rows))
        return netalertx_push(hub.url, text, node, **secrets).status

    def wait_accepted(self, hub, node, own, meanwhile=(503,)):
        """It may be asked to retry meanwhile, and no more."""
        def accepted():
            status = self.push(hub, node, own)
            self.assertIn(status, (200, *meanwhile))
            return status == 200
        wait_until(accepted, f"node {node} to be accepted", details=hub.log)

    def replicas(self):
        """A receiver that does all, and one that only ingests."""
        return (self.receiver(self.hub_redis, self.db),
                self.receiver(self.hub_redis, SYNC_receiver_role="ingest"))

    @harness.long_test
    def test_losing_redis_while_nodes_push_costs_no_credential_and_no_push(self):
        hubs = self.replicas()
        own = {f"Node_{n}": self.add(f"Node_{n}") for n in range(NODES)}
        done, seen, counts = threading.Event(), set(), dict.fromkeys(own, 0)

        def keep_pushing(number, node):
            while not done.is_set():
                text = device_table(device_rows(1, node=node, first=1000 * number + counts[node]))
                for hub in hubs:
                    status = netalertx_push(hub.url, text, node,
                                            passphrase=own[node]["SYNC_encryption_key"],
                                            token=own[node]["SYNC_api_token"]).status
                    seen.add(status)
                    counts[node] += status == 200
                # Nobody else may send as a guarded node, whatever Redis has lost.
                seen.add(("shared", netalertx_push(hubs[number % 2].url, text, node).status))

        threads = [threading.Thread(target=keep_pushing, args=(number, node))
                   for number, node in enumerate(own)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(FLUSHES):
                before = dict(counts)
                self.hub_redis.cli("FLUSHALL")
                wait_until(lambda: all(counts[node] > before[node] + 2 for node in own),
                           "all nodes to be accepted again", details=lambda: (seen, hubs[0].log()))
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertLessEqual(seen, {200, 503, ("shared", 403), ("shared", 503)})
        self.assertIn(("shared", 403), seen)
        self.assertEqual(sorted(self.names()), sorted(own))
        # What Redis lost is pushed again, as nothing calls it unchanged.
        for node, secrets in own.items():
            self.wait_accepted(hubs[1], node, secrets)
        wait_until(lambda: self.hub_redis.backlog() == 0, "the merge", details=hubs[0].log)
        self.assertEqual(self.hub_redis.dead(), 0)

    @harness.long_test
    def test_a_redis_with_an_old_dump_gets_the_newer_credentials(self):
        hubs = self.replicas()
        old, revoked = self.add("Node_A"), self.add("Node_B")
        self.hub_redis.stop()
        shutil.copytree(self.hub_redis.folder / "appendonlydir", self.folder / "dump")
        self.hub_redis.start()
        new = self.command("node", "rotate", "Node_A", "--for", "0s")
        self.command("node", "revoke", "Node_B")
        later = self.add("Node_C")
        self.hub_redis.stop()
        shutil.rmtree(self.hub_redis.folder / "appendonlydir")
        shutil.copytree(self.folder / "dump", self.hub_redis.folder / "appendonlydir")
        self.hub_redis.start()
        for hub in hubs:
            hub.wait_ready()
            wait_until(lambda: self.push(hub, "Node_A", new) == 200, "the new credentials to work")
            self.assertEqual(self.push(hub, "Node_C", later), 200)
            self.assertEqual(self.push(hub, "Node_A", old), 403)
            self.assertEqual(self.push(hub, "Node_B", revoked), 403)

    def test_a_restored_database_wins(self):
        hubs = self.replicas()
        kept = self.add("Node_A")
        self.backup()
        later = self.add("Node_B")
        for hub in hubs:
            self.assertEqual(self.push(hub, "Node_B", later), 200)
        self.restore()
        for hub in hubs:
            wait_until(lambda: self.push(hub, "Node_B", later) == 403, "the later ones to end",
                       details=hub.log)
            self.wait_accepted(hub, "Node_A", kept)
        self.assertEqual(self.names(), ["Node_A"])

    def test_credentials_of_a_hub_that_had_them_in_redis_are_taken_over_once(self):
        own = self.add("Node_A")
        before = self.receiver(self.hub_redis, self.db)
        before.stop()
        self.db = self.new_db()
        # What an earlier version left in Redis: records, their version, no database.
        self.hub_redis.cli("DEL", "synchub:database")
        self.hub_redis.cli("SET", "synchub:nodes:version", "0123456789abcdef0123456789abcdef")
        hubs = self.replicas()
        hubs[0].wait_for_log("credentials of 1 nodes were taken over")
        for hub in hubs:
            self.assertEqual(self.push(hub, "Node_A", own), 200)
            self.assertEqual(self.push(hub, "Node_A"), 403)
        self.assertEqual(self.names(), ["Node_A"])
        self.hub_redis.cli("HDEL", "synchub:nodes", "Node_A")
        self.hub_redis.cli("SET", "synchub:nodes:version", "another")
        for hub in hubs:  # a whole list without the node counts until merge has replaced it
            self.wait_accepted(hub, "Node_A", own, meanwhile=(403, 503))

    def test_a_command_before_the_first_start_takes_over_too(self):
        own = self.add("Node_A")
        self.receiver(self.hub_redis, self.db).stop()
        self.db = self.new_db()
        self.hub_redis.cli("DEL", "synchub:database")
        other = self.add("Node_B")
        hub = self.receiver(self.hub_redis, self.db)
        self.assertEqual(self.push(hub, "Node_A", own), 200)
        self.assertEqual(self.push(hub, "Node_B", other), 200)

    def test_commands_at_the_same_time_lose_nothing(self):
        hubs = self.replicas()
        own, threads = {}, []

        def add(node):
            own[node] = self.add(node)
        for number in range(NODES):
            threads.append(threading.Thread(target=add, args=(f"Node_{number}",)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(self.names()), [f"Node_{number}" for number in range(NODES)])
        for hub in hubs:
            for node, secrets in own.items():
                self.assertEqual(self.push(hub, node, secrets), 200)  # at once
        self.command("node", "revoke", "Node_0")
        for hub in hubs:
            self.assertEqual(self.push(hub, "Node_0", own["Node_0"]), 403)

    def test_commands_refuse_a_host_without_the_hub_s_database(self):
        self.receiver(self.hub_redis, self.db)
        own_db, self.db = self.db, self.folder / "elsewhere.db"
        for arguments in (("node", "add", "Node_A"), ("node", "revoke", "Node_A")):
            done = self.command(*arguments, code=2)
            self.assertIn("run this command where a receiver merges", done.stderr)
            self.assertFalse(self.db.exists())
        self.db = own_db
        for arguments in (("node", "add", "Node_A"), ("node", "list")):
            done = self.command(*arguments, code=2, SYNC_receiver_role="ingest")
            self.assertIn("this host has no database (SYNC_receiver_role is ingest)", done.stderr)

    def test_many_nodes_are_added_from_a_file_or_none(self):
        hubs = self.replicas()
        names = self.folder / "names"
        names.write_bytes("\ufeffOffice 1\r\n\nBüro\n".encode())
        done = self.command("node", "add", "Cabin", "--file", names, "--netalertx")
        self.assertEqual(sorted(self.names()), ["Büro", "Cabin", "Office 1"])
        self.assertEqual(self.push(hubs[1], "Büro", done), 200)  # the last one printed
        for content, words in (("New\nBüro\n", "node Büro already has credentials"),
                               ("New\nNew\n", "node New is named twice"),
                               ("New\na/b\n", "line 2 of"), ("New\nnew\n", "easily confused"),
                               ("", "name of the node is missing")):
            names.write_text(content)
            done = self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db),
                                    "node", "add", "--file", names)
            self.assertIn(done.returncode, (1, 2))
            self.assertIn(words, done.stderr)
        self.assertEqual(len(self.names()), 3)

    def test_during_the_grace_of_a_rotation_both_credentials_work(self):
        hubs = self.replicas()
        old = self.add("Node_A")
        new = self.command("node", "rotate", "Node_A", "--grace", "1h")
        for hub in hubs:
            self.assertEqual([self.push(hub, "Node_A", own) for own in (old, new)], [200, 200])

    @harness.long_test
    def test_credentials_move_to_another_hub_with_the_same_key(self):
        self.receiver(self.hub_redis, self.db).stop()
        a, b = self.add("Node_A"), self.add("Büro")
        exported = self.command("node", "export").stdout
        for secret in (a["SYNC_api_token"], a["SYNC_encryption_key"]):
            self.assertNotIn(secret, exported)
        file = self.folder / "exported"
        file.write_text(exported)
        self.hub_redis, self.db = self.redis(), self.new_db()
        hub = self.receiver(self.hub_redis, self.db)
        mine = self.add("Node_A")
        done = self.command("node", "import", file)
        self.assertEqual(done.stdout, "imported 1, kept 1 that exist here\n")
        self.assertEqual(self.push(hub, "Büro", b), 200)
        self.assertEqual(self.push(hub, "Node_A", mine), 200)
        self.command("node", "import", file, "--replace")
        self.assertEqual([self.push(hub, "Node_A", own) for own in (a, mine)], [200, 403])
        lines = exported.splitlines()
        moved = lines[1].split("\t")[0] + "\tOther"
        for content in ("", "x\n", lines[0] + "\nno record\n", f"{lines[0]}\n{moved}\n"):
            file.write_text(content)
            self.assertIn("nothing was imported",
                          self.command("node", "import", file, code=1).stderr)
        done = self.command("node", "import", file, code=1, SYNC_encryption_key="another hub's")
        self.assertEqual(sorted(self.names()), ["Büro", "Node_A"])

    def test_the_database_holds_no_secret_in_clear(self):
        self.receiver(self.hub_redis, self.db)
        own = self.add("Node_A")
        content = self.content()
        self.assertIn("Node_A", content)
        for secret in (own["SYNC_api_token"], own["SYNC_encryption_key"], TOKEN):
            self.assertNotIn(secret, content)


class OnSqlite(StateOfRecord, SyncHubTest):
    def new_db(self):
        self.number = getattr(self, "number", 0) + 1
        return self.folder / f"hub{self.number}.db"

    def shell(self, command):
        done = subprocess.run(["sqlite3", self.db, ".timeout 120000", command], check=True,
                              timeout=READY_S, capture_output=True, text=True)
        return done.stdout

    def backup(self):
        self.shell(f".backup {self.folder}/backup.db")

    def restore(self):
        self.shell(f".restore {self.folder}/backup.db")

    def content(self):
        return self.shell(".dump")

    def test_a_puller_waits_for_the_credentials(self):
        self.db = self.new_db()
        settings = self.puller_settings(self.hub_redis, ["http://127.0.0.1:9"])
        puller = self.program("puller", settings, "--once")
        self.receiver(self.hub_redis, self.db)
        puller.wait()
        puller.wait_for_log(re.escape("127.0.0.1:9"))
        self.assertNotIn("credentials are not in Redis", puller.log())


@harness.long_test
class OnPostgres(StateOfRecord, SyncHubTest):
    @classmethod
    def setUpClass(cls):
        cls.server = postgres.Postgres()
        cls.addClassCleanup(cls.server.remove)

    def new_db(self):
        return self.server.new_database()

    def content(self):
        done = subprocess.run([self.server.programs / "pg_dump", "--clean", "--if-exists", self.db],
                              capture_output=True, text=True, check=True, timeout=READY_S)
        return done.stdout

    def backup(self):
        self.dump = self.content()

    def restore(self):
        psql = ["psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", self.db]
        subprocess.run(psql, input=self.dump, text=True, check=True, timeout=READY_S,
                       capture_output=True)


if __name__ == "__main__":
    unittest.main()
