# SPDX-License-Identifier: Apache-2.0
"""The puller against NetAlertX nodes, Sync Hub nodes, and other servers."""

import base64
import contextlib
import json
import re
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import time
import unittest

import harness
from harness import TOKEN, TYPE_ENVELOPE, FakeServer, device_rows, device_table, free_port


class Envelope:
    """The clear header of a queued envelope (PROTOCOL.md, section 2)."""

    def __init__(self, data):
        self.data = data
        (magic, version, self.kind, node_len, plugin_len, self.id, self.time_ms, self.key_id,
         self.digest, self.part, self.parts, self.plain_len, self.compressed_len) = struct.unpack(
            ">4sBBBB16sQ8s32sIIII", data[:88])
        assert (magic, version, plugin_len) == (b"SHUB", 1, 0)
        self.node = data[112:112 + node_len].decode()


def queued(redis):
    """The envelopes in the queue, in order."""
    entries = redis.call("XRANGE", "synchub:ingest", "-", "+")
    result = []
    for _, fields in entries:
        values = dict(zip(fields[::2], fields[1::2]))
        assert values[b"m"] == b"pull"
        result.append(Envelope(values[b"e"]))
    return result


def netalertx_answer(name, table):
    if isinstance(table, str):
        table = table.encode()
    return 200, {}, {"data_base64": base64.b64encode(table).decode(), "message": "OK",
                     "node_name": name, "status": 200, "timestamp": "2026-08-22 02:53:00"}


class Nodes(FakeServer):
    """Many nodes on one port: `nodes` maps a path to a function of the request, as in FakeServer.answer, or to a
    function with the attribute `raw`, which writes to the socket itself."""

    def __init__(self):
        self.nodes = {}
        super().__init__(raw=self._serve)

    def add(self, path, answer):
        self.nodes[path] = answer
        return f"{self.url}/{path}"

    def add_netalertx(self, path, name, table):
        """The answer is built in advance: a slow machine must not take the node for a silent one."""
        status, headers, body = netalertx_answer(name, table)
        headers = {"Content-Type": "application/json", **headers}
        body = json.dumps(body).encode()
        return self.add(path, lambda request: (status, headers, body))

    def seen(self, path):
        with self.lock:
            return [r for r in self.requests if r.path == f"/{path}/sync"]

    def _serve(self, handler, request):
        answer = self.nodes.get(request.path.split("/")[1])
        if answer is None or not request.path.endswith("/sync"):
            answer = lambda _: (404, {}, {"error": "Not found"})
        elif getattr(answer, "raw", False):
            answer(handler, self)
            return
        elif request.headers.get("authorization") != f"Bearer {TOKEN}":
            answer = lambda _: (403, {}, {"error": "Forbidden", "message": "ERROR: Not authorized"})
        status, headers, body = answer(request)
        if not isinstance(body, bytes):
            headers = {"Content-Type": "application/json", **headers}
            body = json.dumps(body).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status != 304:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if status != 304:
            handler.wfile.write(body)


def raw(function):
    function.raw = True
    return function


def sends(data):
    """A node that writes these bytes and closes."""
    return raw(lambda handler, server: handler.wfile.write(data))


@raw
def silent(handler, server):
    server.stopping.wait()


@raw
def hangs(handler, server):
    """A node that has begun its answer, so that only SYNC_RUN_TIMEOUT bounds it."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    server.stopping.wait()


class LoadingRedis:
    """A Redis that still loads its data, on the port of one that is stopped."""

    def __init__(self, port):
        self.has_ended = False
        loading = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                while (received := self.request.recv(65536)) and not loading.has_ended:
                    commands = len(re.findall(rb"(?:^|\n)\*[0-9]", received))
                    self.request.sendall(commands * b"-LOADING Redis is loading the dataset in memory\r\n")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.has_ended = True
        self.server.shutdown()
        self.server.server_close()


def _in_two(name, first):
    """NetAlertX's answer in two pieces, the first of so many bytes."""
    body = json.dumps(netalertx_answer(name, device_table(device_rows(1)))[2]).encode()
    head = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body))
    return (head + body)[:first], (head + body)[first:]


