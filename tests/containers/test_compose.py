# SPDX-License-Identifier: Apache-2.0
"""The hub and its nodes with the shipped compose files, as in docs/install.md: copy, edit .env, up."""

import base64
import json
import os
import pathlib
import re
import shutil
import tempfile
import unittest

from engine import (BASE, REPO, STOP_S, VERSION, Failed, Project, build_images, compose_commands, docker, health, image, inspect,
                    logs, newest_compose, run, unique, write_env)
from documented import documented  # in tests/integration, which engine.py adds to the path
from harness import KEY, TOKEN, curl, device_rows, device_table, free_port, wait_until

ARPSCAN = "02:00:00:00:00:01|192.0.2.1|2026-11-23 10:00:00|a|b|c|d|e|f\n"


def quoted(text):
    return f"'{text}'"


SECRETS = {
    "SYNC_api_token": quoted(TOKEN),
    "SYNC_encryption_key": quoted(KEY),
    "SYNCHUB_VERSION": quoted(VERSION),
}


def run_documented(command, folder, names):
    """Runs a command of docs/install.md in a folder, with names of this test in place of those there."""
    for old, new in names.items():
        command = re.sub(rf"(?<![\w/:-]){re.escape(old)}(?![\w-])", lambda _: new, command)
    return run("bash", "-euc", command, cwd=folder, timeout=1800)


class Scanner:
    """Takes the place of a NetAlertX container: its folders are in memory, accessible to its own user only, on
    volumes created as in docs/install.md."""

    def __init__(self, name):
        self.api = unique(f"{name}-api")
        self.plugins = unique(f"{name}-plugins")
        self.container = unique(f"{name}-scanner")
        run_documented(documented("docs/install.md", "for v in netalertx_api").text, REPO,
                       {"netalertx_api": self.api, "netalertx_plugins": self.plugins})
        docker("run", "-d", "--name", self.container, "--network", "none", "--user", "20211:20211",
               "-v", f"{self.api}:/tmp/api", "-v", f"{self.plugins}:/tmp/log/plugins",
               BASE, "sleep", "infinity")

    def _write(self, path, text):
        docker("exec", "-i", self.container, "sh", "-c", f"cat >{path}", input=text)

    def write_table(self, rows):
        self._write("/tmp/api/table_devices.json", device_table(rows))

    def write_result(self, plugin, text):
        self._write(f"/tmp/log/plugins/last_result.{plugin}.log", text)

    def end(self):
        docker("rm", "-f", self.container, check=False)
        docker("volume", "rm", "-f", self.api, self.plugins, check=False)


class Volumes:
    """The names of the two volumes that Compose creates and NetAlertX shares."""

    def __init__(self):
        self.api, self.plugins = unique("api"), unique("plugins")

    def remove(self):
        docker("volume", "rm", "-f", self.api, self.plugins, check=False)


