# SPDX-License-Identifier: Apache-2.0
"""The Redis servers of k8s/components/redis-ha, with a hub: whatever fails, they find their roles by themselves, and
no push that was confirmed is lost."""

import unittest

from engine import LOCKED, STOP_S, build_images, docker, environment, image, inspect, logs, unique
from harness import device_rows, device_table, get_status, netalertx_push, wait_until
from redis_pods import SERVERS, RedisPods

PUSH_S = 120


class RedisPodsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build_images()

    def setUp(self):
        self.network = unique("network")
        docker("network", "create", "--internal", self.network)
        self.addCleanup(docker, "network", "rm", self.network, check=False)
        self.group = RedisPods(self, self.network)
        self.group.start(*SERVERS)
        self.assertEqual(self.group.wait_until_in_step(), 0)
        self.pushed = 0

    def start_receiver(self, *options):
        receiver = unique("receiver")
        self.addCleanup(docker, "rm", "-f", "-v", receiver, check=False)
        docker("run", "-d", "--name", receiver, *LOCKED, "--network", self.network, "-v", "/data",
               *environment(SYNC_redis_url=self.group.url, SYNC_redis_replicas="1"), *options, image("receiver"))
        address = inspect(receiver)["NetworkSettings"]["Networks"][self.network]["IPAddress"]
        self.url, self.receiver = f"http://{address}:20212", receiver
        wait_until(lambda: get_status(self.url + "/readyz") == 200, "the receiver to be ready", PUSH_S,
                   details=lambda: logs(receiver))

    def push(self):
        """Pushes a table of a new node until it is confirmed."""
        node = f"node{self.pushed}"
        body = device_table(device_rows(2, node))
        wait_until(lambda: netalertx_push(self.url, body, node).status == 200, f"a push of {node} to be confirmed",
                   PUSH_S, details=lambda: logs(self.receiver)[-3000:] + self.group.details())
        self.pushed += 1

    def merged(self):
        return {word.removeprefix("node=") for line in logs(self.receiver).splitlines() if "merged node=" in line
                for word in line.split() if word.startswith("node=")}

    def test_servers_find_their_roles_after_each_failure(self):
        group = self.group
        self.start_receiver()
        self.push()
        with self.subTest("the master's pod is killed, and comes back"):
            group.kill(0)
            self.push()
            group.start(0)
            second = group.wait_until_in_step()
            self.assertNotEqual(second, 0)
            self.assertIn(f"Starts replicaof {group.hosts[second]}", group.log(0))
        with self.subTest("the master is stopped"):
            group.stop(second)
            self.assertNotIn(group.master(), (None, second), group.details())
            self.push()
            docker("rm", "-v", *group.containers[second].values())
            group.start(second)
            third = group.wait_until_in_step()
        with self.subTest("a replica follows another server, and is started again by its liveness probe"):
            first = next(index for index in SERVERS if index not in (second, third))
            self.assertEqual(group.script(second, "alive.sh").returncode, 0)
            self.assertEqual(group.cli(second, "replicaof", group.hosts[first], "6379"), "OK")
            done = group.script(second, "alive.sh")
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(f"the sentinels name {group.hosts[third]}", done.stderr)
            group.kill(second)
            group.start(second)
            self.assertEqual(group.wait_until_in_step(), third)
            self.assertEqual(group.script(second, "alive.sh").returncode, 0)
        with self.subTest("all are killed, and one that is no master any more starts first"):
            group.kill(*SERVERS)
            group.start(second)
            group.start(*(index for index in SERVERS if index != second))
            self.assertEqual(group.wait_until_in_step(), third)
            self.push()
        with self.subTest("the master's volume is lost"):
            group.kill(third)
            group.in_volume(group.volumes[third], "find /data -mindepth 1 -delete")
            group.start(third)
            group.wait_for_other_master(third)
            group.wait_until_in_step()
            self.push()
        wait_until(lambda: self.merged() >= {f"node{index}" for index in range(self.pushed)}, "every push to be merged",
                   details=lambda: logs(self.receiver))
        docker("stop", "-t", STOP_S, self.receiver)

    def test_entries_outlive_the_volume_of_their_master(self):
        """They are not merged meanwhile: the only place where they are is Redis."""
        self.start_receiver()  # publishes the credentials, without which ingest accepts nothing
        docker("stop", "-t", STOP_S, self.receiver)
        self.start_receiver("-e", "SYNC_receiver_role=ingest")
        for _ in range(5):
            self.push()
        self.group.kill(0)
        self.group.in_volume(self.group.volumes[0], "find /data -mindepth 1 -delete")
        self.group.start(0)
        self.group.wait_for_other_master(0)
        self.group.wait_until_in_step()
        self.assertEqual([self.group.cli(index, "xlen", "synchub:ingest") for index in SERVERS], ["5"] * 3)

    def test_the_password_is_changed_without_an_interruption(self):
        """As docs/kubernetes.md describes it."""
        self.start_receiver()
        old, new = self.group.password, "hidden10"
        for index in SERVERS:
            for port in (6379, 26379):
                self.assertEqual(self.group.cli(index, "acl", "setuser", "default", f">{new}", port=port), "OK")
        for index in reversed(SERVERS):
            self.group.password = old
            self.group.stop(index)
            docker("rm", "-v", *self.group.containers[index].values())
            self.group.password = new
            self.group.start(index)
            wait_until(lambda index=index: self.group.script(index, "ready.sh").returncode == 0,
                       f"server {index} to be ready", PUSH_S, details=self.group.details)
        self.group.wait_until_in_step()
        docker("stop", "-t", STOP_S, self.receiver)
        self.start_receiver("-e", "SYNC_receiver_role=ingest")  # its database is another one
        self.push()


if __name__ == "__main__":
    unittest.main()
