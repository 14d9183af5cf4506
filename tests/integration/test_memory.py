# SPDX-License-Identifier: Apache-2.0
"""In the worst case each program stays within the memory limits in docs/operations.md. Compares the peak memory
(VmHWM), so it needs the release build: AddressSanitizer needs much more memory. test_hostile covers the receiver's
ingest.
"""

import base64
import pathlib
import random
import socket

import envelopes
import harness
import postgres
import test_hostile
from harness import LARGE_S, TOKEN, TYPE_ENVELOPE, bearer, count, curl, device_mac, device_rows, device_table, \
    receive_head, wait_until
from test_hostile import ENVELOPE_MAX, MIB, PLAIN_MAX, peak_mib
import test_puller

MERGE_MIB = 192  # docs/operations.md, Memory
PULLER_MIB = 576
PUSHER_MIB = 640
PUSHER_SERVING_MIB = 480
LARGE_PAIRS = 5
SMALLER = 4 * MIB  # small enough for a batch that also has one of the largest
AHEAD_TEXT, AHEAD_ENVELOPE = 16 * MIB, 11 * MIB  # decoded while the previous one is merged
SLOW_READERS = 16  # four times the budget of answers
TABLE_MAX = 512 * MIB
ROWS_MAX = 200000  # of one table
ROW_BYTES = 250 * 1024


def rows_of(bytes_wanted, node):
    """The text of a table of nearly this size, in pieces; its long values are in an unknown column."""
    count = bytes_wanted // ROW_BYTES
    filler = "x" * (ROW_BYTES - 200)
    yield '{"data": ['
    for index in range(count):
        yield (", " if index else "") + \
            f'{{"devMac": "{device_mac(index, node)}", "devName": "{index}", "more": "{filler}"}}'
    yield "]}"


def packed_badly(node, envelope_bytes, text_bytes=PLAIN_MAX):
    """A table of nearly this size, with as much random text in each row as is necessary to compress to the given
    size; everything is stored in the database."""
    count = row_count(text_bytes)
    noise = random.Random(node)
    share = int(envelope_bytes / count * 4 / 3 * 0.985) // 4 * 4
    filler = "x" * (ROW_BYTES - 200 - share)
    rows = ", ".join(
        f'{{"devMac": "{device_mac(index, node)}", "devName": "{index}", "devComments": "'
        f'{base64.b64encode(noise.randbytes(share // 4 * 3)).decode()}{filler}"}}'
        for index in range(count))
    return f'{{"data": [{rows}]}}'


def row_count(bytes_wanted):
    return bytes_wanted // ROW_BYTES


class Peak:
    def assert_peak(self, program, most_mib):
        self.assertFalse(test_hostile.has_address_sanitizer(program))
        self.assertLess(peak_mib(program), most_mib)


