# SPDX-License-Identifier: Apache-2.0
"""Redis servers on machines of their own: network namespaces, which can be cut off from each other and from the hub."""

import os
import pathlib
import shutil
import subprocess
import threading
import time

import harness

NETWORK = "10.213.77"     # in namespaces of this run only
HUB = f"{NETWORK}.254"
PORT = 6379
FAILOVER_S = 120          # time limit for another master, and for complete replication
COMPLETE_S = 300          # until all servers follow one master, also on a machine that does much else
DURABLE = ["protected-mode no", "appendonly yes", "appendfsync always", "maxmemory-policy noeviction", 'save ""',
           "repl-diskless-sync yes", "repl-diskless-sync-delay 0", "repl-timeout 10"]


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Machine:
    """A server in a network namespace, and what else `programs` names with the arguments of redis-server."""

    programs = {"server": ("redis.conf",)}

    def __init__(self, folder, number):
        self.number = number
        self.address = f"{NETWORK}.{number + 1}"
        self.namespace = f"synchub-{os.getpid()}-{number}"
        self.link = f"shf{number}"
        self.folder = folder / f"redis{number}"
        self.folder.mkdir(parents=True)
        self.running = dict.fromkeys(self.programs)
        ip("netns", "add", self.namespace)
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        ip("link", "set", self.link, "master", "shf", "up")
        self.inside("addr", "add", f"{self.address}/24", "dev", "eth0")
        self.inside("link", "set", "eth0", "up")
        self.inside("link", "set", "lo", "up")

    @property
    def server(self):
        return self.running["server"]

    def inside(self, *arguments):
        ip("-n", self.namespace, *arguments)

    def configure(self, file, *lines):
        (self.folder / file).write_text("\n".join([f"bind {self.address}", f"dir {self.folder}", *lines, ""]))

    def _run(self, *arguments):
        with open(self.folder / f"{arguments[0]}.log", "ab") as log:
            return subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.namespace}", shutil.which("redis-server"),
                 self.folder / arguments[0], *arguments[1:]],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=harness.clean_environment({}))

    def look(self):
        """Starts what does not run."""
        for name, arguments in self.programs.items():
            if self.running[name] is None or self.running[name].poll() is not None:
                self.running[name] = self._run(*arguments)

    def call(self, *arguments, timeout=10):
        return harness.redis_call((self.address, PORT), *arguments, timeout=timeout)

    def stop(self):
        for process in self.running.values():
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        ip("netns", "delete", self.namespace)


class Machines:
    """Has what world.World uses of harness.Redis; the port is that of the queue's master, with its address. A kind of
    group adds `url`, `master` (None while it is not known), `is_complete`, `ask_for_failover` and `failures`."""

    process = "several"

    def __init__(self, folder, kind, count):
        if os.geteuid() != 0:
            raise AssertionError("run this by tests/faults/in_namespace, as ./dev test-faults --ha does")
        self.lock = threading.RLock()
        self.failovers = 0
        self.failed_over = 0  # when the last one ended
        self.held_down = set()  # machines that the current failure keeps down
        ip("link", "add", "shf", "type", "bridge")
        ip("addr", "add", f"{HUB}/24", "dev", "shf")
        ip("link", "set", "shf", "up")
        self.members = [kind(pathlib.Path(folder), number) for number in range(count)]

    def look(self):
        with self.lock:
            for member in self.members:
                if member not in self.held_down:
                    member.look()

    @property
    def port(self):
        master = harness.wait_until(lambda: self.master, "a master", FAILOVER_S)
        return master.address, PORT

    def wait_until_complete(self):
        harness.wait_until(self.is_complete, "all servers to follow one master", COMPLETE_S)

    def wait_for_another(self, before):
        harness.wait_until(lambda: self.master not in (None, before), "a failover", FAILOVER_S)
        self.failovers += 1
        self.failed_over = time.monotonic()

    def kill(self):
        self.stop()

    def stop(self):
        with self.lock:
            for member in self.members:
                member.stop()
            ip("link", "delete", "shf")
