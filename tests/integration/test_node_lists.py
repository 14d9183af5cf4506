# SPDX-License-Identifier: Apache-2.0
"""What `nodes` and `node show` read of database and Redis, and in which order."""

import contextlib
import json
import socket
import sqlite3
import threading

import postgres
from harness import READY_S
from nodes_base import NodesTest

NODES = 150  # more than two statements count


class HeldRelay:
    """Passes one connection on to Redis, once it is released; until then nothing is answered."""

    def __init__(self, port):
        self.to = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connected, self.released = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return  # nobody came
        self.connected.set()
        self.released.wait(READY_S)
        with client, socket.create_connection(("127.0.0.1", self.to)) as server:
            back = threading.Thread(target=self._pass, args=(server, client))
            back.start()
            self._pass(client, server)
            back.join()

    @staticmethod
    def _pass(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def close(self):
        self.released.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()


class NodeLists(NodesTest):
    def run_sql(self, script):
        with contextlib.closing(sqlite3.connect(self.db)) as db:
            db.executescript(script)

    def test_a_node_whose_report_is_merged_meanwhile_is_listed(self):
        self.command("node", "expect", "Attic")
        relay = HeldRelay(self.hub_redis.port)
        self.addCleanup(relay.close)
        settings = self.receiver_settings(self.hub_redis, self.db)
        settings["SYNC_redis_url"] = f"redis://127.0.0.1:{relay.port}/0"
        done = []
        lister = threading.Thread(target=lambda: done.append(
            self.run_program("receiver", settings, "nodes", "--json", code=0)))
        lister.start()
        self.addCleanup(lister.join)
        self.assertTrue(relay.connected.wait(READY_S))
        # As merge does: Redis has the report no longer, or never had it.
        self.command("node", "expect", "Cabin")
        relay.released.set()
        lister.join()
        self.assertEqual([node["name"] for node in json.loads(done[0].stdout)["items"]], ["Attic", "Cabin"])

    def test_present_devices_are_counted_for_each_node(self):
        self.command("node", "expect", "node-000")
        mine = "INSERT INTO \"SyncHub_Presence\"(node, mac, present, since_ms, first_seen_ms, last_connection_ms, ip)"
        rows, expected = [], {}
        for i in range(NODES):
            name, present = f"node-{i:03}", i % 7
            expected[name] = present
            rows += [f"('{name}', 'mac-{k}', {int(k < present)}, 1, 1, 0, '')" for k in range(8)]
        nodes = ", ".join(f"('{name}', 'push', 0, 0, 0, 0, 0, 0, '', 4000000000000, 4000000000000)"
                          for name in expected)
        self.run_sql(f"DELETE FROM \"SyncHub_Nodes\"; {mine} VALUES {', '.join(rows)};"
                     "INSERT INTO \"SyncHub_Nodes\"(node, mode, merged_ms, sent, inserted, known, skipped, set_aside,"
                     f" reason, first_contact_ms, silent_set_ms) VALUES {nodes}")
        self.run_sql("UPDATE \"SyncHub_Nodes\" SET last_contact_ms = " + self.now_sql())
        self.assertEqual({name: node["present"] for name, node in self.nodes(code=0).items()}, expected)
        shown = json.loads(self.command("node", "show", "node-005", "--json").stdout)
        self.assertEqual((shown["state"], shown["present"]), ("online", 5))

    def now_sql(self):
        return "unixepoch() * 1000"


class OnPostgres(NodeLists):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = postgres.Postgres()
        cls.addClassCleanup(cls.server.remove)

    def make_database(self):
        return self.server.new_database()

    def run_sql(self, script):
        postgres.psql(self.db, script)

    def now_sql(self):
        return "(extract(epoch FROM now()) * 1000)::bigint"
