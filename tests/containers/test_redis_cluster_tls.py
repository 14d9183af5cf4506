# SPDX-License-Identifier: Apache-2.0
"""A hub with a Redis Cluster that speaks TLS alone: three masters, each with a replica. The owner of the queue's slot is
found by its name, to which its certificate belongs, and so is the one that takes over."""

import pathlib
import tempfile
import unittest

from authority import Authority
from engine import LOCKED, STOP_S, build_images, docker, environment, image, inspect, logs, unique
from harness import device_rows, device_table, get_status, netalertx_push, wait_until
from tls import certificate_folder

REDIS = "redis:8.0"
SERVERS = 6
COMMAND = ("--port", "0", "--tls-port", "6379", "--tls-cluster", "yes", "--tls-replication", "yes", "--tls-auth-clients",
           "no", "--tls-cert-file", "/tls/cert", "--tls-key-file", "/tls/key", "--tls-ca-cert-file", "/tls/ca",
           "--protected-mode", "no", "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--cluster-enabled",
           "yes", "--cluster-node-timeout", "3000", "--cluster-preferred-endpoint-type", "hostname",
           "--repl-diskless-sync-delay", "0")
PREFIX = "{synchub}"
WAIT_S = 180


class RedisClusterTlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build_images()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="synchub-cluster-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)  # containers run as other users
        self.authority = Authority(self.folder / "authority")
        self.network = unique("network")
        docker("network", "create", "--internal", self.network)
        self.addCleanup(docker, "network", "rm", self.network, check=False)
        self.servers = [self.server() for _ in range(SERVERS)]
        for server in self.servers:
            wait_until(lambda server=server: self.cli(server, "ping") == "PONG", f"{server} to answer", WAIT_S,
                       details=lambda server=server: logs(server)[-3000:])
        self.cli(self.servers[0], "--cluster", "create", *(f"{self.address(name)}:6379" for name in self.servers),
                 "--cluster-replicas", "1", "--cluster-yes")
        for server in self.servers:
            wait_until(lambda server=server: "cluster_state:ok" in self.cli(server, "cluster", "info"),
                       "the cluster to be complete", WAIT_S, details=lambda: self.cli(self.servers[0], "cluster", "nodes"))
        wait_until(lambda: "connected_slaves:1" in self.cli(self.owner(), "info", "replication"),
                   "the owner to have its replica", WAIT_S)

    def server(self):
        name = unique("cluster")
        certificate = certificate_folder(self.authority, self.folder, name)
        docker("run", "-d", "--init", "--name", name, "--network", self.network, "-v", f"{certificate}:/tls:ro", REDIS,
               "redis-server", *COMMAND, "--cluster-announce-hostname", name)
        self.addCleanup(docker, "rm", "-f", "-v", name, check=False)
        return name

    def address(self, container):
        return inspect(container)["NetworkSettings"]["Networks"][self.network]["IPAddress"]

    def cli(self, server, *words):
        return docker("exec", server, "redis-cli", "--tls", "--cacert", "/tls/ca", "-h", server, *words,
                      check=False).stdout.strip()

    def owner(self):
        """The name of the server that has the queue's slot, by CLUSTER SLOTS of those that answer."""
        slot = next(filter(None, (self.cli(server, "cluster", "keyslot", PREFIX) for server in self.servers)))
        asked = next(server for server in self.servers if self.cli(server, "ping") == "PONG")
        for line in self.cli(asked, "cluster", "nodes").splitlines():
            _, address, flags, *rest = line.split()
            for first_last in rest[5:]:
                first, _, last = first_last.partition("-")
                if "master" in flags and "fail" not in flags and int(first) <= int(slot) <= int(last or first):
                    return address.rpartition(",")[2]
        return None

    def wait_for_log(self, words):
        wait_until(lambda: words in logs(self.receiver), f"the log to say {words!r}", WAIT_S)

    def push(self, node):
        return netalertx_push(self.url, device_table(device_rows(2, node)), node).status

    def taken(self, node):
        wait_until(lambda: self.push(node) == 200, f"a push of {node} to be accepted", WAIT_S,
                   details=lambda: logs(self.receiver)[-3000:])

    def test_the_owner_of_the_slot_is_found_by_its_name_and_followed(self):
        owner = self.owner()
        others = [name for name in self.servers if name != owner][:2]
        self.receiver = unique("receiver")
        docker("run", "-d", "--name", self.receiver, *LOCKED, "--network", self.network, "-v", "/data",
               "-v", f"{self.folder / owner / 'ca'}:/ca:ro",
               *environment(SYNC_redis_url=f"rediss://{','.join(others)}/0", SYNC_redis_prefix=PREFIX,
                            SYNC_redis_replicas=1, SYNC_tls_ca="/ca"), image("receiver"))
        self.addCleanup(docker, "rm", "-f", "-v", self.receiver, check=False)
        self.url = f"http://{self.address(self.receiver)}:20212"
        wait_until(lambda: get_status(self.url + "/readyz") == 200, "the receiver to be ready", WAIT_S,
                   details=lambda: logs(self.receiver)[-3000:])
        self.wait_for_log(f"Redis at {owner}:6379")
        self.taken("before")
        docker("kill", owner)
        new = wait_until(lambda: self.owner() not in (None, owner) and self.owner(), "another owner of the slot", WAIT_S)
        # The new owner has no replica until the former one is back.
        docker("start", owner)
        self.taken("after")
        self.wait_for_log(f"Redis at {new}:6379")
        docker("stop", "-t", STOP_S, self.receiver)
        self.assertEqual(inspect(self.receiver)["State"]["ExitCode"], 0, logs(self.receiver))


if __name__ == "__main__":
    unittest.main()
