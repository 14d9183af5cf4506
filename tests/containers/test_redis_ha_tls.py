# SPDX-License-Identifier: Apache-2.0
"""A hub with `rediss+sentinel://`: a master, a replica and a sentinel that speak TLS alone, each with a certificate for
its own name, by which the sentinel knows them."""

import pathlib
import tempfile
import unittest

from authority import Authority
from engine import LOCKED, STOP_S, build_images, docker, environment, image, inspect, logs, unique
from harness import device_rows, device_table, get_status, netalertx_push, wait_until
from tls import certificate_folder

REDIS = "redis:8.0"
TLS = ("--tls-cert-file", "/tls/cert", "--tls-key-file", "/tls/key", "--tls-ca-cert-file", "/tls/ca",
       "--tls-auth-clients", "no", "--tls-replication", "yes")
DURABLE = ("--protected-mode", "no", "--appendonly", "yes", "--appendfsync", "always", "--save", "",
           "--repl-diskless-sync-delay", "0")
SENTINEL = """printf '%s\\n' 'port {port}' 'tls-port {tls_port}' 'protected-mode no' 'tls-cert-file /tls/cert' \
'tls-key-file /tls/key' 'tls-ca-cert-file /tls/ca' 'tls-auth-clients no' 'tls-replication yes' \
'sentinel resolve-hostnames yes' 'sentinel announce-hostnames yes' 'sentinel monitor main {master} 6379 1' \
'sentinel down-after-milliseconds main 2000' 'sentinel failover-timeout main 6000' >/tmp/sentinel.conf
exec redis-server /tmp/sentinel.conf --sentinel"""
WAIT_S = 180


class RedisHaTlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build_images()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="synchub-tls-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)  # containers run as other users
        self.authority = Authority(self.folder / "authority")
        self.network = unique("network")
        docker("network", "create", "--internal", self.network)
        self.addCleanup(docker, "network", "rm", self.network, check=False)

    def container(self, name, *arguments, tls=True):
        """Its name is the one by which others reach it."""
        name = unique(name)
        options = ["-v", f"{certificate_folder(self.authority, self.folder, name)}:/tls:ro"] if tls else []
        docker("run", "-d", "--init", "--name", name, "--network", self.network, *options, *arguments)
        self.addCleanup(docker, "rm", "-f", "-v", name, check=False)
        return name

    def server(self, name, *arguments):
        """A container in which the server runs beside, so that its name can be resolved while it does not run: a
        sentinel waits ten seconds for each name that cannot."""
        name = self.container(name, REDIS, "sleep", "infinity")
        command = ("redis-server", "--port", "0", "--tls-port", "6379", "--replica-announce-ip", name, *TLS, *DURABLE,
                   *arguments)
        self.start_server(name, command)
        return name, command

    @staticmethod
    def start_server(name, command):
        docker("exec", "-d", name, "sh", "-c", 'echo $$ >/tmp/pid; exec "$@"', "sh", *command)

    def start(self, port=0, tls_port=26379):
        self.master, self.command = self.server("master")
        self.replica, _ = self.server("replica", "--replicaof", self.master, "6379")
        self.sentinel = self.container("sentinel", REDIS, "sh", "-c",
                                       SENTINEL.format(master=self.master, port=port, tls_port=tls_port))

    def receiver(self, *options, query=""):
        ca = self.folder / self.master / "ca"
        return self.container(
            "receiver", *LOCKED, "-v", "/data", "-v", f"{ca}:/ca:ro",
            *environment(SYNC_redis_url=f"rediss+sentinel://{self.sentinel}/main{query}", SYNC_redis_replicas="1",
                         SYNC_tls_ca="/ca"), *options, image("receiver"), tls=False)

    def wait_until_ready(self, receiver):
        address = inspect(receiver)["NetworkSettings"]["Networks"][self.network]["IPAddress"]
        self.url = f"http://{address}:20212"
        wait_until(lambda: get_status(self.url + "/readyz") == 200, "the receiver to be ready", WAIT_S,
                   details=lambda: logs(receiver)[-3000:])

    def wait_for_log(self, container, words):
        wait_until(lambda: words in logs(container), f"the log to say {words!r}", WAIT_S,
                   details=lambda: logs(container)[-3000:])

    def push(self, node):
        return netalertx_push(self.url, device_table(device_rows(2, node)), node).status

    def test_a_failover_is_followed_to_another_certificate(self):
        self.start()
        receiver = self.receiver()
        self.wait_until_ready(receiver)
        wait_until(lambda: self.push("before") == 200, "a push to be accepted", WAIT_S,
                   details=lambda: logs(receiver)[-3000:])
        docker("exec", self.master, "sh", "-c", "kill -9 $(cat /tmp/pid)")
        self.wait_for_log(receiver, f"Redis at {self.replica}:6379 of master main is in use")
        self.start_server(self.master, self.command)
        wait_until(lambda: self.push("after") == 200, "a push to be accepted", WAIT_S,
                   details=lambda: logs(receiver)[-3000:])
        docker("stop", "-t", STOP_S, receiver)
        self.assertEqual(inspect(receiver)["State"]["ExitCode"], 0, logs(receiver))

    def test_certificates_are_verified_and_sentinels_may_be_without(self):
        self.start(port=26380)
        stranger = self.receiver("-e", "SYNC_tls_ca=/etc/ssl/certs/ca-certificates.crt")
        self.wait_for_log(stranger, "SYNC_tls_ca")
        self.assertNotIn("is in use", logs(stranger))
        plain = self.receiver("-e", f"SYNC_redis_url=rediss+sentinel://{self.sentinel}:26380/main")
        self.wait_for_log(plain, "without TLS on this port")
        told = self.receiver("-e", f"SYNC_redis_url=rediss+sentinel://{self.sentinel}:26380/main?sentinel_tls=no")
        self.wait_until_ready(told)
        self.wait_for_log(told, f"Redis at {self.master}:6379 of master main is in use")
        # The kernel still accepts its connections.
        docker("pause", self.sentinel)
        silent = self.receiver()
        self.wait_for_log(silent, "it is overloaded or stopped")


if __name__ == "__main__":
    unittest.main()
