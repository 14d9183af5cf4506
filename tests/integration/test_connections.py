# SPDX-License-Identifier: Apache-2.0
"""Connections over a limit, bodies that never end, and a log that nobody reads: every listener keeps answering, and
SIGTERM ends the program.

The hostile peers here have more addresses (127.0.0.x) than the programs have threads.
"""

import os
import pathlib
import re
import resource
import select
import socket
import subprocess
import threading

import harness
from harness import (TOKEN, TYPE_ENVELOPE, bearer, curl, device_rows, device_table, get_status,
                     netalertx_push, receive_head, wait_until)
from metrics_base import metric

TABLE = device_table(device_rows(3))
TOTAL = 1024         # docs/operations.md, Limits
PER_ADDRESS = 256
OUT_OF_TIME = "stopping took too long"  # logged if SIGTERM did not stop a program gracefully


def over_limit(program, limit):
    return int(metric(program, f'synchub_http_connections_over_limit_total{{limit="{limit}"}}'))


class ConnectionsTest(harness.SyncHubTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        cls.addClassCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def start(self, name, files=None, **settings):
        """One of the three programs with a listener, once it answers /livez."""
        if name == "receiver":
            settings = self.receiver_settings(self.redis(), **settings)
        elif name == "puller":
            settings = self.puller_settings(self.redis(), ["http://127.0.0.1:9"],
                                            SYNC_listen="127.0.0.1:0", **settings)
        else:
            settings = self.pusher_settings("", TABLE, SYNC_RUN="disabled",
                                            SYNC_listen="127.0.0.1:0", **settings)
        program = self.program(name, settings, files=files)
        wait_until(lambda: get_status(program.url + "/livez") == 200, "the program to answer",
                   details=program.log)
        return program

    def dial(self, port, address):
        peer = socket.socket()
        self.addCleanup(peer.close)
        peer.settimeout(harness.READY_S)
        peer.bind((address, 0))
        peer.connect(("127.0.0.1", port))
        return peer

    def flood(self, program, count, addresses, bytes_sent=b""):
        """Opens connections from the given number of addresses, and sends data on each."""
        port = program.port
        peers = []
        for number in range(count):
            peer = self.dial(port, f"127.0.0.{2 + number % addresses}")
            try:
                peer.sendall(bytes_sent)
            except OSError:
                pass  # already closed, as it is over a limit
            peers.append(peer)
        return peers

    def assert_alive(self, program):
        answer = curl(program.url + "/livez")
        self.assertEqual(answer.status, 200, program.log())

    def assert_ends(self, program):
        program.stop()
        self.assertNotIn(OUT_OF_TIME, program.log())


class IdleConnections(ConnectionsTest):
    def test_connections_over_the_limit_lock_nobody_out_and_SIGTERM_ends(self):
        for name in ("receiver", "pusher", "puller"):
            with self.subTest(name):
                program = self.start(name)
                peers = self.flood(program, TOTAL + 100, addresses=9)
                self.assert_alive(program)
                self.assertGreater(over_limit(program, "total"), 0)
                program.wait_for_log("connections, the maximum")
                for peer in peers:
                    peer.close()
                self.assert_alive(program)
                self.assert_ends(program)

    def test_one_address_over_its_limit_loses_only_its_own_connections(self):
        program = self.start("receiver")
        other = self.dial(program.port, "127.0.0.200")
        self.flood(program, 400, addresses=1)
        self.assert_alive(program)
        self.assertGreater(over_limit(program, "address"), 0)
        self.assertEqual(over_limit(program, "total"), 0)
        other.sendall(b"GET /livez HTTP/1.1\r\nHost: hub\r\n\r\n")
        self.assertIn(b" 200 ", receive_head(other))
        self.assert_ends(program)

    @harness.long_test
    def test_the_same_with_few_descriptors(self):
        for files in (64, 256, 1024):
            for name in ("receiver", "pusher", "puller"):
                with self.subTest(name, files=files):
                    program = self.start(name, files=files)
                    peers = self.flood(program, files + 50, addresses=9)
                    self.assert_alive(program)
                    if name == "receiver":
                        wait_until(lambda: get_status(program.url + "/readyz") == 200, "readiness")
                        self.assertEqual(netalertx_push(program.url, TABLE, "Node_A").status, 200)
                    for peer in peers:
                        peer.close()
                    self.assert_alive(program)
                    self.assert_ends(program)

    def test_accepting_pauses_when_no_descriptor_is_left(self):
        program = self.start("receiver").wait_ready()
        kept = self.dial(program.port, "127.0.0.2")
        kept.sendall(b"GET /livez HTTP/1.1\r\nHost: hub\r\n\r\n")
        self.assertIn(b" 200 ", receive_head(kept))
        limits = resource.prlimit(program.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        peer = self.dial(program.port, "127.0.0.2")
        peer.sendall(b"GET /livez HTTP/1.1\r\nHost: hub\r\n\r\n")
        program.wait_for_log("no file descriptor or memory is left")
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, limits)
        self.assertIn(b" 200 ", receive_head(peer))
        # It retries at most 20 times a second.
        self.assertLess(over_limit(program, "files"), 2000)
        self.assert_ends(program)

    def test_the_connection_with_the_last_descriptor_stays(self):
        """accept() reports a lack of descriptors although nobody waits, which must cost nobody a connection."""
        program = self.start("receiver").wait_ready()
        kept = self.dial(program.port, "127.0.0.2")
        kept.sendall(b"GET /livez HTTP/1.1\r\nHost: hub\r\n\r\n")
        self.assertIn(b" 200 ", receive_head(kept))
        limits = resource.prlimit(program.pid, resource.RLIMIT_NOFILE)
        used = {int(name) for name in os.listdir(f"/proc/{program.pid}/fd")}
        free = next(number for number in range(len(used) + 1) if number not in used)
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (free + 1, limits[1]))
        last = self.dial(program.port, "127.0.0.3")
        for peer in (last, kept, last):
            peer.sendall(b"GET /livez HTTP/1.1\r\nHost: hub\r\n\r\n")
            self.assertIn(b" 200 ", receive_head(peer))
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, limits)
        self.assert_ends(program)
        self.assertNotIn("no file descriptor", program.log())

    def test_too_few_descriptors_are_reported_at_start(self):
        settings = self.pusher_settings("", TABLE, SYNC_RUN="disabled", SYNC_listen="127.0.0.1:0")
        done = subprocess.run(
            ["prlimit", "--nofile=32:32", str(harness.BIN / "synchub-pusher")],
            env=harness.clean_environment(settings), capture_output=True, text=True,
            timeout=harness.READY_S)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("ulimit -n", done.stderr)

    def test_the_log_of_a_flood_is_bounded(self):
        program = self.start("receiver")
        for _ in range(3):
            peers = self.flood(program, TOTAL + 200, addresses=9)
            # The kernel accepts them earlier than the program, which must see that there are too many.
            refused = select.poll()
            for peer in peers:
                refused.register(peer, select.POLLIN)
            self.assertTrue(refused.poll(1000 * harness.READY_S), "no connection was refused")
            for peer in peers:
                peer.close()
        self.assert_ends(program)
        self.assertLess(len(program.log().splitlines()), 200)
        self.assertRegex(program.log(), r"repeated \d+ times in \d+ s")


