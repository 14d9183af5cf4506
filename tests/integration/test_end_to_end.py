# SPDX-License-Identifier: Apache-2.0
"""End to end at the documented size: everything arrives exactly once, with the right name."""

import base64
import concurrent.futures
import json
import unittest

from harness import (LARGE_S, FakeNetAlertXHub, FakeNetAlertXNode, FakeServer, SyncHubTest, bearer, count,
                     curl, device_mac, device_rows, device_table, devices, long_test, netalertx_push, query)


class TrioTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.db = self.folder / "hub.db"

    def per_node(self):
        return {row["node"]: row["n"] for row in query(
            self.db, "SELECT devSyncHubNode AS node, count(*) AS n FROM Devices GROUP BY 1")}

    def nodes(self):
        return {row["node"]: row for row in query(self.db, "SELECT * FROM SyncHub_Nodes")}

    def listening_node(self, table, name, **settings):
        """A pusher that only answers GET /sync."""
        return self.program("pusher", self.pusher_settings(
            "", table, name, SYNC_listen="127.0.0.1:0", **settings))

    def pull_once(self, nodes, code=0, **settings):
        return self.run_program("puller", self.puller_settings(self.hub_redis, nodes, **settings),
                                "--once", code=code, timeout=LARGE_S)


@long_test
class Large(TrioTest):
    def test_40000_devices_of_one_node_by_push(self):
        hub = self.receiver(self.hub_redis, self.db)
        settings = self.pusher_settings(hub.url, device_table(device_rows(40000)), "Big",
                                        SYNC_RUN_TIMEOUT=LARGE_S)
        self.run_program("pusher", settings, "--once", code=0, timeout=LARGE_S)
        self.wait_merged(self.hub_redis, self.db, 40000, seconds=LARGE_S)
        self.assertEqual(self.per_node(), {"Big": 40000})
        self.assertEqual(set(devices(self.db)), {device_mac(i) for i in range(40000)})
        self.assertEqual(self.hub_redis.dead(), 0)
        self.run_program("pusher", settings, "--once", code=0, timeout=LARGE_S)
        self.wait_merged(self.hub_redis, self.db, 40000, seconds=LARGE_S)
        self.assertEqual(self.nodes()["Big"]["inserted"], 40000)

    def test_40000_devices_of_one_node_by_pull(self):
        self.receiver(self.hub_redis, self.db)
        node = self.listening_node(device_table(device_rows(40000)), "Big")
        for _ in range(2):
            self.pull_once([node.url], SYNC_RUN_TIMEOUT=LARGE_S)
            self.wait_merged(self.hub_redis, self.db, 40000, seconds=LARGE_S)
        self.assertEqual(self.per_node(), {"Big": 40000})
        self.assertEqual(self.nodes()["Big"]["inserted"], 40000)
        self.assertEqual(self.hub_redis.dead(), 0)

    def assert_500_nodes(self):
        self.wait_merged(self.hub_redis, self.db, 100000, seconds=LARGE_S)
        self.assertEqual(self.per_node(), {f"node-{n}": 200 for n in range(500)})
        for n in (0, 250, 499):
            self.assertEqual(set(devices(self.db, "devSyncHubNode = ?", f"node-{n}")),
                             {device_mac(i, f"node-{n}") for i in range(200)})
        self.assertEqual({(row["sent"], row["inserted"]) for row in self.nodes().values()},
                         {(200, 200)})
        self.assertEqual(self.hub_redis.dead(), 0)

    def test_500_nodes_of_200_devices_by_push(self):
        hub = self.receiver(self.hub_redis, self.db)

        def push(n):
            name = f"node-{n}"
            settings = self.pusher_settings(hub.url, device_table(device_rows(200, name)), name)
            return self.run_program("pusher", settings, "--once", timeout=LARGE_S).returncode

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.assertEqual(set(pool.map(push, range(500))), {0})
        self.assert_500_nodes()

    def test_500_nodes_of_200_devices_by_pull(self):
        self.receiver(self.hub_redis, self.db)
        bodies = {}
        for n in range(500):
            table = device_table(device_rows(200, f"node-{n}"))
            bodies[f"/{n}/sync"] = json.dumps({
                "data_base64": base64.b64encode(table.encode()).decode(), "message": "OK",
                "node_name": f"node-{n}", "status": 200, "timestamp": "2026-08-22 02:53:00"}).encode()
        nodes = self.server(FakeServer(lambda request: (
            200, {"Content-Type": "application/json"}, bodies[request.path])))
        urls = [f"{nodes.url}/{n}" for n in range(500)]
        self.pull_once(urls, SYNC_RUN_TIMEOUT=LARGE_S, SYNC_protocol="netalertx")
        self.assertEqual(len(nodes.requests), 500)
        self.assert_500_nodes()