def begins_at_once(name):
    """A node that sends a status line, and the rest only after the limit of silence."""
    @raw
    def answer(handler, server):
        begin, rest = _in_two(name, 17)
        handler.wfile.write(begin)
        server.stopping.wait(6)
        handler.wfile.write(rest)
    return answer


def builds_its_answer(name):
    """A node that needs a second until its first byte."""
    @raw
    def answer(handler, server):
        server.stopping.wait(1)
        for piece in _in_two(name, 17):
            handler.wfile.write(piece)
    return answer


@raw
def endless(handler, server):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    try:
        while not server.stopping.is_set():
            handler.wfile.write(b"x" * 65536)
    except OSError:
        pass  # the puller closed the connection


class PullerTest(harness.SyncHubTest):
    def setUp(self):
        super().setUp()
        self.queue = self.redis()
        self.nodes = self.server(Nodes())

    def pull(self, nodes, code=0, **settings):
        """One run; returns the puller's output."""
        settings = {"SYNC_protocol": "netalertx", "SYNC_RUN_TIMEOUT": harness.READY_S, **settings}
        done = self.run_program("puller", self.puller_settings(self.queue, nodes, **settings),
                                "--once", code=code, timeout=harness.LARGE_S)
        return done.stderr

    def line(self, log, url):
        """The only line about a node."""
        about = re.compile(rf" url={re.escape(url)}(?=[ :]|$)")
        lines = [line for line in log.splitlines() if about.search(line)]
        self.assertEqual(len(lines), 1, f"{url} in:\n{log}")
        return lines[0]

    def assert_summary(self, log, nodes, pulled=0, unchanged=0, failed=0, skipped=0):
        self.assertIn(f"run done: {nodes} nodes, {pulled} pulled, {unchanged} unchanged, "
                      f"{failed} failed, {skipped} skipped", log)


