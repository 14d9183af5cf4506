# SPDX-License-Identifier: Apache-2.0
"""Containers that behave like machines: systemd is their first process, and they can be rebooted."""

import functools
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import uuid

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests" / "integration"))

import harness  # noqa: E402

PACKAGES = REPO / "build" / "packages"
WAIT_S = 120
KILLED = "137"  # the exit code of what Docker killed

# Not --privileged, which fails if the engine itself lacks a capability.
OPTIONS = ["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--security-opt", "seccomp=unconfined",
           "--security-opt", "apparmor=unconfined", "--cgroupns", "private",
           "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec",
           "--stop-signal", "SIGRTMIN+3"]  # systemd's for a shutdown; it would not end at SIGTERM

# systemd 256 and later require the unified hierarchy, which older hosts mount elsewhere.
START = """
mount --make-rshared /
umount -R /sys/fs/cgroup
mount -o remount,rw /sys
mount -t cgroup2 none /sys/fs/cgroup
exec env container=docker /sbin/init
"""

BASES = {"noble": "ubuntu:24.04"}

# All dependencies of the packages are available in the image, so that tests need no mirror, and so are apt's caches.
# dpkg asks nobody about a settings file that was edited: it takes what Enter would, the file as it is.
IMAGE = """
FROM {base}
RUN printf '%s\\n' force-unsafe-io force-confdef force-confold >/etc/dpkg/dpkg.cfg.d/tests && \
    rm -f /etc/apt/apt.conf.d/docker-clean /etc/apt/apt.conf.d/docker-gzip-indexes && \
    apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        systemd systemd-sysv apparmor bash-completion curl openssl procps sqlite3 && systemctl mask systemd-modules-load.service
COPY *.deb /packages/
RUN rm -f /packages/*dbgsym* && apt-get install -y --download-only /packages/*.deb redis-server
"""


class Failed(AssertionError):
    pass


def run(*command, check=True, timeout=600, stdin=None):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          errors="replace", timeout=timeout, input=stdin)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: exit {done.returncode}\n"
                     f"{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def docker(*arguments, **more):
    return run("docker", *arguments, **more)


@functools.cache
def image(suite):
    packages = sorted((PACKAGES / suite).glob("*.deb"))
    if not packages:
        raise Failed(f"there are no packages in {PACKAGES / suite}: ./dev package {suite}")
    name = f"synchub-machine:{suite}"
    with tempfile.TemporaryDirectory() as folder:
        for package in packages:
            shutil.copy(package, folder)
        (pathlib.Path(folder) / "Dockerfile").write_text(IMAGE.format(base=BASES.get(suite, f"debian:{suite}-slim")))
        docker("build", "-q", "-t", name, folder, timeout=1800)
    return name


def wait_until(condition, what, details=None):
    return harness.wait_until(condition, what, WAIT_S, details)


class Network:
    def __init__(self):
        self.name = f"synchub-packages-{uuid.uuid4().hex[:8]}"
        docker("network", "create", "--internal", self.name)

    def remove(self):
        docker("network", "rm", self.name, check=False)


class Machine:
    def __init__(self, suite, network, host):
        self.name = f"{network.name}-{host}"
        docker("run", "-d", "--name", self.name, "--hostname", host, "--network", network.name,
               "--network-alias", host, *OPTIONS, image(suite), "/bin/sh", "-c", START)
        self.wait_running()

    def remove(self):
        docker("rm", "-f", self.name, check=False)

    def sh(self, command, check=True, stdin=None):
        """A command in a login's environment."""
        return docker("exec", "-i", "-e", "DEBIAN_FRONTEND=noninteractive", self.name,
                      "/bin/sh", "-euc", command, check=check, stdin=stdin)

    def text(self, command):
        return self.sh(command).stdout.strip()

    def copy_in(self, source, path):
        """Copies a file of this machine, or a folder to a new one, there."""
        docker("cp", source, f"{self.name}:{path}")

    def wait_running(self):
        wait_until(lambda: self.sh("systemctl is-system-running", check=False).stdout.strip()
                   in ("running", "degraded"), "systemd to run",
                   details=lambda: docker("logs", self.name, check=False).stdout)

    def reboot(self):
        """Every unit is stopped first, in time."""
        docker("stop", "-t", WAIT_S, self.name)
        if docker("inspect", "-f", "{{.State.ExitCode}}", self.name).stdout.strip() == KILLED:
            raise Failed(f"{self.name} did not shut down within {WAIT_S} s")
        docker("start", self.name)
        self.wait_running()

    def cut_power(self):
        """No unit is stopped before the machine starts again."""
        docker("kill", self.name)
        docker("start", self.name)
        self.wait_running()

    def install(self, *packages):
        return self.sh(f"apt-get install -y {' '.join(packages)}")

    def run_documented(self, command, folder="/packages"):
        """A command of the documents, in the folder of the packages; apt asks nothing."""
        return self.sh(f"cd {folder}; " + re.sub(r"^apt (\w+)", r"apt \1 -y", command))

    def override(self, block):
        """Runs the commands of a block before `systemctl edit UNIT`, and does what that makes of the lines after it.
        Returns the unit."""
        edit = next(number for number, line in enumerate(block.lines) if line.startswith("systemctl edit "))
        for command in block.lines[:edit]:
            self.run_documented(command)
        unit = block.lines[edit].removeprefix("systemctl edit ")
        self.write(f"/etc/systemd/system/{unit}.service.d/override.conf", "\n".join(block.lines[edit + 1:]) + "\n")
        self.sh("systemctl daemon-reload")
        return unit

    def is_active(self, unit):
        return self.sh(f"systemctl is-active {unit}", check=False).stdout.strip() == "active"

    def wait_active(self, unit):
        wait_until(lambda: self.is_active(unit), f"{unit} to be active",
                   details=lambda: self.sh(f"systemctl status {unit}; journalctl -n 30 -u {unit}",
                                           check=False).stdout)

    def set(self, program, **settings):
        """Edits the settings file as a user would: changes an existing line."""
        path = f"/etc/synchub/{program}.env"
        for name, value in settings.items():
            self.sh(f"sed -i '/^#*{name}=/d' {path}; cat >>{path}", stdin=f'{name}="{value}"\n')

    def write(self, path, text):
        self.sh(f"mkdir -p $(dirname {path}); cat >{path}.new; mv {path}.new {path}", stdin=text)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        image(name)
