# SPDX-License-Identifier: Apache-2.0
"""Checks changed files: the relevant part of ./dev lint, and the tests that are likely to be affected.

    ./dev check [--quick | --list] [FILE ...]

Without FILE, the files are those that differ from the last commit and those that git does not know
yet; if there are none, those of the last commit. --quick builds nothing and runs no test.

tests/unit mirrors the tree: libcommon/http/x.c is tested by the programs in tests/unit/libcommon/http.
tests/lint/touched.txt lists other tests that a change affects.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "tests" / "lint" / "touched.txt"
BUILD = "build/asan"
SOURCES = ("libcommon/", "pusher/", "puller/", "receiver/")
TIDIED = SOURCES + ("tests/unit/",)
PROGRAMS = ["synchub-pusher", "synchub-puller", "synchub-receiver", "wrong_clock"]
JOBS = str(os.cpu_count() or 1)


def read_table():
    """[(prefix of paths, [tests])], the longest prefix first. A line with a name that does not exist is an error, so
    that the table stays correct."""
    lines = []
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        prefix, *tests = line.split()
        if not (ROOT / prefix).exists() and not list(ROOT.glob(prefix + "*")):
            sys.exit(f"{TABLE}:{number}: there is no {prefix}")
        for test in tests:
            if not source_of(test):
                sys.exit(f"{TABLE}:{number}: there is no test {test}")
        lines.append((prefix, tests))
    return sorted(lines, key=lambda line: -len(line[0]))


def source_of(test):
    """The file of a unit test (test_x), a fuzzer (fuzz_x), or an integration test (x)."""
    if test.startswith("test_"):
        return next((ROOT / "tests").glob(f"*/**/{test}.c"), None)
    if test.startswith("fuzz_"):
        path = ROOT / "tests" / "fuzz" / f"{test}.c"
    else:
        path = ROOT / "tests" / "integration" / f"test_{test}.py"
    return path if path.exists() else None


def run_git(*arguments):
    output = subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return [name for name in output.stdout.decode().split("\0") if name]


def touched_files():
    files = run_git("diff", "--name-only", "-z", "HEAD") + run_git(
        "ls-files", "--others", "--exclude-standard", "-z")
    return files or run_git("diff", "--name-only", "-z", "HEAD~1", "HEAD")


def unit_tests_in(folder):
    return sorted(path.stem for path in folder.glob("test_*.c"))


def unit_tests_of(file):
    """The unit tests of a file's folder, or of the next folder above that has any."""
    path = pathlib.PurePosixPath(file)
    if file.startswith("tests/unit/"):
        if path.suffix == ".c":
            return [path.stem]
        if path.suffix == ".h":  # shared by tests
            return sorted(test.stem for test in (ROOT / "tests" / "unit").rglob("test_*.c")
                          if f'"{path.name}"' in test.read_text() or f"/{path.name}" in test.read_text())
        return []
    if not file.startswith(SOURCES):
        return []
    for folder in path.parents:
        tests = unit_tests_in(ROOT / "tests" / "unit" / folder)
        if tests:
            return tests
    return []


def tests_of(file, table):
    path = pathlib.PurePosixPath(file)
    tests = unit_tests_of(file)
    if file.startswith("tests/fuzz/corpus/"):
        tests.append("fuzz_" + path.parts[3])
    elif file.startswith("tests/integration/test_"):
        tests.append(path.stem.removeprefix("test_"))
    elif file.startswith(("tests/fuzz/fuzz_", "tests/faults/test_")):
        tests.append(path.stem)
    for prefix, more in table:
        if file.startswith(prefix):
            return tests + more
    return tests


def is_shell(file):
    with open(ROOT / file, "rb") as start:
        return re.match(rb"#!\s*(/usr/bin/env )?(/bin/)?(ba)?sh\b", start.readline(100)) is not None


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def run(self, what, command, tool=None):
        """Runs one check; skips it if the program `tool` is not installed, as may be the case in the hook."""
        if tool and not shutil.which(tool):
            print(f"--- {what}: left out, {tool} is not installed")
            return True
        print(f"--- {what}", flush=True)
        begin = time.monotonic()
        good = subprocess.run(command, cwd=ROOT).returncode == 0
        self.passed += good
        self.failed += not good
        print(f"    {'passed' if good else 'FAILED'}, {time.monotonic() - begin:.1f} s", flush=True)
        return good


