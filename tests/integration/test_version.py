# SPDX-License-Identifier: Apache-2.0
"""Version and commit of the programs, and where the build gets the commit."""

import os
import re
import subprocess
import unittest

from harness import BIN, REPO, SyncHubTest, curl, device_rows, device_table

LIBRARIES = {
    "pusher": ["libcurl", "libmicrohttpd", "jansson", "libsodium", "libzstd", "libcrypto"],
    "puller": ["libcurl", "libmicrohttpd", "jansson", "hiredis", "libsodium", "libzstd", "libcrypto"],
    "receiver": ["libcurl", "libmicrohttpd", "jansson", "hiredis", "sqlite", "libpq", "libsodium", "libzstd",
                 "libcrypto"],
}


def cmake_version():
    return re.search(r"^project\(synchub VERSION (\d+\.\d+\.\d+) ",
                     (REPO / "CMakeLists.txt").read_text(), re.MULTILINE).group(1)


class Version(SyncHubTest):
    def test_version_names_commit_and_libraries(self):
        for name, libraries in LIBRARIES.items():
            first, second = self.run_program(name, {}, "--version", code=0).stdout.splitlines()
            self.assertRegex(first, rf"^synchub-{name} {re.escape(cmake_version())} "
                                    r"\(([0-9a-f]{12}|unknown)\)$")
            reported = dict(re.fullmatch(r"(\S+) (\d[\w.]*)(?: \(\S+\))?", library).groups()
                            for library in second.split(", "))
            self.assertEqual(sorted(reported), sorted(libraries))

    def test_version_lists_every_library_that_the_program_is_linked_with(self):
        for name, libraries in LIBRARIES.items():
            linked = subprocess.run(
                ["objdump", "-p", BIN / f"synchub-{name}"], capture_output=True, text=True,
                check=True).stdout
            linked = set(re.findall(r"NEEDED +(?:lib)?(\w+)\.so", linked))
            own = {library.removeprefix("lib") for library in libraries}
            base = {"c", "m", "pthread", "asan", "ubsan", "tsan", "gcc_s", "ssl",
                    "hiredis_ssl", "sqlite3"}
            base |= {word for word in linked if word.startswith("ld")}
            self.assertLessEqual(linked - base, own, name)

    def test_all_programs_have_the_metric_build_info(self):
        redis = self.redis()
        programs = [
            self.receiver(redis),
            self.program("puller", self.puller_settings(redis, ["http://127.0.0.1:1"],
                                                        SYNC_listen="127.0.0.1:0",
                                                        SYNC_RUN="schedule")),
            self.program("pusher", self.pusher_settings("", device_table(device_rows(1)),
                                                        SYNC_listen="127.0.0.1:0"))]
        for program in programs:
            version, commit = re.match(
                r"synchub-\w+ (\S+) \((\S+)\)",
                self.run_program(program.name, {}, "--version", code=0).stdout).groups()
            metrics = curl(program.url + "/metrics").text.splitlines()
            self.assertIn(f'synchub_build_info{{program="{program.name}",version="{version}",'
                          f'commit="{commit}"}} 1', metrics)
            self.assertIn("# TYPE synchub_build_info gauge", metrics)


class Commit(SyncHubTest):
    """cmake/commit.cmake, which runs in every build."""

    COMMIT = "0123456789abcdef0123456789abcdef01234567"
    OTHER = "fedcba9876543210fedcba9876543210fedcba98"

    def commit(self, source, given="", environment=""):
        header = self.folder / "generated" / "commit.h"
        subprocess.run(["cmake", f"-DSOURCE={source}", f"-DOUTPUT={header}", f"-DCOMMIT={given}",
                        "-P", REPO / "cmake" / "commit.cmake"], check=True,
                       env={**os.environ, "SYNCHUB_COMMIT": environment})
        return re.search(r'^#define SYNCHUB_COMMIT "(.*)"$', header.read_text(),
                         re.MULTILINE).group(1)

    def source(self, text):
        folder = self.folder / "source"
        (folder / "cmake").mkdir(parents=True, exist_ok=True)
        (folder / "cmake" / "commit.txt").write_text(text + "\n")
        return folder

    def git(self, folder, *arguments):
        return subprocess.run(
            ["git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.com",
             "-c", "commit.gpgsign=false", *arguments], capture_output=True, text=True,
            check=True).stdout.strip()

    def test_a_tarball_knows_its_commit(self):
        self.assertEqual(self.commit(self.source(self.COMMIT)), self.COMMIT[:12])

    def test_the_option_has_precedence_over_the_environment_and_that_over_the_file(self):
        source = self.source(self.COMMIT)
        self.assertEqual(self.commit(source, environment=self.OTHER), self.OTHER[:12])
        self.assertEqual(self.commit(source, "ABCDEF012345", self.OTHER), "abcdef012345")

    def test_without_git_and_file_the_commit_is_unknown(self):
        self.assertEqual(self.commit(self.source("$Format:%H$")), "unknown")
        self.assertEqual(self.commit(self.source(""), 'x"; evil'), "unknown")

    def test_a_work_tree_knows_its_commit_and_its_archive_too(self):
        source = self.source("$Format:%H$")
        (source / ".gitattributes").write_text((REPO / ".gitattributes").read_text())
        self.git(source, "init", "-q")
        self.git(source, "add", ".")
        self.git(source, "commit", "-q", "-m", "one")
        head = self.git(source, "rev-parse", "HEAD")
        self.assertEqual(self.commit(source), head[:12])
        archive = self.folder / "archive"
        archive.mkdir()
        self.git(source, "archive", "-o", str(self.folder / "a.tar"), "HEAD")
        subprocess.run(["tar", "-xf", self.folder / "a.tar", "-C", archive], check=True)
        self.assertEqual(self.commit(archive), head[:12])


if __name__ == "__main__":
    unittest.main()
