# SPDX-License-Identifier: Apache-2.0
"""The base of the integration tests: real programs, a real redis-server, and counterparts that share no code with
ours (curl, openssl, redis-cli, sqlite3, Python's http.server).

A test is a subclass of SyncHubTest. Everything it starts ends with it: each of our programs gets SIGTERM, must exit
with 0, and must not have printed a sanitizer's report.
"""

import base64
import contextlib
import ctypes
import fcntl
import functools
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

REPO = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SYNCHUB_BIN", REPO / "build" / "bin"))
# The same programs without sanitizers, which start in a third of the time: polls run them (see poll_until).
POLL_BIN = pathlib.Path(os.environ.get("SYNCHUB_POLL_BIN", BIN))

TOKEN = "t0ken-of-the-tests"
KEY = "a passphrase for the tests"
TYPE_ENVELOPE = "application/vnd.synchub.envelope"

READY_S = 120     # timeout of every wait; a loaded machine with sanitizers is slow
LARGE_S = 600     # of one for the largest texts and tables
STOP_S = READY_S  # the programs' own limit is 10 s; what they do at it is a line of the log

SANITIZER = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|runtime error:"
)


def long_test(test):
    """Marks a test, or a class of tests, as long: more than half a minute, or much CPU. `./dev test-long` runs it,
    and `./dev test` does not; the latter must have a short test of the same kind."""
    test.long_test = True
    return test


class Polls(threading.local):
    """Whether this thread polls with the programs of POLL_BIN, and has run one of them."""

    fast = used = False


polls = Polls()

# Subcommands that only read, so that running them once more, or in another build, changes nothing.
READING = ("nodes", "devices", "device show", "dead list", "node list", "node show", "auth-failures --json",
           "blocklist list", "healthcheck")


def only_reads(arguments):
    words = [str(word) for word in arguments]
    return " ".join(words[:1]) in READING or " ".join(words[:2]) in READING


def poll_once(condition):
    """The value of condition(). Subcommands that it runs and that only read are those of POLL_BIN; a true value then
    only counts if the programs under test give it, too."""
    polls.fast, polls.used = POLL_BIN != BIN, False
    try:
        value = condition()
    finally:
        polls.fast = False
    return condition() if value and polls.used else value


def poll_until(condition, seconds, pause_s=0.02):
    """Polls until condition() returns a true value or the time is over; returns the last value. A condition that
    takes long, such as one that starts a program, is polled less often, to leave the CPU to what it waits for."""
    begin = time.monotonic()
    end = begin + seconds
    while not (value := poll_once(condition)) and (now := time.monotonic()) < end:
        pause = max(pause_s, min(3 * (now - begin), 1))
        time.sleep(min(pause, end - now))
        begin = time.monotonic()
    return value


def wait_until(condition, what, seconds=READY_S, details=None):
    """Polls until condition() returns a true value, and returns it. `what` describes it in the
    failure after a timeout; details() adds to the message."""
    value = poll_until(condition, seconds)
    if not value:
        more = "\n" + details() if details else ""
        raise AssertionError(f"after {seconds} s still waiting for: {what}{more}")
    return value


PORTS = pathlib.Path(tempfile.gettempdir()) / f"synchub-ports-{os.geteuid()}"
reserved_ports = []  # open files, locked until this process ends


def reserve_port(port):
    """The open file that reserves a port for this process, or None if it is taken."""
    file = open(PORTS / str(port), "wb")
    with socket.socket() as s:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            s.bind(("127.0.0.1", port))
        except OSError:
            file.close()
            return None
    return file


def free_port(distance=0):
    """A port that nothing listens on, reserved for this process: it stays free while its server is stopped. The kernel
    gives none of this range to outgoing connections, and no other process of the tests takes it. With a distance, so is
    the port that is higher by it."""
    PORTS.mkdir(exist_ok=True)
    while True:
        port = 12000 + secrets.randbelow(20000 - distance)
        files = [reserve_port(number) for number in sorted({port, port + distance})]
        if None not in files:
            reserved_ports.extend(files)
            return port
        for file in filter(None, files):
            file.close()


