# SPDX-License-Identifier: Apache-2.0
"""An attacker with the token and a captured payload, but without the key, sends forged payloads. The answers must not
reveal anything about the plain text, and the receiver soon throttles the attacker."""

import base64
import collections
import http.client
import json
import os
import re
import unittest

import harness
from harness import (KEY, TOKEN, SyncHubTest, curl, device_rows, device_table, netalertx_encrypt, netalertx_push,
                     wait_until)

TABLE = device_table(device_rows(3))
NODE_MAX = 10   # invalid payloads of a peer as one node, SECURITY.md
PEER_MAX = 60   # of a peer with names that the hub does not know


class Attacker:
    """Sends payloads from any loopback address; records everything it can observe of the answers."""

    def __init__(self, port):
        self.port = port
        self.seen = collections.Counter()

    def send(self, data, node, address="127.0.0.1", plugin="SYNC"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=harness.READY_S,
                                                source_address=(address, 0))
        body = json.dumps({"data": data, "node_name": node, "plugin": plugin})
        connection.request("POST", "/sync", body,
                           {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
        answer = connection.getresponse()
        headers = tuple(sorted((k, v) for k, v in answer.getheaders() if k != "Date"))
        seen = (answer.status, headers, answer.read())
        connection.close()
        self.seen[seen] += 1
        return seen

    def statuses(self):
        return {status for status, _, _ in self.seen}


def wire(iv, *blocks):
    return (base64.b64encode(iv) + base64.b64encode(b"".join(blocks))).decode()


def captured(text, key=KEY):
    """IV and blocks of a captured payload."""
    payload = netalertx_encrypt(text, key)
    content = base64.b64decode(payload[24:])
    return base64.b64decode(payload[:24]), [content[at:at + 16]
                                            for at in range(0, len(content), 16)]


class PaddingOracle(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.hub = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        self.attacker = Attacker(self.hub.port)

    def addresses(self):
        """A new address for each request, so that none is throttled."""
        for number in range(1, 65000):
            yield f"127.1.{number >> 8}.{number & 255}"

    def test_the_classical_attack_learns_nothing(self):
        """The classical attack on the last byte of a captured block tries all 256 values of the corresponding byte of
        the previous block: exactly one of them makes valid padding, and an oracle would reveal which."""
        _, blocks = captured(TABLE)
        addresses = self.addresses()
        for guess in range(256):
            block = os.urandom(15) + bytes([guess])
            self.attacker.send(wire(block, blocks[5]), "Victim", next(addresses))
        self.assertEqual(len(self.attacker.seen), 1, self.attacker.seen)
        self.assertEqual(self.attacker.statuses(), {422})

    def test_all_invalid_payloads_get_the_same_answer_log_line_and_metric(self):
        iv, blocks = captured(TABLE)
        altered = bytes([blocks[-2][15] ^ 0x40])
        ways = {
            "padding": wire(iv, *blocks[:-2], blocks[-2][:15] + altered, blocks[-1]),
            "a block cut off": wire(iv, *blocks[:-1]),
            "half a block": wire(iv, *blocks[:-1], blocks[-1][:7]),
            "blocks swapped": wire(iv, blocks[1], blocks[0], *blocks[2:]),
            "an IV that is none": "!" * 24 + wire(iv, *blocks)[24:],
            "no base64": wire(iv, *blocks)[:-4] + "!!!!",
            "nothing": "",
            "an IV alone": wire(iv),
            "another key": netalertx_encrypt(TABLE, "another key"),
            "no UTF-8": netalertx_encrypt(b'{"data": [{"devMac":"\xff"}]}'),
            "a control character": netalertx_encrypt(b'{"data": [{"devMac":"\x01"}]}'),
            "no JSON": netalertx_encrypt("hello"),
            "another shape": netalertx_encrypt('{"data": 5}'),
            "a cut table": netalertx_encrypt(TABLE[:-2]),
            "too deep": netalertx_encrypt('{"x":' + "[" * 100 + "]" * 100 + ',"data": []}'),
            "too many rows": netalertx_encrypt('{"data": [' + "{}," * 200000 + "{}]}"),
        }
        results = {
            "no columns": netalertx_encrypt("a line without columns\n"),
            "a NUL": netalertx_encrypt(b"a|b|c|d|e|f|g|h|i\n\0\n"),
            "too many lines": netalertx_encrypt("a|b|c|d|e|f|g|h|i\n" * 200001),
        }
        addresses = self.addresses()
        for plugin, payloads in (("SYNC", ways), ("ARPSCAN", results)):
            for way, data in payloads.items():
                with self.subTest(way):
                    status, _, body = self.attacker.send(data, "Victim", next(addresses), plugin)
                    self.assertEqual(status, 422, body)
        self.assertEqual(len(self.attacker.seen), 1, self.attacker.seen)
        count = len(ways) + len(results)
        # The number alone may be in a time or a port, too.
        wait_until(lambda: self.hub.log().count(" with 422 ") >= count, "each line", details=self.hub.log)
        lines = [re.sub(r"^\S+ |peer=\S+ |bytes=\S+ ", "", line)
                 for line in self.hub.log().splitlines() if " with 422 " in line]
        self.assertEqual(len(lines), count)
        self.assertEqual(len({re.sub(r"peer=\S+|bytes=\d+", "", line) for line in lines}), 1, lines)
        metrics = curl(self.hub.url + "/metrics").body.decode()
        self.assertIn(f'synchub_refused_total{{reason="payload"}} {count}\n', metrics)
        refused = re.findall(r"^synchub_refused_total\{.*\} (\d+)$", metrics, re.M)
        self.assertEqual(sum(map(int, refused)), count)
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_a_persistent_attacker_is_throttled_and_others_are_not(self):
        good = netalertx_push(self.hub.url, TABLE, "Victim")
        self.assertEqual(good.status, 200, good)
        _, blocks = captured(TABLE)
        statuses = [self.attacker.send(wire(os.urandom(16), blocks[5]), "Victim")[0]
                    for _ in range(100)]
        self.assertEqual(statuses, [422] * NODE_MAX + [429] * (100 - NODE_MAX))
        # Before decryption: a valid payload is not accepted either.
        answer = netalertx_push(self.hub.url, TABLE, "Victim")
        self.assertEqual(answer.status, 429, answer)
        self.assertGreater(int(answer.headers["retry-after"]), 0)
        self.assertIn("SYNC_encryption_key", json.loads(answer.body)["error"])
        # The same node from another address, and another node from the same address.
        status, _, _ = self.attacker.send(netalertx_encrypt(TABLE), "Victim", "127.0.0.2")
        self.assertEqual(status, 200)
        self.assertEqual(netalertx_push(self.hub.url, TABLE, "Neighbour").status, 200)
        self.hub.wait_for_log("queued node=Neighbour ")
        self.assertEqual(len(re.findall("too many invalid payloads", self.hub.log())), 1)

    def test_invented_names_do_not_help_and_known_nodes_are_served(self):
        self.assertEqual(netalertx_push(self.hub.url, TABLE, "Known").status, 200)
        statuses = [self.attacker.send(wire(os.urandom(16), os.urandom(16)), f"Invented {number}")[0]
                    for number in range(200)]
        self.assertEqual(statuses, [422] * PEER_MAX + [429] * (200 - PEER_MAX))
        self.assertEqual(netalertx_push(self.hub.url, TABLE, "Known").status, 200)
        self.assertEqual(netalertx_push(self.hub.url, TABLE, "Unknown").status, 429)

    def test_nodes_known_before_a_restart_are_served_after_it(self):
        self.assertEqual(netalertx_push(self.hub.url, TABLE, "Known").status, 200)
        self.hub.stop()
        hub = self.receiver(self.hub_redis, SYNC_receiver_role="ingest")
        attacker = Attacker(hub.port)
        for number in range(PEER_MAX + 1):
            attacker.send(wire(os.urandom(16), os.urandom(16)), f"Invented {number}")
        self.assertEqual(attacker.statuses(), {422, 429})
        self.assertEqual(netalertx_push(hub.url, TABLE, "Known").status, 200)


if __name__ == "__main__":
    unittest.main()