class HalfSentBodies(ConnectionsTest):
    HEAD = (f"POST /sync HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {TOKEN}\r\n"
            f"Content-Type: {TYPE_ENVELOPE}\r\nContent-Length: 1000\r\n\r\nhalf").encode()
    HEAD_THAT_ASKS = HEAD.replace(b"\r\n\r\nhalf", b"\r\nExpect: 100-continue\r\n\r\n")

    def test_a_thousand_unfinished_bodies_lock_nobody_out_and_SIGTERM_ends(self):
        program = self.start("receiver").wait_ready()
        self.flood(program, 1000, addresses=9, bytes_sent=self.HEAD)
        self.assert_alive(program)
        self.assertEqual(netalertx_push(program.url, TABLE, "Node_A").status, 200)
        self.assert_ends(program)

    def test_an_address_at_its_limit_still_gets_probes_answered(self):
        program = self.start("receiver").wait_ready()
        waiting = 0
        while waiting < PER_ADDRESS:
            peer, = self.flood(program, 1, addresses=1, bytes_sent=self.HEAD_THAT_ASKS)
            self.assertIn(b" 100 ", receive_head(peer))
            waiting += 1
        probe = self.dial(program.port, "127.0.0.2")
        probe.sendall(b"GET /livez HTTP/1.1\r\nHost: hub\r\n\r\n")
        answer = receive_head(probe)
        self.assertIn(b" 200 ", answer)
        self.assertIn(b"Connection: close", answer)
        data = self.dial(program.port, "127.0.0.2")
        data.sendall(b"GET /sync HTTP/1.1\r\nHost: hub\r\n\r\n")
        self.assertIn(b" 405 ", receive_head(data))
        data = self.dial(program.port, "127.0.0.2")
        data.sendall(self.HEAD_THAT_ASKS)
        self.assertIn(b" 503 ", receive_head(data))
        # Others are not delayed.
        self.assertEqual(netalertx_push(program.url, TABLE, "Node_A").status, 200)
        self.assert_ends(program)

    def test_connections_of_few_addresses_are_replaced_by_others(self):
        """Five addresses use all connections with bodies that never end."""
        program = self.start("receiver").wait_ready()
        self.flood(program, TOTAL + 50, addresses=5, bytes_sent=self.HEAD)
        for _ in range(3):
            self.assertEqual(netalertx_push(program.url, TABLE, "Node_A").status, 200)
        self.assert_ends(program)


