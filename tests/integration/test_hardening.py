# SPDX-License-Identifier: Apache-2.0
"""How the programs are linked, and what other processes can read of them."""

import os
import pathlib
import subprocess
import unittest

from harness import BIN, KEY, READY_S, TOKEN, SyncHubTest

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

    def test_libc_s_calls_are_checked_and_none_changes_the_user(self):
        for name in PROGRAMS:
            names = readelf(name, "-s")
            self.assertNotRegex(names, r"\s(set[ug]id|setre[su][ug]id|setres[ug]id|setgroups)@")
            if b"__asan_init" not in (BIN / f"synchub-{name}").read_bytes():  # it has its own checks
                self.assertRegex(names, r"__(vsnprintf|snprintf|memcpy|read)_chk@")


class AtWork(SyncHubTest):
    def test_secrets_are_in_no_argument_and_no_core_file(self):
        redis = self.redis()
        listening = {"SYNC_listen": "127.0.0.1:0"}
        programs = [self.receiver(redis),
                    self.program("pusher", self.pusher_settings("", **listening)),
                    self.program("puller", self.puller_settings(
                        redis, ["http://127.0.0.1:1"], **listening))]
        for program in programs:
            self.assertNotEqual(program.port, 0)  # it has read its settings
            proc = pathlib.Path(f"/proc/{program.pid}")
            arguments = (proc / "cmdline").read_bytes()
            for secret in (TOKEN, KEY):
                self.assertNotIn(secret.encode(), arguments)
            self.assertRegex((proc / "limits").read_text(), r"Max core file size\s+0\s+0\s")

    def test_any_uid_works(self):
        redis = self.redis()
        self.folder.chmod(0o777)
        settings = self.receiver_settings(redis)
        environment = {"PATH": os.environ["PATH"], "TZ": "UTC",
                       **{name: str(value) for name, value in settings.items()}}
        log = open(self.folder / "other.log", "wb")
        self.addCleanup(log.close)
        # Without root the tests already run as an ordinary user.
        other = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"]
        if os.geteuid() != 0:
            other = []
        child = subprocess.Popen(
            [*other, str(BIN / "synchub-receiver"), "--once"], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, env=environment, cwd=self.folder)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.assertEqual(child.wait(READY_S), 0, (self.folder / "other.log").read_text())


if __name__ == "__main__":
    unittest.main()
