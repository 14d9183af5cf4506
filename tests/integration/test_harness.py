# SPDX-License-Identifier: Apache-2.0
"""The counterparts that the other tests rely on do what NetAlertX and Redis do."""

import unittest

from harness import (COLUMNS, FakeNetAlertXHub, FakeNetAlertXNode, SyncHubTest, bearer, curl,
                     device_mac, device_row, device_rows, device_table, netalertx_decrypt,
                     netalertx_encrypt, netalertx_push)


class Counterparts(SyncHubTest):
    def test_openssl_makes_the_published_vector(self):
        wire = netalertx_encrypt('{"data": []}', "test-secret-key", bytes(16))
        self.assertEqual(wire, "AAAAAAAAAAAAAAAAAAAAAA==KsLqtJdK6DfQ5TBof2lE6Q==")
        self.assertEqual(netalertx_decrypt(wire, "test-secret-key"), b'{"data": []}')

    def test_redis_is_durable_and_never_evicts(self):
        redis = self.redis()
        self.assertEqual(redis.cli("CONFIG", "GET", "appendfsync"), "appendfsync\nalways")
        self.assertEqual(redis.cli("CONFIG", "GET", "maxmemory-policy"),
                         "maxmemory-policy\nnoeviction")
        redis.cli("SET", "a", "1")
        redis.kill()
        redis.start()
        self.assertEqual(redis.cli("GET", "a"), "1")

    def test_a_row_has_the_53_keys(self):
        row = device_row(7)
        self.assertEqual(len(row), 53)
        self.assertEqual(len(COLUMNS), 49)
        self.assertEqual([key for key in row if key in COLUMNS], COLUMNS)
        self.assertNotIn("devIcon", device_row(7, devIcon=...))

    def test_tables_are_ascii_and_always_the_same(self):
        text = device_table(device_rows(20))
        self.assertTrue(text.isascii())
        self.assertIn("\\u", text)
        self.assertEqual(text, device_table(device_rows(20)))

    def test_no_two_devices_share_a_mac(self):
        macs = {device_mac(i, f"node-{n}") for n in range(500) for i in range(200)}
        self.assertEqual(len(macs), 100000)

    def test_the_hub_accepts_a_push(self):
        hub = self.server(FakeNetAlertXHub())
        answer = netalertx_push(hub.url, '{"data": []}', "Büro")
        self.assertEqual((answer.status, answer.json),
                         (200, {"message": "Data received and stored successfully"}))
        self.assertEqual(hub.pushes(), [("Büro", "SYNC", '{"data": []}')])
        self.assertEqual(netalertx_push(hub.url, "x", "n", token="wrong").status, 403)

    def test_the_node_returns_its_table(self):
        node = self.server(FakeNetAlertXNode("Node_A", device_table(device_rows(2))))
        answer = curl(node.url + "/sync", headers=bearer())
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["node_name"], "Node_A")
        self.assertEqual(curl(node.url + "/sync").status, 403)
        self.assertEqual([r.method for r in node.requests], ["GET", "GET"])


if __name__ == "__main__":
    unittest.main()