class UnreadLog(ConnectionsTest):
    def start_unread(self, name, settings, port):
        """A program whose standard error is a pipe that is already full."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)
        process = subprocess.Popen(
            [str(harness.BIN / f"synchub-{name}")], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=writer,
            env=harness.clean_environment({**settings, "SYNC_listen": f"127.0.0.1:{port}",
                                           "SYNC_log_level": "debug"}), cwd=self.folder)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: get_status(f"http://127.0.0.1:{port}/livez") == 200,
                   f"the {name} to answer")
        return process, writer, reader

    def test_a_log_without_a_reader_blocks_nothing_and_SIGTERM_ends(self):
        redis = self.redis()
        programs = {
            "receiver": self.receiver_settings(redis),
            "puller": self.puller_settings(redis, ["http://127.0.0.1:9"]),
            "pusher": self.pusher_settings("http://127.0.0.1:9", TABLE),
        }
        for name, settings in programs.items():
            with self.subTest(name):
                port = harness.free_port()
                process, writer, reader = self.start_unread(name, settings, port)
                url = f"http://127.0.0.1:{port}"
                if name == "receiver":
                    wait_until(lambda: get_status(url + "/readyz") == 200, "readiness")
                for number in range(20):
                    netalertx_push(url, TABLE, f"Node {number}", token="wrong")
                self.assertEqual(curl(url + "/livez").status, 200)
                if name == "receiver":
                    self.assertEqual(netalertx_push(url, TABLE, "Node_A").status, 200)
                process.terminate()
                self.assertEqual(process.wait(harness.STOP_S), 0)
                os.close(writer)

    def test_a_returning_reader_sees_how_many_lines_were_lost(self):
        port = harness.free_port()
        process, writer, reader = self.start_unread(
            "receiver", self.receiver_settings(self.redis()), port)
        url = f"http://127.0.0.1:{port}"
        os.set_blocking(reader, False)
        request = (b"GET /livez HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: %d\r\n\r\n")
        for number in range(600):  # debug lines and warnings of many peers fill the queue of lines
            peer = self.dial(port, f"127.0.{1 + number // 200}.{1 + number % 200}")
            peer.sendall(request % number)
            self.assertIn(b" 400 ", receive_head(peer))
            peer.close()
        read = b""

        def says():
            nonlocal read
            try:
                read += os.read(reader, 65536)
            except BlockingIOError:
                pass
            return re.search(rb"\d+ log lines were lost", read)
        wait_until(says, "the log to be written", details=lambda: read[-3000:].decode())
        self.assertIn(b"listening on", read)
        self.assertEqual(curl(url + "/livez").status, 200)
        process.terminate()
        self.assertEqual(process.wait(harness.STOP_S), 0)
        os.close(writer)


class HungRedis(ConnectionsTest):
    def test_SIGTERM_ends_receiver_and_puller(self):
        node = self.server(harness.FakeNetAlertXNode("Node_A", TABLE))
        for name in ("receiver", "puller"):
            with self.subTest(name):
                redis = self.redis()
                if name == "receiver":
                    program = self.receiver(redis)
                else:
                    program = self.program("puller", self.puller_settings(
                        redis, [node.url], SYNC_listen="127.0.0.1:0")).wait_ready()
                redis.pause()
                self.addCleanup(redis.resume)
                peers = self.flood(program, 40, addresses=4, bytes_sent=(
                    f"POST /sync HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {TOKEN}\r\n"
                    f"Content-Type: {TYPE_ENVELOPE}\r\nContent-Length: 0\r\n\r\n").encode())
                self.flood(program, 10, addresses=4,
                           bytes_sent=b"GET /readyz HTTP/1.1\r\nHost: hub\r\n\r\n")
                self.assert_alive(program)
                program.stop()
                redis.resume()
                for peer in peers:
                    peer.close()

    def test_SIGTERM_ends_a_receiver_that_never_reached_redis(self):
        redis = self.redis()
        redis.pause()
        self.addCleanup(redis.resume)
        program = self.program("receiver", self.receiver_settings(redis))
        self.assert_alive(program)
        program.stop()


class Stages(ConnectionsTest):
    """SIGTERM before the work begins, and while subcommands wait."""

    def test_SIGTERM_ends_a_program_that_reads_its_settings(self):
        pipe = self.folder / "token"
        os.mkfifo(pipe)  # opening it blocks until there is a writer
        for name in ("receiver", "pusher", "puller"):
            with self.subTest(name):
                settings = {"SYNC_api_token_FILE": pipe, "SYNC_encryption_key": "k" * 20,
                            "SYNC_redis_url": "redis://127.0.0.1:9/0", "SYNC_nodes": "[]",
                            "SYNC_hub_url": "http://127.0.0.1:9", "SYNC_node_name": "N"}
                program = self.program(name, settings)
                wait_until(lambda: program.process.poll() is not None or
                           "S (sleeping)" in pathlib.Path(
                               f"/proc/{program.pid}/status").read_text(),
                           "the program to wait")
                program.process.terminate()
                program.process.wait(harness.STOP_S)
                program.ended = True

    def test_subcommands_end_whatever_redis_does(self):
        redis = self.redis()
        hub = self.receiver(redis)
        hub.stop()
        redis.pause()
        self.addCleanup(redis.resume)
        settings = self.receiver_settings(redis)
        for arguments in (("nodes",), ("dead", "list"), ("node", "list")):
            with self.subTest(arguments):
                program = self.program("receiver", settings, *arguments)
                program.process.terminate()
                self.assertIn(program.process.wait(harness.STOP_S), (-15, 1, 0))
                program.ended = True

    def test_a_single_run_with_a_hung_redis_ends(self):
        redis = self.redis()
        redis.pause()
        self.addCleanup(redis.resume)
        for name, settings in (("receiver", self.receiver_settings(redis)),
                               ("puller", self.puller_settings(redis, ["http://127.0.0.1:9"]))):
            with self.subTest(name):
                program = self.program(name, settings, "--once")
                program.process.terminate()
                program.process.wait(harness.STOP_S)
                program.ended = True


class Fairness(ConnectionsTest):
    def test_endless_pipelined_requests_delay_nobody(self):
        """Endless pipelined requests, on more connections than there are threads."""
        program = self.start("receiver").wait_ready()
        request = b"GET /livez HTTP/1.1\r\nHost: hub\r\n\r\n"
        stop = threading.Event()

        def ask(peer):
            try:
                while not stop.is_set():
                    peer.sendall(request * 500)
                    peer.recv(1 << 20)
            except OSError:
                pass
        threads = []
        for number in range(8):
            peer = self.dial(program.port, f"127.0.0.{10 + number}")
            threads.append(threading.Thread(target=ask, args=(peer,), daemon=True))
            threads[-1].start()
        try:
            for _ in range(5):
                self.assert_alive(program)
                self.assertEqual(netalertx_push(program.url, TABLE, "Node_A").status, 200)
        finally:
            stop.set()
        self.assert_ends(program)

    def test_questions_do_not_wait_for_puts(self):
        """Redis pauses what writes, as while its disk is slow. Two of the four workers are free."""
        redis, answers = self.redis(), []
        hub = self.program("receiver", self.receiver_settings(
            redis, SYNC_receiver_role="ingest")).wait_ready()
        self.assertEqual(netalertx_push(hub.url, TABLE, "Node").status, 200)

        def push(node):
            answers.append(netalertx_push(hub.url, TABLE, node).status)

        pushes = [threading.Thread(target=push, args=(f"Node_{n}",)) for n in range(2)]
        redis.call("CLIENT", "PAUSE", "60000", "WRITE")
        for thread in pushes:
            thread.start()
        wait_until(lambda: b"blocked_clients:0" not in redis.call("INFO", "clients"), "a put that waits")
        asked = curl(hub.url + "/sync", "-X", "POST", "-H", "Content-Length: 0", headers={
            **bearer(TOKEN), "Content-Type": TYPE_ENVELOPE, "Sync-Hub-Node": "Node",
            "Sync-Hub-Digest": "00" * 32})
        answered_before = len(answers)
        redis.call("CLIENT", "UNPAUSE")
        for thread in pushes:
            thread.join()
        self.assertEqual((asked.status, answered_before, len(answers)), (200, 0, len(pushes)))