def redis_call(port, *arguments, timeout=READY_S):
    """Runs a Redis command on its own connection; returns bytes, int, list or None. An error reply raises OSError.
    port is one of the loopback, or a pair of address and port."""
    parts = [part if isinstance(part, bytes) else str(part).encode() for part in arguments]
    address = port if isinstance(port, tuple) else ("127.0.0.1", port)
    with socket.create_connection(address, timeout=timeout) as connection:
        connection.sendall(b"*%d\r\n" % len(parts) +
                           b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        with connection.makefile("rb") as stream:
            return _read_reply(stream)


def _read_reply(stream):
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise OSError("Redis closed the connection")
    kind, rest = line[:1], line[1:-2]
    if kind == b"-":
        raise OSError(rest.decode())
    if kind == b":":
        return int(rest)
    if kind == b"+":
        return rest
    if kind == b"$":
        return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
    return None if rest == b"-1" else [_read_reply(stream) for _ in range(int(rest))]


def clean_environment(settings):
    """PATH, TZ and the variables of the test. Inherits only the options of ThreadSanitizer, for
    programs that are built with it."""
    environment = {"PATH": os.environ["PATH"], "TZ": "UTC"}
    if "TSAN_OPTIONS" in os.environ:
        environment["TSAN_OPTIONS"] = os.environ["TSAN_OPTIONS"]
    environment.update({name: str(value) for name, value in settings.items()})
    return environment


# --- Servers and programs ---------------------------------------------------------------------


class Clock:
    """A wall clock for programs that are started with its `environment`: ahead of the real one by a
    number of seconds, which can be changed while they run."""

    BUILT = BIN.parent / "tests" / "libwrong_clock.so"  # if the tests were built

    def __init__(self, path, ahead_s=0):
        self.path = pathlib.Path(path)
        self.library = self.BUILT if self.BUILT.exists() else self._compile()
        self.file = open(self.path, "w+b", buffering=0)
        self.set(ahead_s)

    def _compile(self):
        """Builds the library next to the clock's file, for programs of a build without tests."""
        library = self.path.with_suffix(".so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-D_GNU_SOURCE", "-I", str(REPO), "-o",
                        str(library), str(REPO / "tests" / "clock" / "wrong_clock.c")], check=True)
        return library

    def set(self, ahead_s):
        self.ahead_s = ahead_s
        self.file.seek(0)
        self.file.write(int(ahead_s * 1000).to_bytes(8, sys.byteorder, signed=True))

    def set_before_minute(self, ahead_s, seconds):
        """Sets it to at least ahead_s such that the next full minute starts in `seconds`."""
        now = time.time() + ahead_s
        self.set(ahead_s + (60 - seconds - now % 60) % 60)

    @property
    def environment(self):
        return {"LD_PRELOAD": str(self.library), "SYNCHUB_TEST_CLOCK": str(self.path),
                # ASan requires to be the first library, but this one does not interfere with it.
                "ASAN_OPTIONS": "verify_asan_link_order=0"}


class ShortMemory:
    """A lack of memory for programs that are started with its `environment`."""

    def __init__(self, folder):
        self.library = pathlib.Path(folder) / "short_memory.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-D_GNU_SOURCE", "-o", str(self.library),
                        str(REPO / "tests" / "memory" / "short_memory.c")], check=True)
        self.path = pathlib.Path(folder) / "short_memory"
        self.file = open(self.path, "w+b", buffering=0)
        self.deny(0)

    def deny(self, least_bytes):
        """Makes allocations of at least this many bytes fail; 0: none."""
        self.file.seek(0)
        self.file.write(least_bytes.to_bytes(8, sys.byteorder))

    def beside(self, environment):
        """The given environment, extended to preload this library."""
        others = environment.get("LD_PRELOAD")
        return {"ASAN_OPTIONS": "verify_asan_link_order=0", **environment,
                "LD_PRELOAD": f"{others}:{self.library}" if others else str(self.library),
                "SYNCHUB_TEST_MEMORY": str(self.path)}

    @property
    def environment(self):
        return self.beside({})


