# SPDX-License-Identifier: Apache-2.0
"""Problems of nodes that are pulled: each is shown by `nodes --problems` and by the doctor of the puller or of the node,
until it is fixed."""

import json
import os
import socket
import time
import typing
import unittest

import authority
from harness import READY_S, FakeServer, free_port, long_test, wait_until
from nodes_base import NodesTest, table
from problem_site import TlsRelay


class PullProblem(typing.NamedTuple):
    """break_it(site) creates the problem; site.restore() ends it."""
    name: str
    break_it: typing.Callable
    shown: tuple        # words of the reason and remedy in `nodes --problems`
    on_hub: tuple       # status, and words, of this node in the puller's doctor
    on_node: tuple = ()  # check, status, and words, of the node's own doctor, if it can know


class PulledSite:
    """A pusher that is pulled, with its own folder and settings."""

    def __init__(self, test, name):
        self.test = test
        self.name = name
        self.listen = f"127.0.0.1:{free_port()}"
        self.settings = test.pusher_settings("", None, name, SYNC_listen=self.listen)
        self.good_settings = dict(self.settings)
        self.url = self.good_url = f"http://{self.listen}"
        self.file = test.folder / f"node-{name}" / "table_devices.json"
        self.first = 0
        self.write_table()
        self.start()

    def start(self):
        self.program = self.test.program("pusher", self.settings).wait_ready()

    def restart(self, **settings):
        self.program.stop()
        self.settings.update(settings)
        self.start()

    def write_table(self):
        if self.file.is_dir():
            self.file.rmdir()
        self.first += 3
        self.file.write_text(table(self.name, first=self.first))

    def restore(self):
        self.program.stop()
        self.settings = dict(self.good_settings)
        self.url = self.good_url
        self.write_table()
        self.start()

    def doctor(self, code):
        return self.test.doctor("pusher", self.settings, code)


# --- How they are created ----------------------------------------------------------------------


def down(site):
    site.program.stop()


def slow(site):
    """It accepts connections, and never answers."""
    silent = socket.create_server(("127.0.0.1", 0))
    site.test.addCleanup(silent.close)
    site.url = f"http://127.0.0.1:{silent.getsockname()[1]}"


def setting(**settings):
    return lambda site: site.restart(**settings)


def no_table(site):
    site.file.unlink()


def cut_table(site):
    site.file.write_text(site.file.read_text()[:-10])


def no_json(site):
    site.file.write_text("<html>")


def unreadable_table(site):
    site.file.unlink()
    site.file.mkdir()  # as some container engines do for a file that does not exist


def old_table(site):
    os.utime(site.file, (0, time.time() - 2 * 86400))


def web_page(status):
    """A proxy in front of the node that answers with its own page."""
    def break_it(site):
        page = site.test.server(FakeServer(lambda request: (status, {"Content-Type": "text/html"}, "<html>log in</html>")))
        site.url = page.url
    return break_it


def unknown_ca(site):
    relay = TlsRelay(*authority.Authority(site.test.folder / "other-ca").issue("node"), int(site.listen.split(":")[1]))
    site.test.addCleanup(relay.stop)
    site.url = f"https://127.0.0.1:{relay.port}"


def wrong_scheme(site):
    site.url = site.good_url.replace("http", "https")


def wrong_host(site):
    site.url = "http://node.invalid:20211"


def path_in_url(site):
    site.url = f"{site.good_url}/node"


# --- What is shown of them ---------------------------------------------------------------------

COMMON = (
    PullProblem("down", down, ("nothing listens there",), ("failed", "nothing listens there", "SYNC_nodes")),
    PullProblem("slow", slow, ("sent nothing for 5 s", "the port in SYNC_nodes"), ("failed", "sent nothing", "SYNC_nodes")),
    PullProblem("cut-table", cut_table, ("truncated", "synchub-pusher doctor"), ("failed", "truncated"),
                ("device table", "failed", "truncated", "SYNC_devices_file")),
    PullProblem("wrong-token", setting(SYNC_api_token="another"), ("SYNC_api_token",), ("failed", "SYNC_api_token")),
    PullProblem("proxy", web_page(502), ("502", "text/html"), ("failed", "502", "text/html")),
)

