# SPDX-License-Identifier: Apache-2.0
"""Each image: its content and user."""

import hashlib
import json
import unittest

from engine import (BASE, IMAGES, LOCKED, build_images, content, docker, environment, image, inspect, program_of, read,
                    unique)
from harness import TOKEN

MIB = 1 << 20
SIZE_MAX = {"pusher": 8 * MIB, "pusher-tls": 40 * MIB, "puller": 40 * MIB, "receiver": 40 * MIB}
# What a container has that its image has not: the engine's own.
OF_THE_ENGINE = {"/.dockerenv", "/dev", "/proc", "/sys", "/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/resolv.conf"}


class ImageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build_images()

    def test_each_is_small(self):
        for name in IMAGES:
            with self.subTest(name):
                self.assertLessEqual(inspect(image(name))["Size"], SIZE_MAX[name])

    def test_each_is_described_by_its_labels(self):
        for name in IMAGES:
            with self.subTest(name):
                labels = inspect(image(name))["Config"]["Labels"]
                self.assertEqual(labels["org.opencontainers.image.title"],
                                 "Sync Hub " + name.replace("-tls", " with TLS"))
                self.assertEqual(labels["org.opencontainers.image.licenses"], "Apache-2.0")
                for label in ("description", "version", "revision", "base.name"):
                    self.assertTrue(labels[f"org.opencontainers.image.{label}"], label)

    def test_each_holds_its_program_what_that_needs_and_no_shell(self):
        for name in IMAGES:
            with self.subTest(name):
                files = {path for path, member in content(name).items() if not member.isdir()} - OF_THE_ENGINE
                self.assertEqual({path for path in files if "/bin/" in path} - {"/usr/bin/env"},
                                 {f"/usr/local/bin/{program_of(name)}"})
                self.assertEqual("/usr/bin/env" in files, name in ("receiver", "puller"))
                for path in ("/etc/ssl/certs/ca-certificates.crt", "/usr/share/zoneinfo/Europe/Berlin", "/etc/passwd",
                             "/usr/share/doc/synchub/LICENSE"):
                    self.assertIn(path, files)
                self.assertFalse([path for path in files if path.endswith((".h", ".a", ".py"))])
                libraries = [path for path in files if ".so" in path]
                self.assertEqual(bool(libraries), name != "pusher")
                self.assertEqual(any("/libhiredis.so" in path for path in files), name in ("receiver", "puller"))

    def test_each_has_the_licences_and_a_bill_of_what_it_is_made_of(self):
        for name in IMAGES:
            with self.subTest(name):
                files = content(name)
                bill = json.loads(read(name, inspect(image(name))["Config"]["Labels"]["synchub.sbom"]))
                self.assertEqual(bill["spdxVersion"], "SPDX-2.3")
                packages = {package["name"]: package for package in bill["packages"]}
                self.assertEqual(len(packages), len(bill["packages"]))
                related = {relation["relatedSpdxElement"] for relation in bill["relationships"]}
                self.assertEqual(related, {package["SPDXID"] for package in bill["packages"]})
                own = packages.pop(program_of(name))
                digest = hashlib.sha256(read(name, f"/usr/local/bin/{program_of(name)}")).hexdigest()
                self.assertEqual(own["checksums"][0]["checksumValue"], digest)
                self.assertLessEqual({"ca-certificates", "tzdata"}, set(packages))
                expected = {"openssl", "curl", "libmicrohttpd", "libsodium-dev"} if name == "pusher" else {"libssl3t64", "libc6"}
                self.assertLessEqual(expected, set(packages))
                for package in packages:
                    self.assertIn(f"/usr/share/doc/{package}/copyright", files)
                    if name != "pusher":
                        self.assertIn(f"/var/lib/dpkg/status.d/{package}", files)

    def test_each_runs_as_a_number_that_is_not_root_and_needs_no_shell(self):
        for name in IMAGES:
            with self.subTest(name):
                config = inspect(image(name))["Config"]
                program = f"/usr/local/bin/{program_of(name)}"
                self.assertEqual(config["User"], "65532:65532")
                self.assertEqual(config["Entrypoint"], [program])
                self.assertEqual(config["Healthcheck"]["Test"], ["CMD", program, "healthcheck"])

    def test_each_runs_as_any_user_with_nothing_allowed(self):
        for name in IMAGES:
            with self.subTest(name):
                for user in ("65532", "20211:20211", "4711:0"):
                    output = docker("run", "--rm", *LOCKED, "--network", "none", "--user", user,
                                    *environment(), image(name), "--check-config").stdout
                    self.assertIn("SYNC_api_token=(hidden)", output)
                    self.assertNotIn(TOKEN, output)

    def test_each_without_settings_says_which_one_is_missing(self):
        for name in IMAGES:
            with self.subTest(name):
                done = docker("run", "--rm", *LOCKED, "--network", "none", image(name), check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn("SYNC_api_token", done.stderr)

    def test_a_new_volume_can_be_written_by_any_user(self):
        for name, folder in (("receiver", "/data"), ("pusher", "/var/lib/synchub"), ("pusher-tls", "/var/lib/synchub")):
            volume = unique("volume")
            docker("volume", "create", volume)
            self.addCleanup(docker, "volume", "rm", volume, check=False)
            # The engine gives a new volume the rights of the folder where a container has it first.
            docker("run", "--rm", *LOCKED, "-v", f"{volume}:{folder}", image(name), "--version")
            docker("run", "--rm", *LOCKED, "--user", "4711:4711", "-v", f"{volume}:/volume", BASE, "touch", "/volume/written")


if __name__ == "__main__":
    unittest.main()
