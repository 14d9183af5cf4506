# SPDX-License-Identifier: Apache-2.0
"""The Docker engine, through its command line, and a project of Docker Compose."""

import functools
import io
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import uuid

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests" / "integration"))

from documented import documented  # noqa: E402
from harness import KEY, TOKEN  # noqa: E402

# Docker Compose 2 asks for BuildKit, which has a cache of its own, and would build the small pusher's libraries again.
os.environ["DOCKER_BUILDKIT"] = "0"

PROGRAMS = ("pusher", "puller", "receiver")
IMAGES = (*PROGRAMS, "pusher-tls")
BASE = "debian:trixie-slim"
VERSION = "test"  # the tag of the images that are tested
STOP_S = 10       # time limit for stopping every program
UNIT_S = 300      # time limit of a command other than a build

# How docs/install.md, compose files and manifests restrict a container.
LOCKED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true")


class Failed(AssertionError):
    """A command failed; the message is its output."""


def run(*command, check=True, timeout=UNIT_S, **more):
    """Runs a command and returns its output; checks the exit code unless the test does."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=timeout, **more)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: exit {done.returncode}\n"
                     f"{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def docker(*arguments, **more):
    return run("docker", *arguments, **more)


def image(name):
    return f"synchub-{name}:{VERSION}"


def program_of(name):
    """The program of an image."""
    return f"synchub-{name.removesuffix('-tls')}"


@functools.cache
def build_images():
    """Builds all images as documented, once in each run; the engine caches unchanged parts."""
    [command] = documented("docs/install.md", "docker build").commands()
    for name in IMAGES:
        words = shlex.split(command)
        words[words.index("--target") + 1] = name
        words[words.index("-t") + 1] = image(name)
        run(*words, cwd=REPO, timeout=1800)


def content(name):
    """The files of an image, which has no program to list them: {path: tarfile.TarInfo}."""
    container = docker("create", image(name)).stdout.strip()
    try:
        with tempfile.TemporaryFile() as archive:
            subprocess.run(["docker", "export", container], stdout=archive, check=True, timeout=UNIT_S)
            archive.seek(0)
            with tarfile.open(fileobj=archive) as tar:
                return {f"/{member.name.rstrip('/')}": member for member in tar}
    finally:
        docker("rm", container)


def read(name, path):
    """The content of a file of an image."""
    container = docker("create", image(name)).stdout.strip()
    try:
        done = subprocess.run(["docker", "cp", "-L", f"{container}:{path}", "-"], capture_output=True, check=True, timeout=UNIT_S)
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
            return tar.extractfile(tar.next()).read()
    finally:
        docker("rm", container)


def inspect(name):
    return json.loads(docker("inspect", name).stdout)[0]


def unique(name):
    return f"synchub-test-{name}-{uuid.uuid4().hex[:8]}"


def health(container):
    return inspect(container)["State"].get("Health", {}).get("Status", "none")


def logs(container):
    done = docker("logs", container, check=False)
    return done.stdout + done.stderr


def environment(**more):
    """Options for docker run with which every program starts."""
    settings = {
        "SYNC_api_token": TOKEN,
        "SYNC_encryption_key": KEY,
        "SYNC_node_name": "node",
        "SYNC_hub_url": "http://hub.invalid:20212",
        "SYNC_devices": "True",
        "SYNC_nodes": "http://node.invalid:20212",
        **more,
    }
    for name, value in settings.items():
        yield from ("-e", f"{name}={value}")


@functools.cache
def compose_commands():
    """The Docker Compose that this machine has, by major version; tests/containers/compose2 fetches the second."""
    found = {}
    for command in (["docker", "compose"], ["docker-compose"], [str(REPO / "build" / "compose2" / "docker-compose")]):
        if shutil.which(command[0]):
            done = run(*command, "version", "--short", check=False)
            if done.returncode == 0:
                found.setdefault(int(done.stdout.strip().removeprefix("v").split(".")[0]), command)
    return found


def newest_compose():
    return compose_commands()[max(compose_commands())]


def write_env(folder, values):
    """Edits .env.example line by line into .env; every value must have a line there."""
    lines = (folder / ".env.example").read_text().splitlines()
    for name, value in values.items():
        found = [i for i, line in enumerate(lines)
                 if line.removeprefix("#").startswith(f"{name}=")]
        if len(found) != 1:
            raise Failed(f".env.example has {len(found)} lines for {name}")
        lines[found[0]] = f"{name}={value}"
    env = folder / ".env"
    env.write_text("\n".join(lines) + "\n")
    env.chmod(0o644)


class Project:
    """A copy of docker/ with a .env of its own, as a user would have it, and its containers. compose_files: names, with
    a space between; compose: the command."""

    def __init__(self, folder, compose_files, values, override=None, compose=None):
        self.compose = compose or newest_compose()
        self.name = unique("compose").replace("-", "")
        self.folder = pathlib.Path(folder) / self.name
        shutil.copytree(REPO / "docker", self.folder, ignore=shutil.ignore_patterns(".env"))
        # As in .env.example: the folder is private to its owner, the container can read the file.
        self.folder.chmod(0o700)
        self.write_env(values)
        self.files = [word for file in compose_files.split() for word in ("-f", self.folder / file)]
        if override:
            (self.folder / "override.yaml").write_text(override)
            self.files += ["-f", self.folder / "override.yaml"]

    def write_env(self, values):
        write_env(self.folder, values)

    def __call__(self, *arguments, **more):
        return run(*self.compose, "-p", self.name, *self.files, *arguments,
                   cwd=self.folder, **more)

    def container(self, service):
        found = self("ps", "-q", service).stdout.split()
        if len(found) != 1:
            raise Failed(f"{len(found)} containers of {service}: {self('ps', '-a').stdout}")
        return found[0]

    def details(self):
        return self("ps").stdout + self("logs", "--no-color", "--tail", "40").stdout

    def end(self):
        self("down", "-v", "--remove-orphans", "-t", STOP_S, check=False)
        # Compose stops at the first volume that is still in use.
        label = f"label=com.docker.compose.project={self.name}"
        for volume in docker("volume", "ls", "-q", "--filter", label).stdout.split():
            docker("volume", "rm", volume, check=False)