class ComposeTest(unittest.TestCase):
    compose = None  # the newest that this machine has

    @classmethod
    def setUpClass(cls):
        build_images()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="synchub-compose-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.world = unique("world")
        docker("network", "create", self.world)
        self.addCleanup(docker, "network", "rm", self.world, check=False)
        self.port = free_port()
        self.console_port = free_port()
        self.hub = self.project("compose.yaml", self.hub_values(), f"""
networks:
  front:
    external: true
    name: {self.world}
""")
        self.hub("up", "-d")
        self.wait_for_health(self.hub, "redis", "receiver")

    def hub_values(self, **more):
        return {**SECRETS, "SYNCHUB_PUBLISH": quoted(f"127.0.0.1:{self.port}"),
                "SYNCHUB_CONSOLE_PUBLISH": quoted(f"127.0.0.1:{self.console_port}"), **more}

    def project(self, file, values, override=None):
        project = Project(self.folder, file, values, override, self.compose)
        self.addCleanup(project.end)
        return project

    def node(self, name, scanner, values, files="compose.node.yaml"):
        """A node on another host. Docker Compose 1 does not merge the definitions of a volume, so the one of the
        shipped file is repeated with the volume's name."""
        override = f"""
networks:
  default:
    external: true
    name: {self.world}
volumes:
  netalertx_api:
    name: {scanner.api}
    driver: local
    driver_opts: &shared {{type: tmpfs, device: tmpfs, o: "uid=20211,gid=20211,mode=1700"}}
  netalertx_plugins:
    name: {scanner.plugins}
    driver: local
    driver_opts: *shared
"""
        node = self.project(files, {**SECRETS, "SYNC_node_name": quoted(name), **values}, override)
        node("up", "-d")
        self.wait_for_health(node, "pusher")
        return node

    def scanner(self, name):
        scanner = Scanner(name)
        self.addCleanup(scanner.end)
        return scanner

    def wait_for_health(self, project, *services):
        for service in services:
            container = project.container(service)
            wait_until(lambda: health(container) == "healthy", f"{service} to be healthy",
                       details=lambda: logs(container))

    def devices(self, node):
        """None while the hub does not know the node."""
        done = self.hub("exec", "-T", "receiver", "/usr/local/bin/synchub-receiver", "devices", "--json", "--node", node,
                        check=False)
        return sorted(row["devMac"] for row in json.loads(done.stdout)["data"]) if done.returncode == 0 else None

    def wait_for_devices(self, node, rows):
        macs = sorted(row["devMac"] for row in rows)
        wait_until(lambda: self.devices(node) == macs, f"{len(macs)} devices of {node}",
                   details=self.hub.details)

    def redis_cli(self, *words):
        return self.hub("exec", "-T", "redis", "redis-cli", *words).stdout.strip()

    def test_a_node_pushes_and_what_it_sent_outlives_the_hub(self):
        scanner = self.scanner("pushing")
        rows = device_rows(50, "pushing")
        scanner.write_table(rows)
        scanner.write_result("ARPSCAN", ARPSCAN)
        self.node("pushing", scanner, {
            "SYNC_hub_url": quoted("http://receiver:20212"),
            "SYNC_plugins": "['ARPSCAN']",
        })
        self.wait_for_devices("pushing", rows)
        # Everything except the volumes is removed and created again.
        self.hub("down", "-t", STOP_S)
        self.hub("up", "-d")
        self.wait_for_health(self.hub, "redis", "receiver")
        self.wait_for_devices("pushing", rows)
        self.assertIn("pushing", self.redis_cli("hkeys", "synchub:contacts"))
        # The node that kept running reconnects to the hub; new devices arrive once.
        more = rows + device_rows(1, "later", first=900)
        scanner.write_table(more)
        self.wait_for_devices("pushing", more)

    def test_netalertx_and_a_pusher_start_together(self):
        """With a stand-in that does what NetAlertX's image does in its container: as root it gives its folders to
        PUID, and as that user it writes its tables and its data."""
        command = documented("docs/install.md", "docker compose -p synchub-node -f docker/compose.node.yaml -f docker/compose.netalertx").text
        stand_in, scanner = unique("netalertx"), Volumes()
        rows = device_rows(7, "together")
        table = base64.b64encode(device_table(rows).encode()).decode()
        docker("build", "-q", "-t", stand_in, "-", input=f"""FROM {BASE}
ENTRYPOINT ["/bin/sh", "-euxc", "touch /bin/x 2>/dev/null && exit 1; chown $PUID:$PGID /data /tmp/api /tmp/log/plugins; \\
    exec setpriv --reuid=$PUID --regid=$PGID --clear-groups /bin/sh -euxc ' \\
    echo $PORT > /data/app.conf; echo {table} | base64 -d > /tmp/api/table_devices.json; exec sleep infinity'"]
""")
        self.addCleanup(docker, "rmi", "-f", stand_in, check=False)
        self.addCleanup(scanner.remove)
        node = self.node("together", scanner, {
            "SYNC_hub_url": quoted("http://receiver:20212"), "NETALERTX_IMAGE": quoted(stand_in), "NETALERTX_PORT": "20299",
        }, " ".join(re.findall(r"-f docker/(\S+)", command)))
        self.wait_for_devices("together", rows)
        data = docker("exec", node.container("netalertx"), "cat", "/data/app.conf").stdout
        self.assertEqual(data.strip(), "20299")

    def node_names(self, api, plugins):
        """Names of the node of docs/install.md that docker run starts, and what is in their place here."""
        container, spool = unique("run"), unique("spool")
        self.addCleanup(docker, "volume", "rm", "-f", spool, check=False)
        self.addCleanup(docker, "rm", "-f", container, check=False)
        return container, {
            "synchub-pusher:0.2.0": image("pusher"), "--name synchub-pusher": f"--name {container} --network {self.world}",
            "synchub_spool": spool, "netalertx_api": api, "netalertx_plugins": plugins, "/tmp/api plugins": f"{api} plugins",
            "plugins=/tmp/log/plugins": f"plugins={plugins}", "SYNC_api_token=…": f"SYNC_api_token={TOKEN}",
            "SYNC_encryption_key=…": f"'SYNC_encryption_key={KEY}'", "https://hub.example.com": "http://receiver:20212"}

    def start_node(self, block, container, names):
        run_documented(documented("docs/install.md", "printf ").text, self.folder, names)
        run_documented(block.text, self.folder, names)
        wait_until(lambda: health(container) == "healthy", "the node to be healthy", details=lambda: logs(container))

    def test_docker_run_starts_a_node_beside_a_netalertx_container(self):
        scanner = self.scanner("run")
        rows = device_rows(3, "run")
        scanner.write_table(rows)
        container, names = self.node_names(scanner.api, scanner.plugins)
        run_documented(documented("docs/install.md", "docker build").text, REPO, names)
        self.start_node(documented("docs/install.md", "docker run -d --name synchub-pusher --restart unless-stopped --user 20211"), container, names)
        self.wait_for_devices("Office", rows)

    def test_docker_run_starts_a_node_beside_a_netalertx_without_container(self):
        folders = [pathlib.Path(self.folder) / name for name in ("api", "plugins")]
        rows = device_rows(3, "bare")
        for folder in folders:
            folder.mkdir(mode=0o700)
        (folders[0] / "table_devices.json").write_text(device_table(rows))
        if os.geteuid() == 0:
            for path in (*folders, folders[0] / "table_devices.json"):
                os.chown(path, 20211, 20211)
        container, names = self.node_names(*map(str, folders))
        self.start_node(documented("docs/install.md", "api=/tmp/api"), container, names)
        self.wait_for_devices("Office", rows)

    def test_a_large_table_is_merged_where_only_the_volume_can_be_written(self):
        scanner = self.scanner("large")
        rows = device_rows(12000, "large")
        # New rows are between existing ones, so that all pages of the index change: SQLite keeps so
        # many in a temporary file.
        for share in (rows[::2], rows):
            scanner.write_table(share)
            if share is not rows:
                self.node("large", scanner, {"SYNC_hub_url": quoted("http://receiver:20212")})
            self.wait_for_devices("large", share)

    def test_a_node_that_may_not_call_out_is_pulled(self):
        scanner = self.scanner("pulled")
        rows = device_rows(30, "pulled")
        scanner.write_table(rows)
        # The address of this machine for containers, and so of the node's published port.
        machine = docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}",
                         self.world).stdout.strip()
        port = free_port()
        self.node("pulled", scanner, {"SYNC_listen": quoted("0.0.0.0:20212"),
                                      "NODE_PUBLISH": quoted(f"{machine}:{port}")})
        self.hub.write_env(self.hub_values(
            SYNC_nodes=f"['pulled=http://{machine}:{port}']"))
        self.hub("up", "-d")
        self.wait_for_health(self.hub, "puller")
        self.wait_for_devices("pulled", rows)

    def test_the_queue_keeps_what_it_confirmed_and_only_the_hub_reaches_it(self):
        for name, value in (("appendonly", "yes"), ("appendfsync", "always"),
                            ("maxmemory-policy", "noeviction")):
            self.assertEqual(self.redis_cli("config", "get", name).split()[-1], value)
        address = json.loads(docker("inspect", "-f", "{{json .NetworkSettings.Networks}}",
                                    self.hub.container("redis")).stdout)
        self.assertEqual(list(address), [f"{self.hub.name}_queue"])
        ip = address[f"{self.hub.name}_queue"]["IPAddress"]
        for network, reached in ((f"{self.hub.name}_queue", True), (self.world, False)):
            done = docker("run", "--rm", "--network", network, "redis:8.0",
                          "timeout", "5", "redis-cli", "-h", ip, "ping", check=False)
            self.assertEqual("PONG" in done.stdout, reached, network)

    def test_every_container_is_locked_down_and_stops_in_time(self):
        containers = self.hub("ps", "-q").stdout.split()
        self.assertEqual(len(containers), 3)  # Redis, receiver and puller
        for container in containers:
            seen = inspect(container)
            self.assertTrue(seen["HostConfig"]["ReadonlyRootfs"])
            self.assertEqual(seen["HostConfig"]["CapDrop"], ["ALL"])
            self.assertIn("no-new-privileges:true", seen["HostConfig"]["SecurityOpt"])
            self.assertNotIn(seen["Config"]["User"], ("", "0", "root"))
            self.assertNotIn(TOKEN, json.dumps(seen))
            self.assertNotIn(KEY, json.dumps(seen))
            docker("stop", "-t", STOP_S, container)
            self.assertEqual(inspect(container)["State"]["ExitCode"], 0, logs(container))

    def test_the_published_port_answers_and_knows_the_token(self):
        answer = curl(f"http://127.0.0.1:{self.port}/readyz")
        self.assertEqual(answer.status, 200)
        answer = curl(f"http://127.0.0.1:{self.port}/sync", body=b"{}", headers={
            "Content-Type": "application/json", "Authorization": "Bearer another"})
        self.assertEqual(answer.status, 403)

    def test_the_console_is_on_this_machine_and_apart_from_the_nodes_port(self):
        console = f"http://127.0.0.1:{self.console_port}"
        page = curl(console + "/")
        self.assertEqual(page.status, 200)
        self.assertIn("<title>Sync Hub</title>", page.text)
        self.assertEqual(curl(console + "/api/v1/summary").status, 401)
        self.assertEqual(curl(console + "/sync").status, 404)
        self.assertEqual(curl(f"http://127.0.0.1:{self.port}/api/v1/summary").status, 404)

