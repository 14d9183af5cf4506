# SPDX-License-Identifier: Apache-2.0
"""Failures that make Redis fail over: three servers with a sentinel beside each, or a cluster."""

import random
import signal
import statistics
import threading
import time

import envelopes
import harness
import world
from failover_cluster import ClusterGroup
from machines import DURABLE, FAILOVER_S, PORT, Machine, Machines, ip

MASTER = "main"
MEMBERS = 3
SENTINEL_PORT = 26379
DOWN_MS = 1000            # silence after which a sentinel takes a server for dead
PROBE_S = 0.05            # between two pushes that measure how long none succeeds


class WatchedMachine(Machine):
    """A server and a sentinel."""

    programs = {**Machine.programs, "sentinel": ("sentinel.conf", "--sentinel")}

    def write_configuration(self, first):
        self.configure("redis.conf", *DURABLE, f"port {PORT}",
                       *([] if first is self else [f"replicaof {first.address} {PORT}"]))
        self.configure("sentinel.conf", f"port {SENTINEL_PORT}", "protected-mode no",
                       f"sentinel monitor {MASTER} {first.address} {PORT} 2",
                       f"sentinel down-after-milliseconds {MASTER} {DOWN_MS}",
                       f"sentinel failover-timeout {MASTER} 4000")

    def ask_sentinel(self, *arguments):
        return harness.redis_call((self.address, SENTINEL_PORT), "SENTINEL", *arguments, timeout=2)

    def between_sentinels(self, action, others):
        """Cuts its sentinel off from those of others (`add`), which all still reach every server, or ends that."""
        for one, other in [(self, other) for other in others] + [(other, self) for other in others]:
            one.inside("rule", action, "to", other.address, "ipproto", "tcp", "dport", str(SENTINEL_PORT), "blackhole")


class SentinelGroup(Machines):
    # (share, what happens to the master's machine); see Breaker.
    failures = ((5, "kill"), (3, "stop"), (4, "cut off from others"), (4, "cut off"), (3, "asked"),
                (4, "sentinels apart"), (2, "hub cut off"), (2, "sentinel kill"))
    without_failover = ("hub cut off", "sentinel kill")
    prefix = "synchub"

    def __init__(self, folder):
        super().__init__(folder, WatchedMachine, MEMBERS)
        for member in self.members:
            member.write_configuration(self.members[0])
        self.look()
        self.wait_until_complete()

    @property
    def url(self):
        hosts = ",".join(member.address for member in self.members)
        return f"redis+sentinel://{hosts}/{MASTER}"

    @property
    def master(self):
        """What the sentinel of the newest epoch says. None while none answers."""
        newest, address = -1, None
        for member in self.members:
            try:
                reply = member.ask_sentinel("MASTER", MASTER)
            except OSError:
                continue
            fields = dict(zip(reply[::2], reply[1::2], strict=True))
            if int(fields[b"config-epoch"]) > newest:
                newest, address = int(fields[b"config-epoch"]), fields[b"ip"].decode()
        return next((m for m in self.members if m.address == address), None)

    def is_complete(self):
        master = self.master
        try:
            if master is None or master.call("ROLE", timeout=2)[0] != b"master":
                return False
            others = [m for m in self.members if m is not master]
            roles = [m.call("ROLE", timeout=2) for m in others]
            if not all(role[0] == b"slave" and role[1].decode() == master.address and role[3] == b"connected"
                       for role in roles):
                return False
            for member in self.members:
                reply = member.ask_sentinel("MASTER", MASTER)
                fields = dict(zip(reply[::2], reply[1::2], strict=True))
                if (fields[b"ip"].decode() != master.address or int(fields[b"num-slaves"]) < MEMBERS - 1 or
                        int(fields[b"num-other-sentinels"]) < MEMBERS - 1 or b"down" in fields[b"flags"]):
                    return False
        except (OSError, IndexError, KeyError):
            return False
        return True

    def ask_for_failover(self, master):
        self.members[0].ask_sentinel("FAILOVER", MASTER)

    def sentinel_kill(self, random, master):
        random.choice(self.members).running["sentinel"].kill()


GROUPS = {"sentinel": SentinelGroup, "cluster": ClusterGroup}


class HaWorld(world.World):
    """A hub whose queue fails over. An entry is confirmed once a replica has it, or not, with replicas=0."""

    disk_bytes = world.DISK_BYTES[1:]  # results stay there, more than 13,000 in a long run
    keeps_direct_writes = False

    def __init__(self, folder, seed, pushers, pulled, group, replicas):
        self.group, self.replicas = group, replicas
        self.prefix = group.prefix
        super().__init__(folder, seed, pushers, pulled)

    def make_redis(self):
        return self.group(self.folder / "group")

    def redis_settings(self):
        return {**super().redis_settings(), "SYNC_redis_prefix": self.prefix, "SYNC_redis_replicas": self.replicas}

    def look(self):
        self.redis.look()
        for service in self.services.values():
            service.look()