class NetAlertXNodes(PullerTest):
    def test_a_table_is_sealed_and_queued(self):
        table = device_table(device_rows(3))
        url = self.nodes.add_netalertx("a", "Node_A", table)
        before = time.time() * 1000
        log = self.pull([url])
        [envelope] = queued(self.queue)
        self.assertEqual((envelope.kind, envelope.node, envelope.part, envelope.parts),
                         (1, "Node_A", 0, 1))
        self.assertEqual(envelope.plain_len, len(table))
        self.assertTrue(before - 1000 <= envelope.time_ms <= time.time() * 1000 + 1000)
        self.assertNotIn(b"devMac", envelope.data)
        self.assertIn("rows=3 ", self.line(log, url))
        self.assertIn(envelope.id.hex(), self.line(log, url))
        self.assert_summary(log, 1, pulled=1)
        self.assertTrue(self.queue.cli("HGET", "synchub:contacts", "Node_A").endswith(" pull"))
        self.assertNotIn(TOKEN, log)

    def test_an_empty_table_is_a_table(self):
        url = self.nodes.add_netalertx("a", "Node_A", '{"data": []}')
        self.assertIn("rows=0 ", self.pull([url]))

    def test_a_trailing_slash_does_not_matter(self):
        url = self.nodes.add_netalertx("a", "Node_A", device_table(device_rows(1)))
        self.assert_summary(self.pull([url + "/"]), 1, pulled=1)
        self.assertEqual(len(self.nodes.seen("a")), 1)

    def test_an_unchanged_table_is_not_queued_again_for_a_day(self):
        table = device_table(device_rows(3))
        url = self.nodes.add_netalertx("a", "Node_A", table)
        self.pull([url])
        digest = queued(self.queue)[0].digest.hex()
        now = int(time.time() * 1000)

        self.queue.cli("HSET", "synchub:digests", "Node_A", f"{digest} {now}")
        log = self.pull([url])
        self.assertNotIn(url, log)  # unchanged nodes are not logged
        self.assert_summary(log, 1, unchanged=1)
        log = self.pull([url], SYNC_log_level="debug")
        self.assertIn("unchanged", self.line(log, url))
        self.assertEqual(self.queue.backlog(), 1)

        self.nodes.add_netalertx("a", "Node_A", device_table(device_rows(4)))
        self.assert_summary(self.pull([url]), 1, pulled=1)

        self.nodes.add_netalertx("a", "Node_A", table)
        day_ago = now - 24 * 3600 * 1000 - 1000
        self.queue.cli("HSET", "synchub:digests", "Node_A", f"{digest} {day_ago}")
        self.assert_summary(self.pull([url]), 1, pulled=1)
        self.assertEqual(self.queue.backlog(), 3)

    def test_a_bad_node_does_not_affect_others(self):
        bad = {
            "short": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"),
                      "1 of the 5000 bytes of its Content-Length"),
            "long": (sends(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                           b"Content-Length: 9\r\n\r\n" +
                           json.dumps(netalertx_answer("X", "{}")[2]).encode()), "not valid JSON"),
            "huge": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n{"),
                     "announces more than"),
            "endless": (endless, "more than the"),
            "silent": (silent, "sent nothing for 5 s"),
            "garbage": (sends(b"\x00\x01\x02\x03\r\n\r\n"), "does not speak HTTP"),
            "nothing": (sends(b""), "without an answer"),
            "html": (lambda _: (200, {"Content-Type": "text/html"}, b"<html>"),
                     "200 with text/html.*not the node's own answer"),
            "portal": (lambda _: (403, {"Content-Type": "text/html", "Server": "nginx"}, b"<html>"),
                       "403 with text/html by nginx.*login page"),
            "gateway": (lambda _: (502, {"Content-Type": "text/html"}, b"<html>"),
                        "cannot reach it"),
            "fields": (lambda _: (200, {}, {"message": "OK"}), "data_base64"),
            "base64": (lambda _: (200, {}, {"data_base64": "!", "node_name": "n"}), "not base64"),
            "forbidden": (lambda _: (403, {}, {"error": "Forbidden", "message": "ERROR: Not authorized"}),
                          "SYNC_api_token.*ERROR: Not authorized"),
            "missing": (lambda _: (404, {}, {"error": "Not found"}), "no GET /sync at this URL"),
            "tableless": (lambda _: (500, {}, {"error": "Data file not found"}),
                          "no device table"),
            "later": (lambda _: (503, {"Retry-After": "9"}, {"error": "busy"}), "retry after 9 s"),
            "moved": (lambda _: (302, {"Location": "/good1/sync"}, {}), "redirect"),
            "unasked": (lambda _: (304, {}, b""), "304"),
            "nameless": (lambda _: netalertx_answer("", '{"data": []}'), "name=URL"),
            "slashed": (lambda _: netalertx_answer("a/b", '{"data": []}'), "name=URL"),
            "shape": (lambda _: netalertx_answer("Shape", '[{"devMac": "x"}]'), "."),
        }
        urls = [self.nodes.add(path, answer) for path, (answer, _) in bad.items()]
        urls.append(f"http://127.0.0.1:{free_port()}/dead")
        urls.append("http://no-such-host.invalid")
        good = [self.nodes.add_netalertx(f"good{i}", f"Good_{i}", device_table(device_rows(2)))
                for i in range(3)]
        mixed = urls[:7] + good[:1] + urls[7:] + good[1:]
        log = self.pull(mixed, code=1)
        for url, (path, (_, words)) in zip(urls, bad.items()):
            with self.subTest(path):
                line = self.line(log, url)
                self.assertRegex(line, words)
                self.assertRegex(line, r"\berror\b")
        self.assertIn("Connection refused", self.line(log, urls[-2]))
        self.assertIn("not found by name", self.line(log, urls[-1]))
        self.assertEqual(sorted(e.node for e in queued(self.queue)), ["Good_0", "Good_1", "Good_2"])
        self.assert_summary(log, len(mixed), pulled=3, failed=len(urls))
        self.assertEqual(len(self.nodes.seen("good1")), 1)  # the redirect was not followed

    def test_dead_nodes_cost_their_silence_and_not_the_time_out(self):
        """Without the limit of silence the run takes SYNC_RUN_TIMEOUT, longer than the test waits."""
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full, \
                socket.create_server(("127.0.0.1", 0)) as kernel, \
                contextlib.ExitStack() as waiting:
            for _ in range(8):
                connection = waiting.enter_context(socket.socket())
                connection.setblocking(False)
                connection.connect_ex(full.getsockname())
            never = f"http://127.0.0.1:{full.getsockname()[1]}"
            mute = self.nodes.add("mute", silent)
            tls = f"https://127.0.0.1:{kernel.getsockname()[1]}"  # only the kernel accepts
            builds = self.nodes.add("builds", builds_its_answer("builds"))
            good = [self.nodes.add_netalertx(f"n{i}", f"n{i}", device_table(device_rows(1)))
                    for i in range(5)]
            log = self.pull([never, mute, tls, builds, *good], code=1, SYNC_RUN_TIMEOUT=3600)
        self.assert_summary(log, 9, pulled=6, failed=3)
        # 10 s is the limit of connecting, where the other answers take so long.
        self.assertRegex(self.line(log, never), "no answer within (5|10) s")
        self.assertIn("sent nothing for 5 s", self.line(log, mute))
        self.assertRegex(self.line(log, tls), "the TLS handshake did not end within (5|10) s")
        self.assertIn("pulled", self.line(log, builds))

    def test_a_node_that_began_its_answer_may_be_silent_for_longer(self):
        begins = self.nodes.add("begins", begins_at_once("begins"))
        self.assertIn("pulled", self.line(self.pull([begins]), begins))

    def test_a_wrong_token_names_the_setting(self):
        url = self.nodes.add_netalertx("a", "Node_A", device_table([]))
        log = self.pull([url], code=1, SYNC_api_token="another-token-entirely")
        self.assertIn("SYNC_api_token", self.line(log, url))
        self.assertNotIn("another-token-entirely", log)

    def test_a_table_caught_half_written_is_fetched_again(self):
        whole = device_table(device_rows(2))
        tables = [whole[:100], "", whole]
        url = self.nodes.add("a", lambda _: netalertx_answer("Node_A", tables.pop(0)))
        log = self.pull([url])
        self.assertIn("rows=2 ", self.line(log, url))
        self.assertEqual(len(self.nodes.seen("a")), 3)
        self.assertEqual(queued(self.queue)[0].plain_len, len(whole))

    def test_a_table_that_stays_half_written_fails(self):
        cut = device_table(device_rows(2))[:100]
        url = self.nodes.add_netalertx("a", "Node_A", cut)
        other = self.nodes.add_netalertx("b", "Node_B", device_table(device_rows(1)))
        log = self.pull([url, other], code=1)
        self.assertEqual(len(self.nodes.seen("a")), 3)
        self.assertEqual(len(self.nodes.seen("b")), 1)
        self.assertRegex(self.line(log, url), r"\berror\b")
        self.assertEqual([e.node for e in queued(self.queue)], ["Node_B"])

    def test_the_name_in_the_settings_wins(self):
        url = self.nodes.add_netalertx("a", "", device_table(device_rows(1)))
        log = self.pull([f"Büro 1={url}"])
        self.assertEqual(queued(self.queue)[0].node, "Büro 1")
        self.assertIn('node="Büro 1" ', self.line(log, url))

    def test_two_nodes_with_one_name_cause_a_warning(self):
        one = self.nodes.add_netalertx("a", "Twin", device_table(device_rows(1)))
        two = self.nodes.add_netalertx("b", "Twin", device_table(device_rows(1, first=5)))
        log = self.pull([one, two])
        warnings = [l for l in log.splitlines() if "warning" in l and "SYNC_node_name" in l]
        self.assertEqual(len(warnings), 1, log)
        self.assertIn(one, warnings[0])
        self.assertIn(two, warnings[0])
        self.assertEqual(self.queue.backlog(), 2)

    def test_an_unencrypted_token_causes_a_warning_except_on_the_loopback(self):
        url = self.nodes.add_netalertx("a", "Node_A", device_table([]))
        log = self.pull([url, "http://no-such-host.invalid"], code=1)
        warnings = [l for l in log.splitlines() if "unencrypted" in l]
        self.assertEqual(len(warnings), 1, log)
        self.assertIn("http://no-such-host.invalid", warnings[0])


