# SPDX-License-Identifier: Apache-2.0
"""Peers that flood, lie, stall and send decompression bombs: refused cheaply, while all others are served.

A program's peak memory (VmHWM) is compared with the limit in docs/operations.md, unless the program was built with
AddressSanitizer, which needs much more memory; then only the answers are checked.
"""

import pathlib
import re
import selectors
import socket
import time

import envelopes
import harness
from harness import (KEY, TOKEN, TYPE_ENVELOPE, bearer, curl, device_rows, device_table, netalertx_push, receive_head,
                     wait_until)
import test_receiver_http

MIB = 1024 * 1024
PLAIN_MAX = 64 * MIB
ENVELOPE_MAX = 16 * MIB
BODY_MAX = PLAIN_MAX // 3 * 4 + 64 * 1024
INGEST_MEMORY_MIB = 576  # docs/operations.md, Memory
BOMB_MEMORY_MIB = 200    # one text of the largest size, and some overhead
TABLE = device_table(device_rows(3))
SLOW_CLIENTS = 100


def has_address_sanitizer(program):
    return b"__asan_init" in program.path.read_bytes()


def peak_mib(program):
    status = pathlib.Path(f"/proc/{program.pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.M).group(1)) / 1024


def head(kind="application/json", token=TOKEN, *lines):
    return "\r\n".join((f"POST /sync HTTP/1.1", "Host: hub", f"Authorization: Bearer {token}",
                        f"Content-Type: {kind}", *lines, "", "")).encode()


class Hostile(test_receiver_http.ReceiverHttpTest):
    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.hub.port), harness.READY_S)
        self.addCleanup(connection.close)
        return connection

    def talk(self, *pieces):
        """Sends bytes and reads until the receiver closes the connection or has sent a whole answer. Returns the
        status, or 0 if it only closed."""
        connection = self.connect()
        received = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it closed the connection early
        try:
            while b"\r\n\r\n" not in received:
                more = connection.recv(65536)
                if not more:
                    break
                received += more
        except ConnectionResetError:
            pass
        connection.close()
        return int(received.split()[1]) if received else 0

    def assert_alive(self):
        answer = netalertx_push(self.hub.url, TABLE, f"Witness {time.monotonic_ns()}")
        self.assertEqual(answer.status, 200, answer)

    def assert_peak(self, most_mib):
        if not has_address_sanitizer(self.hub):
            self.assertLess(peak_mib(self.hub), most_mib)


class Requests(Hostile):
    def test_header_floods_are_refused(self):
        many = [f"X-Flood-{number}: {'y' * 40}" for number in range(20000)]
        floods = {
            "many": head("application/json", TOKEN, *many),
            "huge": head("application/json", TOKEN, "X-Huge: " + "y" * MIB),
            "a long path": b"GET /" + b"a" * MIB + b" HTTP/1.1\r\nHost: hub\r\n\r\n",
            "a huge token": head("application/json", "t" * MIB),
            "no line at all": b"\0" * MIB,
        }
        for name, flood in floods.items():
            with self.subTest(name):
                self.assertIn(self.talk(flood), (0, *range(400, 500)))
        self.assert_alive()

    def test_headers_that_never_end_are_cut_off(self):
        connection = self.connect()
        connection.sendall(b"GET /livez HTTP/1.1\r\n")
        sent = 0
        try:
            while sent < 100 * MIB:
                connection.sendall(b"X-More: and more\r\n" * 1000)
                sent += 18000
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.assertLess(sent, 100 * MIB)
        self.assert_alive()

    def test_a_wrong_content_length_is_refused(self):
        for lie in ("-1", "1e3", "0x10", "99999999999999999999999", str(BODY_MAX + 1), "five", ""):
            with self.subTest(lie):
                status = self.talk(head("application/json", TOKEN, f"Content-Length: {lie}"))
                self.assertIn(status, (0, *range(400, 500)))
        self.assert_alive()

    def test_a_body_shorter_than_announced_is_not_queued(self):
        bodies = (b"", b"{", b'{"data":"x"}')
        connections = [self.connect() for _ in bodies]
        for connection, body in zip(connections, bodies):
            connection.sendall(head("application/json", TOKEN, "Content-Length: 1000") + body)
            connection.shutdown(socket.SHUT_WR)
        for connection, body in zip(connections, bodies):  # all are closed at the same time, when idle for too long
            try:
                answer = receive_head(connection)
            except ConnectionResetError:
                answer = b""
            with self.subTest(body):
                self.assertNotIn(b" 200 ", answer)
        self.assertEqual(self.hub_redis.backlog(), 0)
        self.assert_alive()

    def test_bytes_after_the_announced_end_are_another_request(self):
        status = self.talk(head("application/json", TOKEN, "Content-Length: 2") + b"{}" + b"junk")
        self.assertEqual(status, 422)
        self.assert_alive()

    def test_a_chunked_body_over_the_limit_is_cut_off(self):
        chunk = b"%x\r\n%s\r\n" % (MIB, b"x" * MIB)
        start = head(TYPE_ENVELOPE, TOKEN, "Transfer-Encoding: chunked")
        self.assertIn(self.talk(start, *[chunk] * 40), (0, 413))
        for size in (b"ffffffffffffffffff\r\n", b"-1\r\n", b"zz\r\n"):
            with self.subTest(size):
                self.assertIn(self.talk(start, size + b"x" * 100), (0, *range(400, 500)))
        self.assert_alive()


