# SPDX-License-Identifier: Apache-2.0
"""The machines of a reader of the documents: what they say is done there as it is written, with its ports, names and folders."""

import os
import re
import subprocess

from documented import documented
from harness import (BIN, KEY, POLL_BIN, READY_S, SANITIZER, TOKEN, SyncHubTest, clean_environment, device_table, wait_until)

PLACES = ("/data/", "/backup/")  # folders at the root, which the tests have in a folder of their own


class Site(SyncHubTest):
    """Machines of a reader: a network of its own, in which all ports are free and `hub` is a name, with an own
    /var/lib."""

    HOLD = """mount -t tmpfs tmpfs /var/lib; mkdir -p /var/lib/synchub; mount --bind "$1" /etc/hosts
        ip link set lo up; ip address add 10.0.3.7/32 dev lo; echo ready; exec sleep infinity"""

    def setUp(self):
        super().setUp()
        (self.folder / "hosts").write_text("127.0.0.1 localhost hub\n")
        root = os.geteuid() == 0
        self.holder = subprocess.Popen(
            ["unshare", *([] if root else ["--user", "--map-root-user"]), "--net", "--mount", "--", "sh", "-euc",
             self.HOLD, "sh", self.folder / "hosts"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.holder.stdout.close)
        self.addCleanup(self.holder.wait)
        self.addCleanup(self.holder.kill)
        self.assertEqual(self.holder.stdout.readline(), "ready\n")
        self.enter = ["nsenter", *([] if root else ["--user", "--preserve-credentials"]), "--net", "--mount",
                      f"--target={self.holder.pid}", "--"]
        self.secret = {"SYNC_api_token": TOKEN, "SYNC_encryption_key": KEY}
        self.environment = {}
        for name in PLACES:
            (self.folder / name.strip("/")).mkdir()

    def argv(self, script):
        """The command line of a script in the site, with the documents' folders and placeholders replaced."""
        for place in PLACES:
            script = re.sub(rf"(?<![\w/.]){place}", f"{self.folder}{place}", script)
        for name, value in self.secret.items():
            script = script.replace(f"{name}=…", f"{name}='{value}'")
        return [*self.enter, "bash", "-euo", "pipefail", "-c", f"cd {self.folder}\n{script}"]

    def variables(self, folder=BIN):
        return clean_environment({**self.environment, "PATH": f"{folder}:{os.environ['PATH']}"})

    def shell(self, script, codes=(0,)):
        """Runs a script until it ends; returns its output."""
        done = subprocess.run(self.argv(script), env=self.variables(), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=READY_S)
        said = f"$ {script}\n{done.stdout}{done.stderr}"
        self.assertIsNone(SANITIZER.search(done.stderr), said)
        self.assertIn(done.returncode, codes, said)
        return done.stdout

    def background(self, command, name):
        """Runs one program until the test ends; then it must exit with 0 after SIGTERM."""
        log = self.folder / f"{name}.log"
        command = re.sub(r"""^((?:\w+=(?:"[^"]*"|\S*) )*)""", r"\1exec ", command)
        with open(log, "wb") as out:
            process = subprocess.Popen(self.argv(command), env=self.variables(), stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=out)

        def stop():
            process.terminate()
            self.assertEqual(process.wait(READY_S), 0, log.read_text())
            self.assertIsNone(SANITIZER.search(log.read_text()), log.read_text())
        self.addCleanup(stop)
        return log, stop

    def wait_for(self, script, pattern, log=None):
        """Waits until a command succeeds with an output that matches."""
        def found():
            done = subprocess.run(self.argv(script), env=self.variables(POLL_BIN), stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=READY_S)
            return done.returncode == 0 and re.search(pattern, done.stdout)
        wait_until(found, f"'{pattern}' from {script}", details=lambda: log.read_text()[-3000:] if log else "")

    def export(self, commands):
        """Takes over what these commands export."""
        for command in commands:
            self.assertTrue(command.startswith("export "), command)
        output = self.shell("\n".join([*commands, "env -0"]))
        self.environment |= {name: value for name, _, value in (pair.partition("=") for pair in output.split("\0"))
                             if name.startswith("SYNC_")}

    def redis(self):
        server = documented("README.md", "redis-server --bind").commands()[0]
        log, _ = self.background(server, "redis")
        self.wait_for("redis-cli ping", "PONG", log)

    def hub(self, **settings):
        """The hub of README.md; its settings are those of the commands that follow."""
        self.redis()
        _, *exports, receiver = documented("README.md", "redis-server --bind").commands()
        self.export(exports)
        self.environment |= settings
        log, self.stop_hub = self.background(receiver, "receiver")
        self.wait_for("curl -sSf http://hub:20212/readyz", "", log)

    def write_table(self, name, rows):
        (self.folder / f"{name}.json").write_text(device_table(rows))
        (self.folder / f"{name}.plugins").mkdir(exist_ok=True)
        return {"SYNC_devices_file": f"{self.folder}/{name}.json", "SYNC_plugins_dir": f"{self.folder}/{name}.plugins"}

    def push(self, name, rows):
        """Another node's push."""
        settings = {"SYNC_hub_url": "http://hub:20212", "SYNC_node_name": name, "SYNC_devices": "True",
                    **self.write_table(name, rows)}
        assignments = " ".join(f"{key}='{value}'" for key, value in settings.items())
        self.shell(f"env -u SYNC_db {assignments} synchub-pusher --once")
