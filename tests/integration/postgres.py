# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL server for the integration tests, queried with its own psql."""

import contextlib
import fcntl
import glob
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile

from harness import READY_S, REPO, free_port, wait_until

USER = "synchub"
PASSWORD = "pa ss/word"  # must be percent-encoded in a URL


def find_programs():
    """The folder of the newest version's programs. Those in PATH are a Perl script that starts them."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not found:
        raise AssertionError("PostgreSQL is not installed: apt-get install postgresql")
    return pathlib.Path(found[-1]).parent


class Postgres:
    """A private server on 127.0.0.1. It refuses to run as root and then runs as postgres or nobody."""

    def __init__(self, durable=False):
        self.durable = durable  # as an operator's; tests are faster without
        self.programs = find_programs()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="synchub-postgres-"))
        self.prefix, self.owner = [], None
        if os.geteuid() == 0:
            names = {user.pw_name: user for user in pwd.getpwall()}
            user = names.get("postgres") or names["nobody"]
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.owner = f"{user.pw_uid}:{user.pw_gid}"
            self.prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                           "--clear-groups"]
        self.port = None
        self.process = None
        self.databases = 0
        self._make_data()
        self.start()

    def _make_data(self):
        """Runs initdb once, and keeps a copy of what it made in the build's folder for the next server: copying takes
        a third of the time."""
        template = REPO / "build" / f"postgres-{self.programs.parent.name}"
        template.parent.mkdir(exist_ok=True)
        data = self.folder / "data"
        with open(template.with_suffix(".lock"), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not template.exists():
                self._initdb()
                partial = template.with_suffix(".partial")
                shutil.rmtree(partial, ignore_errors=True)
                subprocess.run(["cp", "-R", data, partial], check=True)
                partial.rename(template)
                return
        subprocess.run(["cp", "-R", template, data], check=True)
        if self.owner:
            subprocess.run(["chown", "-R", self.owner, data], check=True)

    def _initdb(self):
        (self.folder / "password").write_text(PASSWORD)
        os.chmod(self.folder / "password", 0o644)
        self._run("initdb", "-D", "data", "-U", USER, "-A", "scram-sha-256", "--pwfile=password",
                  "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "--wal-segsize=1")

    def _run(self, program, *arguments):
        done = subprocess.run([*self.prefix, self.programs / program, *arguments],
                              cwd=self.folder, capture_output=True, text=True, env={"TZ": "UTC"})
        if done.returncode != 0:
            raise AssertionError(f"{program}: {done.stdout}{done.stderr}")

    def start(self):
        """Starts it, on its previous port if it had one."""
        for _ in range(10):
            port = self.port or free_port()
            with open(self.folder / "log", "ab") as log:
                self.process = subprocess.Popen(
                    [*self.prefix, self.programs / "postgres", "-D", "data", "-k", self.folder,
                     "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "jit=off",
                     # PostgreSQL's default, which initdb lowers for small segments; checkpoints are rare then.
                     *(["-c", "max_wal_size=1GB"] if self.durable else
                       ["-c", "fsync=off", "-c", "full_page_writes=off"])],
                    cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={"TZ": "UTC"}, start_new_session=True)
            if self._wait_for_start(port):
                self.port = port
                return
        raise AssertionError("PostgreSQL does not start:\n" +
                             (self.folder / "log").read_text(errors="replace")[-3000:])

    def _wait_for_start(self, port):
        def answers():
            if self.process.poll() is not None:
                return "gone"
            done = subprocess.run([self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p",
                                   str(port)])
            return "ready" if done.returncode == 0 else None
        return wait_until(answers, "PostgreSQL to answer") == "ready"

    def url(self, database, password=PASSWORD):
        password = password.replace(" ", "%20").replace("/", "%2F")
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def new_database(self):
        """The URL of a new, empty database."""
        self.databases += 1
        # From version 15 on, the default is to log each page of the template, which costs more.
        strategy = " STRATEGY FILE_COPY" if int(self.programs.parent.name) >= 15 else ""
        psql(self.url("postgres"), f"CREATE DATABASE test_{self.databases}{strategy}")
        return self.url(f"test_{self.databases}")

    def stop(self):
        """A fast shutdown: connections are terminated, the data stays for start()."""
        if self.process and self.process.poll() is None:
            self.resume()  # a test that failed may have left it paused, and it would never end
            os.kill(self._postmaster(), signal.SIGINT)
            self.process.wait(READY_S)
        self.process = None

    def kill(self):
        """Kills all processes, as a power failure would."""
        self.pause()  # so that no process is added
        processes = self.processes()
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(READY_S)
        # Its memory, which the next start needs, is free once all have ended.
        wait_until(lambda: all(self._state(pid) in (None, "Z") for pid in processes), "its processes to end")
        self.process = None

    def _postmaster(self):
        return int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def pause(self):
        """Keeps connections open and answers nothing, until resume()."""
        postmaster = self._postmaster()
        os.kill(postmaster, signal.SIGSTOP)
        # Once it has stopped, no process is added.
        wait_until(lambda: self._state(postmaster) == "T", "the postmaster to stop")
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):  # its client may have gone in the meantime
                os.kill(pid, signal.SIGSTOP)

    def resume(self):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):  # it ends as soon as it runs, if its client is gone
                os.kill(pid, signal.SIGCONT)

    @staticmethod
    def _state(pid):
        """T if it is stopped, Z if it has ended, None if it is gone."""
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return None

    def processes(self):
        """Each backend is a process group of its own, so they are found by their parent."""
        postmaster = self._postmaster()
        found = [postmaster]
        for status in glob.glob("/proc/[0-9]*/stat"):
            try:
                fields = pathlib.Path(status).read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == postmaster:
                found.append(int(status.split("/")[2]))
        return found

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder)


def psql(url, sql):
    """psql's output, without titles and padding."""
    done = subprocess.run([find_programs() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url],
                          input=sql, capture_output=True, text=True, timeout=READY_S)
    if done.returncode != 0:
        raise AssertionError(f"psql: {sql}: {done.stderr}")
    return done.stdout


def wait_for_ended_sessions(url):
    """Waits until nobody uses a database: the server ends the transaction of a client that was killed only after it."""
    others = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
              " AND backend_type = 'client backend'")
    wait_until(lambda: psql(url, others) == "0\n", "the sessions to end")


NAMES = re.compile(r'(?<!["\w])(Devices|Plugins_Objects|SyncHub_\w+|(?:dev|object|date|watched|'
                   r'foreign|sync|help)[A-Z]\w*)(?!["\w])')


def query(url, sql, *parameters):
    """Runs SQL in SQLite's syntax, with quoted names and ? for parameters; returns rows as dicts."""
    values = iter(parameters)
    sql = NAMES.sub(r'"\1"', sql).replace("WHERE 1", "WHERE true")
    sql = re.sub(r"\?", lambda _: "'" + str(next(values)).replace("'", "''") + "'", sql)
    text = psql(url, f"SELECT coalesce(json_agg(t), '[]') FROM ({sql}) AS t")
    return json.loads(text)