OTHERS = (
    PullProblem("wrong-key", setting(SYNC_encryption_key="another passphrase"), ("SYNC_encryption_key",),
                ("failed", "SYNC_encryption_key")),
    PullProblem("no-table", no_table, ("no device table",), ("failed", "no device table"),
                ("device table", "failed", "SYNC_devices_file")),
    PullProblem("no-json", no_json, ("not a device table",), ("failed", "not a device table"),
                ("device table", "failed", "not a device table")),
    PullProblem("unreadable-table", unreadable_table, ("SYNC_devices_file", "synchub-pusher doctor"), ("failed", "SYNC_devices_file"),
                ("device table", "failed", "SYNC_devices_file")),
    PullProblem("old-table", old_table, ("SYNC_table_max_age", "check that NetAlertX runs"),
                ("warning", "SYNC_table_max_age"), ("device table", "warning", "SYNC_table_max_age")),
    PullProblem("login-page", web_page(200), ("text/html",), ("failed", "text/html")),
    PullProblem("firewall", web_page(403), ("403", "text/html"), ("failed", "403", "text/html")),
    PullProblem("unknown-ca", unknown_ca, ("SYNC_tls_ca",), ("failed", "SYNC_tls_ca")),
    PullProblem("wrong-scheme", wrong_scheme, ("http://",), ("failed", "http://")),
    PullProblem("wrong-host", wrong_host, ("node.invalid",), ("failed", "node.invalid", "SYNC_nodes")),
    PullProblem("path-in-url", path_in_url, ("404",), ("failed", "404", "SYNC_nodes")),
    PullProblem("other-name", setting(SYNC_node_name="another"), ('calls itself "another"',),
                ("failed", 'calls itself "another"')),
)


class PulledProblemsTest(NodesTest):
    def setUp(self):
        super().setUp()
        self.hub = self.receiver(self.hub_redis, self.db)

    def puller(self, sites):
        nodes = [f"{site.name}={site.url}" for site in sites]
        return self.puller_settings(self.hub_redis, nodes, SYNC_RUN_TIMEOUT=READY_S)

    def pull(self, sites, code):
        return self.run_program("puller", self.puller(sites), "--once", code=code)

    def doctor(self, program, settings, code):
        done = self.run_program(program, settings, "doctor", "--json", code=code)
        return [(item["check"], item["status"], f"{item['detail']}; {item['remedy']}")
                for item in json.loads(done.stdout)["items"]]

    def assert_found(self, items, check, status, *words):
        self.assertTrue(any(item[:2] == (check, status) and all(word in item[2] for word in words) for item in items),
                        f"no {(check, status, *words)} in {items}")

    def missing(self, problems):
        nodes = self.nodes("--problems")
        return [(problem.name, problem.shown, nodes.get(problem.name)) for problem in problems
                if problem.name not in nodes or nodes[problem.name]["state"] != "failing"
                or any(word not in nodes[problem.name]["reason"] for word in problem.shown)]

    def check_problems(self, problems):
        sites = [PulledSite(self, problem.name) for problem in problems]
        self.pull(sites, 0)
        self.no_problem()
        for problem, site in zip(problems, sites):
            problem.break_it(site)
        self.pull(sites, 1)
        wait_until(lambda: not self.missing(problems), "all problems to be listed",
                   details=lambda: "\n".join(map(str, self.missing(problems))))
        on_hub = self.doctor("puller", self.puller(sites), 3)
        for problem, site in zip(problems, sites):
            with self.subTest(problem.name):
                self.assert_found(on_hub, f"node {problem.name}", *problem.on_hub)
                if problem.on_node:
                    self.assert_found(site.doctor(3), *problem.on_node)
        self.assertFalse(self.missing(problems))  # doctors end no problem
        for site in sites:
            site.restore()
        self.pull(sites, 0)
        self.no_problem()
        found = [item for items in (self.doctor("puller", self.puller(sites), None),
                                    *(site.doctor(None) for site in sites))
                 for item in items if item[1] in ("failed", "warning")]
        self.assertFalse(found)


class PulledProblems(PulledProblemsTest):
    def test_common_problems_are_shown_until_they_are_fixed(self):
        self.check_problems(COMMON)

    @long_test
    def test_other_problems_are_shown_until_they_are_fixed(self):
        self.check_problems(OTHERS)


if __name__ == "__main__":
    unittest.main()