class Breaker:
    """Breaks the master's machine or its network, waits for the failover, and repairs it. Has what run.Run uses of
    breaking.Killer."""

    def __init__(self, hub, seed):
        self.hub = hub
        self.random = random.Random(seed)
        self.moments = {}
        self.pause = threading.Event()
        self.begun = []  # when a failure began that led to a failover

    def once(self):
        group = self.hub.redis
        _, kind = self.random.choices(group.failures, [share for share, _ in group.failures])[0]
        group.wait_until_complete()
        master = harness.wait_until(lambda: group.master, "a master")
        begin = time.monotonic()
        getattr(self, "_" + kind.replace(" ", "_"))(group, master)
        if kind not in group.without_failover:
            self.begun.append(begin)
        self.moments[kind] = self.moments.get(kind, 0) + 1
        self.hub.services[self.random.choice(list(self.hub.services))].kill(self.random.choice((0, 0, 1)))

    def _kill(self, group, master):
        with group.lock:
            group.held_down.add(master)
            master.server.kill()
            master.server.wait()
        # At once, it loads its data before the sentinels notice.
        group.wait_for_another(master)
        group.held_down.discard(master)

    def _stop(self, group, master):
        master.server.send_signal(signal.SIGSTOP)
        group.wait_for_another(master)
        master.server.send_signal(signal.SIGCONT)

    def _cut_off_from_others(self, group, master):
        """The hub still reaches it, and it says that it is the master."""
        others = [m.address for m in group.members if m is not master]
        for address in others:
            master.inside("route", "add", "blackhole", f"{address}/32")
        group.wait_for_another(master)
        self.pause.wait(self.random.uniform(0, 3))
        for address in others:
            master.inside("route", "delete", "blackhole", f"{address}/32")

    def _cut_off(self, group, master):
        ip("link", "set", master.link, "down")
        group.wait_for_another(master)
        self.pause.wait(self.random.uniform(0, 3))
        ip("link", "set", master.link, "up")

    def _asked(self, group, master):
        """Asked again until another server is the master, as a sentinel may give up a failover."""
        def changed():
            if group.master not in (None, master):
                return True
            try:
                group.ask_for_failover(master)
            except OSError:
                pass  # the last one is not over, or the server that was asked has just changed
            return False
        harness.wait_until(changed, "a failover that was asked for", 2 * FAILOVER_S)
        group.wait_for_another(master)

    def _hub_cut_off(self, group, master):
        ip("route", "add", "blackhole", f"{master.address}/32")
        self.pause.wait(self.random.uniform(0.5, 3))
        ip("route", "delete", "blackhole", f"{master.address}/32")

    def _sentinels_apart(self, group, master):
        """One cannot reach the other two, which fail over without it. It may still tell the hub of the old master."""
        lonely = self.random.choice(group.members)
        others = [m for m in group.members if m is not lonely]
        lonely.between_sentinels("add", others)
        self.random.choice((self._kill, self._stop))(group, master)  # the sentinel beside the master has a vote
        self.pause.wait(self.random.uniform(0, 3))
        lonely.between_sentinels("del", others)

    def _sentinel_kill(self, group, master):
        group.sentinel_kill(self.random, master)

    def _other_kill(self, group, master):
        group.other_kill(self.random, master)


class Prober(threading.Thread):
    """Pushes small results all the time and records when it succeeded."""

    def __init__(self, hub, seed):
        super().__init__(daemon=True)
        self.hub = hub
        self.random = random.Random(seed)
        self.stopping = threading.Event()
        self.successes = []

    def run(self):
        key = envelopes.NodeKey("probe")
        item = None
        while not self.stopping.wait(PROBE_S):
            item = item or self.hub.book.result("probe", "ARPSCAN")
            body = envelopes.envelope(key, item.text, plugin="ARPSCAN", item_id=item.id)
            headers = {**harness.bearer(), "Content-Type": harness.TYPE_ENVELOPE}
            if self.hub.post(self.random.choice(self.hub.ingest_ports), body, headers) in (200, 202):
                self.hub.book.promise(item, "answered")
                self.successes.append(time.monotonic())
                item = None

    def gaps(self, begun):
        """After each of these times, how long no push succeeded."""
        gaps = []
        for begin, end in zip(begun, [*begun[1:], time.monotonic()], strict=True):
            times = [begin, *[at for at in self.successes if begin <= at < end]]
            gaps.append(max((b - a for a, b in zip(times, times[1:])), default=end - begin))
        return gaps

    def end(self, begun):
        """Prints the figures."""
        self.stopping.set()
        self.join(harness.READY_S)
        gaps = self.gaps(begun)
        if gaps:
            print(f"without success after a failure: median {statistics.median(gaps):.1f} s, worst {max(gaps):.1f} s, "
                  f"of {len(gaps)}; {len(self.successes)} probes succeeded", flush=True)
