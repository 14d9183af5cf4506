# SPDX-License-Identifier: Apache-2.0
"""A master with replicas, watched by real sentinels."""

import pathlib
import shutil
import subprocess

from harness import Redis, clean_environment, free_port, redis_call, wait_until

MASTER = "main"
FAILOVER_S = 120


class Sentinel:
    """redis-server --sentinel with a configuration file, which it rewrites."""

    def __init__(self, folder, master_port, quorum, *lines, down_after_ms, master_lines=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.port = free_port()
        (self.folder / "sentinel.conf").write_text("\n".join([
            f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}", *lines,
            f"sentinel monitor {MASTER} 127.0.0.1 {master_port} {quorum}",
            f"sentinel down-after-milliseconds {MASTER} {down_after_ms}",
            f"sentinel failover-timeout {MASTER} 6000", *master_lines, ""]))
        self.process = None
        self.start()

    def start(self):
        with open(self.folder / "sentinel.log", "ab") as log:
            self.process = subprocess.Popen(
                [shutil.which("redis-server"), self.folder / "sentinel.conf", "--sentinel"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_environment({}))

    def call(self, *arguments):
        return redis_call(self.port, *arguments)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class RedisGroup:
    """Servers, of which the first begins as the master, and sentinels. A server that does not answer for down_after_ms
    counts as down; a slow machine must not cause a failover in a test that is not about that."""

    def __init__(self, folder, replicas=1, sentinels=3, down_after_ms=60000):
        folder = pathlib.Path(folder)
        self.servers = [Redis(folder / "redis0")]
        first = self.servers[0].port
        for i in range(replicas):
            self.servers.append(
                Redis(folder / f"redis{i + 1}", "--replicaof", "127.0.0.1", str(first)))
        quorum = sentinels // 2 + 1
        self.sentinels = [Sentinel(folder / f"sentinel{i}", first, quorum, down_after_ms=down_after_ms)
                          for i in range(sentinels)]
        self.wait_until_complete()

    @property
    def url(self):
        hosts = ",".join(f"127.0.0.1:{s.port}" for s in self.sentinels)
        return f"redis+sentinel://{hosts}/{MASTER}"

    def wait_until_complete(self):
        """Until the sentinels know each other and all replicas, so that they can fail over."""
        def complete():
            for sentinel in self.sentinels:
                try:
                    reply = sentinel.call("SENTINEL", "MASTER", MASTER)
                except OSError:
                    return False
                fields = dict(zip(reply[::2], reply[1::2], strict=True))
                if (int(fields[b"num-slaves"]) < len(self.servers) - 1 or
                        int(fields[b"num-other-sentinels"]) < len(self.sentinels) - 1):
                    return False
            return self.in_step() == len(self.servers) - 1
        wait_until(complete, "the sentinels to know all servers", FAILOVER_S)

    def in_step(self):
        """How many replicas are connected to the master."""
        return len(self.master.call("ROLE")[2])

    @property
    def master(self):
        """The server that says it is the master; the newest, if the former one does, too."""
        port = int(self.sentinels[-1].call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)[1])
        return next(s for s in self.servers if s.port == port)

    def fail_over(self):
        """As a sentinel does it on request, and waits until another server is the master."""
        before = self.master
        def begun():
            try:
                return self.sentinels[0].call("SENTINEL", "FAILOVER", MASTER) == b"OK"
            except OSError as error:
                if "NOGOODSLAVE" in str(error) or "INPROG" in str(error):
                    return False
                raise
        wait_until(begun, "a failover to begin", FAILOVER_S)
        self.wait_for_another(before)

    def wait_for_another(self, before):
        def changed():
            return self.master is not before and self.master.call("ROLE")[0] == b"master"
        wait_until(changed, "another master", FAILOVER_S)

    def publish_no_credentials(self):
        self.master.publish_no_credentials()

    def backlog(self):
        return self.master.backlog()

    def dead(self):
        return self.master.dead()

    def stop(self):
        for each in (*self.sentinels, *self.servers):
            each.stop()