class SyncHubNodes(PullerTest):
    """Envelopes of a node: created by a first run, then served by a substitute for its pusher."""

    def setUp(self):
        super().setUp()
        seed = self.nodes.add_netalertx("seed", "Node_A", device_table(device_rows(3)))
        self.pull([seed])
        [self.envelope] = queued(self.queue)
        self.etag = f'"{self.envelope.digest.hex()}"'
        for key in self.queue.cli("KEYS", "*").split():
            self.queue.cli("DEL", key)
        self.queue.publish_no_credentials()

    def serve(self, data=None, content_type=TYPE_ENVELOPE):
        data = self.envelope.data if data is None else data

        def answer(request):
            if request.headers.get("if-none-match") == self.etag:
                return 304, {"ETag": self.etag}, b""
            return 200, {"Content-Type": content_type, "ETag": self.etag}, data
        return self.nodes.add("a", answer)

    def native(self, nodes, code=0, **settings):
        return self.pull(nodes, code, SYNC_protocol="native", **settings)

    def test_an_envelope_is_queued_unchanged(self):
        url = self.serve()
        log = self.native([url])
        self.assertEqual([e.data for e in queued(self.queue)], [self.envelope.data])
        self.assertIn("node=Node_A ", self.line(log, url))
        self.assertIn("rows=3 ", self.line(log, url))
        [request] = self.nodes.seen("a")
        self.assertEqual(request.headers["accept"], TYPE_ENVELOPE)
        self.assertNotIn("if-none-match", request.headers)
        self.assertEqual(self.queue.cli("HGET", "synchub:pull:names", url), "Node_A")

    def test_the_same_envelope_again_is_unchanged(self):
        url = self.serve()
        self.native([url])
        self.assert_summary(self.native([url]), 1, unchanged=1)
        self.assertEqual(self.queue.backlog(), 1)

    def test_a_merged_table_is_not_sent_again_for_a_day(self):
        url = self.serve()
        now = int(time.time() * 1000)
        digest = self.envelope.digest.hex()
        self.queue.cli("HSET", "synchub:digests", "Node_A", f"{digest} {now}")
        for entry in (f"Node_A={url}", url):
            if entry == url:  # the name is known from an earlier run
                self.queue.cli("HSET", "synchub:pull:names", url, "Node_A")
            log = self.native([entry], SYNC_log_level="debug")
            self.assertIn("unchanged", self.line(log, url))
            self.assert_summary(log, 1, unchanged=1)
            self.assertEqual(self.nodes.seen("a")[-1].headers["if-none-match"], self.etag)
        self.assertTrue(self.queue.cli("HGET", "synchub:contacts", "Node_A").endswith(" pull"))
        self.assertEqual(self.queue.backlog(), 0)

        day_ago = now - 24 * 3600 * 1000 - 1000
        self.queue.cli("HSET", "synchub:digests", "Node_A", f"{digest} {day_ago}")
        self.assert_summary(self.native([url]), 1, pulled=1)
        self.assertNotIn("if-none-match", self.nodes.seen("a")[-1].headers)

        clock_put_back = now + 3600 * 1000
        self.queue.cli("HSET", "synchub:digests", "Node_A", f"{digest} {clock_put_back}")
        self.native([url])
        self.assertNotIn("if-none-match", self.nodes.seen("a")[-1].headers)

    def test_an_invalid_envelope_is_refused_with_the_reason(self):
        good = self.envelope.data
        late = good[:24] + struct.pack(">Q", self.envelope.time_ms - 7_000_000) + good[32:]
        early = good[:24] + struct.pack(">Q", self.envelope.time_ms + 7_000_000) + good[32:]
        cases = {
            "cut": (good[:-1], "."),
            "altered": (good[:-1] + bytes([good[-1] ^ 1]), "."),
            "version": (good[:4] + b"\x02" + good[5:], "version"),
            "kind": (good[:5] + b"\x02" + good[6:], "."),
            "part": (good[:72] + struct.pack(">II", 0, 2) + good[80:], "not contain one complete device table"),
            "late": (late, "clock"),
            "early": (early, "clock"),
            "text": (b"hello", "."),
            "empty": (b"", "."),
        }
        for name, (data, words) in cases.items():
            with self.subTest(name):
                url = self.serve(data)
                log = self.native([url], code=1)
                self.assertRegex(self.line(log, url), r"\berror\b.*" + words)
        self.assertEqual(self.queue.backlog(), 0)

    def test_another_key_names_the_setting(self):
        url = self.serve()
        log = self.native([url], code=1, SYNC_encryption_key="some other passphrase")
        self.assertIn("SYNC_encryption_key", self.line(log, url))
        self.assertNotIn("some other passphrase", log)

    def test_a_node_with_another_name_than_in_the_settings_is_refused(self):
        url = self.serve()
        log = self.native([f"Node_B={url}"], code=1)
        self.assertIn('calls itself "Node_A"', self.line(log, url))
        self.assertEqual(self.queue.backlog(), 0)

    def test_a_netalertx_node_is_recognised(self):
        url = self.nodes.add_netalertx("a", "Node_A", device_table(device_rows(1)))
        self.assertIn("SYNC_protocol=netalertx", self.line(self.native([url], code=1), url))

    def test_another_kind_of_answer_is_named(self):
        url = self.serve(b"<html>", "text/html; charset=utf-8")
        self.assertIn("200 with text/html", self.line(self.native([url], code=1), url))


