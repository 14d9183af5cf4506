# SPDX-License-Identifier: Apache-2.0
"""Each image: its content and user."""

import gzip
import hashlib
import json
import pathlib
import re
import shutil
import tarfile
import tempfile
import time
import unittest

from engine import (BASE, IMAGES, LOCKED, REPO, build_images, content, docker, environment, image, inspect, program_of, read,
                    run, unique)
from documented import documented  # in tests/integration, which engine.py adds to the path
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


class Built(unittest.TestCase):
    """packaging/images, for this machine's platform and with the libraries that build_images() has compiled: CI cannot afford
    more. `./dev test-images` runs the documented command as it is, and the images of all platforms."""

    @classmethod
    def setUpClass(cls):
        build_images()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.version = re.search(r"^project\(synchub VERSION ([0-9.]+) ", (REPO / "CMakeLists.txt").read_text(), re.MULTILINE)[1]
        cls.machine = docker("version", "-f", "{{.Server.Os}}/{{.Server.Arch}}").stdout.strip()
        cls.arch = cls.machine.removeprefix("linux/")
        text = documented("docs/install.md", "./dev images --platform").text
        command, count = re.subn(r"--platform (\S+)", f"--platform {cls.machine} --save {cls.folder}", text)
        assert count == 1 and cls.machine in text, text
        cls.output = run("bash", "-euc", command, cwd=REPO, timeout=1800).stdout

    def test_the_documented_command_builds_the_pusher_with_its_tags_and_labels(self):
        seen = inspect(f"synchub-pusher:{self.version}-{self.arch}")
        self.assertIn(f"synchub-pusher:{self.version}-{self.arch} {self.machine} {seen['Size']} bytes", self.output)
        self.assertLessEqual(seen["Size"], SIZE_MAX["pusher"])
        labels = seen["Config"]["Labels"]
        self.assertEqual(labels["org.opencontainers.image.version"], self.version)
        commit = labels["org.opencontainers.image.revision"]
        self.assertRegex(commit, "^[0-9a-f]{40}$")
        self.assertEqual(labels["org.opencontainers.image.created"], seen["Created"])
        short = commit[:12] + ("-modified" if labels["synchub.build.tree"] == "modified" else "")
        for tag in (self.version, f"{self.version}-{short}", f"{self.version}-{short}-{self.arch}"):
            self.assertEqual(inspect(f"synchub-pusher:{tag}")["Id"], seen["Id"])
        output = docker("run", "--rm", *LOCKED, f"synchub-pusher:{self.version}", "--version").stdout
        self.assertTrue(output.startswith(f"synchub-pusher {self.version} ({commit[:12]})"), output)

    def test_an_archive_is_that_image_whatever_the_builder_noted(self):
        archives = list(self.folder.glob("*"))
        self.assertEqual([path.name for path in archives], [f"synchub-pusher-{self.version}-{self.arch}.image.tar.gz"])
        identity = inspect(f"synchub-pusher:{self.version}")["Id"]
        with gzip.open(archives[0]) as compressed, open(self.folder / "archive", "wb") as output:
            shutil.copyfileobj(compressed, output)
        self.addCleanup((self.folder / "archive").unlink)
        with tarfile.open(self.folder / "archive") as tar:
            self.assertIn(f"{identity.removeprefix('sha256:')}.json", tar.getnames())
            self.assertEqual(len({member.mtime for member in tar}), 1)
        loaded = docker("load", "-i", archives[0]).stdout
        self.assertIn(f"synchub-pusher:{self.version}", loaded)
        self.assertEqual(inspect(f"synchub-pusher:{self.version}")["Id"], identity)

    def test_files_of_an_image_have_the_time_of_its_commit(self):
        container = docker("create", f"synchub-pusher:{self.version}").stdout.strip()
        self.addCleanup(docker, "rm", container)
        created = inspect(f"synchub-pusher:{self.version}")["Created"]
        run("bash", "-euo", "pipefail", "-c", f"docker export {container} >{self.folder}/root")
        self.addCleanup((self.folder / "root").unlink)
        with tarfile.open(self.folder / "root") as tar:
            times = {member.mtime for member in tar if not member.isdir()
                     and not member.name.startswith("dev/") and f"/{member.name}" not in OF_THE_ENGINE}
        self.assertEqual({time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) for seconds in times}, {created})

    def test_an_option_that_is_wrong_is_refused(self):
        for words, said in ((["--platform"], "--platform needs a value"), (["--platform", "linux/mips"], "no platform"),
                            (["--fast"], "no option '--fast'")):
            done = run(REPO / "packaging" / "images", *words, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()