class Redis:
    """A private redis-server with the configuration that Sync Hub ships."""

    BUS = 10000  # how much higher the port is on which servers of a cluster talk to each other

    def __init__(self, folder, *extra, clock=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.extra = list(extra)
        self.environment = clock.environment if clock else {}
        self.port = None
        self.process = None
        self.start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        """Starts it, on its previous port if it had one."""
        server = shutil.which("redis-server")
        if server is None:
            raise AssertionError("redis-server is not installed: apt-get install redis-server")
        for _ in range(10):
            port = self.port or free_port(self.BUS if "--cluster-enabled" in self.extra else 0)
            log = open(self.folder / "redis.log", "ab")
            self.process = subprocess.Popen(
                [server, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(self.folder),
                 "--save", "", "--rdbcompression", "no", "--appendonly", "yes",
                 "--appendfsync", "always", "--maxmemory-policy", "noeviction", *self.extra],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=clean_environment(self.environment))
            log.close()
            if self._wait_for_start(port):
                self.port = port
                return
        raise AssertionError("redis-server does not start:\n" +
                             (self.folder / "redis.log").read_text(errors="replace")[-3000:])

    def _wait_for_start(self, port):
        def answers():
            if self.process.poll() is not None:
                return "gone"
            try:
                redis_call(port, "PING")
            except OSError as error:
                return "ready" if "NOAUTH" in str(error) else None
            return "ready"
        return wait_until(answers, "redis-server to answer") == "ready"

    def cli(self, *arguments):
        """The output of redis-cli."""
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *[str(a) for a in arguments]],
            capture_output=True, text=True, errors="replace", timeout=READY_S)
        if done.returncode != 0:
            raise AssertionError(f"redis-cli {arguments}: {done.stdout}{done.stderr}")
        return done.stdout.rstrip("\n")

    def call(self, *arguments):
        """The reply to a command, without redis-cli: binary values, and cheap enough to poll."""
        return redis_call(self.port, *arguments, timeout=READY_S)

    def publish_no_credentials(self, prefix="synchub"):
        """What a receiver that merges publishes of a database that never held credentials, for tests
        without one. Without it nothing is accepted."""
        try:
            self.call("SET", f"{prefix}:nodes:version", "none")
        except OSError as error:
            # Some tests are about a server that accepts no write.
            if not str(error).startswith(("NOAUTH", "OOM", "CLUSTERDOWN")):
                raise

    def backlog(self, prefix="synchub"):
        return self.call("XLEN", f"{prefix}:ingest")

    def dead(self, prefix="synchub"):
        return self.call("XLEN", f"{prefix}:dead")

    def stop(self):
        """Stops it; the data stay for the next start()."""
        if self.process and self.process.poll() is None:
            self.resume()  # a test that failed may have left it paused, and it would never end
            self.process.terminate()
            self.process.wait(READY_S)
        self.process = None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(READY_S)
        self.process = None

    def pause(self):
        """Suspends it until resume(): connections stay open without answers."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)


def expects_sigterm(pid):
    """Whether a process handles SIGTERM, or reads it from a descriptor."""
    bit = 1 << (signal.SIGTERM - 1)
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False  # it has ended
    masks = [int(line.split()[1], 16) for line in status.splitlines()
             if line.startswith(("SigCgt:", "SigBlk:"))]
    return any(mask & bit for mask in masks)


class Program:
    """A running program of Sync Hub. name is pusher, puller or receiver."""

    LISTENING = re.compile(r"listening on (\[[0-9a-f:]+\]|[0-9.]+):([0-9]+)")

    def __init__(self, name, settings, folder, *arguments, files=None):
        """files: limit of open files (ulimit -n)."""
        self.name = name
        self.path = BIN / f"synchub-{name}"
        if not self.path.exists():
            raise AssertionError(f"{self.path} does not exist: build first, or set SYNCHUB_BIN")
        handle, log_path = tempfile.mkstemp(prefix=f"{name}-", suffix=".log", dir=folder)
        self.log_path = pathlib.Path(log_path)
        limit = ["prlimit", f"--nofile={files}:{files}"] if files else []
        self.process = subprocess.Popen(
            [*limit, str(self.path), *arguments], stdin=subprocess.DEVNULL, stdout=handle,
            stderr=handle, env=clean_environment(settings), cwd=folder)
        os.close(handle)
        self.ended = False

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def _details(self):
        return f"log of {self.name}:\n{self.log()[-4000:]}"

    def wait_for_log(self, pattern, seconds=READY_S):
        """Waits for a regular expression in the program's output; returns the match."""
        def found():
            ended = self.process.poll() is not None
            log = self.log()
            complete = log if ended else log[:log.rfind("\n") + 1]
            match = re.search(pattern, complete)
            if match is None and ended:
                raise AssertionError(f"{self.name} ended ({self.process.returncode}) before "
                                     f"'{pattern}'\n{self._details()}")
            return match
        return wait_until(found, f"'{pattern}' in the log", seconds, self._details)

    @property
    def port(self):
        return int(self.wait_for_log(self.LISTENING).group(2))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def wait_ready(self):
        """Waits until GET /readyz returns 200."""
        url = self.url + "/readyz"
        wait_until(lambda: self._alive() and get_status(url) == 200, f"{url} to be 200",
                   details=self._details)
        return self

    def wait_unready(self, words=""):
        """Waits until GET /readyz returns 503 with these words."""
        def unready():
            answer = curl(self.url + "/readyz")
            return answer.status == 503 and words in answer.text
        wait_until(unready, f"/readyz to be 503 with '{words}'", details=self._details)

    def _alive(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}\n"
                                 f"{self._details()}")
        return True

    def wait(self, seconds=READY_S):
        """Waits until the program exits; returns its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end\n{self._details()}") from None
        self.ended = True
        self.check_sanitizers()
        return code

    def stop(self):
        """Sends SIGTERM, once a program that was just started expects it; it must exit with 0 in time."""
        if self.ended:
            return
        self.ended = True
        poll_until(lambda: self.process.poll() is not None or expects_sigterm(self.pid), READY_S)
        self.process.terminate()
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end {STOP_S} s after SIGTERM\n"
                                 f"{self._details()}") from None
        self.check_sanitizers()
        if code != 0:
            raise AssertionError(f"{self.name} ended with {code}, not 0\n{self._details()}")

    def kill(self):
        """Sends SIGKILL."""
        self.ended = True
        self.process.kill()
        self.process.wait()
        self.check_sanitizers()

    def check_sanitizers(self):
        if SANITIZER.search(self.log()):
            raise AssertionError(f"a sanitizer reported an error in {self.name}:\n{self.log()}")


# --- Clients --------------------------------------------------------------------------


class Answer:
    """An HTTP answer received by curl; status is 0 if there was none."""

    def __init__(self, status, headers, body, exit_code):
        self.status = status
        self.headers = headers  # of the last answer; names in lower case
        self.body = body        # bytes
        self.exit_code = exit_code

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:300]!r}>"


SMALL_BODY_BYTES = 64 * 1024


def is_simple(url, arguments, body, headers):
    """Whether a request needs nothing of curl, and none of its bytes depends on the client."""
    texts = [url, *(headers or {}), *map(str, (headers or {}).values())]
    return (not arguments and url.startswith("http://") and not set(url) & set("[]{}? ") and
            all(text.isascii() and text.isprintable() for text in texts) and len(body or "") <= SMALL_BODY_BYTES)


def request_here(url, body, headers, timeout):
    """As curl, with http.client: a process for each of thousands of small requests would cost more than all the rest
    of the tests in this process."""
    address = urllib.parse.urlsplit(url)
    fields = {"Accept": "*/*", **{name: str(value) for name, value in (headers or {}).items()}}
    if body is not None and "content-type" not in map(str.lower, fields):
        fields["Content-Type"] = "application/x-www-form-urlencoded"
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
    try:
        connection.request("GET" if body is None else "POST", address.path or "/",
                           body.encode() if isinstance(body, str) else body, fields)
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read(), 0)
    except (OSError, http.client.HTTPException):
        return Answer(0, {}, b"", 1)
    finally:
        connection.close()


def curl(url, *arguments, body=None, headers=None, timeout=READY_S):
    """Sends a request: a POST of exactly body (bytes or str) if there is one. With curl if it has options, is large, or
    is for a client to interpret."""
    if is_simple(url, arguments, body, headers):
        return request_here(url, body, headers, timeout)
    with tempfile.TemporaryDirectory(prefix="synchub-curl-") as folder:
        folder = pathlib.Path(folder)
        command = ["curl", "-q", "-sS", "--noproxy", "*", "-m", str(timeout),
                   "-D", str(folder / "headers"), "-o", str(folder / "body"),
                   "-w", "%{http_code}"]
        for name, value in (headers or {}).items():
            command += ["-H", f"{name}: {value}"]
        if body is not None:
            (folder / "sent").write_bytes(body.encode() if isinstance(body, str) else body)
            command += ["--data-binary", f"@{folder / 'sent'}"]
        done = subprocess.run([*command, *arguments, url], capture_output=True, text=True,
                              env=clean_environment({}))
        status = int(done.stdout or 0)
        received = {}
        if (folder / "headers").exists():
            for line in (folder / "headers").read_text("latin-1").splitlines():
                if line.startswith("HTTP/"):
                    received = {}
                elif ":" in line:
                    name, _, value = line.partition(":")
                    received[name.strip().lower()] = value.strip()
        content = (folder / "body").read_bytes() if (folder / "body").exists() else b""
        return Answer(status, received, content, done.returncode)


def get_status(url):
    """The status of a GET, or 0 without an answer. Costs less than a curl process, for polling."""
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=READY_S)
    try:
        connection.request("GET", address.path or "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def receive_head(peer):
    """Reads an HTTP answer from a socket up to the end of its headers or the end of the connection.
    Returns all bytes that were read, which may include some of the body."""
    received = b""
    while b"\r\n\r\n" not in received and (more := peer.recv(4096)):
        received += more
    return received


def bearer(token=TOKEN):
    return {"Authorization": f"Bearer {token}"}


@functools.cache
def libcrypto():
    library = ctypes.CDLL("libcrypto.so.3")
    for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_cbc"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


def aes_256_cbc(encrypts, passphrase, iv, data):
    """With the SHA-256 of the passphrase as the key, as NetAlertX has it."""
    crypto, key = libcrypto(), hashlib.sha256(passphrase.encode()).digest()
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    out, first, last = ctypes.create_string_buffer(len(data) + 16), ctypes.c_int(), ctypes.c_int()
    try:
        good = (crypto.EVP_CipherInit_ex(context, ctypes.c_void_p(crypto.EVP_aes_256_cbc()), None, key, iv,
                                         int(encrypts)) == 1 and
                crypto.EVP_CipherUpdate(context, out, ctypes.byref(first), data, len(data)) == 1 and
                crypto.EVP_CipherFinal_ex(context, ctypes.byref(out, first.value), ctypes.byref(last)) == 1)
    finally:
        crypto.EVP_CIPHER_CTX_free(context)
    if not good:
        raise ValueError("OpenSSL cannot decrypt it")
    return out.raw[:first.value + last.value]


def netalertx_encrypt(text, passphrase=KEY, iv=None):
    """Encrypts a payload as NetAlertX does, with OpenSSL."""
    iv = iv if iv is not None else os.urandom(16)
    text = text.encode() if isinstance(text, str) else text
    return (base64.b64encode(iv) + base64.b64encode(aes_256_cbc(True, passphrase, iv, text))).decode()


def netalertx_decrypt(wire, passphrase=KEY):
    """Decrypts such a payload as a NetAlertX hub does; returns bytes."""
    return aes_256_cbc(False, passphrase, base64.b64decode(wire[:24]), base64.b64decode(wire[24:]))


def netalertx_body(text, node, plugin="SYNC", passphrase=KEY):
    """The body of a NetAlertX node's push."""
    return json.dumps({"data": netalertx_encrypt(text, passphrase), "node_name": node,
                       "plugin": plugin, "file_path": "/tmp/api/table_devices.json"})