class RealPushers(PullerTest):
    """Pulls synchub-pusher."""

    def node(self, table, name="Node_A"):
        settings = self.pusher_settings("", table, name, SYNC_listen="127.0.0.1:0")
        del settings["SYNC_hub_url"]
        return self.program("pusher", settings).url

    def test_it_is_pulled_in_the_native_protocol(self):
        table = device_table(device_rows(50))
        url = self.node(table)
        log = self.pull([url], SYNC_protocol="native")
        [envelope] = queued(self.queue)
        self.assertEqual((envelope.node, envelope.plain_len), ("Node_A", len(table)))
        self.assertIn("rows=50 ", self.line(log, url))
        digest = envelope.digest.hex()
        self.queue.cli("HSET", "synchub:digests", "Node_A", f"{digest} {int(time.time() * 1000)}")
        self.assert_summary(self.pull([url], SYNC_protocol="native"), 1, unchanged=1)

    def test_it_is_pulled_in_netalertx_s_format(self):
        url = self.node(device_table(device_rows(50)))
        self.assertIn("rows=50 ", self.line(self.pull([url]), url))
        self.assertEqual(queued(self.queue)[0].node, "Node_A")

    def test_a_missing_table_is_reported(self):
        url = self.node(None)
        log = self.pull([url], code=1, SYNC_protocol="native")
        self.assertIn("no device table", self.line(log, url))


