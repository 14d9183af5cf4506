# SPDX-License-Identifier: Apache-2.0
"""A hub with a master, a replica and a sentinel, of Redis 8 and of Valkey 8, which confirm from the replica's disk."""

import re
import unittest

from engine import (BASE, LOCKED, STOP_S, build_images, docker, environment, image, inspect, logs, run, unique)
from harness import device_rows, device_table, get_status, netalertx_push, wait_until

VALKEY = f"""FROM {BASE}
RUN apt-get update && apt-get install -y --no-install-recommends valkey-server && rm -rf /var/lib/apt/lists/*
"""
DURABLE = ("--protected-mode", "no", "--appendonly", "yes", "--appendfsync", "always", "--save", "",
           "--repl-diskless-sync-delay", "0")
SENTINEL = """printf '%s\\n' 'port 26379' 'protected-mode no' 'sentinel monitor main {master} 6379 1' \
'sentinel down-after-milliseconds main 2000' 'sentinel failover-timeout main 6000' >/tmp/sentinel.conf
exec {server} /tmp/sentinel.conf --sentinel"""
FAILOVER_S = 90


class RedisHaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build_images()

    def setUp(self):
        self.network = unique("network")
        docker("network", "create", "--internal", self.network)
        self.addCleanup(docker, "network", "rm", self.network, check=False)

    def container(self, name, *arguments):
        name = unique(name)
        docker("run", "-d", "--name", name, "--network", self.network, *arguments)
        self.addCleanup(docker, "rm", "-f", "-v", name, check=False)
        return name

    def address(self, container):
        return inspect(container)["NetworkSettings"]["Networks"][self.network]["IPAddress"]

    def push(self, node):
        return netalertx_push(self.url, device_table(device_rows(2, node)), node).status

    def taken(self, node):
        wait_until(lambda: self.push(node) == 200, f"a push of {node} to be accepted", FAILOVER_S,
                   details=lambda: logs(self.receiver))

    def start(self, server_image, server):
        self.master = self.container("master", server_image, server, *DURABLE)
        address = self.address(self.master)
        self.replica = self.container("replica", server_image, server, *DURABLE, "--replicaof", address, "6379")
        sentinel = self.container("sentinel", server_image, "sh", "-c",
                                  SENTINEL.format(master=address, server=server))
        self.receiver = self.container(
            "receiver", *LOCKED, "-v", "/data",
            *environment(SYNC_redis_url=f"redis+sentinel://{self.address(sentinel)}/main", SYNC_redis_replicas="1"),
            image("receiver"))
        self.url = f"http://{self.address(self.receiver)}:20212"
        wait_until(lambda: get_status(self.url + "/readyz") == 200, "the receiver to be ready", FAILOVER_S,
                   details=lambda: logs(self.receiver))

    def follows_failures(self, server_image, server):
        self.start(server_image, server)
        self.taken("both")
        doctor = docker("exec", self.receiver, "synchub-receiver", "doctor", check=False).stdout
        self.assertRegex(doctor, "ok +Redis replicas: 1 of 1 are in step, 1 must confirm an entry\n")
        self.assertNotIn("memory: from", logs(self.receiver))
        docker("pause", self.replica)
        self.assertEqual(self.push("paused"), 503)
        docker("unpause", self.replica)
        self.taken("paused")
        docker("kill", self.master)
        log = f"Redis at {self.address(self.replica)}:6379 of master main is in use"
        wait_until(lambda: log in logs(self.receiver), "the replica to be the master", FAILOVER_S,
                   details=lambda: logs(self.receiver))
        self.assertEqual(self.push("alone"), 503)
        docker("start", self.master)
        self.taken("again")
        docker("stop", "-t", STOP_S, self.receiver)
        self.assertEqual(inspect(self.receiver)["State"]["ExitCode"], 0, logs(self.receiver))
        merged = re.findall(r"merged node=(\w+)", logs(self.receiver))
        self.assertLessEqual({"both", "paused"}, set(merged))

    def test_redis_8(self):
        self.follows_failures("redis:8.0", "redis-server")

    def test_valkey_8(self):
        name = unique("valkey")
        run("docker", "build", "-q", "-t", name, "-", input=VALKEY, timeout=900)
        self.addCleanup(docker, "rmi", "-f", name, check=False)
        self.follows_failures(name, "valkey-server")
