# SPDX-License-Identifier: Apache-2.0
"""A hub and its nodes: real programs that are restarted whenever they exit."""

import contextlib
import http.client
import pathlib
import resource
import sqlite3
import subprocess
import threading
import time

import harness
import ledger
import proxy

RESTART_S = 0.3       # the wait before restarting a program that exited
# A small disk, and one large enough that the receiver lets its write-ahead log grow.
DISK_BYTES = (64 << 20, 1 << 30)
CLAIM_IDLE_S = 5
PLUGINS = ("ARPSCAN", "NMAP")
LOG_KEPT = 3000       # characters of a log in a message


class Disk:
    """The folder of the database: a tmpfs or, without the right to mount, a normal folder whose writers get a limit
    on file sizes."""

    def __init__(self, folder, size):
        self.folder = folder
        folder.mkdir()
        self.mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
            capture_output=True).returncode == 0
        self.kind = f"of {size >> 20} MiB" if self.mounted else "with a limit on files"
        self.ballast = folder / "ballast"

    def fill(self, pids):
        if not self.mounted:
            sizes = [0]
            for path in self.folder.iterdir():
                with contextlib.suppress(FileNotFoundError):  # a program removes it
                    sizes.append(path.stat().st_size)
            self._limit_files(pids, max(sizes))
            return
        with open(self.ballast, "wb", buffering=0) as file:
            for piece in (b"\0" * (1 << 20), b"\0" * 4096):
                try:
                    while file.write(piece) == len(piece):
                        pass
                except OSError:
                    pass

    def free(self, pids):
        if self.mounted:
            self.ballast.unlink(missing_ok=True)
            return
        self._limit_files(pids, resource.RLIM_INFINITY)

    @staticmethod
    def _limit_files(pids, limit):
        for pid in pids:
            with contextlib.suppress(OSError):  # it has ended meanwhile
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def remove(self):
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)


class Service:
    """A program that is restarted whenever it exits."""

    def __init__(self, world, name, kind, settings):
        self.world = world
        self.name = name
        self.kind = kind  # synchub-KIND
        self.settings = settings
        self.lock = threading.RLock()
        self.program = None
        self.programs = []
        self.start_at = 0.0  # once it is not running
        self.kills = 0
        self.failed_starts = 0

    def start(self):
        with self.lock:
            self.program = harness.Program(self.kind, self.settings, self.world.logs)
            self.programs.append(self.program)

    def running(self):
        program = self.program
        return program is not None and program.process.poll() is None

    def kill(self, start_after=0.0):
        """Sends SIGKILL. False if it was not running."""
        with self.lock:
            if not self.running():
                return False
            self.program.kill()
            self.kills += 1
            self.start_at = time.monotonic() + start_after
            self.program = None
            return True

    def look(self):
        """Restarts it if that is due; an end by a signal that we did not send is a crash."""
        with self.lock:
            if self.running():
                return
            if self.program is not None:
                code = self.program.process.returncode
                self.program.ended = True
                self.program.check_sanitizers()
                if code < 0:
                    raise AssertionError(f"{self.name} was ended by signal {-code}:\n"
                                         f"{self.program.log()[-LOG_KEPT:]}")
                self.failed_starts += 1
                self.program = None
                self.start_at = time.monotonic() + RESTART_S
            if time.monotonic() >= self.start_at:
                self.start()

    def stop(self):
        """Sends SIGTERM; a running program must exit with 0."""
        with self.lock:
            if self.running():
                self.program.stop()
            self.program = None

    def log_tail(self):
        return self.programs[-1].log()[-LOG_KEPT:] if self.programs else ""


