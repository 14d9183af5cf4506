# SPDX-License-Identifier: Apache-2.0
"""TLS: listeners with a certificate, and verification by clients. Counterparts are curl, the openssl command and
Python's ssl."""

import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import unittest

from authority import Authority, fingerprint, served
from harness import (READY_S, SyncHubTest, bearer, curl, device_rows, device_table, free_port,
                     netalertx_body, receive_head, wait_until)


class TlsTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder / "ca")
        self.cert, self.key = self.ca.issue("server")
        self.table = device_table(device_rows(3))

    def tls(self, cert=None, key=None):
        return {"SYNC_tls_cert": cert or self.cert, "SYNC_tls_key": key or self.key}

    def listening(self, name, settings):
        """Starts one of our programs with TLS and waits until it listens."""
        program = self.program(name, settings)
        program.wait_for_log(r"listening on 127\.0\.0\.1:\d+ with TLS")
        return program

    def hub(self, **settings):
        self.queue = self.redis()
        return self.listening("receiver",
                              self.receiver_settings(self.queue, **{**self.tls(), **settings}))

    def node(self, **settings):
        return self.listening("pusher", self.pusher_settings(
            "", self.table, SYNC_listen="127.0.0.1:0", **{**self.tls(), **settings}))

    def push_once(self, hub, *, code, host="127.0.0.1", **settings):
        return self.run_program("pusher", self.pusher_settings(
            f"https://{host}:{hub.port}", self.table, SYNC_RUN_TIMEOUT=READY_S, **settings), "--once",
            code=code)


class Receiver(TlsTest):
    def test_a_push_over_https_arrives(self):
        hub = self.hub()
        self.push_once(hub, code=0, SYNC_tls_ca=self.ca.file)
        self.wait_merged(self.queue, self.folder / "hub.db", 3)

    def test_curl_accepts_the_certificate_only_with_its_authority(self):
        hub = self.hub()
        url = f"https://127.0.0.1:{hub.port}/livez"
        self.assertEqual(curl(url, "--cacert", str(self.ca.file)).status, 200)
        self.assertEqual(curl(url).exit_code, 60)

    def test_plain_http_is_refused(self):
        hub = self.hub()
        self.assertEqual(curl(f"http://127.0.0.1:{hub.port}/livez").status, 400)

    def test_only_tls_1_2_and_1_3_are_supported(self):
        hub = self.hub()
        ours = fingerprint(self.cert)
        self.assertEqual(served(hub.port, "-tls1_3"), ours)
        self.assertEqual(served(hub.port, "-tls1_2"), ours)
        for version in ("-tls1_1", "-tls1"):
            self.assertNotIn("Fingerprint", served(hub.port, version, "-cipher",
                                                   "DEFAULT@SECLEVEL=0"))


class Clients(TlsTest):
    """Verification cannot be disabled: nothing is sent to a hub without a valid certificate."""

    def refused(self, hub, **settings):
        done = self.push_once(hub, code=1, **settings)
        self.assertIn("certificate", done.stderr)
        self.assertEqual(self.queue.backlog(), 0)
        self.assertNotRegex(hub.log(), r"\bpush\b")
        return done.stderr

    def test_another_authority_is_refused(self):
        hub = self.hub()
        other = Authority(self.folder / "other", "Another CA")
        self.refused(hub, SYNC_tls_ca=other.file)

    def test_an_authority_that_is_not_configured_is_refused(self):
        self.refused(self.hub())

    def test_an_expired_certificate_is_refused(self):
        cert, key = self.ca.issue("expired", expired=True)
        hub = self.hub(**self.tls(cert, key))
        self.assertIn("expired", self.refused(hub, SYNC_tls_ca=self.ca.file))

    def test_a_certificate_for_another_name_is_refused(self):
        cert, key = self.ca.issue("elsewhere", san="DNS:hub.example.org")
        hub = self.hub(**self.tls(cert, key))
        self.refused(hub, SYNC_tls_ca=self.ca.file)
        self.refused(hub, SYNC_tls_ca=self.ca.file, host="localhost")


