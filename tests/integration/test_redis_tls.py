# SPDX-License-Identifier: Apache-2.0
"""rediss://: which certificates are accepted. hiredis before 1.0 has no TLS; for a build with it these tests check
that it says so."""

import socket
import subprocess
import unittest

from authority import Authority
from harness import READY_S, SyncHubTest, bearer, curl, free_port, wait_until


class RedisTlsTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder / "authority")
        self.has_tls = b"is not supported by this build" not in self.probe()

    def probe(self):
        """The receiver's output for rediss:// without a server."""
        settings = self.secrets(SYNC_redis_url=f"rediss://127.0.0.1:{free_port()}/0",
                                SYNC_db=self.folder / "probe.db", SYNC_listen="127.0.0.1:0")
        done = self.run_program("receiver", settings, "--once")
        self.assertNotEqual(done.returncode, 0)
        return done.stderr.encode()

    def tls_redis(self, name):
        """A redis-server with a certificate for name; returns its port."""
        cert, key = self.authority.issue(name, "IP:127.0.0.1" if name[0].isdigit() else f"DNS:{name}")
        port = free_port()
        log = open(self.folder / "tls-redis.log", "ab")
        process = subprocess.Popen(
            ["redis-server", "--port", "0", "--tls-port", str(port), "--tls-cert-file", str(cert),
             "--tls-key-file", str(key), "--tls-ca-cert-file", str(self.authority.file),
             "--tls-auth-clients", "no", "--bind", "127.0.0.1", "--dir", str(self.folder),
             "--save", "", "--appendonly", "yes", "--appendfsync", "always"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        def end():
            process.kill()
            process.wait(READY_S)
        self.addCleanup(end)
        def listens():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        wait_until(listens, "redis-server to listen")
        return port

    def once(self, port, host="127.0.0.1", **settings):
        return self.run_program("receiver", self.secrets(
            SYNC_redis_url=f"rediss://{host}:{port}/0", SYNC_db=self.folder / "hub.db",
            SYNC_listen="127.0.0.1:0", **settings), "--once")

    def assert_refused(self, done, words):
        self.assertEqual(done.returncode, 1 if self.has_tls else 2, done.stderr)
        self.assertIn(words if self.has_tls else "rediss:// (TLS) is not supported by this build",
                      done.stderr)

    def test_only_a_certificate_of_the_right_name_and_authority_is_accepted(self):
        port = self.tls_redis("127.0.0.1")
        ca = str(self.authority.file)
        self.assert_refused(self.once(port), "SYNC_tls_ca")
        done = self.once(port, SYNC_tls_ca=ca)
        if self.has_tls:
            self.assertEqual(done.returncode, 0, done.stderr)
        else:
            self.assert_refused(done, "")
        self.assert_refused(self.once(port, "localhost", SYNC_tls_ca=ca), "another name")

    def test_a_certificate_is_valid_for_its_name_only(self):
        port = self.tls_redis("localhost")
        ca = str(self.authority.file)
        done = self.once(port, "localhost", SYNC_tls_ca=ca)
        if self.has_tls:
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_refused(self.once(port, SYNC_tls_ca=ca), "another name")

    def test_a_server_without_tls_is_reported(self):
        redis = self.redis()
        self.assert_refused(self.once(redis.port, SYNC_tls_ca=str(self.authority.file)),
                            "without TLS on this port")

    def test_pushes_go_through_it(self):
        port = self.tls_redis("127.0.0.1")
        settings = self.secrets(SYNC_redis_url=f"rediss://127.0.0.1:{port}/0",
                                SYNC_db=self.folder / "hub.db", SYNC_listen="127.0.0.1:0",
                                SYNC_tls_ca=str(self.authority.file))
        if not self.has_tls:
            self.run_program("receiver", settings, code=2)
            return
        hub = self.program("receiver", settings).wait_ready()
        answer = curl(hub.url + "/sync", body=b"", headers={
            **bearer(), "Content-Type": "application/vnd.synchub.envelope",
            "Sync-Hub-Node": "n", "Sync-Hub-Digest": "0" * 64})
        self.assertEqual(answer.json, {"status": "changed"})


if __name__ == "__main__":
    unittest.main()
