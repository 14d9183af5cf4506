# SPDX-License-Identifier: Apache-2.0
"""A program as the first process of a locked-down container, with a Redis beside it."""

import json
import pathlib
import re
import tempfile
import textwrap
import unittest

from engine import (IMAGES, LOCKED, REPO, STOP_S, build_images, docker, environment, health,
                    image, inspect, logs, unique)
from authority import Authority  # in tests/integration, which engine.py adds to the path
from harness import device_rows, device_table, wait_until


class LifeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build_images()

    def setUp(self):
        self.network = unique("network")
        docker("network", "create", "--internal", self.network)
        self.addCleanup(docker, "network", "rm", self.network, check=False)
        self.redis = self.container("--network", self.network, "--network-alias", "redis",
                                    "redis:8.0", "redis-server", "--protected-mode", "no",
                                    "--appendonly", "yes", "--appendfsync", "always", name="redis")

    def container(self, *arguments, name):
        """Starts a container that is removed at the end, and returns its name."""
        name = unique(name)
        docker("run", "-d", "--name", name, *arguments)
        self.addCleanup(docker, "rm", "-f", "-v", name, check=False)
        return name

    def start(self, name, *options, **settings):
        volumes = {
            "pusher": ["-v", "/var/lib/synchub", "-v", f"{self.table()}:/tmp/api:ro"],
            "puller": [],
            "receiver": ["-v", "/data"],
        }[name.removesuffix("-tls")]
        return self.container(
            "--network", self.network, *LOCKED, "--health-interval", "1s", *volumes, *options,
            *environment(SYNC_redis_url="redis://redis:6379/0", **settings), image(name), name=name)

    def table(self):
        """A folder with a device table that every user can read."""
        folder = tempfile.TemporaryDirectory(prefix="synchub-api-")
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name)
        path.chmod(0o755)
        (path / "table_devices.json").write_text(device_table(device_rows(3)))
        return path

    def wait_for_health(self, container, wanted):
        wait_until(lambda: health(container) == wanted, f"a container to be {wanted}",
                   details=lambda: f"it is {health(container)}\n{logs(container)}")

    def certificates(self, *names):
        """A folder with ca.pem, and NAME.pem and NAME.key for each name of a host, which every user can read."""
        folder = tempfile.TemporaryDirectory(prefix="synchub-tls-")
        self.addCleanup(folder.cleanup)
        authority = Authority(folder.name)
        for name in names:
            authority.issue(name, f"DNS:{name}")
        path = pathlib.Path(folder.name)
        path.chmod(0o755)
        for file in path.iterdir():
            file.chmod(0o644)
        return path

    def wait_for_devices(self, receiver, node):
        def merged():
            # It fails for a node that is not known yet.
            done = docker("exec", receiver, "/usr/local/bin/synchub-receiver", "devices", "--json", "--node", node, check=False)
            return done.returncode == 0 and len(json.loads(done.stdout)["data"]) == 3
        wait_until(merged, f"the devices of {node}", details=lambda: logs(receiver))

    def test_each_becomes_healthy_and_stops_at_sigterm_in_time(self):
        for program in IMAGES:
            with self.subTest(program):
                container = self.start(program)
                self.wait_for_health(container, "healthy")
                # After STOP_S the engine kills it, and the exit code is 137.
                docker("stop", "-t", STOP_S, container)
                self.assertEqual(inspect(container)["State"]["ExitCode"], 0, logs(container))

    def test_nodes_trust_a_hub_by_the_ca_certificates_of_their_image(self):
        files = self.certificates("hub")
        receiver = self.start("receiver", "--network-alias", "hub", "-v", f"{files}:/tls:ro",
                              SYNC_tls_cert="/tls/hub.pem", SYNC_tls_key="/tls/hub.key")
        for name in ("pusher", "pusher-tls"):
            with self.subTest(name):
                settings = {"SYNC_hub_url": "https://hub:20212", "SYNC_RUN": "always_after_scan", "SYNC_node_name": name}
                stranger = self.start(name, **settings)
                wait_until(lambda: "certificate" in logs(stranger), "a node to refuse the hub",
                           details=lambda: logs(stranger))
                docker("stop", "-t", STOP_S, stranger)
                self.start(name, "-v", f"{files}/ca.pem:/etc/ssl/certs/ca-certificates.crt:ro", **settings)
                self.wait_for_devices(receiver, name)

    def test_a_node_is_pulled_by_tls_with_the_image_for_that(self):
        files = self.certificates("node")
        listening = {"SYNC_listen": "0.0.0.0:20212", "SYNC_tls_cert": "/tls/node.pem", "SYNC_tls_key": "/tls/node.key",
                     "SYNC_hub_url": "", "SYNC_node_name": "pulled"}
        small = self.start("pusher", "-v", f"{files}:/tls:ro", **listening)
        wait_until(lambda: inspect(small)["State"]["Status"] == "exited", "the small pusher to exit")
        self.assertNotEqual(inspect(small)["State"]["ExitCode"], 0)
        self.assertIn("the image synchub-pusher-tls", logs(small))
        receiver = self.start("receiver")
        node = self.start("pusher-tls", "--network-alias", "node", "-v", f"{files}:/tls:ro", SYNC_tls_ca="/tls/ca.pem", **listening)
        self.wait_for_health(node, "healthy")
        self.start("puller", "-v", f"{files}:/tls:ro", SYNC_nodes="https://node:20212", SYNC_tls_ca="/tls/ca.pem", SYNC_RUN="once")
        self.wait_for_devices(receiver, "pulled")

    def test_a_receiver_without_redis_is_unhealthy_and_says_why(self):
        receiver = self.start("receiver")
        self.wait_for_health(receiver, "healthy")
        docker("stop", "-t", STOP_S, self.redis)
        self.wait_for_health(receiver, "unhealthy")
        done = docker("exec", receiver, "/usr/local/bin/synchub-receiver", "healthcheck",
                      check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Redis", done.stderr)
        docker("start", self.redis)
        self.wait_for_health(receiver, "healthy")

    def test_the_healthcheck_asks_the_program_itself_whatever_proxy_is_set(self):
        pusher = self.start("pusher", http_proxy="http://proxy.invalid:3128")
        self.wait_for_health(pusher, "healthy")

    def test_without_an_address_to_ask_the_healthcheck_says_so(self):
        pusher = self.start("pusher", SYNC_listen="")
        done = docker("exec", pusher, "/usr/local/bin/synchub-pusher", "healthcheck")
        self.assertIn("SYNC_listen is not set", done.stdout)


class KubernetesRedisTest(unittest.TestCase):
    """The only shell script in the manifests, which no schema can check."""

    def setUp(self):
        manifest = (REPO / "k8s" / "base" / "redis.yaml").read_text()
        script = re.search(r"command:\n +- sh\n +- -c\n +- \|\n((?: {14}.*\n)+)", manifest)
        self.script = textwrap.dedent(script.group(1))
        # A copy, because the container's user may be unable to read files of a checkout.
        folder = tempfile.TemporaryDirectory(prefix="synchub-redis-")
        self.addCleanup(folder.cleanup)
        self.config = pathlib.Path(folder.name) / "redis.conf"
        self.config.write_text((REPO / "k8s" / "base" / "redis.conf").read_text())
        self.config.chmod(0o644)

    def start(self, password):
        name = unique("redis")
        docker("run", "-d", "--name", name, *LOCKED, "--network", "none", "--user", "65532:65532",
               "--tmpfs", "/data:uid=65532,mode=700",
               "-v", f"{self.config}:/usr/local/etc/redis/redis.conf:ro",
               "-e", f"REDISCLI_AUTH={password}", "redis:8.0", "sh", "-c", self.script)
        self.addCleanup(docker, "rm", "-f", "-v", name, check=False)
        return name

    def test_it_wants_its_password_and_shows_it_to_nobody(self):
        redis = self.start("hidden7")
        wait_until(lambda: "PONG" in docker("exec", redis, "redis-cli", "ping", check=False).stdout,
                   "Redis to answer", details=lambda: logs(redis))
        without = docker("exec", redis, "env", "-u", "REDISCLI_AUTH", "redis-cli", "ping",
                         check=False)
        self.assertIn("NOAUTH", without.stdout + without.stderr)
        self.assertNotIn("hidden7", docker("exec", redis, "cat", "/proc/1/cmdline").stdout)
        output = docker("exec", redis, "redis-cli", "config", "get", "appendfsync").stdout
        self.assertEqual(output.split(), ["appendfsync", "always"])
        docker("stop", "-t", STOP_S, redis)
        self.assertEqual(inspect(redis)["State"]["ExitCode"], 0, logs(redis))

    def test_without_a_password_it_does_not_start_and_says_where_to_set_it(self):
        redis = self.start("")
        wait_until(lambda: inspect(redis)["State"]["Status"] == "exited", "Redis to exit")
        self.assertNotEqual(inspect(redis)["State"]["ExitCode"], 0)
        self.assertIn("redis.env", logs(redis))


if __name__ == "__main__":
    unittest.main()