class Nodes(TlsTest):
    def test_a_puller_verifies_a_node_s_certificate(self):
        node = self.node()
        redis = self.redis()
        url = f"https://127.0.0.1:{node.port}"
        other = Authority(self.folder / "other", "Another CA")
        done = self.run_program("puller", self.puller_settings(
            redis, [url], SYNC_tls_ca=other.file), "--once", code=1)
        self.assertIn(url, done.stderr)
        self.assertIn("certificate", done.stderr)
        self.assertEqual(redis.backlog(), 0)
        self.run_program("puller", self.puller_settings(
            redis, [url], SYNC_tls_ca=self.ca.file), "--once", code=0)
        self.assertEqual(redis.backlog(), 1)


class Renewal(TlsTest):
    """The certificate files are replaced while the program runs."""

    def setUp(self):
        super().setUp()
        self.new_cert, self.new_key = self.ca.issue("renewed")
        self.old_mark, self.new_mark = fingerprint(self.cert), fingerprint(self.new_cert)

    def replace(self, cert, key):
        """Replaces the configured files, each atomically."""
        for new, place in ((cert, self.cert), (key, self.key)):
            shutil.copy(new, self.folder / "new")
            os.replace(self.folder / "new", place)

    def wait_served(self, program, mark):
        wait_until(lambda: served(program.port) == mark, "the new certificate", details=program.log)

    def test_a_new_certificate_is_served_after_sighup(self):
        for start in (self.hub, self.node):
            program = start()
            self.assertEqual(served(program.port), self.old_mark)
            before = self.cert.read_bytes(), self.key.read_bytes()
            self.replace(self.new_cert, self.new_key)
            program.process.send_signal(signal.SIGHUP)
            self.wait_served(program, self.new_mark)
            program.wait_for_log("reloaded the certificate")
            self.cert.write_bytes(before[0])
            self.key.write_bytes(before[1])

    def test_a_new_certificate_is_served_without_any_signal(self):
        hub = self.hub()
        self.replace(self.new_cert, self.new_key)
        self.wait_served(hub, self.new_mark)

    def test_a_running_exchange_ends_with_the_old_certificate(self):
        hub = self.hub()
        context = ssl.create_default_context(cafile=self.ca.file)
        body = netalertx_body(self.table, "Node_A").encode()
        head = (f"POST /sync HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
                f"Authorization: {bearer()['Authorization']}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode()
        with socket.create_connection(("127.0.0.1", hub.port), timeout=READY_S) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                secure.sendall(head + body[:100])
                self.replace(self.new_cert, self.new_key)
                hub.process.send_signal(signal.SIGHUP)
                self.wait_served(hub, self.new_mark)
                secure.sendall(body[100:])
                self.assertIn(b" 200 ", receive_head(secure))
        self.wait_merged(self.queue, self.folder / "hub.db", 3)

    def test_a_broken_certificate_is_reported_and_the_old_one_stays(self):
        # GnuTLS itself leaks some memory for a key that does not match.
        known = self.folder / "lsan"
        known.write_text("leak:libgnutls\nleak:libtasn1\n")
        hub = self.hub(LSAN_OPTIONS=f"suppressions={known}:print_suppressions=0")
        other = Authority(self.folder / "other").issue("foreign")
        good = self.cert.read_text(), self.key.read_text()
        cases = (("no certificate at all\n", good[1], "SYNC_tls_cert"),
                 (good[0].replace("\nM", "\n!", 1), good[1], "SYNC_tls_cert"),
                 (good[0], "no key\n", "SYNC_tls_key"),
                 (good[0], other[1].read_text(), "SYNC_tls_key"))
        for number, (cert, key, name) in enumerate(cases, 1):
            self.cert.write_text(cert)
            self.key.write_text(key)
            hub.process.send_signal(signal.SIGHUP)

            def is_reported():
                kept = [line for line in hub.log().splitlines() if "the old certificate stays in use" in line]
                return len(kept) >= number and name in kept[-1]
            wait_until(is_reported, f"a message about {name}", details=hub.log)
            self.assertEqual(served(hub.port), self.old_mark)
        self.assertNotIn("PRIVATE", hub.log().replace("`PRIVATE KEY-----`", ""))
        self.replace(self.new_cert, self.new_key)
        hub.process.send_signal(signal.SIGHUP)
        self.wait_served(hub, self.new_mark)

    def test_consecutive_renewals_leave_no_threads(self):
        hub = self.hub()
        pairs = [(self.cert.read_bytes(), self.key.read_bytes(), self.old_mark),
                 (self.new_cert.read_bytes(), self.new_key.read_bytes(), self.new_mark)]

        def threads():
            status = pathlib.Path(f"/proc/{hub.pid}/status").read_text()
            return int(re.search(r"Threads:\s+(\d+)", status).group(1))
        hub.wait_for_log("merging as")
        before = threads()
        for number in range(1, 7):
            cert, key, mark = pairs[number % 2]
            self.cert.write_bytes(cert)
            self.key.write_bytes(key)
            hub.process.send_signal(signal.SIGHUP)
            self.wait_served(hub, mark)
            wait_until(lambda: hub.log().count("reloaded the certificate") >= number, "the words")

        wait_until(lambda: threads() == before, "the threads of old daemons to end",
                   details=lambda: f"{before} before, {threads()} now")
        self.push_once(hub, code=0, SYNC_tls_ca=self.ca.file)


class Settings(TlsTest):
    def test_certificate_without_key_is_an_error(self):
        redis = self.redis()
        for set_one, missing in (("SYNC_tls_cert", "SYNC_tls_key"),
                                 ("SYNC_tls_key", "SYNC_tls_cert")):
            done = self.run_program("receiver", self.receiver_settings(
                redis, **{set_one: self.tls()[set_one]}), code=2)
            self.assertIn(f"{missing} is not", done.stderr)

    def test_certificate_and_key_that_do_not_match_are_reported_at_start(self):
        redis = self.redis()
        _, other_key = self.ca.issue("other")
        for settings in (self.tls(key=other_key), self.tls(cert=self.key), self.tls(key=self.cert),
                         self.tls(cert="/nonexistent")):
            done = self.run_program("receiver", self.receiver_settings(redis, **settings), code=2)
            self.assertRegex(done.stderr, "SYNC_tls_(cert|key)")

    def test_a_listener_without_tls_is_logged_unless_on_the_loopback(self):
        redis = self.redis()
        near = self.receiver(redis)
        self.assertNotIn("plain HTTP", near.log())
        far = self.program("receiver", self.receiver_settings(redis, SYNC_listen="0.0.0.0:0"))
        far.wait_for_log("over plain HTTP")


class Healthcheck(TlsTest):
    """It connects to the loopback and accepts only the configured certificate, for any name."""

    def check(self, name, settings, code):
        return self.run_program(name, settings, "healthcheck", code=code)

    def test_the_program_is_identified_by_its_certificate(self):
        cert, key = self.ca.issue("elsewhere", san="DNS:hub.example.org")
        settings = self.receiver_settings(
            self.redis(), SYNC_listen=f"127.0.0.1:{free_port()}", **self.tls(cert, key))
        hub = self.listening("receiver", settings)
        wait_until(lambda: curl(f"https://127.0.0.1:{hub.port}/readyz", "-k").status == 200,
                   "the hub to be ready")
        self.check("receiver", settings, 0)
        stranger = self.check("receiver", {**settings, **self.tls()}, 1)
        self.assertIn("certificate", stranger.stderr)

    def test_the_same_for_pusher_and_puller(self):
        node = self.pusher_settings("", self.table, SYNC_listen=f"127.0.0.1:{free_port()}",
                                    **self.tls())
        hub = self.puller_settings(self.redis(), ["http://127.0.0.1:9"],
                                   SYNC_listen=f"127.0.0.1:{free_port()}", **self.tls())
        for name, settings in (("pusher", node), ("puller", hub)):
            self.listening(name, settings)
            self.check(name, settings, 0)


if __name__ == "__main__":
    unittest.main()
