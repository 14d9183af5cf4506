# SPDX-License-Identifier: Apache-2.0
"""Nodes with problems: each problem is created on real programs, must be shown by the hub and by the node's `doctor`
with its remedy, is fixed, and must be gone from both."""

import http.client
import json
import socket
import ssl
import subprocess
import threading
import typing

from harness import READY_S, FakeServer, wait_until
from nodes_base import NodesTest, table

BEFORE_SILENT_S = 20 * 60   # a node of single runs is silent after 15 minutes
BEFORE_CONFLICT_ENDS_S = 65 * 60


class Problem(typing.NamedTuple):
    """break_it(site) creates the problem; fix(site) ends it, besides the site's first settings and table."""
    name: str
    break_it: typing.Callable
    shown: tuple            # state, and words of the reason and remedy in `nodes --problems`; or:
    doctor: tuple           # check, status, and words of its detail and remedy; None: it does not run there
    fix: typing.Callable = None
    was_seen: bool = False  # it was in contact before: otherwise its silence is no problem for a day
    in_auth_failures: bool = False


class Site:
    """A node, with its own folder and settings, that pushes to the hub of a test."""

    def __init__(self, test, name, number):
        self.test = test
        self.name = name
        self.number = number
        self.first = 0
        self.settings = {**test.pusher_settings(test.url, None, name), **test.time.environment}
        self.good_settings = dict(self.settings)
        self.folder = test.folder / f"node-{name}"
        self.file = self.folder / "table_devices.json"
        self.spool = self.folder / "spool"
        self.write_table()

    def set(self, **settings):
        self.settings.update(settings)

    def write_table(self):
        """Writes a table that the hub does not have yet."""
        if self.file.is_dir():
            self.file.rmdir()
        self.first += 3
        self.file.write_text(table(self.name, first=self.first))

    def push(self, code=None):
        return self.test.run_program("pusher", self.settings, "--once", code=code)

    def doctor(self, code):
        """The results, each a line of check, status, detail and remedy."""
        done = self.test.run_program("pusher", self.settings, "doctor", "--json", code=code)
        return [(item["check"], item["status"], f"{item['detail']}; {item['remedy']}")
                for item in json.loads(done.stdout)["items"]]

    def restore(self, problem):
        self.settings = dict(self.good_settings)
        if problem.fix:
            problem.fix(self)
        self.write_table()


class TlsRelay:
    """A TLS server with a certificate of its own, which passes connections on to the hub."""

    def __init__(self, cert, key, port):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.hub_port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return  # stopped
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        try:
            with self.context.wrap_socket(peer, server_side=True) as node, \
                    socket.create_connection(("127.0.0.1", self.hub_port)) as hub:
                answers = threading.Thread(target=self._pass_on, args=(hub, node), daemon=True)
                answers.start()
                self._pass_on(node, hub)
                answers.join()
        except OSError:
            pass  # the peer does not like the certificate

    @staticmethod
    def _pass_on(source, target):
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class LimitingProxy(FakeServer):
    """A reverse proxy with a limit on bodies, as nginx has one: larger ones get its own page with 413."""

    def __init__(self, hub_port, limit):
        self.hub_port = hub_port
        self.limit = limit
        super().__init__()

    def answer(self, request):
        if len(request.body) > self.limit:
            return 413, {"Content-Type": "text/html"}, "<html><h1>413 Request Entity Too Large</h1></html>"
        hub = http.client.HTTPConnection("127.0.0.1", self.hub_port, timeout=READY_S)
        kept = {name: value for name, value in request.headers.items() if name not in ("host", "expect")}
        hub.request(request.method, request.path, request.body, kept)
        answer = hub.getresponse()
        body = answer.read()
        headers = {name: value for name, value in answer.getheaders()
                   if name.lower() not in ("content-length", "connection", "date", "server")}
        hub.close()
        return answer.status, headers, body