@harness.long_test
class Merged(PullerTest):
    """From the node to the hub's database."""

    def test_500_nodes_of_200_devices_are_merged_under_their_names(self):
        urls = [self.nodes.add_netalertx(
            f"n{i}", f"n{i}", device_table(device_rows(200, f"n{i}", i * 200))) for i in range(500)]
        db = self.folder / "hub.db"
        self.receiver(self.queue, db)
        self.assert_summary(self.pull(urls, SYNC_RUN_TIMEOUT=harness.LARGE_S), 500, pulled=500)
        self.assertEqual(len(self.nodes.requests), 500)
        self.wait_merged(self.queue, db, 100_000, seconds=harness.LARGE_S)
        rows = harness.query(db, "SELECT devSyncHubNode AS node, count(*) AS n FROM Devices "
                                 "GROUP BY devSyncHubNode")
        self.assertEqual({row["node"]: row["n"] for row in rows},
                         {f"n{i}": 200 for i in range(500)})
        # The table is known: the next run transfers it, as NetAlertX has no conditional requests,
        # but queues nothing.
        self.assert_summary(self.pull(urls, SYNC_RUN_TIMEOUT=harness.LARGE_S), 500, unchanged=500)
        self.assertEqual(self.queue.backlog(), 0)

    def test_a_table_of_40000_devices_arrives_whole(self):
        url = self.nodes.add_netalertx("a", "Big", device_table(device_rows(40_000, "Big")))
        db = self.folder / "hub.db"
        self.receiver(self.queue, db)
        self.assertIn("rows=40000 ", self.pull([url], SYNC_RUN_TIMEOUT=harness.LARGE_S))
        self.wait_merged(self.queue, db, 40_000, seconds=harness.LARGE_S)
        self.assertEqual(harness.count(db, where="devSyncHubNode = 'Big'"), 40_000)


