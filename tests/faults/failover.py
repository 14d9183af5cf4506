# SPDX-License-Identifier: Apache-2.0
"""Three Redis servers with a sentinel beside each, in network namespaces, and failures that make them fail over."""

import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import threading
import time

import envelopes
import harness
import world

MASTER = "main"
MEMBERS = 3
NETWORK = "10.213.77"     # in namespaces of this run only
PORT, SENTINEL_PORT = 6379, 26379
DOWN_MS = 1000            # silence after which a sentinel takes a server for dead
FAILOVER_S = 40           # time limit for another master, and for complete replication
PROBE_S = 0.05            # between two pushes that measure how long none succeeds

# (share, what happens to the master's machine). All but the last two make the sentinels fail over.
FAILURES = ((5, "kill"), (3, "stop"), (4, "cut off from replicas"), (4, "cut off"), (3, "asked"),
            (2, "hub cut off"), (2, "sentinel"))


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Member:
    """A server and a sentinel in a network namespace of their own."""

    def __init__(self, folder, number):
        self.number = number
        self.address = f"{NETWORK}.{number + 1}"
        self.namespace = f"synchub-{os.getpid()}-{number}"
        self.link = f"shf{number}"
        self.folder = folder / f"redis{number}"
        self.folder.mkdir(parents=True)
        self.server = self.sentinel = None
        ip("netns", "add", self.namespace)
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        ip("link", "set", self.link, "master", "shf", "up")
        self.inside("addr", "add", f"{self.address}/24", "dev", "eth0")
        self.inside("link", "set", "eth0", "up")
        self.inside("link", "set", "lo", "up")

    def inside(self, *arguments):
        ip("-n", self.namespace, *arguments)

    def write_configuration(self, first):
        (self.folder / "redis.conf").write_text("\n".join([
            f"bind {self.address}", f"port {PORT}", "protected-mode no", f"dir {self.folder}",
            "appendonly yes", "appendfsync always", "maxmemory-policy noeviction", 'save ""',
            "repl-diskless-sync yes", "repl-diskless-sync-delay 0", "repl-timeout 10",
            *([] if first is self else [f"replicaof {first.address} {PORT}"]), ""]))
        (self.folder / "sentinel.conf").write_text("\n".join([
            f"bind {self.address}", f"port {SENTINEL_PORT}", "protected-mode no", f"dir {self.folder}",
            f"sentinel monitor {MASTER} {first.address} {PORT} 2",
            f"sentinel down-after-milliseconds {MASTER} {DOWN_MS}",
            f"sentinel failover-timeout {MASTER} 4000", ""]))

    def _run(self, *arguments):
        with open(self.folder / f"{arguments[0]}.log", "ab") as log:
            return subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.namespace}", shutil.which("redis-server"),
                 self.folder / arguments[0], *arguments[1:]],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=harness.clean_environment({}))

    def look(self):
        """Starts what does not run."""
        if self.server is None or self.server.poll() is not None:
            self.server = self._run("redis.conf")
        if self.sentinel is None or self.sentinel.poll() is not None:
            self.sentinel = self._run("sentinel.conf", "--sentinel")

    def call(self, *arguments, timeout=10):
        return harness.redis_call((self.address, PORT), *arguments, timeout=timeout)

    def ask_sentinel(self, *arguments):
        return harness.redis_call((self.address, SENTINEL_PORT), "SENTINEL", *arguments, timeout=2)

    def stop(self):
        for process in (self.server, self.sentinel):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        ip("netns", "delete", self.namespace)


class RedisGroup:
    """Has what world.World uses of harness.Redis; the port is that of the master, with its address."""

    process = "several"

    def __init__(self, folder):
        if os.geteuid() != 0:
            raise AssertionError("run this by tests/faults/in_namespace, as ./dev test-faults --ha does")
        self.lock = threading.RLock()
        self.failovers = 0
        self.held_down = set()  # members that the current failure keeps down
        ip("link", "add", "shf", "type", "bridge")
        ip("addr", "add", f"{NETWORK}.254/24", "dev", "shf")
        ip("link", "set", "shf", "up")
        self.members = [Member(pathlib.Path(folder), number) for number in range(MEMBERS)]
        for member in self.members:
            member.write_configuration(self.members[0])
        self.look()
        self.wait_until_complete()
        self.last = self.master

    @property
    def url(self):
        hosts = ",".join(member.address for member in self.members)
        return f"redis+sentinel://{hosts}/{MASTER}"

    def look(self):
        with self.lock:
            for member in self.members:
                if member not in self.held_down:
                    member.look()

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

    @property
    def port(self):
        master = harness.poll_until(lambda: self.master, FAILOVER_S)
        return master.address, PORT

    def _is_complete(self):
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

    def wait_until_complete(self):
        harness.wait_until(self._is_complete, "all servers to follow one master", 3 * FAILOVER_S)

    def wait_for_another(self, before):
        harness.wait_until(lambda: self.master not in (None, before), "a failover", FAILOVER_S)
        self.failovers += 1

    def kill(self):
        self.stop()

    def stop(self):
        with self.lock:
            for member in self.members:
                member.stop()
            ip("link", "delete", "shf")


class HaWorld(world.World):
    """A hub whose queue fails over. An entry is confirmed once a replica has it, or not, with replicas=0."""

    keeps_direct_writes = False

    def __init__(self, folder, seed, pushers, pulled, replicas):
        self.replicas = replicas
        super().__init__(folder, seed, pushers, pulled)

    def make_redis(self):
        return RedisGroup(self.folder / "group")

    def redis_settings(self):
        return {**super().redis_settings(), "SYNC_redis_replicas": self.replicas}

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
        _, kind = self.random.choices(FAILURES, [share for share, _ in FAILURES])[0]
        group.wait_until_complete()
        master = group.master
        begin = time.monotonic()
        getattr(self, "_" + kind.replace(" ", "_"))(group, master)
        if kind not in ("hub cut off", "sentinel"):
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

    def _cut_off_from_replicas(self, group, master):
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
                group.members[0].ask_sentinel("FAILOVER", MASTER)
            except OSError:
                pass  # the last one is not over
            return False
        harness.wait_until(changed, "a failover that a sentinel was asked for", 2 * FAILOVER_S)
        group.wait_for_another(master)

    def _hub_cut_off(self, group, master):
        ip("route", "add", "blackhole", f"{master.address}/32")
        self.pause.wait(self.random.uniform(0.5, 3))
        ip("route", "delete", "blackhole", f"{master.address}/32")

    def _sentinel(self, group, master):
        self.random.choice(group.members).sentinel.kill()


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
