# SPDX-License-Identifier: Apache-2.0
"""Developer tools: ./dev asks before it installs packages, and the hook checks the staged files."""

import errno
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import REPO, long_test


def run(command, folder, **environment):
    return subprocess.run(command, cwd=folder, env=os.environ | environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def read_terminal(terminal):
    """What was written to a pseudo-terminal, until the last process that has it open closes it."""
    written = b""
    while True:
        try:
            written += os.read(terminal, 4096)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return written.decode()


class DevTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="synchub-dev-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def stub(self, name, script):
        path = self.folder / name
        path.write_text("#!/bin/sh\n" + script + "\n")
        path.chmod(0o755)

    def install(self, *arguments, uid):
        """Runs `./dev … install run` on a machine without the packages; sudo and apt-get only print that they were
        called."""
        self.stub("dpkg-query", "echo none")
        self.stub("apt-cache", "exit 0")
        self.stub("apt-get", 'echo "called: apt-get $*"')
        self.stub("sudo", 'echo "called: sudo $*"')
        self.stub("id", f"echo {uid}")
        return run(["./dev", *arguments, "install", "run"], REPO,
                   PATH=f"{self.folder}:{os.environ['PATH']}", SYNCHUB_DEV_YES="")

    def test_sudo_is_not_used_without_consent(self):
        output = self.install(uid=1000)
        self.assertEqual(output.returncode, 1, output.stdout)
        self.assertIn("sudo apt-get install --no-install-recommends redis-server redis-tools",
                      output.stdout)
        self.assertIn("--yes", output.stdout)
        self.assertNotIn("called:", output.stdout)

    def test_packages_are_named_before_sudo_is_used(self):
        output = self.install("--yes", uid=1000)
        self.assertEqual(output.returncode, 0, output.stdout)
        named, called = output.stdout.split("called:", 1)
        self.assertIn("sudo apt-get install --no-install-recommends redis-server redis-tools", named)
        self.assertIn("sudo", called)

    def test_root_needs_no_consent_without_a_terminal(self):
        output = self.install(uid=0)
        self.assertEqual(output.returncode, 0, output.stdout)
        self.assertIn("called: apt-get", output.stdout)
        self.assertNotIn("sudo", output.stdout)

    def test_answering_no_installs_nothing(self):
        for name in ("dpkg-query", "apt-cache"):
            self.stub(name, "echo none")
        self.stub("apt-get", "echo called: apt-get")
        terminal, other = os.openpty()
        self.addCleanup(os.close, terminal)
        os.write(terminal, b"n\n")
        dev = subprocess.Popen(
            ["./dev", "install", "run"], cwd=REPO, stdin=other, stdout=other, stderr=other,
            env=os.environ | {"PATH": f"{self.folder}:{os.environ['PATH']}", "SYNCHUB_DEV_YES": ""})
        os.close(other)
        text = read_terminal(terminal)
        self.assertEqual(dev.wait(), 1, text)
        self.assertIn("Install them now?", text)
        self.assertNotIn("called:", text)

    @long_test
    def test_the_hook_checks_what_is_staged_and_nothing_else(self):
        tree = self.folder / "tree"
        shutil.copytree(REPO, tree, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"),
                        symlinks=True)

        def git(*arguments):
            return run(["git", "-c", "user.name=T", "-c", "user.email=t@example.com", *arguments], tree,
                       TMPDIR=str(self.folder))

        git("init", "-q")
        self.assertEqual(run(["./dev", "hooks"], tree, SYNCHUB_DEV_YES="").returncode, 0)
        git("add", "-A")
        done = git("commit", "-q", "--no-verify", "-m", "all of it")
        self.assertEqual(done.returncode, 0, done.stdout)

        source = tree / "libcommon" / "base" / "clock.c"
        good = source.read_text()
        source.write_text(good + "int bad; \n")
        git("add", "-A")
        source.write_text(good)  # only the staged file is bad
        done = git("commit", "-q", "-m", "bad")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("clock.c", done.stdout)

        git("add", "-A")
        (tree / "README.md").write_text("more \n")
        git("add", "README.md")
        git("reset", "-q", "README.md")  # bad, but not staged
        (tree / "docs" / "new.md").write_text("# New\n")
        git("add", "docs/new.md")
        done = git("commit", "-q", "-m", "good")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(list(self.folder.glob("synchub-commit.*")), [])

    def offences(self, check, planted):
        """What a check in tests/lint prints for a copy of the tree in which texts are appended to files."""
        tree = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        for top in ("libcommon", "pusher", "puller", "receiver", "tests/lint"):
            shutil.copytree(REPO / top, tree / top)
        for name, text in planted.items():
            with (tree / name).open("a") as file:
                file.write(text)
        done = run([str(tree / "tests" / "lint" / check)], tree)
        self.assertEqual(done.returncode, 1 if done.stdout else 0)
        return done.stdout

    def test_an_upward_include_or_a_cycle_is_found(self):
        self.assertEqual(self.offences("includes", {}), "")
        for upward in ('#include "libcommon/http/url.h"', "#  include <libcommon/http/url.h>"):
            self.assertIn("libcommon/base may not include libcommon/http/url.h",
                          self.offences("includes", {"libcommon/base/text.h": upward + "\n"}))
        self.assertIn("puller may not include pusher/push.h",
                      self.offences("includes", {"puller/pull_nodes.c": '#include "pusher/push.h"\n'}))
        self.assertIn("may not include ../http/url.h",
                      self.offences("includes", {"libcommon/base/text.c": '#include "../http/url.h"\n'}))
        cycle = {"libcommon/base/hex.c": '#include "libcommon/base/metrics.h"\n',
                 "libcommon/base/metrics.h": '#include "libcommon/base/percent.h"\n',
                 "libcommon/base/percent.h": '#include "libcommon/base/hex.h"\n'}
        found = self.offences("includes", cycle)
        self.assertIn("include each other", found)
        for module in ("hex", "metrics", "percent"):
            self.assertIn(f"libcommon/base/{module}", found)

    def test_a_large_function_or_file_is_found(self):
        self.assertEqual(self.offences("functions", {}), "")
        name = "libcommon/base/hex.c"
        wide = "\nint planted(int a, int b, int c,\n            int d, int e, int f)\n{\n    return a;\n}\n"
        self.assertIn("planted() takes 6 parameters", self.offences("functions", {name: wide}))
        long = "\nint planted(int a, int b, int c, int d, int e, sh_error *error)\n{\n" + "    a++;\n" * 61 + "}\n"
        found = self.offences("functions", {name: long})
        self.assertIn("planted() has 61 lines", found)
        self.assertNotIn("parameters", found)
        reason = "\n/* NOLINTNEXTLINE(readability-function-size): a library's callback */"
        found = self.offences("functions", {name: reason + wide + "\n" * 400})
        self.assertNotIn("planted", found)
        self.assertIn("lines, 400 are allowed", found)

    def test_each_changed_file_selects_its_tests(self):
        done = run(["python3", "-B", "tests/lint/check.py", "--table"], REPO)
        self.assertEqual(done.returncode, 0, done.stdout)
        done = run(["python3", "-B", "tests/lint/check.py", "--list", "libcommon/http/url.c",
                    "libcommon/queue/redis_tls.c", "tests/integration/test_smoke.py"], REPO)
        self.assertEqual(done.returncode, 0, done.stdout)
        for test in ("test_url", "test_http_server", "fuzz_url", "test_queue_put", "redis_tls", "smoke"):
            self.assertIn(test, done.stdout.split())


if __name__ == "__main__":
    unittest.main()
