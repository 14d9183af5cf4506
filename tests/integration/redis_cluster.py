# SPDX-License-Identifier: Apache-2.0
"""A real Redis Cluster: three masters and their replicas."""

import itertools
import pathlib
import subprocess

from harness import READY_S, Redis, wait_until

FAILOVER_S = 120
SLOTS = 16384


def slot_of(server, key):
    return server.call("CLUSTER", "KEYSLOT", key)


class RedisCluster:
    def __init__(self, folder, *extra, replicas=1):
        folder = pathlib.Path(folder)
        count = 3 * (1 + replicas)
        self.servers = [
            Redis(folder / f"node{i}", "--cluster-enabled", "yes", "--cluster-node-timeout", "5000",
                  "--cluster-config-file", "nodes.conf", *extra) for i in range(count)]
        self.prefix = "{synchub}"
        subprocess.run(
            ["redis-cli", "--cluster", "create", *[f"127.0.0.1:{s.port}" for s in self.servers],
             "--cluster-replicas", str(replicas), "--cluster-yes"],
            check=True, capture_output=True, timeout=READY_S)
        wait_until(lambda: all(self._is_ok(s, replicas) for s in self.servers), "the cluster to be complete",
                   FAILOVER_S)

    def choose_prefix(self, fits):
        """Replaces the prefix by one in a slot for which fits() is true."""
        names = (f"{{synchub{number}}}" for number in itertools.count())
        self.prefix = next(name for name in names if fits(slot_of(self.servers[0], name)))

    @staticmethod
    def _is_ok(server, replicas):
        info = server.cli("CLUSTER", "INFO")
        if "cluster_state:ok" not in info or f"cluster_slots_ok:{SLOTS}" not in info:
            return False
        role = server.call("ROLE")
        return len(role[2]) >= replicas if role[0] == b"master" else role[3] == b"connected"

    @property
    def url(self):
        return "redis://" + ",".join(f"127.0.0.1:{s.port}" for s in self.servers[:3]) + "/0"

    def owners(self):
        """The servers of the queue's slot by what a server that runs says, the master first."""
        alive = next(s for s in self.servers if s.process is not None)
        slot = slot_of(alive, self.prefix)
        for first, last, *servers in alive.call("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                ports = [int(server[1]) for server in servers]
                return [next(s for s in self.servers if s.port == port) for port in ports]
        raise AssertionError(f"nobody owns slot {slot}")

    @property
    def master(self):
        return self.owners()[0]

    def others(self):
        """Masters that do not own the queue's slot."""
        return [s for s in self.servers if s.call("ROLE")[0] == b"master" and s is not self.master]

    def publish_no_credentials(self):
        self.master.publish_no_credentials(self.prefix)

    def backlog(self):
        return self.master.backlog(self.prefix)

    def dead(self):
        return self.master.dead(self.prefix)

    def stop(self):
        for server in self.servers:
            server.stop()