def quick_checks(checks, files):
    sources = [file for file in files if file.endswith((".c", ".h"))]
    if sources:
        checks.run("layout (clang-format)", ["clang-format", "--dry-run", "-Werror", *sources],
                   "clang-format")
    shells = [file for file in files if is_shell(file)]
    if shells:
        checks.run("shellcheck", ["shellcheck", *shells], "shellcheck")
    checks.run("rules of the house", ["tests/lint/rules"])
    checks.run("who includes whom", ["tests/lint/includes"])
    checks.run("size of functions and files", ["tests/lint/functions"])
    checks.run("one version", ["tests/lint/version"])
    checks.run("documents", ["python3", "-B", "tests/lint/documents.py"])


def tidy(checks, files):
    """Runs clang-tidy on changed sources; for a header, on the source with the same name."""
    sources = {re.sub(r"\.h$", ".c", file) for file in files if file.startswith(TIDIED)}
    sources = sorted(file for file in sources if file.endswith(".c") and (ROOT / file).exists())
    if sources:
        arguments = ["--quiet", "--extra-arg=-Wno-unknown-warning-option"]
        checks.run("clang-tidy", ["sh", "-c", 'printf "%s\\n" "$@" | xargs -P ' + JOBS +
                                  f" -n 1 clang-tidy -p {BUILD} {' '.join(arguments)}", "tidy", *sources])


def tests_of_all(files, table):
    return sorted({test for file in files for test in tests_of(file, table) if source_of(test)})


def build_and_test(checks, files, table):
    tests = tests_of_all(files, table)
    ctests = [test for test in tests if test.startswith(("test_", "fuzz_"))]
    integration = [test for test in tests if test not in ctests]
    targets = ctests + (PROGRAMS if integration else [])
    compiled = any(file.startswith(SOURCES) for file in files)
    if not targets and not compiled:
        return
    if not checks.run("configure", ["cmake", "--preset", "asan", "--log-level=WARNING"]):
        return
    if not checks.run("build", ["cmake", "--build", "--preset", "asan", "--target",
                                *(targets or PROGRAMS), "--", "--quiet"]):
        return
    headers = [file for file in files if file.endswith(".h") and file.startswith(SOURCES)]
    if headers:
        checks.run("headers stand alone", ["tests/lint/headers", *headers])
    tidy(checks, files)
    if ctests:
        checks.run("unit tests", ["ctest", "--test-dir", BUILD, "-j", JOBS, "--output-on-failure",
                                  "-R", "^(" + "|".join(ctests) + ")$"])
    if integration:
        os.environ["SYNCHUB_BIN"] = str(ROOT / BUILD / "bin")
        checks.run("integration tests", ["tests/run_integration", *integration])


def main():
    parser = argparse.ArgumentParser(prog="./dev check", description="lint and test what was touched")
    parser.add_argument("--quick", action="store_true", help="build nothing and run no test")
    parser.add_argument("--table", action="store_true", help="only check tests/lint/touched.txt")
    parser.add_argument("--list", action="store_true", help="only print the tests that would run")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args()
    table = read_table()
    if options.table:
        return 0
    named = [os.path.relpath(file, ROOT) for file in options.files]
    files = [file for file in named or touched_files() if (ROOT / file).is_file()]
    if missing := set(named) - set(files):
        sys.exit(f"no such file: {', '.join(sorted(missing))}")
    if options.list:
        print("\n".join(tests_of_all(files, table)))
        return 0
    print(f"{len(files)} files: {' '.join(files[:8])}{' …' if len(files) > 8 else ''}")
    checks = Checks()
    quick_checks(checks, files)
    if not options.quick:
        build_and_test(checks, files, table)
    print(f"check: {checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
