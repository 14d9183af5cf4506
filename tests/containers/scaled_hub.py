# SPDX-License-Identifier: Apache-2.0
"""A hub of many receivers: ingest and merge replicas, Redis and PostgreSQL, each as a container on only the networks
that it needs, with the settings of k8s/overlays/scaled."""

import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess

from engine import LOCKED, STOP_S, docker, environment, health, image, inspect, logs, unique
from harness import free_port, wait_until
from redis_pods import SERVERS, RedisPods

POSTGRES = "postgres:17"
POSTGRES_STAND_IN = "synchub-test-postgres:17"
PASSWORD = "hidden7"
CLAIM_IDLE_S = 30  # short, because the test waits for it; longer than any transaction and command of the engine here
STREAM, GROUP = "synchub:ingest", "receivers"
# Receivers that find an empty database create its tables one after the other with this lock: see
# receiver/store/postgres/postgres_schema.c.
SCHEMA_LOCK = "x'53796e63487562'::bigint"
COMMIT_LOCK = 7  # of hold_commits() alone


def postgres_image():
    """postgres:17 if the engine has it, otherwise Debian's PostgreSQL, built here."""
    name = os.environ.get("SYNCHUB_POSTGRES_IMAGE", POSTGRES)
    if docker("image", "inspect", name, check=False).returncode == 0:
        return name
    docker("build", "-q", "-t", POSTGRES_STAND_IN, pathlib.Path(__file__).parent / "postgres",
           timeout=1800)
    return POSTGRES_STAND_IN