def netalertx_push(url, text, node, plugin="SYNC", passphrase=KEY, token=TOKEN):
    """Pushes text to url (without /sync) as a NetAlertX node does."""
    return curl(url + "/sync", body=netalertx_body(text, node, plugin, passphrase),
                headers={**bearer(token), "Content-Type": "application/json"})


# --- Device tables -----------------------------------------------------------------------------

COLUMNS = (  # of NetAlertX's table Devices, in its order
    "devMac devName devOwner devType devVendor devFavorite devGroup devComments "
    "devFirstConnection devLastConnection devLastIP devPrimaryIPv4 devPrimaryIPv6 devVlan "
    "devForceStatus devStaticIP devScan devLogEvents devAlertEvents devAlertDown devSkipRepeated "
    "devLastNotification devPresentLastScan devIsNew devLocation devIsArchived devParentMAC "
    "devParentPort devParentRelType devIcon devGUID devSite devSSID devSyncHubNode "
    "devSourcePlugin devFQDN devMacSource devNameSource devFQDNSource devLastIPSource "
    "devVendorSource devSSIDSource devParentMACSource devParentPortSource "
    "devParentRelTypeSource devVlanSource devCustomProps devReqNicsOnline devCanSleep").split()

_OWNERS = ("Zoë", "José", "Łukasz", "平山", "house", "(unknown)")
_VENDORS = ("Espressif Inc.", "Raspberry Pi Trading Ltd", "AVM Audiovisuelles Marketing GmbH",
            "Apple, Inc.", "Samsung Electronics Co.,Ltd", "TP-Link Systems Inc")
