# SPDX-License-Identifier: Apache-2.0
"""Three Redis with Sentinel as k8s/components/redis-ha runs them: its scripts and settings, and a container whose
network Redis and Sentinel share, as in a pod. Its address stays, as that of the pod's Service does."""

from engine import LOCKED, REPO, docker, inspect, logs, unique
from harness import wait_until

IMAGE = "redis:8.0"
PASSWORD = "hidden9"
SERVERS = range(3)
USER = ("--user", "65532:65532")
SCRIPTS = "/usr/local/etc/redis-ha"
GROUP_S = 180  # for three servers to be in step on a busy machine


class RedisPods:
    """The test's cleanups remove everything that it starts."""

    def __init__(self, test, network, image=IMAGE):
        self.test, self.network, self.image = test, network, image
        self.password = PASSWORD
        self.names = [unique(f"redis-{index}") for index in SERVERS]
        self.hosts = [f"{name}.synchub.svc" for name in self.names]
        self.pods = [self._create("pod", "--network", network, "--network-alias", host, image, "sleep", "infinity")
                     for host in self.hosts]
        self.volumes = [unique("redis-data") for _ in SERVERS]
        self.containers = [{} for _ in SERVERS]
        for pod, volume in zip(self.pods, self.volumes):
            docker("start", pod)
            docker("volume", "create", volume)
            test.addCleanup(docker, "volume", "rm", volume, check=False)
            self.in_volume(volume, "chown 65532:65532 /data")

    @property
    def url(self):
        return f"redis+sentinel://:{self.password}@{','.join(self.hosts)}/synchub?sentinel_password={self.password}"

    def _create(self, name, *arguments):
        container = unique(name)
        self.test.addCleanup(docker, "rm", "-f", "-v", container, check=False)
        docker("create", "--init", "--name", container, *arguments)
        return container

    def in_volume(self, volume, command):
        docker("run", "--rm", "--user", "0", "-v", f"{volume}:/data:nocopy", self.image, "sh", "-c", command)

    # --- Pods ------------------------------------------------------------------------------------

    def start(self, *indexes):
        """Creates the containers of these pods anew, as Kubernetes does, on their volumes."""
        for index in indexes:
            variables = {"REDISCLI_AUTH": self.password, "POD_NAMESPACE": "synchub", "POD_INDEX": index,
                         **{f"REDIS_{i}_HOST": name for i, name in enumerate(self.names)}}
            options = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
            for part in ("sentinel", "redis"):
                container = self._create(
                    f"{part}-{index}", *LOCKED, *USER, *options, "--network", f"container:{self.pods[index]}", "-v",
                    f"{self.volumes[index]}:/data:nocopy", "-v", f"{REPO}/k8s/components/redis-ha:{SCRIPTS}:ro", "-v",
                    f"{REPO}/k8s/base:/usr/local/etc/redis:ro", self.image, "sh", f"{SCRIPTS}/start-{part}.sh")
                docker("start", container)
                self.containers[index][part] = container

    def kill(self, *indexes):
        containers = [name for index in indexes for name in self.containers[index].values()]
        docker("kill", *containers)
        docker("rm", "-v", *containers)

    def stop(self, index):
        """As Kubernetes does it: the command of preStop, then SIGTERM. The sentinel is stopped at once."""
        docker("stop", "-t", "10", self.containers[index]["sentinel"])
        self.script(index, "leave.sh")
        docker("stop", "-t", "30", self.containers[index]["redis"])
        code = inspect(self.containers[index]["redis"])["State"]["ExitCode"]
        self.test.assertEqual(code, 0, self.details())

    def script(self, index, name):
        return docker("exec", self.containers[index]["redis"], "sh", f"{SCRIPTS}/{name}", check=False)

    # --- Queries ---------------------------------------------------------------------------------

    def cli(self, index, *words, port=6379):
        return docker("exec", "-e", f"REDISCLI_AUTH={self.password}", self.pods[index], "redis-cli", "-p", port,
                      *words, check=False).stdout.strip()

    def _all(self, *words):
        """The lines of each server's reply, with one command of the engine, which takes long on a busy machine."""
        asked = "; ".join(f"redis-cli -h {host} {' '.join(words)} | tr -d '\\r'; echo --" for host in self.hosts)
        text = docker("exec", "-e", f"REDISCLI_AUTH={self.password}", self.pods[0], "sh", "-c", asked,
                      check=False).stdout
        return [lines.strip().split("\n") for lines in text.split("--\n")[:len(self.hosts)]]

    def master(self):
        """The index of the only server that says it is the master, otherwise None."""
        found = [index for index, words in enumerate(self._all("role")) if words[:1] == ["master"]]
        return found[0] if len(found) == 1 else None

    def ask_master(self, *words):
        """The reply of the master, once there is one."""
        master = wait_until(lambda: [index for index in (self.master(),) if index is not None], "a master of Redis",
                            GROUP_S, details=self.details)[0]
        return self.cli(master, *words)

    def wait_until_in_step(self):
        """Until all three are ready, and their sentinels know that; returns the master's index."""
        def found():
            lines = [line for info in self._all("info", "replication") for line in info]
            sentinels = [reply[reply.index("num-slaves") + 1] if "num-slaves" in reply else None
                         for reply in self._all("-p", "26379", "--raw", "sentinel", "master", "synchub")]
            return (lines.count("connected_slaves:2") == 1 and lines.count("master_link_status:up") == 2 and
                    sentinels == ["2"] * 3 and all(self.script(index, "ready.sh").returncode == 0 for index in SERVERS))
        wait_until(found, "three Redis to be in step", GROUP_S, details=self.details)
        return self.master()

    def wait_for_other_master(self, old):
        wait_until(lambda: self.master() not in (None, old), f"another master than {old}", GROUP_S,
                   details=self.details)

    def log(self, index, part="redis"):
        return logs(self.containers[index][part])

    def details(self):
        return "\n".join(f"--- {part} {index}\n{self.log(index, part)[-1500:]}"
                         for index in SERVERS for part in self.containers[index])