class SmallDisk:
    """A folder on a small disk of its own."""

    def __init__(self, test, folder, size):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
        test.addCleanup(subprocess.run, ["umount", "-l", str(folder)], check=True)

    def fill(self):
        with open(self.folder / "ballast", "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass  # it is full

    def empty(self):
        (self.folder / "ballast").unlink()


class ProblemsTest(NodesTest):
    """A hub, whose clock and that of its nodes is the test's."""

    def setUp(self):
        super().setUp()
        self.time = self.clock()
        self.skewed = []  # clocks, and by how much they are ahead of it
        self.hub_redis.stop()
        self.hub_redis.environment = self.time.environment
        self.hub_redis.start()
        self.hub = self.receiver(self.hub_redis, self.db, **self.time.environment)
        self.url = self.hub.url

    def receiver_settings(self, redis, db=None, **settings):
        return super().receiver_settings(redis, db, **{**self.time.environment, **settings})

    def skewed_clock(self, ahead_s):
        self.skewed.append((self.clock(self.time.ahead_s + ahead_s), ahead_s))
        return self.skewed[-1][0]

    def pass_time(self, seconds):
        self.time.set(self.time.ahead_s + seconds)
        for clock, ahead_s in self.skewed:
            clock.set(self.time.ahead_s + ahead_s)

    def listed(self):
        """What `nodes --problems` says, and what is wrong with its output."""
        done = self.command("nodes", "--problems", "--json", code=None)
        nodes = {node["name"]: node for node in json.loads(done.stdout)["items"]}
        self.assertEqual(done.returncode, 3 if nodes else 0, done.stdout + done.stderr)
        return nodes

    def missing(self, problems):
        """What the hub does not show of the problems."""
        nodes = self.listed()
        refused = {failure["claimed_node"]: failure for failure in self.failures()}
        missing = []
        for problem in problems:
            state, *words = problem.shown
            node = (refused if problem.in_auth_failures else nodes).get(problem.name)
            text = f"{node['reason']} {node.get('problem')}" if node else ""
            if node is None or (not problem.in_auth_failures and node["state"] != state) or \
                    any(word not in text for word in words):
                missing.append((problem.name, problem.shown, node and node.get("state"), text))
        return missing

    def assert_shown(self, problems):
        missing = []

        def complete():
            missing[:] = self.missing(problems)
            return not missing
        wait_until(complete, "all problems to be listed", details=lambda: "\n".join(map(str, missing)))
        text = self.command("nodes", "--problems", code=None).stdout
        for problem in problems:
            if not problem.in_auth_failures:
                self.assertIn(problem.name, text)

    def assert_none(self):
        left = []

        def nothing():
            left[:] = [*self.listed().values(), *self.failures()]
            return not left
        wait_until(nothing, "no problem", details=lambda: "\n".join(map(str, left)))
        self.assertIn("No problems", self.command("nodes", "--problems", code=0).stdout)

    def found(self, problem, items):
        """What is wrong with the results of the doctor; "" if nothing is."""
        check, status, *words = problem.doctor
        for one, result, text in items:
            if one == check and result == status and all(word in text for word in words):
                return ""
        return f"{problem.name}: no {problem.doctor} in {items}"

    def check_problems(self, problems):
        sites = [Site(self, problem.name, number) for number, problem in enumerate(problems)]
        for problem, site in zip(problems, sites):
            if problem.was_seen:
                site.push(0)
                site.write_table()
        for problem, site in zip(problems, sites):
            problem.break_it(site)
            site.push()
        self.pass_time(BEFORE_SILENT_S)
        for problem, site in zip(problems, sites):
            if problem.shown[0] == "online":  # those that are in contact
                site.push(0)
        self.assert_shown(problems)
        wrong = [self.found(problem, site.doctor(3))
                 for problem, site in zip(problems, sites) if problem.doctor]
        self.assertFalse([text for text in wrong if text], "\n".join(filter(None, wrong)))
        self.assert_shown(problems)  # the doctor is a contact, but ends no problem
        self.pass_time(BEFORE_CONFLICT_ENDS_S)
        for problem, site in zip(problems, sites):
            site.restore(problem)
            site.push(0)
        self.assert_none()
        wrong = [(site.name, item) for site in sites for item in site.doctor(None)
                 if item[1] in ("failed", "warning")]
        self.assertFalse(wrong)
        self.assert_none()