class OldCompose(ComposeTest):
    """Docker Compose 1.29, which Debian 12 has: one life of a hub and a node, with every file and its own merging of them."""

    @classmethod
    def setUpClass(cls):
        cls.compose = compose_commands().get(1)
        if cls.compose is None:
            raise unittest.SkipTest("this machine has no Docker Compose 1")
        super().setUpClass()


def load_tests(loader, _tests, _pattern):
    kept = unittest.TestSuite(OldCompose(name) for name in (
        "test_a_node_pushes_and_what_it_sent_outlives_the_hub", "test_netalertx_and_a_pusher_start_together"))
    others = [loader.loadTestsFromTestCase(case) for case in (ComposeTest, Refused, Documented)]
    return unittest.TestSuite([*others, kept])


class Refused(unittest.TestCase):
    def test_nothing_starts_without_a_token_and_one_line_says_what_to_set(self):
        self.assertIn(2, compose_commands(), "tests/dev/install compose fetches it")
        token, key = {"SYNC_api_token": quoted(TOKEN)}, {"SYNC_encryption_key": quoted(KEY)}
        for compose in compose_commands().values():
            for file, values, missing in (
                    ("compose.yaml", {}, "SYNC_(api_token|encryption_key)"),
                    ("compose.yaml", key, "SYNC_api_token"),
                    ("compose.yaml", token, "SYNC_encryption_key"),
                    ("compose.node.yaml", key, "SYNC_(api_token|node_name)"),
                    ("compose.node.yaml", {**token, **key}, "SYNC_node_name")):
                with self.subTest(compose=compose, file=file, missing=missing), \
                        tempfile.TemporaryDirectory(prefix="synchub-compose-") as folder:
                    bare = Project(folder, file, {"SYNCHUB_VERSION": VERSION, **values}, compose=compose)
                    done = bare("up", "-d", check=False)
                    self.assertNotEqual(done.returncode, 0)
                    [line] = [line for line in done.stderr.splitlines() if line]
                    self.assertRegex(line, f": set {missing} in docker/.env, to ")
                    label = f"label=com.docker.compose.project={bare.name}"
                    self.assertEqual(docker("ps", "-aq", "--filter", label).stdout, "")