_KINDS = ("Phone", "Laptop", "Printer", "TV", "Sensor", "Camera")


def device_mac(index, node="node"):
    """The MAC of device `index` of a node; unique among all indexes and nodes."""
    mark = int.from_bytes(hashlib.sha256(node.encode()).digest()[:4], "big") & 0x3FFFFFF
    value = mark << 20 | index
    octets = [(value >> 40 & 0x3F) << 2 | 2, *value.to_bytes(6, "big")[1:]]
    return ":".join(f"{octet:02x}" for octet in octets)


def mac_spellings(mac):
    """The usual spellings of a MAC: pairs, groups of four and six digits, bare, without leading zeros."""
    plain = mac.replace(":", "")
    groups = {n: re.findall("." * n, plain) for n in (2, 4, 6)}
    found = {plain, ":".join(f"{int(pair, 16):x}" for pair in groups[2]),
             "-".join(f"{int(pair, 16):x}" for pair in groups[2])}
    found |= {sign.join(groups[n]) for n in groups for sign in ":-."}
    found = [text.upper() if i % 2 else text for i, text in enumerate(sorted(found))]
    return [*found, f" {mac} "]


def device_row(index, node="node", **changes):
    """A row in NetAlertX's format with 53 keys. `changes` replaces values; the value ... removes
    the key."""
    kind = _KINDS[index % len(_KINDS)]
    seen = f"2026-08-{index % 28 + 1:02d} {index % 24:02d}:{index % 60:02d}:00"
    ip = f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"
    mac = device_mac(index, node)
    values = {
        "devMac": mac, "devName": f"{kind} {index} – Küche", "devOwner": _OWNERS[index % 6],
        "devType": kind, "devVendor": _VENDORS[index % 6], "devFavorite": int(index % 10 == 0),
        "devGroup": "Always on" if index % 3 else "", "devComments": "",
        "devFirstConnection": "2024-11-02 08:00:00", "devLastConnection": seen, "devLastIP": ip,
        "devPrimaryIPv4": ip, "devPrimaryIPv6": "", "devVlan": "", "devForceStatus": "dont_force",
        "devStaticIP": 0, "devScan": 1, "devLogEvents": 1, "devAlertEvents": 1, "devAlertDown": 0,
        "devSkipRepeated": 0, "devLastNotification": "", "devPresentLastScan": index % 2,
        "devIsNew": 1, "devLocation": "Étage 2", "devIsArchived": 0, "devParentMAC": "",
        "devParentPort": "", "devParentRelType": "default",
        "devIcon": "PGkgY2xhc3M9ImZhcyBmYS1sYXB0b3AiPjwvaT4=",
        "devGUID": hashlib.sha256(mac.encode()).hexdigest()[:32], "devSite": "",
        "devSSID": "", "devSyncHubNode": "", "devSourcePlugin": "ARPSCAN",
        "devFQDN": f"{kind.lower()}-{index}.lan", "devMacSource": "ARPSCAN",
        "devNameSource": "AVAHISCAN", "devFQDNSource": "", "devLastIPSource": "ARPSCAN",
        "devVendorSource": "VNDRPDT", "devSSIDSource": "", "devParentMACSource": "",
        "devParentPortSource": "", "devParentRelTypeSource": "", "devVlanSource": "",
        "devCustomProps": "", "devReqNicsOnline": 0, "devCanSleep": 0,
    }
    row = {"rowid": index + 1, **values, "devIsSleeping": 0, "devFlapping": 0,
           "devStatus": "On-line" if index % 2 else "Off-line"}
    row.update(changes)
    return {name: value for name, value in row.items() if value is not ...}


