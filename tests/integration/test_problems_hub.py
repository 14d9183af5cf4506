# SPDX-License-Identifier: Apache-2.0
"""Problems of the hub itself: each is shown by `synchub-receiver doctor` and /readyz with its remedy, until it is
fixed."""

import json
import os
import sqlite3
import typing
import unittest

import authority
from harness import READY_S, curl, free_port, long_test, netalertx_push, wait_until
from nodes_base import NodesTest, table
from postgres import Postgres
from problem_site import SmallDisk


class HubProblem(typing.NamedTuple):
    name: str
    break_it: typing.Callable
    ready: tuple   # words of /readyz, which answers 503; None: the hub goes on
    doctor: tuple  # check, status, and words of its detail and remedy
    fix: typing.Callable


def config(name, value):
    return lambda test: test.hub_redis.cli("CONFIG", "SET", name, value)


def stop_redis(test):
    test.hub_redis.stop()


def start_redis(test):
    test.hub_redis.start()


def make_replica(test):
    test.hub_redis.cli("REPLICAOF", "127.0.0.1", free_port())


def make_master(test):
    test.hub_redis.cli("REPLICAOF", "NO", "ONE")


def lock_database(test):
    test.lock = sqlite3.connect(test.db, timeout=READY_S, isolation_level=None)
    test.lock.execute("BEGIN IMMEDIATE")
    test.push_table()


def unlock_database(test):
    test.lock.close()


def fill_disk(test):
    test.disk.fill()
    test.push_table()


def empty_disk(test):
    test.disk.empty()


def stop_merging(test):
    """Only ingest runs, so an entry gets old."""
    test.hub.stop()
    test.start(SYNC_receiver_role="ingest")
    test.hub.wait_ready()
    test.push_table()
    test.clock_of_redis.set(1000)


def merge_again(test):
    test.clock_of_redis.set(0)
    test.hub.stop()
    test.start()


def add_dead_letter(test):
    test.hub_redis.cli("XADD", "synchub:ingest", "*", "e", "x", "m", "push")


def drop_dead_letters(test):
    test.command("dead", "drop", "--all")


def open_secrets(test):
    for name in ("token", "key", "db"):
        os.chmod(test.secret_files[name], 0o644)


def close_secrets(test):
    for file in test.secret_files.values():
        os.chmod(file, 0o600)


def refuse_token(test):
    netalertx_push(test.hub.url, table("Shed"), "Shed", token="another")
    wait_until(test.failures, "the failure")


def accept_token(test):
    """The same node, from the same address, with the right token."""
    netalertx_push(test.hub.url, table("Shed"), "Shed")


def lose_credentials(test):
    """As a Redis that lost its data, while no receiver merges."""
    test.hub.stop()
    test.hub_redis.cli("FLUSHALL")
    test.start(SYNC_receiver_role="ingest")


def other_database(test):
    test.queue_database = test.hub_redis.cli("GET", "synchub:database")
    test.hub_redis.cli("SET", "synchub:database", "0" * 32)


def own_database(test):
    test.hub_redis.cli("SET", "synchub:database", test.queue_database)


def stop_hub(test):
    test.hub.stop()


def start_hub(test):
    test.start()


NOT_DURABLE = "appendonly yes"  # the remedy

COMMON = (
    HubProblem("secrets readable by all users", open_secrets, None, ("file modes", "warning", "can be read", "chmod"),
               close_secrets),
    HubProblem("disk full", fill_disk, ("disk is full", "make room"), ("disk", "warning", "make room"), empty_disk),
    HubProblem("Redis away", stop_redis, ("Redis",), ("Redis", "failed", "SYNC_redis_url"), start_redis),
    HubProblem("Redis not durable", config("appendfsync", "everysec"), ("appendfsync",),
               ("Redis durability", "warning", "appendfsync", NOT_DURABLE), config("appendfsync", "always")),
)

OTHERS = (
    HubProblem("Redis evicts", config("maxmemory-policy", "allkeys-lru"), ("maxmemory-policy",),
               ("Redis", "failed", "maxmemory-policy"), config("maxmemory-policy", "noeviction")),
    HubProblem("Redis full", config("maxmemory", "1"), ("maxmemory",),
               ("Redis memory", "warning", "raise maxmemory"), config("maxmemory", "0")),
    HubProblem("Redis is a replica", make_replica, ("replica",), ("Redis", "failed", "replica", "SYNC_redis_url"),
               make_master),
    HubProblem("database locked", lock_database, ("locked",), ("database lock", "failed", "locked", "fuser"),
               unlock_database),
    HubProblem("nobody merges", stop_merging, None, ("queue", "warning", "1 entries", "start more"), merge_again),
    HubProblem("dead letters", add_dead_letter, None, ("dead letters", "warning", "dead list", "dead drop"),
               drop_dead_letters),
    HubProblem("wrong token", refuse_token, None, ("authentication", "warning", "auth-failures"), accept_token),
    HubProblem("credentials not published", lose_credentials, ("credentials",),
               ("credentials", "failed", "start a receiver that merges"), merge_again),
    HubProblem("another database", other_database, ("another database", "adopt"),
               ("hub's database", "failed", "SYNC_db", "adopt"), own_database),
    HubProblem("receiver down", stop_hub, None, ("receiver", "failed", "start synchub-receiver"), start_hub),
)


