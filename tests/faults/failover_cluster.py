# SPDX-License-Identifier: Apache-2.0
"""A Redis Cluster of three masters and three replicas, each on a machine of its own."""

import subprocess
import time

import harness
from machines import COMPLETE_S, DURABLE, PORT, Machine, Machines

MASTERS = 3
PREFIX = "{synchub}"
DOWN_MS = 1500  # silence after which the others take a server for dead
# Within twice that time, a server that was elected, is a replica again and sees its master fail takes the votes of its
# election for new ones (Redis 7.0): it makes itself a master that the others do not accept.
ELECTION_S = 2 * DOWN_MS / 1000


class Node:
    """A line of CLUSTER NODES."""

    def __init__(self, line):
        self.id, address, flags, self.master_id, _, _, epoch, self.link, *slots = line.split()
        self.address = address.split(":")[0]
        self.flags = flags.split(",")
        self.epoch = int(epoch)
        self.ranges = [slot.split("-") for slot in slots if not slot.startswith("[")]

    def is_master(self):
        return "master" in self.flags and bool(self.ranges)

    def owns(self, slot):
        return self.is_master() and any(int(first[0]) <= slot <= int(first[-1]) for first in self.ranges)


class ClusterGroup(Machines):
    # (share, what happens to the machine of the master of the queue's slot); see failover.Breaker.
    failures = ((5, "kill"), (3, "stop"), (4, "cut off from others"), (4, "cut off"), (3, "asked"),
                (2, "hub cut off"), (2, "other kill"))
    without_failover = ("hub cut off", "other kill")
    prefix = PREFIX

    def __init__(self, folder):
        super().__init__(folder, Machine, 2 * MASTERS)
        for member in self.members:
            member.configure("redis.conf", *DURABLE, f"port {PORT}", "cluster-enabled yes",
                             "cluster-config-file nodes.conf", f"cluster-node-timeout {DOWN_MS}")
        self.look()
        harness.wait_until(lambda: all(self._answers(member) for member in self.members), "the servers to answer",
                           COMPLETE_S)
        subprocess.run(["redis-cli", "--cluster", "create", *[f"{m.address}:{PORT}" for m in self.members],
                        "--cluster-replicas", "1", "--cluster-yes"], check=True, capture_output=True,
                       timeout=COMPLETE_S)
        self.slot = self.members[0].call("CLUSTER", "KEYSLOT", PREFIX)
        self.wait_until_complete()

    @staticmethod
    def _answers(member):
        try:
            return member.call("PING", timeout=2)
        except OSError:
            return False

    @property
    def url(self):
        return "redis://" + ",".join(m.address for m in self.members) + "/0"

    @staticmethod
    def _nodes(member, timeout=2):
        return [Node(line) for line in member.call("CLUSTER", "NODES", timeout=timeout).decode().splitlines()]

    def _views(self):
        """What each server that answers says of all."""
        views = []
        for member in self.members:
            try:
                views.append(self._nodes(member))
            except OSError:
                continue
        return views

    @property
    def master(self):
        """The owner of the slot by the newest epoch that a server knows."""
        owners = [node for view in self._views() for node in view if node.owns(self.slot)]
        newest = max(owners, key=lambda node: node.epoch, default=None)
        return newest and next(m for m in self.members if m.address == newest.address)

    def wait_until_complete(self):
        super().wait_until_complete()
        harness.poll_until(lambda: None, self.failed_over + ELECTION_S - time.monotonic())

    def is_complete(self):
        views = self._views()
        if len(views) < len(self.members):
            return False
        owners = {node.address for view in views for node in view if node.owns(self.slot)}
        whole = all(len([node for node in view if node.is_master()]) == MASTERS and
                    not any("fail" in flag or flag in ("handshake", "noaddr") for node in view for flag in node.flags)
                    for view in views)
        if len(owners) != 1 or not whole:
            return False
        try:
            return all(self._in_step(member) for member in self.members)
        except OSError:
            return False

    @staticmethod
    def _in_step(member):
        if b"cluster_state:ok" not in member.call("CLUSTER", "INFO", timeout=2):
            return False
        role = member.call("ROLE", timeout=2)
        return len(role[2]) == 1 if role[0] == b"master" else role[3] == b"connected"

    def _replica_of(self, master):
        """None where it has none, or has become one."""
        nodes = self._nodes(master, timeout=harness.READY_S)
        own = next(node for node in nodes if "myself" in node.flags)
        address = next((node.address for node in nodes if node.master_id == own.id), None)
        return next((m for m in self.members if m.address == address), None)

    def ask_for_failover(self, master):
        replica = self._replica_of(master)
        if replica is not None:
            replica.call("CLUSTER", "FAILOVER", timeout=2)

    def other_kill(self, random, master):
        """A server that has nothing of the queue."""
        beside = self._replica_of(master)
        victim = random.choice([m for m in self.members if m not in (master, beside)])
        with self.lock:
            self.held_down.add(victim)
            victim.server.kill()
            victim.server.wait()
        harness.poll_until(lambda: None, random.uniform(0, 4))
        self.held_down.discard(victim)
