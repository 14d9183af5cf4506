# SPDX-License-Identifier: Apache-2.0
"""The programs of an older release, built from git's history."""

import pathlib
import subprocess

REPO = pathlib.Path(__file__).resolve().parents[2]
COMMITS = {"0.1.0": "f9e49a9e5011"}


class NoHistory(AssertionError):
    pass


def commit_of(version):
    """The release's commit: its tag, if there is one."""
    for name in (f"refs/tags/v{version}", COMMITS.get(version, "")):
        done = subprocess.run(["git", "-C", REPO, "rev-parse", "-q", "--verify", f"{name}^{{commit}}"],
                              capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.strip()
    raise NoHistory(f"the commit of {version} is not in this clone: get it by "
                    "`git fetch --unshallow --tags`, since old programs are built from it")


def build(version):
    """The folder with the programs of a release; built once, into build/releases."""
    commit = commit_of(version)
    folder = REPO / "build" / "releases" / commit
    programs = folder / "build" / "bin"
    if (folder / "done").exists():
        return programs
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(["git", "-C", REPO, "archive", commit], capture_output=True, check=True)
    subprocess.run(["tar", "-xf", "-", "-C", source], input=archive.stdout, check=True)
    for command in (["cmake", "-S", source, "-B", folder / "build", "-G", "Ninja",
                     "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DSYNCHUB_TESTS=OFF"],
                    ["cmake", "--build", folder / "build"]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"{version} does not build:\n{done.stdout[-3000:]}{done.stderr}")
    (folder / "done").touch()
    return programs