class Documented(unittest.TestCase):
    """The commands for Docker Compose of docs/install.md, in a copy of the sources."""

    def test_hub_and_node_start(self):
        build_images()
        parent = tempfile.TemporaryDirectory(prefix="synchub-compose-")
        self.addCleanup(parent.cleanup)
        tree = pathlib.Path(parent.name) / "tree"
        shutil.copytree(REPO, tree, symlinks=True, ignore=shutil.ignore_patterns("build", ".git", "__pycache__", ".env"))
        folder = pathlib.Path(parent.name) / "api"  # not in the tree, which is what images are built of
        folder.mkdir(mode=0o755)
        copy, modes, start_hub, start_node = documented("docs/install.md", "cp docker/.env.example").commands()
        [nodes] = documented("docs/install.md", "docker compose -f docker/compose.yaml exec").commands()
        run_documented(copy, tree, {})
        project, node_project = (unique(name).replace("-", "") for name in ("hub", "node"))
        write_env(tree / "docker", {
            **SECRETS, "COMPOSE_PROJECT_NAME": quoted(project), "SYNC_hub_url": quoted("http://hub.invalid:20212"),
            "SYNC_node_name": quoted("Office"), "NODE_API": quoted(folder), "NODE_PLUGINS": quoted(folder),
            "SYNCHUB_PUBLISH": quoted(f"127.0.0.1:{free_port()}"),
            "SYNCHUB_CONSOLE_PUBLISH": quoted(f"127.0.0.1:{free_port()}")})
        run_documented(modes, tree, {})
        names = {"docker compose": " ".join(newest_compose()), "exec": "exec -T", "synchub-node": node_project}
        for command in (start_hub, start_node):
            self.addCleanup(run_documented, re.sub(" up .*", " down -v -t 10", command), tree, names)
            run_documented(command, tree, names)
        for name, services in ((project, {"redis", "receiver", "puller"}), (node_project, {"pusher"})):
            started = docker("ps", "--filter", f"label=com.docker.compose.project={name}", "--format",
                             '{{.Label "com.docker.compose.service"}}').stdout.split()
            self.assertEqual(set(started), services)
        wait_until(lambda: self.succeeds(nodes, tree, names), "the hub to answer")

    @staticmethod
    def succeeds(command, tree, names):
        try:
            run_documented(command, tree, names)
        except Failed:
            return False
        return True


if __name__ == "__main__":
    unittest.main()