class HubProblemsTest(NodesTest):
    """A hub whose secrets are in files."""

    def setUp(self):
        super().setUp()
        self.clock_of_redis = self.clock()
        self.hub_redis.stop()
        self.hub_redis.environment = self.clock_of_redis.environment
        self.hub_redis.start()
        self.listen = f"127.0.0.1:{free_port()}"
        self.rows = 0
        self.start()
        self.hub.wait_ready()
        self.push_table()

    def make_database(self):
        folder = self.folder / "db"
        self.disk = SmallDisk(self, folder, "300m")
        self.write_secrets()
        return folder / "hub.db"

    def write_secrets(self):
        self.secret_files = {}
        secrets = self.secrets()
        for name, value in (("token", secrets["SYNC_api_token"]), ("key", secrets["SYNC_encryption_key"]),
                            ("db", self.folder / "db" / "hub.db")):
            self.secret_files[name] = self.folder / f"secret-{name}"
            self.secret_files[name].write_text(f"{value}\n")
            self.secret_files[name].chmod(0o600)

    def settings(self, **settings):
        plain = {"SYNC_redis_url": self.hub_redis.url, "SYNC_listen": self.listen, "SYNC_console_listen": "off",
                 "SYNC_api_token_FILE": self.secret_files["token"],
                 "SYNC_encryption_key_FILE": self.secret_files["key"], "SYNC_db_FILE": self.secret_files["db"],
                 "SYNC_late_after": "1h"}  # otherwise a node that pushes so often is late a minute later
        return {**plain, **settings}

    def start(self, **settings):
        self.hub = self.program("receiver", self.settings(**settings))
        self.hub.wait_for_log("listening on")

    def push_table(self):
        self.rows += 3
        self.assertEqual(netalertx_push(self.hub.url, table("Barn", first=self.rows), "Barn").status, 200)

    def doctor(self):
        """Its exit code, and the results that are findings."""
        done = self.run_program("receiver", self.settings(), "doctor", "--json")
        items = [(item["check"], item["status"], f"{item['detail']}; {item['remedy']}")
                 for item in json.loads(done.stdout)["items"]]
        return done.returncode, [item for item in items if item[1] in ("warning", "failed")]

    def is_found(self, problem):
        code, items = self.doctor()
        check, status, *words = problem.doctor
        self.last = items
        return code == 3 and any(item[:2] == (check, status) and all(word in item[2] for word in words)
                                 for item in items)

    def is_well(self):
        code, self.last = self.doctor()
        return code == 0 and not self.last

    def readyz(self):
        answer = curl(self.hub.url + "/readyz")
        self.last = answer
        return answer.status, answer.text

    def is_not_ready(self, words):
        status, text = self.readyz()
        return status == 503 and all(word in text for word in words)

    def wait_for(self, condition, what, *arguments):
        wait_until(lambda: condition(*arguments), what, details=lambda: f"{self.last}\n{self.hub.log()[-3000:]}")

    def check_problem(self, problem):
        problem.break_it(self)
        try:
            if problem.ready:
                self.wait_for(self.is_not_ready, f"/readyz to name {problem.ready}", problem.ready)
            self.wait_for(self.is_found, f"the doctor to find {problem.doctor}", problem)
        finally:
            problem.fix(self)
        self.wait_for(lambda: self.readyz()[0] == 200, "the hub to be ready")
        self.wait_for(self.is_well, "the doctor to find nothing")

    def check_problems(self, problems):
        self.wait_for(self.is_well, "the doctor to find nothing")
        for problem in problems:
            with self.subTest(problem.name):
                self.check_problem(problem)


class HubProblems(HubProblemsTest):
    def test_common_problems_are_shown_until_they_are_fixed(self):
        self.check_problems(COMMON)

    @long_test
    def test_other_problems_are_shown_until_they_are_fixed(self):
        self.check_problems(OTHERS)

    @long_test
    def test_a_certificate_that_ends_soon(self):
        ca = authority.Authority(self.folder / "ca")
        cert, key = ca.issue("hub", days=90)
        os.chmod(key, 0o600)
        tls = {"SYNC_tls_cert": cert, "SYNC_tls_key": key}
        self.hub.stop()
        self.start(**tls)
        settings = self.settings
        self.settings = lambda **more: settings(**tls, **more)
        self.wait_for(self.is_well, "the doctor to find nothing")
        ca.issue("hub", days=5)
        os.chmod(key, 0o600)
        self.wait_for(self.is_found, "the certificate's end",
                      HubProblem("", None, None, ("certificate", "warning", "renew it"), None))
        ca.issue("hub", days=90)
        os.chmod(key, 0o600)
        self.wait_for(self.is_well, "the doctor to find nothing")


@long_test
class HubProblemsOnPostgres(HubProblemsTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Postgres()
        cls.addClassCleanup(cls.server.remove)

    def make_database(self):
        self.write_secrets()
        url = self.server.new_database()
        self.secret_files["db"].write_text(url)
        return url

    def test_a_database_that_is_down(self):
        def stop(test):
            test.server.stop()
            test.push_table()
        self.check_problems([HubProblem(
            "PostgreSQL down", stop, ("PostgreSQL",), ("database", "failed", "PostgreSQL", "SYNC_db"),
            lambda test: test.server.start())])


if __name__ == "__main__":
    unittest.main()
