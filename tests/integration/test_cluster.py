# SPDX-License-Identifier: Apache-2.0
"""The queue in a Redis Cluster: the slot's owner is found, followed when it changes, and failed over."""

import subprocess

from harness import (READY_S, SyncHubTest, count, curl, device_rows, device_table, long_test,
                     netalertx_push, wait_until)
from redis_cluster import FAILOVER_S, RedisCluster, slot_of

SLOTS_OF_ONE = 5461


class ClusterTest(SyncHubTest):
    def cluster(self, *extra, **options):
        cluster = RedisCluster(self.folder / "cluster", *extra, **options)
        self.addCleanup(cluster.stop)
        return cluster

    def settings(self, cluster, url=None, **settings):
        return {**self.receiver_settings(cluster), "SYNC_redis_prefix": cluster.prefix,
                "SYNC_redis_url": url or cluster.url, **settings}

    def hub(self, settings):
        return self.program("receiver", settings).wait_ready()

    def push(self, hub, node):
        return netalertx_push(hub.url, device_table(device_rows(2, node)), node)

    def wait_for_server(self, hub, labels):
        wait_until(lambda: labels in curl(hub.url + "/metrics").text, f"{labels} in the metrics", details=hub.log)

    def taken(self, hub, node):
        wait_until(lambda: self.push(hub, node).status == 200, f"a push of {node} to be accepted",
                   FAILOVER_S, details=hub.log)


@long_test
class Cluster(ClusterTest):
    def test_a_killed_owner_is_replaced_by_its_replica(self):
        cluster = self.cluster()
        hub = self.hub(self.settings(cluster, SYNC_redis_replicas="1"))
        self.taken(hub, "before")
        # Each server learns of replicas by and by.
        owner, replica = wait_until(lambda: len(found := cluster.owners()) == 2 and found, "the replica to be known")
        owner.kill()
        wait_until(lambda: cluster.master is replica, "the replica to be promoted", FAILOVER_S)
        self.assertEqual(self.push(hub, "alone").status, 503)
        owner.start()
        self.taken(hub, "after")
        wait_until(lambda: count(self.folder / "hub.db") >= 4, "all to be merged", FAILOVER_S, details=hub.log)
        hub.wait_for_log(f"Redis at 127.0.0.1:{replica.port} is in use: role master")
        self.wait_for_server(hub, f'server="127.0.0.1:{replica.port}",role="master"')


class Slots(ClusterTest):
    def test_any_server_leads_to_the_owner_and_a_moved_slot_is_followed(self):
        cluster = self.cluster(replicas=0)
        cluster.choose_prefix(lambda slot: slot % SLOTS_OF_ONE < 20)  # redis-cli moves the first slots of a server
        first = cluster.master
        other, third = cluster.others()
        for server in cluster.servers:
            server.cli("ACL", "SETUSER", "hub", "on", ">pw", f"~{cluster.prefix}:*", "+@all")
        hub = self.hub(self.settings(cluster, f"redis://hub:pw@127.0.0.1:{third.port}/0"))
        self.taken(hub, "before")
        self.wait_for_server(hub, f'server="127.0.0.1:{first.port}"')
        wait_until(lambda: count(self.folder / "hub.db") == 2, "the table to be merged")
        self.move_slot(first, other, slot_of(first, cluster.prefix))
        self.taken(hub, "moved")
        hub.wait_for_log(f"Redis at 127.0.0.1:{other.port} is in use: role master")
        wait_until(lambda: count(self.folder / "hub.db") == 4, "the table to be merged", details=hub.log)
        self.assertIsNone(hub.process.poll())

    @staticmethod
    def move_slot(source, target, slot):
        subprocess.run(
            ["redis-cli", "--cluster", "reshard", f"127.0.0.1:{source.port}", "--cluster-from",
             source.cli("CLUSTER", "MYID"), "--cluster-to", target.cli("CLUSTER", "MYID"), "--cluster-slots",
             str(slot % SLOTS_OF_ONE + 1), "--cluster-yes"],
            check=True, capture_output=True, timeout=READY_S)

    def test_a_prefix_without_braces_is_reported(self):
        cluster = self.cluster(replicas=0)
        settings = self.settings(cluster, SYNC_redis_prefix="synchub")
        done = self.run_program("receiver", settings, "doctor", code=3)
        self.assertIn("SYNC_redis_prefix must be in braces", done.stdout)
