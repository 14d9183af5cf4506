# SPDX-License-Identifier: Apache-2.0
"""Each image: its content and user."""

import unittest

from engine import BASE, LOCKED, PROGRAMS, build_images, docker, environment, image, inspect, unique
from harness import TOKEN

OVER_BASE_MAX = 60 * 1024 * 1024


class ImageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build_images()

    def test_each_is_at_most_60_mib_larger_than_its_base(self):
        base = inspect(BASE)["Size"]
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertLessEqual(inspect(image(program))["Size"] - base, OVER_BASE_MAX)

    def test_each_is_described_by_its_labels(self):
        for program in PROGRAMS:
            with self.subTest(program):
                labels = inspect(image(program))["Config"]["Labels"]
                self.assertEqual(labels["org.opencontainers.image.title"], f"Sync Hub {program}")
                self.assertEqual(labels["org.opencontainers.image.licenses"], "Apache-2.0")
                for name in ("description", "version", "revision", "base.name"):
                    self.assertTrue(labels[f"org.opencontainers.image.{name}"], name)

    def test_each_holds_its_program_and_nothing_to_build_with(self):
        for program in PROGRAMS:
            with self.subTest(program):
                files = docker("run", "--rm", "--user", "0", "--entrypoint", "find",
                               image(program), "/usr", "/etc", "(", "-type", "f",
                               "-o", "-type", "l", ")").stdout.split("\n")
                own = [path for path in files if "synchub" in path]
                self.assertEqual(own, [f"/usr/local/bin/synchub-{program}"])
                tools = (".h", ".a", "/gcc", "/cc", "/cmake")
                self.assertFalse([path for path in files if path.endswith(tools)])
                self.assertIn("/etc/ssl/certs/ca-certificates.crt", files)
                self.assertIn("/usr/share/zoneinfo/Europe/Berlin", files)
                redis = any("/libhiredis.so" in path for path in files)
                self.assertEqual(redis, program != "pusher")

    def test_each_runs_as_a_number_that_is_not_root_and_needs_no_shell(self):
        for program in PROGRAMS:
            with self.subTest(program):
                config = inspect(image(program))["Config"]
                self.assertEqual(config["User"], "65532:65532")
                self.assertEqual(config["Entrypoint"], [f"/usr/local/bin/synchub-{program}"])
                self.assertEqual(config["Healthcheck"]["Test"],
                                 ["CMD", f"/usr/local/bin/synchub-{program}", "healthcheck"])

    def test_each_runs_as_any_user_with_nothing_allowed(self):
        for program in PROGRAMS:
            with self.subTest(program):
                for user in ("65532", "20211:20211", "4711:0"):
                    output = docker("run", "--rm", *LOCKED, "--network", "none", "--user", user,
                                    *environment(), image(program), "--check-config").stdout
                    self.assertIn("SYNC_api_token=(hidden)", output)
                    self.assertNotIn(TOKEN, output)

    def test_each_without_settings_says_which_one_is_missing(self):
        for program in PROGRAMS:
            with self.subTest(program):
                done = docker("run", "--rm", *LOCKED, "--network", "none", image(program),
                              check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn("SYNC_api_token", done.stderr)

    def test_a_new_volume_can_be_written_by_any_user(self):
        for program, folder in (("receiver", "/data"), ("pusher", "/var/lib/synchub")):
            volume = unique("volume")
            docker("volume", "create", volume)
            self.addCleanup(docker, "volume", "rm", volume, check=False)
            docker("run", "--rm", *LOCKED, "--user", "4711:4711", "-v", f"{volume}:{folder}",
                   "--entrypoint", "touch", image(program), f"{folder}/written")


if __name__ == "__main__":
    unittest.main()