class Hold:
    """A psql session that holds its locks until the block ends."""

    def __init__(self, container, sql):
        self.process = subprocess.Popen(
            ["docker", "exec", "-i", container, "psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-h",
             "/var/run/postgresql", "-U", "synchub", "synchub"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(f"BEGIN; {sql}; SELECT 'held';\n")
        self.process.stdin.flush()

    def __enter__(self):
        while (line := self.process.stdout.readline()) != "held\n":
            if line == "":
                raise AssertionError("psql ended before it had the lock")
        return self

    def __exit__(self, *_):
        self.process.communicate(timeout=60)  # end of input ends the transaction


class ScaledHub:
    """The test's cleanups remove everything that it starts. With redis_pods, the queue is the three Redis of the
    component redis-ha, of which one has to confirm each push beside the master."""

    def __init__(self, test, redis_pods=False):
        self.test = test
        self.front, self.queue, self.data = (self._network(name) for name in
                                             ("front", "queue", "data"))
        self.ports = {}  # ingest replicas, on this machine's loopback
        self.redis = self.pods = None
        self.queue_settings = {"SYNC_redis_url": "redis://redis:6379/0"}
        if redis_pods:
            self.pods = RedisPods(test, self.queue)
            self.pods.start(*SERVERS)
            self.pods.wait_until_in_step()
            self.queue_settings = {"SYNC_redis_url": self.pods.url, "SYNC_redis_replicas": 1}
        else:
            self.redis = self._start_redis()
        self.postgres = self._start_postgres()

    # --- Parts ---------------------------------------------------------------------------------

    def _network(self, name):
        """Only the network `front` is reachable from outside, for nodes."""
        network = unique(name)
        inside = [] if name == "front" else ["--internal"]
        docker("network", "create", *inside, network)
        self.test.addCleanup(docker, "network", "rm", network, check=False)
        return network

    def create(self, name, networks, *arguments):
        """Creates a container without starting it, with aliases on its first network."""
        container = unique(name)
        self.test.addCleanup(docker, "rm", "-f", "-v", container, check=False)
        docker("create", "--name", container, *LOCKED, "--network", networks[0], *arguments)
        for network in networks[1:]:
            docker("network", "connect", network, container)
        return container

    def _start_redis(self):
        redis = self.create(
            "redis", [self.queue], "--network-alias", "redis", "--user", "65532:65532", "--tmpfs",
            "/data:uid=65532,mode=700", "redis:8.0", "redis-server", "--bind", "0.0.0.0",
            "--protected-mode", "no", "--appendonly", "yes", "--appendfsync", "always", "--save",
            "", "--rdbcompression", "no", "--maxmemory-policy", "noeviction")
        docker("start", redis)
        wait_until(lambda: "PONG" in docker("exec", redis, "redis-cli", "ping", check=False).stdout,
                   "Redis to answer", details=lambda: logs(redis))
        return redis

    def _start_postgres(self):
        """As the manifest: any user, a read-only root, the password in a file."""
        folder = self.test.folder / "postgres"
        folder.mkdir()
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        postgres = self.create(
            "postgres", [self.data], "--network-alias", "postgresql", "--user", "65532:65532",
            "--tmpfs", "/var/lib/postgresql/data:uid=65532,mode=700", "--tmpfs",
            "/var/run/postgresql:uid=65532", "--tmpfs", "/tmp", "--shm-size", "256m",
            "-v", f"{secret}:/run/secrets/POSTGRES_PASSWORD:ro",
            "-e", "POSTGRES_USER=synchub", "-e", "POSTGRES_DB=synchub",
            "-e", "POSTGRES_PASSWORD_FILE=/run/secrets/POSTGRES_PASSWORD",
            "-e", "PGDATA=/var/lib/postgresql/data/pgdata", postgres_image())
        docker("start", postgres)
        wait_until(lambda: docker("exec", postgres, "pg_isready", "-q", "-h", "127.0.0.1", "-U",
                                  "synchub", "-d", "synchub", check=False).returncode == 0,
                   "PostgreSQL to be ready", details=lambda: logs(postgres))
        return postgres

    def create_merge(self, name):
        return self.create(
            name, [self.queue, self.data], "--hostname", name, "--health-interval", "1s",
            *environment(SYNC_receiver_role="merge", **self.queue_settings,
                         SYNC_db=f"postgresql://synchub:{PASSWORD}@postgresql:5432/synchub",
                         SYNC_claim_idle_s=CLAIM_IDLE_S), image("receiver"))

    def start_ingest(self, name):
        """A replica that replaces another one keeps its port, so that the URL for nodes stays valid."""
        port = self.ports.setdefault(name, free_port())
        ingest = self.create(
            name, [self.front, self.queue], "--network-alias", "hub", "-p",
            f"127.0.0.1:{port}:20212", "--health-interval", "1s",
            *environment(SYNC_receiver_role="ingest", **self.queue_settings),
            image("receiver"))
        docker("start", ingest)
        return ingest

    def start_pusher(self, node, folder):
        pusher = self.create(
            "pusher", [self.front], "-v", f"{folder}:/tmp/api:ro", "-v", "/var/lib/synchub",
            *environment(SYNC_node_name=node, SYNC_hub_url="http://hub:20212",
                         SYNC_RUN="always_after_scan"), image("pusher"))
        docker("start", pusher)
        return pusher

    # --- Actions ---------------------------------------------------------------------------------

    def stop(self, container):
        """SIGTERM; after STOP_S the engine kills it, and the exit code is 137."""
        docker("stop", "-t", STOP_S, container)
        code = inspect(container)["State"]["ExitCode"]
        self.test.assertEqual(code, 0, logs(container))

    def wait_for_health(self, container, wanted="healthy"):
        wait_until(lambda: health(container) == wanted, f"a container to be {wanted}",
                   details=lambda: f"it is {health(container)}\n{logs(container)[-3000:]}")

    def wait_for_reason(self, container, reason):
        """Until the program itself says that it is not ready, and why. The engine's "unhealthy"
        may come of a health check that had no time on a busy machine."""
        def healthcheck():
            return docker("exec", container, "/usr/local/bin/synchub-receiver", "healthcheck",
                          check=False)

        wait_until(lambda: reason in healthcheck().stderr, f"a health check that names {reason}",
                   details=lambda: f"{healthcheck()}\n{logs(container)[-3000:]}")

    def hold_commits(self):
        """While the block runs, every merge of a table with new devices can begin, and none can
        end: presence is written last, and a trigger of the test waits there."""
        self.sql(f"""CREATE OR REPLACE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS
                     $$BEGIN PERFORM pg_advisory_xact_lock_shared({COMMIT_LOCK}); RETURN NULL; END$$;
                     CREATE OR REPLACE TRIGGER wait_for_test BEFORE INSERT ON "SyncHub_Presence"
                     FOR EACH STATEMENT EXECUTE FUNCTION wait_for_test()""")
        return Hold(self.postgres, f"SELECT pg_advisory_xact_lock({COMMIT_LOCK})")

    def hold_migrations(self):
        return Hold(self.postgres, f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")

    # --- Queries ---------------------------------------------------------------------------------

    def sql(self, text):
        """Rows of the database as lists of text, through psql."""
        output = docker("exec", "-i", self.postgres, "psql", "-qAt", "-F", "\t", "-h",
                        "/var/run/postgresql", "-v", "ON_ERROR_STOP=1", "-U", "synchub", "synchub",
                        input=text).stdout
        return [line.split("\t") for line in output.splitlines()]

    def redis_cli(self, *words):
        if self.pods:
            return self.pods.ask_master(*words)
        return docker("exec", self.redis, "redis-cli", *words).stdout.strip()

    def backlog(self):
        return int(self.redis_cli("xlen", STREAM))

    def dead(self):
        return int(self.redis_cli("xlen", "synchub:dead"))

    def in_hand(self):
        """The number of pending entries of each merge replica, by host name."""
        words = self.redis_cli("xpending", STREAM, GROUP).split("\n")
        counts = collections.Counter()
        for consumer, count in zip(words[3::2], words[4::2]):
            if not consumer:  # nothing is pending
                continue
            host = consumer.rsplit("-", 2)[0]  # host-hash-number, see consumer_name.h
            counts[host] += int(count)
        return counts

    def nodes(self, merge):
        output = docker("exec", merge, "/usr/local/bin/synchub-receiver", "nodes", "--json").stdout
        return {node["node"]: node for node in json.loads(output)["nodes"]}

    def details(self, containers):
        output = [f"queue {self.backlog()}, dead {self.dead()}, in hand {self.in_hand()}"]
        return "\n".join(output + [f"--- {name}\n{logs(name)[-2000:]}" for name in containers])


def at_once(do, things):
    """Calls the function for all of them concurrently; raises the first error."""
    things = list(things)
    with concurrent.futures.ThreadPoolExecutor(len(things)) as pool:
        return list(pool.map(do, things))