class Together(PullerTest):
    def test_two_pullers_do_not_fetch_a_node_twice(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        @raw
        def answer(handler, server):
            """It begins at once, so that only SYNC_RUN_TIMEOUT bounds it."""
            begin, rest = _in_two(handler.path.split("/")[1], 17)
            handler.wfile.write(begin)
            gate.wait(harness.READY_S)
            handler.wfile.write(rest)
        urls = [self.nodes.add(f"n{i}", answer) for i in range(20)]
        settings = self.puller_settings(self.queue, urls, SYNC_protocol="netalertx",
                                        SYNC_RUN_TIMEOUT=harness.READY_S)
        first = self.program("puller", settings, "--once")
        self.nodes.wait_for_requests(20, first.log)
        second = self.program("puller", {**settings, "SYNC_log_level": "debug"}, "--once")
        self.assertEqual(second.wait(), 0)
        self.assert_summary(second.log(), 20, skipped=20)
        self.assertIn("another puller is fetching it", second.log())
        gate.set()
        self.assertEqual(first.wait(), 0)
        self.assert_summary(first.log(), 20, pulled=20)
        self.assertEqual(len(self.nodes.requests), 20)
        self.assertEqual(self.queue.backlog(), 20)
        self.assert_summary(self.pull(urls), 20, pulled=20)  # a later run fetches them again


class Surroundings(PullerTest):
    def test_without_redis_nothing_is_fetched_and_that_is_reported(self):
        url = self.nodes.add_netalertx("a", "Node_A", device_table([]))
        self.queue.kill()
        log = self.pull([url], code=1, SYNC_RUN_TIMEOUT=1)
        self.assertIn("SYNC_redis_url", log)
        self.assertEqual(self.nodes.seen("a"), [])

    def test_the_puller_waits_for_redis_at_start(self):
        url = self.nodes.add_netalertx("a", "Node_A", device_table([]))
        self.queue.kill()
        once = self.program("puller", self.puller_settings(self.queue, [url],
                                                           SYNC_protocol="netalertx"), "--once")
        service = self.program("puller", self.puller_settings(
            self.queue, [url], SYNC_protocol="netalertx", SYNC_RUN_SCHD="0 0 1 1 *"))
        for puller in (once, service):
            puller.wait_for_log("waiting up to 30 s for Redis")
        self.queue.start()
        for puller in (once, service):
            puller.wait_for_log("run done: 1 nodes, .* 0 failed")
        self.assertEqual(once.wait(), 0)

    def test_the_puller_waits_at_start_while_redis_loads_its_data(self):
        url = self.nodes.add_netalertx("a", "Node_A", device_table([]))
        self.queue.kill()
        loading = LoadingRedis(self.queue.port)
        once = self.program("puller", self.puller_settings(self.queue, [url], SYNC_protocol="netalertx"), "--once")
        once.wait_for_log("waiting up to 30 s for Redis: Redis is still loading")
        loading.stop()
        self.queue.start()
        once.wait_for_log("run done: 1 nodes, .* 0 failed")
        self.assertEqual(once.wait(), 0)

    def test_a_redis_failure_during_a_run_fails_the_rest_soon(self):
        one_by_one = threading.Lock()

        def answer(request):
            with one_by_one:
                self.queue.kill()
            return netalertx_answer("X", device_table([]))
        urls = [self.nodes.add(f"n{i}", answer) for i in range(10)]
        log = self.pull(urls, code=1)
        self.assert_summary(log, 10, failed=10)
        for url in urls:
            self.assertIn("SYNC_redis_url", self.line(log, url))

    def test_a_full_redis_is_reported(self):
        queue = self.redis("--maxmemory", "1")
        url = self.nodes.add_netalertx("a", "Node_A", device_table([]))
        self.queue = queue
        self.assertIn("Redis is full", self.pull([url], code=1, SYNC_RUN_TIMEOUT=1))

    def test_names_chosen_by_nodes_are_limited_and_those_in_the_settings_are_not(self):
        names = iter(f"invented {number}" for number in range(100))
        url = self.nodes.add("inventor", lambda request: netalertx_answer(
            next(names), device_table(device_rows(1))))
        for _ in range(3):
            self.pull([url], SYNC_max_nodes=3)
        log = self.pull([url], code=1, SYNC_max_nodes=3)
        self.assertIn("SYNC_max_nodes", self.line(log, url))
        fixed = self.nodes.add_netalertx("fixed", "any", device_table(device_rows(2)))
        self.pull([f"Office={fixed}"], SYNC_max_nodes=3)
        self.assertEqual(self.queue.cli("HLEN", "synchub:contacts"), "4")

    def test_disabled_does_nothing(self):
        log = self.pull(["http://127.0.0.1:1"], SYNC_RUN="disabled")
        self.assertIn("disabled", log)
        self.assertNotIn("run done", log)

    def test_once_by_the_setting_runs_and_exits(self):
        url = self.nodes.add_netalertx("a", "Node_A", device_table([]))
        settings = self.puller_settings(self.queue, [url], SYNC_protocol="netalertx",
                                        SYNC_RUN="once")
        self.run_program("puller", settings, code=0)
        self.assertEqual(self.queue.backlog(), 1)

    def test_a_bad_list_of_nodes_is_a_bad_configuration(self):
        for nodes in (["ftp://x"], ["a/b=http://x"], ["http://user:pw@x"], ["http://x", "http://x/"],
                      []):
            with self.subTest(nodes):
                done = self.run_program("puller", self.puller_settings(self.queue, nodes),
                                        "--once", code=2)
                self.assertIn("SYNC_nodes", done.stderr)

    def test_it_runs_at_start_and_serves_probes_and_metrics(self):
        url = self.nodes.add_netalertx("a", "Node_A", device_table(device_rows(2)))
        dead = f"http://127.0.0.1:{free_port()}"
        puller = self.program("puller", self.puller_settings(
            self.queue, [url, dead], SYNC_protocol="netalertx", SYNC_listen="127.0.0.1:0",
            SYNC_RUN_SCHD="0 0 1 1 *"))
        puller.wait_for_log("run done: 2 nodes")
        puller.wait_ready()
        self.assertEqual(harness.curl(puller.url + "/livez").status, 200)
        metrics = harness.curl(puller.url + "/metrics").text
        self.assertIn('synchub_pulls_total{result="pulled"} 1\n', metrics)
        self.assertIn('synchub_pulls_total{result="failed"} 1\n', metrics)
        self.assertIn('synchub_pull_runs_total{result="failed"} 1\n', metrics)
        self.assertIn("synchub_pull_nodes 2\n", metrics)
        self.assertIn("synchub_pull_failed_nodes 1\n", metrics)
        self.queue.kill()
        puller.wait_unready("SYNC_redis_url")
        self.assertEqual(harness.curl(puller.url + "/livez").status, 200)
        self.queue.start()
        puller.wait_ready()
        puller.stop()

    def test_it_runs_again_at_each_time_of_the_schedule(self):
        url = self.nodes.add_netalertx("a", "Node_A", device_table(device_rows(1)))
        puller = self.program("puller", self.puller_settings(
            self.queue, [url], SYNC_protocol="netalertx", SYNC_RUN_SCHD="* * * * *"))
        puller.wait_for_log("(?s)run done.*run done")

    def test_sigterm_ends_it_while_nodes_hang(self):
        urls = [self.nodes.add(f"n{i}", hangs) for i in range(5)]
        puller = self.program("puller", self.puller_settings(
            self.queue, urls, SYNC_protocol="netalertx", SYNC_RUN_TIMEOUT=600))
        self.nodes.wait_for_requests(5, puller.log)
        puller.stop()
        self.assert_summary(puller.log(), 5, skipped=5)
        self.assertEqual(self.queue.cli("KEYS", "synchub:pull:lease:*"), "")

    def test_a_private_ca_is_trusted_if_configured(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", self.folder / "key.pem", "-out", self.folder / "ca.pem",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
            check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "ca.pem", self.folder / "key.pem")
        self.nodes.server.socket = context.wrap_socket(self.nodes.server.socket, server_side=True)
        self.nodes.add_netalertx("a", "Node_A", device_table(device_rows(1)))
        url = f"https://localhost:{self.nodes.port}/a"
        log = self.pull([url], code=1)
        self.assertRegex(self.line(log, url), "not trusted.*SYNC_tls_ca|cannot be read.*SYNC_tls_ca")
        self.assert_summary(self.pull([url], SYNC_tls_ca=self.folder / "ca.pem"), 1, pulled=1)
        address = f"https://127.0.0.1:{self.nodes.port}/a"  # not the certificate's name
        log = self.pull([address], code=1, SYNC_tls_ca=self.folder / "ca.pem")
        self.assertIn("is for another name", self.line(log, address))


if __name__ == "__main__":
    unittest.main()
