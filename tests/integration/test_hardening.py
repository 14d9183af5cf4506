# SPDX-License-Identifier: Apache-2.0
"""How the programs are linked, and what the system lets others see of them."""

import os
import pathlib
import subprocess
import unittest

from harness import BIN, KEY, TOKEN, SyncHubTest

PROGRAMS = ("pusher", "puller", "receiver")


def readelf(name, *options):
    return subprocess.run(["readelf", "-W", *options, str(BIN / f"synchub-{name}")],
                          capture_output=True, text=True, check=True).stdout


class Linking(SyncHubTest):
    def test_programs_are_position_independent_and_bound_at_start(self):
        for name in PROGRAMS:
            self.assertRegex(readelf(name, "-h"), r"Type:\s+DYN")
            self.assertRegex(readelf(name, "-d"), r"FLAGS.*(BIND_NOW|NOW)")
            self.assertRegex(readelf(name, "-d"), r"FLAGS_1.*PIE")

    def test_relocations_are_read_only_and_no_stack_is_executable(self):
        for name in PROGRAMS:
            segments = readelf(name, "-l")
            self.assertIn("GNU_RELRO", segments)
            self.assertRegex(segments, r"GNU_STACK\s.*\sRW\s")

    def test_stacks_are_guarded(self):
        for name in PROGRAMS:
            self.assertIn("__stack_chk_fail", readelf(name, "-s"))


class AtWork(SyncHubTest):
    def test_secrets_are_in_no_argument_and_no_core_file(self):
        program = self.receiver(self.redis())
        proc = pathlib.Path(f"/proc/{program.pid}")
        arguments = (proc / "cmdline").read_bytes()
        for secret in (TOKEN, KEY):
            self.assertNotIn(secret.encode(), arguments)
        self.assertRegex((proc / "limits").read_text(), r"Max core file size\s+0\s+0\s")

    def test_any_uid_will_do(self):
        redis = self.redis()
        self.folder.chmod(0o777)
        settings = self.receiver_settings(redis)
        environment = {"PATH": os.environ["PATH"], "TZ": "UTC",
                       **{name: str(value) for name, value in settings.items()}}
        log = open(self.folder / "other.log", "wb")
        self.addCleanup(log.close)
        # Who is not root is a plain user already.
        other = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"]
        if os.geteuid() != 0:
            other = []
        child = subprocess.Popen(
            [*other, str(BIN / "synchub-receiver"), "--once"], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, env=environment, cwd=self.folder)
        self.assertEqual(child.wait(60), 0, (self.folder / "other.log").read_text())


if __name__ == "__main__":
    unittest.main()