def device_rows(count, node="node", first=0):
    return [device_row(index, node) for index in range(first, first + count)]


def device_table(rows):
    """The text of table_devices.json in NetAlertX's format, with \\u escapes."""
    return json.dumps({"data": list(rows)})


def internet_row(**changes):
    """The row of the pseudo device "internet"."""
    return device_row(0, "internet", devMac="internet", devName="Internet", **changes)


# --- Databases ---------------------------------------------------------------------------------


def query(path, sql, *parameters):
    """Reads rows of a SQLite file as dicts, with Python's sqlite3 and read-only."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=READY_S)
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql, parameters)]
    finally:
        connection.close()


def devices(path, where="1", *parameters):
    """Devices of a database, by MAC."""
    rows = query(path, f"SELECT * FROM Devices WHERE {where}", *parameters)
    return {row["devMac"]: row for row in rows}


def count(path, table="Devices", where="1"):
    """The number of rows of a table; 0 if the database or the table does not exist yet."""
    if not pathlib.Path(path).exists():
        return 0
    try:
        return query(path, f"SELECT count(*) AS n FROM {table} WHERE {where}")[0]["n"]
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return 0
        raise


# --- Stand-ins for NetAlertX -------------------------------------------------------------------


class Request:
    def __init__(self, method, path, headers, body):
        self.method = method
        self.path = path
        self.headers = headers  # names in lower case
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def payload(self, passphrase=KEY):
        """The plain text of a NetAlertX push."""
        return netalertx_decrypt(self.json["data"], passphrase)


class FakeServer:
    """A server that records every request. answer(request) gives (status, headers, body); it may be
    replaced while it runs. A body may be bytes, str or something for JSON; an answer of None closes the connection;
    raw(handler, request), if set, writes the answer itself."""

    def __init__(self, answer=None, raw=None, port=0):
        self.requests = []
        self.connections = set()
        self.lock = threading.Lock()
        if answer:
            self.answer = answer
        self.raw = raw
        self.stopping = threading.Event()  # set when the server stops, for raw() to wait on
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def serve(self):
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, self.rfile.read(length))
                with owner.lock:
                    owner.record(request)
                if owner.raw:
                    self.close_connection = True
                    owner.raw(self, request)
                    return
                reply = owner.answer(request)
                if reply is None:
                    self.close_connection = True
                    return
                status, headers, body = reply
                if not isinstance(body, (bytes, str)):
                    body = json.dumps(body)
                    headers = {"Content-Type": "application/json", **headers}
                body = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_POST = do_HEAD = serve

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def process_request(self, request, client_address):
                owner.connections.add(request)
                super().process_request(request, client_address)

            def shutdown_request(self, request):
                owner.connections.discard(request)
                super().shutdown_request(request)

            def handle_error(self, request, client_address):
                pass  # many tests close connections early

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def record(self, request):
        self.requests.append(request)

    def answer(self, request):
        return 404, {}, {"error": "Not found", "message": "no such thing", "success": False}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def wait_for_requests(self, number, details=None):
        wait_until(lambda: len(self.requests) >= number, f"request number {number}",
                   details=details)
        return self.requests

    def stop(self):
        """Also ends connections that its clients have kept."""
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def queued(request):
    """The answer of a receiver that accepts an envelope; the id is in the cleartext header."""
    return 202, {}, {"status": "queued", "id": request.body[8:24].hex()}


def _forbidden():
    return 403, {}, {"error": "Forbidden", "message": "ERROR: Not authorized", "success": False}


class FakeNetAlertXHub(FakeServer):
    """Accepts pushes as NetAlertX does; pushes() returns (node, plugin, plain text) of each."""

    def __init__(self, token=TOKEN, passphrase=KEY, port=0):
        self.token = token
        self.passphrase = passphrase
        self.taken = []
        super().__init__(port=port)

    def answer(self, request):
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _forbidden()
        if not request.headers.get("content-type", "").startswith("application/json"):
            return 415, {}, {"error": "Invalid Content-Type", "success": False}
        try:
            body = request.json
        except ValueError:
            return 400, {}, {"error": "Invalid JSON",
                             "message": "Request body must be valid JSON", "success": False}
        for field in ("data", "node_name", "plugin"):
            if not isinstance(body.get(field), str):
                return 422, {}, {"error": f"Missing required '{field}'", "success": False}
        with self.lock:
            self.taken.append(request)
        return 200, {}, {"message": "Data received and stored successfully"}

    def pushes(self):
        with self.lock:
            taken = list(self.taken)
        return [(r.json["node_name"], r.json["plugin"], r.payload(self.passphrase).decode())
                for r in taken]


class FakeNetAlertXNode(FakeServer):
    """A NetAlertX node that a hub pulls: GET /sync returns `table`, which can be replaced."""

    def __init__(self, name, table, token=TOKEN, port=0):
        self.name = name
        self.table = table
        self.token = token
        super().__init__(port=port)

    def answer(self, request):
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _forbidden()
        if request.method != "GET" or request.path.split("?")[0] != "/sync":
            return 404, {}, {"error": "Not found", "success": False}
        table = self.table.encode() if isinstance(self.table, str) else self.table
        return 200, {}, {"data_base64": base64.b64encode(table).decode(), "message": "OK",
                         "node_name": self.name, "status": 200,
                         "timestamp": "2026-08-22 02:53:00"}


# --- The base of every test --------------------------------------------------------------------


class SyncHubTest(unittest.TestCase):
    """Gives each test its own folder, and stops everything that it started."""

    maxDiff = 4000

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="synchub-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.redis_count = 0
        self.clock_count = 0
        self.commands_run = set()

    def redis(self, *extra, clock=None):
        """A private redis-server; extra are more options, such as "--maxmemory", "8mb"."""
        self.redis_count += 1
        server = Redis(self.folder / f"redis-{self.redis_count}", *extra, clock=clock)
        self.addCleanup(server.stop)
        server.publish_no_credentials()
        return server

    def clock(self, ahead_s=0):
        """A wall clock of its own for some programs."""
        self.clock_count += 1
        clock = Clock(self.folder / f"clock-{self.clock_count}", ahead_s)
        self.addCleanup(clock.file.close)
        return clock

    def server(self, fake):
        """Registers a FakeServer to be stopped after the test; returns it."""
        self.addCleanup(fake.stop)
        return fake

    def program(self, name, settings, *arguments, files=None):
        """Starts a program with only these settings."""
        program = Program(name, settings, self.folder, *arguments, files=files)
        self.addCleanup(program.stop)
        return program

    def run_program(self, name, settings, *arguments, code=None, timeout=READY_S):
        """Runs a program until it exits and returns a CompletedProcess with text. Checks the exit
        code if code is given."""
        folder = BIN
        if polls.fast and only_reads(arguments):
            folder, polls.used = POLL_BIN, True
        settings = self.without_repeated_leak_checks(settings, (name, code, *map(str, arguments)))
        done = subprocess.run(
            [str(folder / f"synchub-{name}"), *arguments], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=timeout,
            env=clean_environment(settings), cwd=self.folder)
        self.assertIsNone(SANITIZER.search(done.stderr), done.stderr)
        if code is not None:
            self.assertEqual(done.returncode, code, f"{done.stdout}\n{done.stderr}")
        return done

    def without_repeated_leak_checks(self, settings, command):
        """The settings of a run of a program. LeakSanitizer checks the first run of each command in a test: its check
        takes half of the time that a command needs."""
        if command not in self.commands_run:
            self.commands_run.add(command)
            return settings
        options = [settings[name] for name in ("ASAN_OPTIONS",) if name in settings]
        return {**settings, "ASAN_OPTIONS": ":".join([*options, "detect_leaks=0"])}

    def secrets(self, **settings):
        return {"SYNC_api_token": TOKEN, "SYNC_encryption_key": KEY, **settings}

    def receiver_settings(self, redis, db=None, **settings):
        """The settings that a receiver requires, without a console; db defaults to hub.db in the test's folder."""
        return self.secrets(**{"SYNC_redis_url": redis.url, "SYNC_listen": "127.0.0.1:0", "SYNC_console_listen": "off",
                               "SYNC_db": db or self.folder / "hub.db", **settings})

    def receiver(self, redis, db=None, **settings):
        """A receiver that is ready."""
        program = self.program("receiver", self.receiver_settings(redis, db, **settings))
        return program.wait_ready()

    def adopt(self, redis, db=None):
        """Makes the database the hub's, as a receiver that merges does at its start, so that changes of
        credentials are published at once."""
        self.run_program("receiver", {"SYNC_redis_url": redis.url,
                                      "SYNC_db": db or self.folder / "hub.db"}, "adopt", code=0)

    def pusher_settings(self, hub_url, table=None, node="Node_A", **settings):
        """The settings that a pusher requires; table, if given, is written to the node's file."""
        folder = self.folder / f"node-{node}"
        (folder / "plugins").mkdir(parents=True, exist_ok=True)
        (folder / "spool").mkdir(exist_ok=True)
        if table is not None:
            (folder / "table_devices.json").write_text(table)
        return self.secrets(**{
            "SYNC_hub_url": hub_url, "SYNC_node_name": node, "SYNC_devices": "True",
            "SYNC_devices_file": folder / "table_devices.json",
            "SYNC_plugins_dir": folder / "plugins", "SYNC_spool_dir": folder / "spool",
            **settings})

    def puller_settings(self, redis, nodes, **settings):
        return self.secrets(**{"SYNC_redis_url": redis.url, "SYNC_nodes": json.dumps(nodes),
                               **settings})

    def wait_merged(self, redis, db, rows, table="Devices", where="1", seconds=READY_S):
        """Waits until the queue is empty and the database has this many rows (of a table)."""
        def done():
            return redis.backlog() == 0 and count(db, table, where) == rows
        wait_until(done, f"{rows} rows in {table}", seconds, lambda: (
            f"backlog {redis.backlog()}, dead {redis.dead()}, rows {count(db, table, where)}"))