@harness.long_test
class Memory(Peak, harness.SyncHubTest):
    def assert_merging_stays_within(self, texts, database=None, nodes=None):
        """Queues the tables, of as many nodes, by default each of its own, and merges them."""
        redis = self.redis()
        ingest = self.receiver(redis, SYNC_receiver_role="ingest")
        headers = {**bearer(), "Content-Type": TYPE_ENVELOPE}
        for number, text in enumerate(texts):
            node = number if nodes is None else number % nodes
            body = envelopes.envelope(envelopes.NodeKey(f"Node_{node}"), text)
            self.assertEqual(curl(ingest.url + "/sync", body=body, headers=headers).status, 202)
        merge = self.receiver(redis, database, SYNC_receiver_role="merge")
        wait_until(lambda: redis.backlog() == 0, "all tables to be merged", seconds=LARGE_S, details=merge.log)
        self.assertEqual(redis.dead(), 0)
        self.assert_peak(merge, MERGE_MIB)

    def test_merge_of_the_largest_texts(self):
        redis = self.redis()
        ingest = self.receiver(redis, SYNC_receiver_role="ingest")
        headers = {**bearer(), "Content-Type": TYPE_ENVELOPE}
        for number in range(3):
            node = f"Large_{number}"
            text = "".join(rows_of(PLAIN_MAX, node))
            self.assertGreater(len(text), PLAIN_MAX - MIB)
            body = envelopes.envelope(envelopes.NodeKey(node), text)
            self.assertEqual(curl(ingest.url + "/sync", body=body, headers=headers).status, 202)
        for number in range(40):
            node = f"Small_{number}"
            body = envelopes.envelope(envelopes.NodeKey(node), device_table(device_rows(20, node)))
            self.assertEqual(curl(ingest.url + "/sync", body=body, headers=headers).status, 202)
        merge = self.receiver(redis, SYNC_receiver_role="merge")
        self.wait_merged(redis, self.folder / "hub.db", 3 * row_count(PLAIN_MAX) + 40 * 20,
                         seconds=LARGE_S)
        self.assertEqual(redis.dead(), 0)
        self.assert_peak(merge, MERGE_MIB)

    def test_merge_of_the_largest_envelopes(self):
        redis = self.redis()
        ingest = self.receiver(redis, SYNC_receiver_role="ingest")
        headers = {**bearer(), "Content-Type": TYPE_ENVELOPE}
        rows = 0
        for number in range(LARGE_PAIRS):
            second = (ENVELOPE_MAX, PLAIN_MAX) if number % 2 else (AHEAD_ENVELOPE, AHEAD_TEXT)
            for part, (most, text_bytes) in enumerate(((SMALLER, PLAIN_MAX), second)):
                node = f"Large_{number}_{part}"
                text = packed_badly(node, most, text_bytes)
                self.assertLess(text_bytes - MIB, len(text))
                body = envelopes.envelope(envelopes.NodeKey(node), text)
                self.assertTrue(0.95 * most < len(body) <= most, len(body))
                # A disk that others use may take too long for it, which gets 503: again, as a pusher does.
                wait_until(lambda body=body: curl(ingest.url + "/sync", body=body, headers=headers).status // 100 == 2,
                           "an envelope to be queued", seconds=LARGE_S, details=ingest.log)
                rows += row_count(text_bytes)
        merge = self.receiver(redis, SYNC_receiver_role="merge")
        self.wait_merged(redis, self.folder / "hub.db", rows, seconds=LARGE_S)
        self.assertEqual(redis.dead(), 0)
        self.assert_peak(merge, MERGE_MIB)

    def test_merge_of_texts_that_are_decoded_in_advance(self):
        # The largest that are, then the largest of all.
        sizes = [AHEAD_TEXT if number % 6 < 5 else PLAIN_MAX for number in range(24)]
        self.assert_merging_stays_within("".join(rows_of(size, f"Node_{number}"))
                                         for number, size in enumerate(sizes))
        self.assertEqual(count(self.folder / "hub.db"), sum(map(row_count, sizes)))

    def test_merge_of_as_many_rows_as_possible(self):
        def table(address_bytes):
            address = "1" * address_bytes
            return '{"data":[' + ",".join(f'{{"devMac":"{index:012x}","devLastIP":"{address}"}}'
                                          for index in range(ROWS_MAX)) + "]}"
        ahead, large = table(42), table(60)
        self.assertTrue(0.9 * AHEAD_TEXT < len(ahead) <= AHEAD_TEXT, len(ahead))
        large += " " * (PLAIN_MAX - len(large))
        self.assert_merging_stays_within((large, ahead, large, ahead, ahead, ahead, ahead, large, large, ahead))
        self.assertEqual(count(self.folder / "hub.db"), ROWS_MAX)

    def test_merge_of_many_short_rows_into_postgresql(self):
        server = postgres.Postgres()
        self.addCleanup(server.remove)
        # Small enough for a batch that is merged in several transactions.
        texts = ('{"data":[' + ",".join("0" * (ROWS_MAX - number)) + "]}" for number in range(64))
        self.assert_merging_stays_within(texts, server.new_database(), nodes=8)

    def test_a_pusher_of_the_largest_table(self):
        ingest = self.receiver(self.redis(), SYNC_receiver_role="ingest")
        settings = self.pusher_settings(ingest.url, node="Huge")
        with open(settings["SYNC_devices_file"], "w") as table:
            table.writelines(rows_of(TABLE_MAX, "Huge"))
        size = pathlib.Path(settings["SYNC_devices_file"]).stat().st_size
        self.assertTrue(TABLE_MAX - MIB < size <= TABLE_MAX, size)
        pusher = self.program("pusher", {**settings, "SYNC_RUN_SCHD": "0 0 1 1 *",
                                         "SYNC_listen": "127.0.0.1:0"})
        parts = -(-size // (16 * MIB))
        wait_until(lambda: ingest.log().count("queued node=Huge") >= parts, "all parts", LARGE_S,
                   lambda: pusher.log())
        self.assert_peak(pusher, PUSHER_MIB)

    def test_a_pusher_with_unread_answers(self):
        settings = self.pusher_settings("", node="Served", SYNC_RUN="disabled",
                                        SYNC_listen="127.0.0.1:0")
        with open(settings["SYNC_devices_file"], "w") as table:
            table.writelines(rows_of(PLAIN_MAX - MIB, "Served"))
        pusher = self.program("pusher", settings)
        address = ("127.0.0.1", pusher.port)
        clients = []
        for _ in range(SLOW_READERS):
            client = socket.socket()
            self.addCleanup(client.close)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(10 * harness.READY_S)
            client.connect(address)
            clients.append(client)
        for client in clients:  # all send requests before the first one reads
            client.sendall("GET /sync HTTP/1.1\r\nHost: node\r\n"
                           f"Authorization: Bearer {TOKEN}\r\n\r\n".encode())
        answers = {receive_head(client).split()[1] for client in clients}
        self.assertEqual(answers, {b"200", b"503"})
        self.assertEqual(curl(pusher.url + "/livez").status, 200)
        self.assert_peak(pusher, PUSHER_SERVING_MIB)


@harness.long_test
class PullerMemory(Peak, test_puller.PullerTest):
    NODES = 60
    GOOD = 8

    def test_a_puller_of_the_largest_answers(self):
        """More concurrent answers than the budget allows, each with the largest text or an invalid one."""
        redis = self.redis()
        nodes = self.server(test_puller.Nodes())
        text = packed_badly("Pulled", ENVELOPE_MAX)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {TYPE_ENVELOPE}\r\nContent-Length: "
        urls = []
        for number in range(self.NODES):
            node = f"Pulled_{number}"
            if number < self.GOOD:
                body = envelopes.envelope(envelopes.NodeKey(node), text)
            else:
                body = bytes(ENVELOPE_MAX)
            urls.append(nodes.add(node, test_puller.sends(
                f"{head}{len(body)}\r\n\r\n".encode() + body)))
        puller = self.program("puller", self.puller_settings(
            redis, urls, SYNC_RUN_SCHD="0 0 1 1 *", SYNC_RUN_TIMEOUT=LARGE_S,
            SYNC_listen="127.0.0.1:0"))
        puller.wait_for_log("run done", LARGE_S)
        self.assertIn(f"{self.NODES} nodes, {self.GOOD} pulled, 0 unchanged, "
                      f"{self.NODES - self.GOOD} failed", puller.log())
        self.assertEqual(redis.backlog(), self.GOOD)
        self.assert_peak(puller, PULLER_MIB)


if __name__ == "__main__":
    harness.main()