class Compatibility(TrioTest):
    """NetAlertX as the counterpart of each program."""

    def test_a_netalertx_node_pushes_to_our_receiver(self):
        hub = self.receiver(self.hub_redis, self.db)
        answer = netalertx_push(hub.url, device_table(device_rows(10)), "Node_A")
        self.assertEqual((answer.status, answer.text),
                         (200, '{"message":"Data received and stored successfully"}'))
        self.wait_merged(self.hub_redis, self.db, 10)
        self.assertEqual(self.per_node(), {"Node_A": 10})

    def test_our_puller_pulls_a_netalertx_node(self):
        self.receiver(self.hub_redis, self.db)
        node = self.server(FakeNetAlertXNode("Büro", device_table(device_rows(10))))
        for _ in range(2):
            self.pull_once([node.url], SYNC_protocol="netalertx")
        self.wait_merged(self.hub_redis, self.db, 10)
        self.assertEqual(self.per_node(), {"Büro": 10})
        self.assertEqual({request.path for request in node.requests}, {"/sync"})

    def test_a_native_puller_names_the_setting_for_a_netalertx_node(self):
        node = self.server(FakeNetAlertXNode("Node_A", device_table(device_rows(10))))
        done = self.pull_once([node.url], code=1)
        self.assertIn("SYNC_protocol=netalertx", done.stderr)
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_our_pusher_pushes_to_a_netalertx_hub(self):
        hub = self.server(FakeNetAlertXHub())
        table = device_table(device_rows(10))
        result = "a|b|2026-08-22 02:53:00|1|2|3|4|x|y\n"
        settings = self.pusher_settings(hub.url, table, "Büro", SYNC_protocol="netalertx",
                                        SYNC_plugins="['ARPSCAN']")
        (self.folder / "node-Büro" / "plugins" / "last_result.ARPSCAN.log").write_text(result)
        self.run_program("pusher", settings, "--once", code=0)
        self.assertEqual(sorted(hub.pushes()), [("Büro", "ARPSCAN", result),
                                                ("Büro", "SYNC", table)])
        for request in hub.requests:
            self.assertEqual(request.headers["content-type"].split(";")[0], "application/json")

    def test_a_netalertx_hub_pulls_from_our_pusher(self):
        table = device_table(device_rows(10))
        node = self.listening_node(table, "Büro")
        answer = curl(node.url + "/sync", headers=bearer())
        self.assertEqual(answer.status, 200)
        self.assertEqual(base64.b64decode(answer.json["data_base64"]).decode(), table)
        self.assertEqual({**answer.json, "data_base64": "", "timestamp": ""},
                         {"data_base64": "", "message": "OK", "node_name": "Büro", "status": 200,
                          "timestamp": ""})
        self.assertRegex(answer.json["timestamp"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
        self.assertEqual(curl(node.url + "/sync", headers=bearer("wrong")).status, 403)


class Chains(TrioTest):
    def test_a_hub_can_be_a_node_of_another_hub(self):
        hub = self.receiver(self.hub_redis, self.db)
        for name in ("North", "South"):
            answer = netalertx_push(hub.url, device_table(device_rows(50, name)), name)
            self.assertEqual(answer.status, 200)
        self.wait_merged(self.hub_redis, self.db, 100)
        exported = self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db),
                                    "devices", "--json", code=0).stdout

        bigger_redis = self.redis()
        bigger_db = self.folder / "bigger.db"
        bigger = self.receiver(bigger_redis, bigger_db)
        self.run_program("pusher", self.pusher_settings(bigger.url, exported, "Hub_1"), "--once",
                         code=0)
        self.wait_merged(bigger_redis, bigger_db, 100)
        ours, theirs = devices(self.db), devices(bigger_db)
        self.assertEqual({row["devSyncHubNode"] for row in theirs.values()}, {"Hub_1"})
        sent = {row["devMac"]: row for row in json.loads(exported)["data"]}
        for mac, row in ours.items():
            # A hub sends what is true of now, not what was when it inserted the row.
            now = {name: sent[mac][name] for name in ("devPresentLastScan", "devLastConnection")}
            self.assertGreaterEqual(now["devLastConnection"], row["devLastConnection"])
            self.assertEqual({**theirs[mac], "devSyncHubNode": ""},
                             {**row, **now, "devSyncHubNode": ""})

    def test_a_changed_row_on_the_node_changes_nothing_on_the_hub(self):
        hub = self.receiver(self.hub_redis, self.db)
        rows = device_rows(20)
        self.run_program("pusher", self.pusher_settings(hub.url, device_table(rows)), "--once",
                         code=0)
        self.wait_merged(self.hub_redis, self.db, 20)
        before = devices(self.db)
        rows[3]["devName"] = "renamed on the node"
        rows += device_rows(1, first=20)
        self.run_program("pusher", self.pusher_settings(hub.url, device_table(rows)), "--once",
                         code=0)
        self.wait_merged(self.hub_redis, self.db, 21)
        after = devices(self.db)
        self.assertIsNotNone(after.pop(device_mac(20)))
        self.assertEqual(after, before)

    def test_a_device_that_is_pushed_and_pulled_is_stored_once(self):
        hub = self.receiver(self.hub_redis, self.db)
        table = device_table(device_rows(20))
        node = self.program("pusher", self.pusher_settings(hub.url, table, "Both",
                                                           SYNC_listen="127.0.0.1:0",
                                                           SYNC_RUN="always_after_scan"))
        self.pull_once([node.url])
        self.wait_merged(self.hub_redis, self.db, 20)
        self.assertEqual(self.per_node(), {"Both": 20})

    def test_two_ingests_and_two_merges_share_the_work(self):
        hubs = [self.receiver(self.hub_redis, self.db) for _ in range(2)]
        for n in range(20):
            answer = netalertx_push(hubs[n % 2].url, device_table(device_rows(50, f"node-{n}")),
                                    f"node-{n}")
            self.assertEqual(answer.status, 200)
        self.wait_merged(self.hub_redis, self.db, 1000)
        self.assertEqual(self.per_node(), {f"node-{n}": 50 for n in range(20)})

    def test_nothing_is_lost_when_the_receiver_is_killed(self):
        hub = self.receiver(self.hub_redis, self.db)
        for n in range(10):
            answer = netalertx_push(hub.url, device_table(device_rows(100, f"node-{n}")),
                                    f"node-{n}")
            self.assertEqual(answer.status, 200)
            if n % 3 == 2:
                hub.kill()
                hub = self.receiver(self.hub_redis, self.db, SYNC_claim_idle_s=1)
        self.wait_merged(self.hub_redis, self.db, 1000)
        self.assertEqual({(row["sent"], row["inserted"]) for row in self.nodes().values()},
                         {(100, 100)})
        self.assertEqual(count(self.db), 1000)


if __name__ == "__main__":
    unittest.main()