class World:
    """Two ingests and two merges with one SQLite file, pushers, pulled nodes, a puller, Redis, and the proxy in front
    of the ingests."""

    prefix = "synchub"          # of the keys in Redis
    disk_bytes = DISK_BYTES     # one of these, by the seed
    keeps_direct_writes = True  # what Redis answered to a test's own command is kept

    def __init__(self, folder, seed, pushers, pulled, lose_answers=0.03):
        self.folder = pathlib.Path(folder)
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        self.disk = Disk(self.folder / "disk", self.disk_bytes[seed % len(self.disk_bytes)])
        self.db = self.disk.folder / "hub.db"
        self.out = self.disk.folder / "out"
        self.out.mkdir()
        self.book = ledger.Ledger()
        self.redis_lock = threading.RLock()
        # A small AOF is rewritten often, so that kills also occur during rewrites. The wall clocks
        # of the nodes, of the hub's programs, and of Redis.
        self.clocks = {who: harness.Clock(self.folder / f"clock-{who}")
                       for who in ("nodes", "hub", "redis")}
        self.redis = self.make_redis()
        self.redis_kills = 0
        self.flushes = 0
        self.memory = harness.ShortMemory(self.folder)
        self.unserved = []  # nodes that were not served while others misbehaved
        self.services = {}
        self.pushers = [f"push-{number}" for number in range(pushers)]
        self.pulled = [f"pull-{number}" for number in range(pulled)]
        self.ingest_ports = [harness.free_port() for _ in range(2)]
        self.proxy = proxy.Proxy(self.book, self.ingest_ports, seed, lose_answers)
        self._add_hub(self.ingest_ports)
        self._add_nodes()

    def make_redis(self):
        return harness.Redis(self.folder / "redis", "--auto-aof-rewrite-min-size", "512kb",
                             "--auto-aof-rewrite-percentage", "50", clock=self.clocks["redis"])

    def redis_settings(self):
        return {"SYNC_redis_url": self.redis.url}

    def _secrets(self, **settings):
        return {"SYNC_api_token": harness.TOKEN, "SYNC_encryption_key": harness.KEY, **settings}

    def _add(self, name, kind, **settings):
        node = kind == "pusher"
        environment = self.clocks["nodes" if node else "hub"].environment
        if not node:
            environment = self.memory.beside(environment)
        self.services[name] = Service(self, name, kind, self._secrets(**settings, **environment))

    def _add_hub(self, ingest_ports):
        hub = self.redis_settings()
        for number, port in enumerate(ingest_ports):
            self._add(f"ingest-{number}", "receiver", SYNC_receiver_role="ingest",
                      SYNC_listen=f"127.0.0.1:{port}", **hub)
        for number in range(2):
            self._add(f"merge-{number}", "receiver", SYNC_receiver_role="merge",
                      SYNC_listen="127.0.0.1:0", SYNC_db=self.db, SYNC_plugins_out=self.out,
                      SYNC_claim_idle_s=CLAIM_IDLE_S, **hub)

    def _add_nodes(self):
        for number, node in enumerate(self.pushers):
            folder = self.node_folder(node)
            self._add(node, "pusher", SYNC_hub_url=f"http://127.0.0.1:{self.proxy.port}",
                      SYNC_RUN="schedule" if number % 4 == 3 else "always_after_scan",
                      SYNC_RUN_SCHD="* * * * *", SYNC_RUN_TIMEOUT=20,
                      SYNC_node_name=node, SYNC_devices="True", SYNC_plugins=",".join(PLUGINS),
                      SYNC_devices_file=folder / "table_devices.json",
                      SYNC_plugins_dir=folder / "plugins", SYNC_spool_dir=folder / "spool")
        urls = []
        for node in self.pulled:
            port = harness.free_port()
            urls.append(f"http://127.0.0.1:{port}")
            folder = self.node_folder(node)
            self._add(node, "pusher", SYNC_RUN="disabled", SYNC_node_name=node,
                      SYNC_listen=f"127.0.0.1:{port}", SYNC_spool_dir=folder / "spool",
                      SYNC_devices_file=folder / "table_devices.json")
        self._add("puller", "puller", SYNC_nodes=",".join(urls), **self.redis_settings(),
                  SYNC_RUN="schedule", SYNC_RUN_SCHD="* * * * *", SYNC_RUN_TIMEOUT=20)

    def with_another_key(self):
        """Starts programs of the hub with another key than the hub's, one of each kind, which must accept nothing and
        make no dead letters. stop_with_another_key() ends them."""
        port = harness.free_port()
        hub = {"SYNC_api_token": harness.TOKEN, "SYNC_encryption_key": "another key than the hub's",
               "SYNC_redis_url": self.redis.url, **self.clocks["hub"].environment}
        merges = {"SYNC_db": self.db, "SYNC_plugins_out": self.out,
                  "SYNC_claim_idle_s": CLAIM_IDLE_S}
        settings = [
            ("receiver", {"SYNC_receiver_role": "ingest", "SYNC_listen": f"127.0.0.1:{port}"}),
            ("receiver", {"SYNC_receiver_role": "merge", "SYNC_listen": "127.0.0.1:0", **merges}),
            ("receiver", {"SYNC_receiver_role": "all", "SYNC_listen": "127.0.0.1:0", **merges}),
            ("puller", {"SYNC_nodes": self.services["puller"].settings["SYNC_nodes"],
                        "SYNC_RUN_SCHD": "* * * * *", "SYNC_RUN_TIMEOUT": 20}),
        ]
        programs = [harness.Program(kind, {**hub, **more}, self.logs) for kind, more in settings]
        with self.proxy.lock:
            self.proxy.upstreams.append(port)
        return programs

    def stop_with_another_key(self, programs):
        with self.proxy.lock:
            self.proxy.upstreams[:] = self.ingest_ports
        for program in programs:
            program.stop()
            program.check_sanitizers()

    def node_folder(self, node):
        folder = self.folder / node
        (folder / "plugins").mkdir(parents=True, exist_ok=True)
        (folder / "spool").mkdir(exist_ok=True)
        return folder

    def look(self):
        """Restarts programs that exited."""
        with self.redis_lock:
            if self.redis.process is None:
                self.redis.start()
        for service in self.services.values():
            service.look()

    def post(self, port, body, headers):
        """One request to an ingest; its status, or None."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("POST", "/sync", body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def kill_redis(self):
        with self.redis_lock:
            if self.redis.process is None or self.redis.process.poll() is not None:
                return False
            self.redis.kill()
            self.redis_kills += 1
            return True

    FLUSH = ("local lost = {} for _, stream in ipairs(KEYS) do "
             "for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+')) do "
             "for i = 1, #entry[2], 2 do if entry[2][i] == 'e' then lost[#lost + 1] = entry[2][i + 1] end end end end "
             "redis.call('FLUSHALL') return lost")

    def flush_redis(self):
        """Redis loses all its data and scripts, as by an operator's mistake. What was in flight at this moment is
        recorded. False if Redis was killed just now."""
        with self.redis_lock:  # so that it is not killed between this and the record of it
            if self.redis.process is None or self.redis.process.poll() is not None:
                return False
            lost = harness.redis_call(self.redis.port, "EVAL", self.FLUSH, 2, f"{self.prefix}:ingest",
                                      f"{self.prefix}:dead", timeout=harness.READY_S)
            harness.redis_call(self.redis.port, "SCRIPT", "FLUSH")
            self.flushes += 1
        self.book.flush(lost)
        return True

    def kills(self):
        return self.redis_kills + sum(service.kills for service in self.services.values())

    def merge_pids(self):
        programs = [self.services[name].program for name in ("merge-0", "merge-1")]
        return [program.pid for program in programs if program is not None]

    def database(self):
        """A read-only connection."""
        return sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=1,
                               isolation_level=None, check_same_thread=False)

    def end(self):
        """Kills everything, after a failed run."""
        self.proxy.stop()
        for service in self.services.values():
            if service.running():
                service.program.process.kill()
                service.program.process.wait()
        self.redis.kill()
        self.disk.remove()

    def stop(self):
        """Stops everything in order; every program must exit successfully."""
        for service in self.services.values():
            service.stop()
        self.proxy.stop()
        self.redis.stop()
        for service in self.services.values():
            for program in service.programs:
                program.check_sanitizers()
