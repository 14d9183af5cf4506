# SPDX-License-Identifier: Apache-2.0
"""The images for each platform, with other processors emulated by qemu: real pushes to a hub on loopback, and a hub of
that platform. `./dev test-images` runs it."""

import re
import shutil
import subprocess
import unittest

from engine import LOCKED, REPO, STOP_S, docker, inspect, logs, unique
from authority import Authority, fingerprint, served  # in tests/integration, which engine.py adds to the path
from documented import documented
from harness import SyncHubTest, device_rows, device_table, free_port, wait_until

VERSION = re.search(r"^project\(synchub VERSION ([0-9.]+) ", (REPO / "CMakeLists.txt").read_text(), re.MULTILINE)[1]
# The tag's end: platform, emulator.
PLATFORMS = {"amd64": ("linux/amd64", None), "arm64": ("linux/arm64", "qemu-aarch64-static"),
             "armv7": ("linux/arm/v7", "qemu-arm-static")}
MIB = 1 << 20
BUILD_S = 7200


class Platforms(SyncHubTest):
    @classmethod
    def setUpClass(cls):
        built = documented("docs/install.md", "./dev images --platform").text
        subprocess.run(["bash", "-euc", built], cwd=REPO, check=True, timeout=BUILD_S)
        platforms = re.search(r"--platform (\S+)", built)[1]
        subprocess.run(["./dev", "images", "--platform", platforms, "pusher-tls", "puller", "receiver"], cwd=REPO, check=True,
                       timeout=BUILD_S)

    def image(self, name, arch):
        return f"synchub-{name}:{VERSION}-{arch}"

    def options(self, name, arch, settings, *more):
        """Of docker run, with the image and the program at the end."""
        platform, emulator = PLATFORMS[arch]
        program = f"/usr/local/bin/synchub-{name.removesuffix('-tls')}"
        words = ["--platform", platform, "--network", "host", *LOCKED, "-v", f"{self.folder}:{self.folder}", "--user", "0"]
        for setting, value in settings.items():
            words += ["-e", f"{setting}={value}"]
        if emulator is None:
            return [*words, *more, self.image(name, arch)]
        found = shutil.which(emulator)
        self.assertTrue(found, f"no {emulator}: install qemu-user-static")
        return [*words, *more, "-v", f"{found}:/qemu:ro", "--entrypoint", "/qemu", self.image(name, arch), program]

    def start(self, name, arch, settings, *more):
        container = unique(name)
        docker("run", "-d", "--name", container, *self.options(name, arch, settings, *more))
        self.addCleanup(docker, "rm", "-f", "-v", container, check=False)
        return container

    def test_each_is_for_its_platform_and_says_what_it_is(self):
        for arch, (platform, _) in PLATFORMS.items():
            for name in ("pusher", "pusher-tls", "puller", "receiver"):
                with self.subTest(name=name, arch=arch):
                    seen = inspect(self.image(name, arch))
                    self.assertEqual("/".join(filter(None, (seen["Os"], seen["Architecture"], seen.get("Variant", "")))), platform)
                    self.assertLessEqual(seen["Size"], (8 if name == "pusher" else 40) * MIB)
                    labels = seen["Config"]["Labels"]
                    self.assertEqual(labels["org.opencontainers.image.version"], VERSION)
                    commit = labels["org.opencontainers.image.revision"]
                    self.assertRegex(commit, "^[0-9a-f]{40}$")
                    self.assertRegex(labels["org.opencontainers.image.created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
                    short = commit[:12] + ("-modified" if labels["synchub.build.tree"] == "modified" else "")
                    self.assertEqual(inspect(f"synchub-{name}:{VERSION}-{short}-{arch}")["Id"], seen["Id"])
                    output = docker("run", "--rm", *self.options(name, arch, {}), "--version").stdout
                    self.assertIn(f"synchub-{name.removesuffix('-tls')} {VERSION}", output)
                    self.assertIn(commit[:12], output)

    def test_a_pusher_of_each_platform_pushes_to_a_hub(self):
        authority = Authority(self.folder / "tls")
        cert, key = authority.issue("hub")
        for scheme, tls in (("http", {}), ("https", {"SYNC_tls_cert": cert, "SYNC_tls_key": key})):
            redis, db = self.redis(), self.folder / f"{scheme}.db"
            hub = self.program("receiver", self.receiver_settings(redis, db, **tls))
            for number, arch in enumerate(PLATFORMS, start=1):
                with self.subTest(arch=arch, scheme=scheme):
                    settings = self.pusher_settings(f"{scheme}://127.0.0.1:{hub.port}", device_table(device_rows(200, arch)), node=arch)
                    docker("run", "--rm", *self.options("pusher", arch, settings, "-v",
                                                        f"{authority.file}:/etc/ssl/certs/ca-certificates.crt:ro"), "--once")
                    self.wait_merged(redis, db, 200 * number)

    def test_a_hub_of_each_platform_pulls_and_merges(self):
        for arch in PLATFORMS:
            with self.subTest(arch=arch):
                redis, port, db = self.redis(), free_port(), self.folder / f"{arch}.db"
                node = self.start("pusher", arch, self.pusher_settings(
                    "", device_table(device_rows(50, arch)), node=arch, SYNC_listen=f"127.0.0.1:{port}"))
                wait_until(lambda: "listening" in logs(node), "the node to listen", details=lambda: logs(node))
                receiver = self.start("receiver", arch, self.receiver_settings(redis, db))
                docker("run", "--rm", *self.options("puller", arch, self.puller_settings(redis, [f"http://127.0.0.1:{port}"])), "--once")
                self.wait_merged(redis, db, 50)
                docker("stop", "-t", 2 * STOP_S, node, receiver)
                for ended in (node, receiver):
                    self.assertEqual(inspect(ended)["State"]["ExitCode"], 0, logs(ended))

    def test_a_node_of_each_platform_listens_with_tls(self):
        """openssl asks: the puller's patience, 5 s, may be too short for an emulated handshake."""
        cert, key = Authority(self.folder / "tls").issue("node")
        for arch in PLATFORMS:
            with self.subTest(arch=arch):
                port = free_port()
                node = self.start("pusher-tls", arch, self.pusher_settings(
                    "", device_table(device_rows(5, arch)), node=arch, SYNC_listen=f"127.0.0.1:{port}", SYNC_tls_cert=cert,
                    SYNC_tls_key=key))
                wait_until(lambda: "listening" in logs(node), "the node to listen", details=lambda: logs(node))
                self.assertEqual(served(port), fingerprint(cert))


if __name__ == "__main__":
    unittest.main()