class Contents(Hostile):
    def post(self, body):
        return curl(self.url, body=body, headers={**bearer(), "Content-Type": TYPE_ENVELOPE})

    def test_a_decompression_bomb_is_a_dead_letter_and_needs_no_more_memory_than_the_largest_text(self):
        key = envelopes.NodeKey("Node_A")
        zeros = envelopes.compress(bytes(PLAIN_MAX))
        self.assertLess(len(zeros), PLAIN_MAX // 1000)
        bombs = ({}, {"plugin": "ARPSCAN"}, {"plain_len": PLAIN_MAX - 1}, {"plain_len": 100})
        for change in bombs:
            body = envelopes.envelope(key, b"", **{"plain_len": PLAIN_MAX, "packed": zeros,
                                                   **change})
            self.assertEqual(self.post(body).status, 202)
        larger = envelopes.compress(bytes(4 * PLAIN_MAX))
        body = envelopes.envelope(key, b"", plain_len=4 * PLAIN_MAX, packed=larger)
        self.assert_error(self.post(body), 413, "more than the")
        body = envelopes.envelope(key, b"", plain_len=PLAIN_MAX, packed=larger)
        self.assertEqual(self.post(body).status, 202)
        self.assertEqual(self.post(envelopes.envelope(envelopes.NodeKey("Node_B"), TABLE)).status,
                         202)
        self.assert_peak(BOMB_MEMORY_MIB)
        hub = self.hub
        self.hub = self.receiver(self.hub_redis, self.folder / "hub.db", SYNC_receiver_role="merge")
        self.wait_merged(self.hub_redis, self.folder / "hub.db", 3)
        self.assertEqual(self.hub_redis.dead(), len(bombs) + 1)
        self.assert_peak(BOMB_MEMORY_MIB)
        self.hub = hub
        self.assert_alive()

    def test_deep_nesting_is_refused(self):
        for opening in ("[", '{"a":', '[{"a":'):
            deep = opening * (MIB // len(opening))
            json_headers = {**bearer(), "Content-Type": "application/json"}
            with self.subTest(opening):
                self.assert_error(curl(self.url, body=deep, headers=json_headers), 400)
                inside = '{"file_path":' + deep
                self.assert_error(curl(self.url, body=inside, headers=json_headers), 400)
                for text in (deep, '{"data":[{"devMac":"a","x":' + deep, '{"x":' + deep):
                    answer = netalertx_push(self.hub.url, text, "Node_A")
                    self.assert_error(answer, answer.status)
                    self.assertIn(answer.status, (413, 422))  # over the limit, or invalid JSON
        self.assertEqual(self.hub_redis.backlog(), 0)
        self.assert_alive()

    def test_names_that_are_paths_are_refused_in_both_formats(self):
        line = "a|b|2026-08-22 02:53:00|1|2|3|4|x|y\n"
        names = ("..", "../../etc/passwd", "/etc", "a/b", "a\\b", "C:\\x", "a\0b", "..\n")
        for name in names:
            key = envelopes.NodeKey(name)
            good = envelopes.NodeKey("Node_A")
            with self.subTest(name):
                status = 400 if "\0" in name else 422  # NetAlertX's JSON contains no NUL
                self.assert_error(netalertx_push(self.hub.url, TABLE, name), status)
                self.assert_error(netalertx_push(self.hub.url, line, "Node_A", name), status)
                self.assert_error(self.post(envelopes.envelope(key, TABLE)), 422)
                self.assert_error(self.post(envelopes.envelope(good, line, name)), 422)
        self.assertEqual(self.hub_redis.backlog(), 0)

    def test_a_peer_cannot_forge_log_lines_and_no_secret_is_logged(self):
        forged = "x\nlevel=error forged=1"
        netalertx_push(self.hub.url, TABLE, forged)
        netalertx_push(self.hub.url, TABLE, "Node_A", forged)
        netalertx_push(self.hub.url, TABLE, "Node_A", passphrase="not the hub's passphrase")
        netalertx_push(self.hub.url, TABLE, "Node_A", token="a token that leaked")
        curl(self.url, body="{}", headers={**bearer(), "Content-Type": "text/secret-of-a-peer"})
        self.post(envelopes.envelope(envelopes.NodeKey("Node_A", "another passphrase"), TABLE))
        self.assert_alive()
        log = self.hub.log()
        self.assertNotRegex(log, r"(?m)^level=error forged")
        for secret in (TOKEN, KEY, "a token that leaked", "not the hub's passphrase", "devMac"):
            self.assertNotIn(secret, log)


@harness.long_test
class SlowClients(Hostile):
    def stall(self, announced, kind, sent):
        """Clients that announce a body, send as much of `sent` as the receiver accepts, and wait."""
        start = head(kind, TOKEN, f"Content-Length: {announced}")
        clients = [self.connect() for _ in range(SLOW_CLIENTS)]
        left = {client: memoryview(start + b"x" * sent) for client in clients}
        with selectors.DefaultSelector() as ready:
            for client in clients:
                client.setblocking(False)
                ready.register(client, selectors.EVENT_WRITE)
            while left:
                found = ready.select(5)
                if not found:
                    break  # the receiver reads no more
                for chosen, _ in found:
                    client = chosen.fileobj
                    try:
                        left[client] = left[client][client.send(left[client][:256 * 1024]):]
                        done = not left[client]
                    except (BrokenPipeError, ConnectionResetError):
                        done = True
                    if done:
                        ready.unregister(client)
                        del left[client]
        return clients

    def assert_others_are_served(self):
        self.assertEqual(curl(self.hub.url + "/livez").status, 200)
        self.assert_alive()
        body = envelopes.envelope(envelopes.NodeKey("Node_B"), TABLE)
        native = {**bearer(), "Content-Type": TYPE_ENVELOPE}
        self.assertEqual(curl(self.url, body=body, headers=native).status, 202)

    def test_a_hundred_stalled_bodies_of_the_largest_size_lock_nobody_out(self):
        self.stall(BODY_MAX, "application/json", 4 * MIB)
        self.assert_others_are_served()
        bomb = envelopes.envelope(envelopes.NodeKey("Node_C"), bytes(PLAIN_MAX))
        native = {**bearer(), "Content-Type": TYPE_ENVELOPE}
        self.assertEqual(curl(self.url, body=bomb, headers=native).status, 202)
        self.assert_peak(INGEST_MEMORY_MIB)

    def test_a_hundred_stalled_envelopes_of_the_largest_size_lock_nobody_out(self):
        clients = self.stall(ENVELOPE_MAX, TYPE_ENVELOPE, ENVELOPE_MAX - 1)
        self.assert_others_are_served()
        self.assert_peak(INGEST_MEMORY_MIB)
        for client in clients:
            client.close()
        wait_until(lambda: netalertx_push(self.hub.url, device_table(device_rows(20000)),
                                          "Node_Large").status == 200,
                   "a large table to be accepted again")


@harness.long_test
class SlowReaders(harness.SyncHubTest):
    def test_unread_answers_to_pulls_do_not_fill_the_node_s_memory(self):
        """More pulls than the budget of answers allows: the others get 503."""
        table = device_table([harness.device_row(index, devComments="x" * 100000)
                              for index in range(160)])
        node = self.program("pusher", self.pusher_settings(
            "", table, SYNC_RUN="disabled", SYNC_listen="127.0.0.1:0"))
        clients = []
        for _ in range(24):
            client = socket.socket()
            self.addCleanup(client.close)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(10 * harness.READY_S)
            client.connect(("127.0.0.1", node.port))
            clients.append(client)
        port = node.port
        for client in clients:  # all send before the first reads: idle connections are closed after 30 s
            client.sendall(f"GET /sync HTTP/1.1\r\nHost: node\r\nAuthorization: Bearer {TOKEN}"
                           "\r\n\r\n".encode())
        answers = [receive_head(client).split()[1] for client in clients]
        self.assertEqual(set(answers), {b"200", b"503"})
        self.assertGreaterEqual(answers.count(b"200"), 5)
        node.wait_for_log("answered a pull with 503")
        self.assertEqual(curl(f"http://127.0.0.1:{port}/livez").status, 200)
