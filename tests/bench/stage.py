# SPDX-License-Identifier: Apache-2.0
"""The environment of benchmarks: folders on a real disk, Redis, the programs and their cost."""

import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests" / "integration"))

from harness import (BIN, READY_S, Program, Redis, clean_environment, free_port, get_status, poll_until,  # noqa: E402
                     wait_until)

TOKEN = "token-of-the-bench"
PASSPHRASE = "a passphrase of the bench"
TICKS = os.sysconf("SC_CLK_TCK")
CLOCK_OF_PROCESS = 2  # with the complement of its id: clock_getcpuclockid(3), which Python does not have
TOOL_SECONDS_MAX = 120
SHARED_MEMORY = pathlib.Path("/dev/shm")  # the nodes' disks: their writes must not cause waits


def tool(command, timeout_s=TOOL_SECONDS_MAX, **arguments):
    """Runs a subcommand of synchub-bench; its NAME=VALUE words as a dict of numbers."""
    words = [str(BIN / "synchub-bench"), command] + [f"{k}={v}" for k, v in arguments.items()]
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout_s)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    return {k: float(v) for k, v in re.findall(r"(\w+)=([0-9.]+)", done.stdout)}


def cpu_seconds(pid, ended_children=False):
    """CPU time used by a process so far, user and system, of all its threads; and of its children that have ended.
    Not in ticks of 10 ms, of which a short run takes none."""
    own = time.clock_gettime(~pid << 3 | CLOCK_OF_PROCESS)
    if not ended_children:
        return own
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return own + sum(int(field) for field in fields[13:15]) / TICKS


def memory_bytes(pid, field):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", text).group(1)) * 1024


def peak_bytes(pid):
    """VmHWM: the peak memory of a process."""
    return memory_bytes(pid, "VmHWM")


def rest_bytes(pid):
    """VmRSS: what a process has in memory now, shared pages included."""
    return memory_bytes(pid, "VmRSS")


def shared_bytes(pid):
    """PSS: as VmRSS, but of a page that n processes share only 1/n."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE).group(1)) * 1024


class Stage:
    """The environment of a hub: a folder, a Redis with the shipped settings, programs that end with it."""

    def __init__(self, root):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stage-", dir=root))
        self.programs = []
        self.nodes = pathlib.Path(tempfile.mkdtemp(
            prefix="nodes-", dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else root))
        self.redis = Redis(self.folder / "redis")
        self.redis.publish_no_credentials()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        try:
            for program in reversed(self.programs):
                program.stop()
        finally:
            self.redis.stop()
            shutil.rmtree(self.folder, ignore_errors=True)
            shutil.rmtree(self.nodes, ignore_errors=True)

    @property
    def db(self):
        return self.folder / "hub.db"

    def start(self, name, *arguments, **settings):
        """Starts one of our programs with the common settings."""
        everything = {"SYNC_api_token": TOKEN, "SYNC_encryption_key": PASSPHRASE,
                      "SYNC_redis_url": self.redis.url, "SYNC_db": self.db}
        everything.update(settings)
        wanted = {k: v for k, v in everything.items()
                  if name != "pusher" or k not in ("SYNC_redis_url", "SYNC_db")}
        program = Program(name, wanted, self.folder, *arguments)
        self.programs.append(program)
        return program

    def receiver(self, role="all", **settings):
        return self.start("receiver", SYNC_receiver_role=role, SYNC_listen="127.0.0.1:0",
                          **settings).wait_ready()

    def make_app_db(self):
        """A NetAlertX hub's database, and the folder of its plugins' results."""
        path = self.folder / "app.db"
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript((REPO / "tests" / "fixtures" / "netalertx_hub.sql").read_text())
        connection.close()
        out = self.folder / "plugins"
        out.mkdir(exist_ok=True)
        return path, out

    def make_database(self):
        """Creates a database as the hub does."""
        self.start("receiver", "--once", SYNC_receiver_role="merge").wait()
        self.programs.pop()

    def stop(self, program):
        self.programs.remove(program)
        program.stop()

    def empty(self):
        """Empties Redis, including its file."""
        self.redis.cli("FLUSHALL")
        self.redis.publish_no_credentials()

    def merge_queue(self, **settings):
        """Runs a receiver that merges until the queue is empty; (seconds, its peak RSS). Its start,
        with the derivation of the key, is not counted."""
        self.redis.cli("XGROUP", "DESTROY", "synchub:ingest", "receivers")
        merger = self.start("receiver", SYNC_receiver_role="merge", SYNC_listen="127.0.0.1:0", **settings)
        seconds = tool("wait-merged", redis=self.redis.url)["seconds"]
        peak = peak_bytes(merger.pid)
        self.merge_cpu_seconds = cpu_seconds(merger.pid)  # its start included
        self.stop(merger)
        if self.redis.dead() != 0:
            raise RuntimeError("tables went to the dead letters")
        return seconds, peak


class Webdis:
    """webdis, which passes the body of a request to a Redis command: another program's cost of a push."""

    def __init__(self, folder, redis):
        if shutil.which("webdis") is None:
            raise RuntimeError("webdis is not installed: apt-get install webdis")
        self.port = free_port()
        path = folder / "webdis.json"
        path.write_text(json.dumps({
            "redis_host": "127.0.0.1", "redis_port": redis.port, "http_host": "127.0.0.1", "http_port": self.port,
            "threads": os.cpu_count(), "daemonize": False, "database": 0, "verbosity": 0,
            "logfile": str(folder / "webdis.log")}))
        self.process = subprocess.Popen(["webdis", str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env=clean_environment({}))
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        try:
            wait_until(lambda: get_status(self.url + "/PING") == 200, "webdis to answer")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()


class LockProbe:
    """Watches the write lock of a SQLite database from another process (lock_probe.py)."""

    def __init__(self, mode, db):
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(REPO / "tests" / "bench" / "lock_probe.py"), mode, str(db)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment({}))
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the lock probe does not start")

    def end(self):
        """Returns its results."""
        text, _ = self.process.communicate("", TOOL_SECONDS_MAX)
        if self.process.returncode != 0:
            raise RuntimeError(f"the lock probe failed: {text}")
        return {k: float(v) for k, v in re.findall(r"(\w+)=([0-9.]+)", text)}


class Tool:
    """A subcommand of synchub-bench that serves until it is ended."""

    def __init__(self, command, **arguments):
        words = [str(BIN / "synchub-bench"), command] + [f"{k}={v}" for k, v in arguments.items()]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True,
                                        env=clean_environment({}))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait(READY_S)
        self.process.stdout.close()

    def lines_until(self, pattern):
        """Returns its output up to the matching line."""
        lines = []
        for line in self.process.stdout:
            lines.append(line.strip())
            if re.search(pattern, line):
                return lines
        raise RuntimeError(f"it ended before it said {pattern}: {lines}")


__all__ = ["BIN", "LockProbe", "PASSPHRASE", "REPO", "Stage", "TOKEN", "Tool", "cpu_seconds", "peak_bytes",
           "poll_until", "tool", "wait_until"]
