# SPDX-License-Identifier: Apache-2.0
"""Programs have asserts, optimisation and hardening in every configuration of the project: checks a small program
built with the same flags."""

import os
import platform
import re
import shutil
import subprocess
import unittest

from harness import REPO, SyncHubTest, long_test

X86 = platform.machine() in ("x86_64", "i686")
ARM = platform.machine() == "aarch64"


def dpkg_flags():
    """The flags that debhelper exports; without dpkg, those of Debian 12."""
    if shutil.which("dpkg-buildflags"):
        done = subprocess.run(["dpkg-buildflags", "--export=cmdline"], capture_output=True, text=True,
                              check=True)
        pairs = re.findall(r'(\w+)="([^"]*)"', done.stdout)
        return {name: value for name, value in pairs if name in ("CFLAGS", "CPPFLAGS", "LDFLAGS")}
    return {"CFLAGS": "-g -O2 -fstack-protector-strong -Wformat -Werror=format-security",
            "CPPFLAGS": "-Wdate-time -D_FORTIFY_SOURCE=2", "LDFLAGS": "-Wl,-z,relro"}


@long_test
class BuildFlags(SyncHubTest):
    def build(self, *options, **environment):
        """Builds the test program in this configuration, with the machine's compiler and generator."""
        if shutil.which("cmake") is None:
            raise AssertionError("cmake is not installed: apt-get install cmake")
        where = self.folder / f"build{len(list(self.folder.glob('build*')))}"
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("CFLAGS", "CPPFLAGS", "LDFLAGS", "CMAKE_BUILD_TYPE")}
        for command in (["cmake", "-S", str(REPO), "-B", str(where), "-DSYNCHUB_TESTS=OFF",
                         "-DSYNCHUB_FLAGS=ON", *options],
                        ["cmake", "--build", str(where), "--target", "synchub-flags"]):
            done = subprocess.run(command, env={**clean, **environment}, capture_output=True,
                                  text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertNotIn("warning:", done.stderr + done.stdout)
        return where / "bin" / "synchub-flags"

    def assert_hardened(self, program, fortified=True):
        done = subprocess.run([program], capture_output=True, text=True, check=True)
        self.assertIn("fortify 3, optimised" if fortified else "optimised", done.stdout)
        done = subprocess.run([program, "x"], capture_output=True, text=True)
        self.assertEqual(done.returncode, -6, "asserts are not compiled in")  # SIGABRT
        self.assertIn("argc == 1", done.stderr)
        symbols = subprocess.run(["nm", "-D", program], capture_output=True, text=True, check=True)
        self.assertIn("__stack_chk_fail", symbols.stdout)
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program], capture_output=True,
                              text=True, check=True).stdout
        if X86:
            function = code.partition("<use_stack>:")[2].partition("\n\n")[0]
            self.assertRegex(function, r"or[ql]\s+\$0x0,")  # each page of the stack is touched
            main = code.partition("<main>:")[2].partition("\n\n")[0]
            self.assertRegex(main, r"endbr(64|32)")
        if ARM:
            self.assertRegex(code.partition("<main>:")[2].partition("\n\n")[0], r"paciasp|bti")
        dynamic = subprocess.run(["readelf", "-dW", program], capture_output=True, text=True,
                                 check=True).stdout
        self.assertRegex(dynamic, r"BIND_NOW|NOW")
        self.assertRegex(dynamic, r"FLAGS_1.*PIE")

    def test_a_plain_configuration(self):
        self.assert_hardened(self.build())

    def test_cmake_s_release(self):
        self.assert_hardened(self.build("-DCMAKE_BUILD_TYPE=Release"))
        self.assert_hardened(self.build("-DCMAKE_BUILD_TYPE=MinSizeRel"))

    def test_a_packager_s_own_flags(self):
        flags = dpkg_flags()
        flags["CFLAGS"] += " " + flags.pop("CPPFLAGS", "")  # as debhelper does for CMake
        self.assert_hardened(self.build("-DCMAKE_BUILD_TYPE=None", **flags))

    def test_weaker_or_opposite_flags(self):
        self.assert_hardened(self.build("-DCMAKE_BUILD_TYPE=None"))
        self.assert_hardened(self.build(CFLAGS="-g -DNDEBUG -fno-stack-protector"))


if __name__ == "__main__":
    unittest.main()
