# SPDX-License-Identifier: Apache-2.0
"""Who may use the console: first visit, password, sessions, tokens, a proxy's users, and attacks on them."""

import collections
import concurrent.futures
import http.client
import json
import re
import signal
import sqlite3
import subprocess
import time

from authority import Authority, fingerprint, served
from console_base import CONSOLE, LINK, PASSWORD, ConsoleTest
from harness import (READY_S, clean_environment, curl, device_rows, device_table, netalertx_push, wait_until)

OTHER = "another password for the tests"


class FirstVisit(ConsoleTest):
    def test_link_sets_the_password_once(self):
        self.start()
        before = self.call("GET", "/session")
        self.assertEqual((before.status, before.json["type"]), (401, "setup"))
        code = self.first_visit()
        self.assertEqual(self.call("GET", "/session").json["kind"], "password")
        self.cookie = None
        self.assertEqual(self.call("POST", "/session", {"code": code, "password": OTHER}).status, 401)
        self.assertEqual(self.call("GET", "/session").json["type"], "login")
        self.assertEqual(self.log_in(OTHER).status, 401)
        self.assertEqual(self.log_in().status, 204)

    def test_short_password_does_not_use_the_code_up(self):
        self.start()
        code = self.hub.wait_for_log(LINK).group(2)
        self.assertEqual(self.call("POST", "/session", {"code": code, "password": "short"}).status, 422)
        self.first_visit()

    def test_another_link(self):
        self.start()
        self.first_visit()
        self.cookie = None
        printed = self.command("console", "link", SYNC_console_url="https://hub.example.org").stdout
        code = re.fullmatch(r"https://hub\.example\.org/#/password\?code=(\S+)\n", printed).group(1)
        self.assertEqual(self.call("POST", "/session", {"code": "x" + code, "password": OTHER}).status, 401)
        self.assertEqual(self.call("POST", "/session", {"code": code, "password": OTHER}).status, 204)
        self.assertEqual(self.call("POST", "/session", {"code": code, "password": PASSWORD}).status, 401)
        self.assertEqual(self.log_in(OTHER).status, 204)

    def test_no_link_once_there_is_a_password(self):
        self.start()
        self.first_visit()
        self.hub.stop()
        self.start()
        self.assertNotIn("code=", self.hub.log())
        self.assertEqual(self.call("GET", "/session").status, 200, "a session outlives a restart")

    def test_password_of_the_settings(self):
        self.start(SYNC_console_password=PASSWORD)
        self.assertNotIn("code=", self.hub.log())
        answer = self.log_in()
        self.assertEqual(answer.status, 204)
        self.cookie = self.session_of(answer)
        refused = self.call("PUT", "/password", {"password": OTHER, "current": PASSWORD})
        self.assertEqual(refused.status, 409)
        self.hub.stop()
        self.start(SYNC_console_password=OTHER)
        self.assertEqual(self.call("GET", "/session").status, 401, "a session of the old password")
        self.assertNotIn(OTHER, self.command("--check-config", SYNC_console_password=OTHER).stdout)

    def test_secrets_are_stored_as_hashes(self):
        self.start()
        code = self.first_visit()
        token = self.command("console", "token", "add", "robot").stdout.strip()
        with sqlite3.connect(self.db) as db:
            dump = "\n".join(db.iterdump())
        self.assertIn("$argon2id$", dump)
        for secret in (PASSWORD, self.cookie, token, code):
            self.assertNotIn(secret, dump)
            self.assertNotIn(secret, self.hub.log().replace(f"code={code}", ""))


class Sessions(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.first_visit()

    def test_cookie(self):
        header = self.log_in().headers["set-cookie"]
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, header)
        self.assertNotIn("Secure", header)
        self.assertRegex(header, r"^synchub_session=[A-Za-z0-9_-]{43};")

    def test_fixation(self):
        """A cookie that somebody planted never becomes a session."""
        planted = "A" * 43
        answer = self.log_in(headers={"Cookie": f"synchub_session={planted}", "Origin": self.url})
        self.assertNotEqual(self.session_of(answer), planted)
        self.cookie = planted
        self.assertEqual(self.call("GET", "/session").status, 401)

    def test_ended_session(self):
        stolen = self.cookie
        self.assertEqual(self.call("DELETE", "/session").status, 204)
        self.cookie = stolen
        self.assertEqual(self.call("GET", "/session").status, 401)
        self.assertEqual(self.call("POST", "/tokens", {"name": "x"}).status, 401)

    def test_changed_password_ends_the_others(self):
        other = self.session_of(self.log_in(headers={"Cookie": None}))
        mine = self.call("PUT", "/password", {"password": OTHER, "current": PASSWORD})
        self.assertEqual(mine.status, 204)
        for cookie, status in ((self.cookie, 401), (other, 401), (self.session_of(mine), 200)):
            self.cookie = cookie
            self.assertEqual(self.call("GET", "/session").status, status)
        self.assertEqual(self.call("PUT", "/password", {"password": PASSWORD, "current": PASSWORD}).status, 401)

    def test_console_password_ends_sessions(self):
        settings = self.receiver_settings(self.hub_redis, self.db)
        done = subprocess.run([self.hub.path, "console", "password"], input=f"{OTHER}\n", text=True,
                              env=clean_environment(settings), capture_output=True)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.call("GET", "/session").status, 401)
        self.assertEqual(self.log_in(OTHER).status, 204)

    def test_expired_session(self):
        with sqlite3.connect(self.db, timeout=30) as db:
            db.execute("UPDATE SyncHub_Sessions SET record = '1000' || substr(record, instr(record, ' '))")
        self.assertEqual(self.call("GET", "/session").status, 401)

    def test_backup_has_no_sessions(self):
        file = self.folder / "backup"
        self.command("backup", str(file))
        self.command("restore", str(file), SYNC_db=self.folder / "other.db", SYNC_redis_prefix="other")
        with sqlite3.connect(self.folder / "other.db") as db:
            self.assertEqual(db.execute("SELECT count(*) FROM SyncHub_Sessions").fetchone(), (0,))
            self.assertEqual(db.execute("SELECT name FROM SyncHub_Console").fetchall(), [("password",)])


class OtherSites(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.first_visit()

    def test_requests_of_other_origins(self):
        """Nothing that another site's page can send with this user's cookie changes anything."""
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": None},
                        {"Origin": None, "Sec-Fetch-Site": "cross-site"},
                        {"Origin": None, "Sec-Fetch-Site": "same-site"}, {"Origin": None, "Sec-Fetch-Site": "none"},
                        {"Sec-Fetch-Site": "cross-site"}, {"Origin": self.url + "0"},
                        {"Origin": self.url.replace("127.0.0.1", "localhost")}):
            for method, path, value in (("POST", "/tokens", {"name": "csrf"}), ("DELETE", "/session", None),
                                        ("DELETE", "/tokens/x", None),
                                        ("PUT", "/password", {"password": OTHER, "current": PASSWORD})):
                answer = self.call(method, path, value, headers=headers)
                self.assertEqual(answer.status, 403, (headers, method, path))
        self.assertEqual(self.call("GET", "/tokens").json["items"], [])
        self.assertEqual(self.call("GET", "/session").status, 200)

    def test_reading_by_other_sites(self):
        for site in ("cross-site", "same-site"):
            headers = {"Origin": None, "Sec-Fetch-Site": site}
            self.assertEqual(self.call("GET", "/tokens", headers=headers).status, 403)
            # A link from elsewhere leads to the page.
            page = curl(self.url + "/", headers={"Sec-Fetch-Site": site})
            self.assertEqual((page.status, page.headers["x-frame-options"]), (200, "DENY"))
        self.assertEqual(self.call("GET", "/tokens", headers={"Origin": None, "Sec-Fetch-Site": "none"}).status, 200)
        self.assertEqual(self.call("GET", "/tokens", headers={"Origin": None}).status, 200)

    def test_forms_are_no_json(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            answer = curl(self.url + "/api/v1/tokens", body=json.dumps({"name": "form"}),
                          headers={"Content-Type": kind, "Cookie": f"synchub_session={self.cookie}",
                                   "Origin": self.url})
            self.assertEqual(answer.status, 415)

    def test_login_by_another_site(self):
        answer = curl(self.url + "/api/v1/session", body=json.dumps({"password": PASSWORD}),
                      headers={"Content-Type": "application/json", "Origin": "https://evil.example"})
        self.assertEqual(answer.status, 403)
        self.assertNotIn("set-cookie", answer.headers)


class Tokens(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.start()

    def test_life(self):
        token = self.command("console", "token", "add", "robot").stdout.strip()
        self.assertEqual(self.call("GET", "/session", token=token).json["user"], "token robot")
        self.command("console", "token", "add", "robot", code=1)
        added = self.call("POST", "/tokens", {"name": "second", "read_only": True}, token=token)
        self.assertEqual(added.status, 201)
        reader = added.json["token"]
        self.assertTrue(self.call("GET", "/session", token=reader).json["read_only"])
        self.assertEqual(self.call("POST", "/tokens", {"name": "third"}, token=reader).status, 403)
        listed = self.call("GET", "/tokens", token=reader).json["items"]
        self.assertEqual([(t["name"], t["read_only"]) for t in listed], [("robot", False), ("second", True)])
        self.assertTrue(all(t["last_used"] for t in listed))
        shown = json.loads(self.command("console", "token", "list", "--json").stdout)["items"]
        self.assertEqual(shown, listed)
        self.assertEqual(self.call("DELETE", "/tokens/second", token=token).status, 204)
        self.assertEqual(self.call("GET", "/session", token=reader).status, 401)
        self.command("console", "token", "revoke", "robot")
        self.assertEqual(self.call("GET", "/session", token=token).status, 401)
        self.command("console", "token", "revoke", "robot", code=1)
        self.hub.wait_for_log(r"console: token robot from 127\.0\.0\.1: DELETE /api/v1/tokens/second")

    def test_names(self):
        token = self.command("console", "token", "add", "robot", "--read-only").stdout.strip()
        self.assertTrue(self.call("GET", "/session", token=token).json["read_only"])
        writer = self.command("console", "token", "add", "writer").stdout.strip()
        for name in ("", "a b", "x" * 65, "é", "a/b", '"', "a\nb"):
            self.assertEqual(self.call("POST", "/tokens", {"name": name}, token=writer).status, 422, name)
        for body in ({}, {"name": 5}, {"name": "x", "read_only": "yes"}, {"name": "x", "readonly": True}):
            self.assertEqual(self.call("POST", "/tokens", body, token=writer).status, 422, body)
        self.assertEqual(self.call("POST", "/tokens", {"name": "x" * 64}, token=writer).status, 201)

    def test_other_paths_and_methods(self):
        token = self.command("console", "token", "add", "robot").stdout.strip()
        answer = self.call("PATCH", "/tokens", {}, token=token, check=False)
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET, POST"))
        self.assertEqual(self.call("GET", "/nothing", token=token, check=False).status, 404)
        broken = curl(self.url + "/api/v1/tokens", body="{", headers={
            "Content-Type": "application/json", "Authorization": f"Bearer {token}"})
        self.assertEqual(broken.status, 400)
        large = curl(self.url + "/api/v1/tokens", body="[" + " " * 300000 + "]", headers={
            "Content-Type": "application/json", "Authorization": f"Bearer {token}"})
        self.assertEqual(large.status, 413)


class Proxy(ConsoleTest):
    def test_users_of_a_proxy(self):
        self.start(SYNC_console_trusted_proxy="['127.0.0.0/8']", SYNC_console_url="['https://hub.example.org']")
        as_ada = {"Remote-User": "ada", "Host": "hub.example.org"}
        self.assertEqual(self.call("GET", "/session", headers=as_ada).json["kind"], "proxy")
        own = {**as_ada, "Origin": "https://hub.example.org"}
        self.assertEqual(self.call("POST", "/tokens", {"name": "x"}, headers=own).status, 201)
        self.hub.wait_for_log(r"console: ada from 127\.0\.0\.1: POST /api/v1/tokens")
        for headers in (as_ada, {**as_ada, "Origin": "https://evil.example"}):
            self.assertEqual(self.call("POST", "/tokens", {"name": "y"}, headers=headers).status, 403)
        self.first_visit()
        secure = self.log_in(headers={"Host": "hub.example.org", "Origin": "https://hub.example.org", "Cookie": None})
        self.assertIn("; Secure", secure.headers["set-cookie"])

    def test_others_name_nobody(self):
        self.start(SYNC_console_trusted_proxy="['10.0.0.1', 'fd00::/8']")
        self.assertEqual(self.call("GET", "/session", headers={"Remote-User": "ada"}).status, 401)

    def test_invalid_settings(self):
        for name, value in (("SYNC_console_trusted_proxy", "['10.0.0.0/33']"), ("SYNC_console_listen", "nowhere"),
                            ("SYNC_console_trusted_proxy", "['proxy.lan']"), ("SYNC_console_password", "short"),
                            ("SYNC_console_url", "['https://hub/path']"), ("SYNC_console_url", "['hub']")):
            done = self.command("--check-config", code=2, **{name: value})
            self.assertIn(name, done.stderr)
            self.assertNotIn("short;", done.stderr)


class Tls(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder / "ca")
        self.cert, self.key = self.authority.issue("hub")
        self.hub = self.program("receiver", self.receiver_settings(
            self.hub_redis, self.db, SYNC_console_listen="127.0.0.1:0", SYNC_tls_cert=self.cert, SYNC_tls_key=self.key))
        self.port = int(self.hub.wait_for_log(CONSOLE).group(2))
        self.url = f"https://127.0.0.1:{self.port}"
        self.curl_arguments = ("--cacert", str(self.authority.file))

    def test_certificate_of_the_hub_is_the_console_s(self):
        plain = self.url.replace("https:", "http:")
        link = self.hub.wait_for_log(LINK)
        self.assertEqual(link.group(1), self.url)
        self.assertNotIn("received over plain HTTP", self.hub.log())
        answer = self.call("POST", "/session", {"code": link.group(2), "password": PASSWORD})
        self.assertEqual(answer.status, 204, answer)
        self.assertIn("; Secure", answer.headers["set-cookie"])
        self.cookie = self.session_of(answer)
        self.assertEqual(self.call("GET", "/session").json["kind"], "password")
        self.assertEqual(self.call("POST", "/tokens", {"name": "robot"}).status, 201)
        cross = self.call("POST", "/tokens", {"name": "x"}, headers={"Origin": plain + ".example.org"})
        self.assertEqual(cross.status, 403)
        page = curl(self.url + "/", *self.curl_arguments)
        self.assertEqual(page.status, 200)
        self.assertIn("default-src 'self'", page.headers["content-security-policy"])
        in_clear = curl(plain + "/api/v1/session", headers={"Cookie": f"synchub_session={self.cookie}"})
        self.assertEqual(in_clear.status, 400, in_clear)
        self.assertIn("https", in_clear.text)

    def test_another_certificate_is_taken_without_a_restart(self):
        first = served(self.port)
        for old, new in zip((self.cert, self.key), self.authority.issue("next")):
            old.write_bytes(new.read_bytes())
        self.hub.process.send_signal(signal.SIGHUP)
        wait_until(lambda: served(self.port) == fingerprint(self.cert) != first, "the next certificate",
                   details=self.hub.log)


class BruteForce(ConsoleTest):
    def test_guesses_are_slowed_down(self):
        """Hundreds of parallel guesses: few are checked, the others are refused at once."""
        self.start()
        self.first_visit()
        self.cookie = None
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda i: self.log_in(f"guess number {i}"), range(300)))
        statuses = [answer.status for answer in answers]
        self.assertEqual(set(statuses), {401, 429})
        self.assertLess(statuses.count(401), 60)
        self.assertTrue(all(int(a.headers["retry-after"]) > 0 for a in answers if a.status == 429))
        wait_until(lambda: self.log_in().status == 204, "the right password to be accepted again", seconds=150)

    def test_ten_thousand_logins(self):
        """Guesses as fast as 16 connections send them: each is answered, few are checked, an open session and the
        nodes' port go on."""
        self.start()
        self.first_visit()
        self.call("GET", "/session")
        body = json.dumps({"password": "a guess of somebody"})

        def guess(count):
            connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=READY_S)
            statuses = collections.Counter()
            for _ in range(count):
                connection.request("POST", "/api/v1/session", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                statuses[answer.status] += 1
            connection.close()
            return statuses
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            guesses = [pool.submit(guess, 625) for _ in range(16)]
            while not all(one.done() for one in guesses):
                self.assertEqual(self.call("GET", "/session").status, 200)
                self.assertEqual(netalertx_push(self.hub.url, device_table(device_rows(1)), "Berlin").status, 200)
        statuses = sum((one.result() for one in guesses), collections.Counter())
        self.assertEqual(statuses.total(), 10000)
        self.assertEqual(set(statuses), {401, 429})
        self.assertLess(statuses[401], 200)

    def test_many_logins_keep_few_sessions(self):
        """Each login over the limit ends the session that would end first."""
        self.start(SYNC_console_password=PASSWORD)
        soon = int(time.time() * 1000) + 3600000
        with sqlite3.connect(self.db, timeout=30) as db:
            db.executemany("INSERT INTO SyncHub_Sessions VALUES(?, ?, ?)",
                           [(f"{i:064x}", f"{soon + i} {'0' * 64}", 1) for i in range(1000)])
        for _ in range(6):
            answer = wait_until(lambda: (a := self.log_in()).status == 204 and a, "a login")
        self.cookie = self.session_of(answer)
        with sqlite3.connect(self.db) as db:
            self.assertEqual(db.execute("SELECT count(*), min(name) FROM SyncHub_Sessions").fetchone(),
                             (1000, f"{6:064x}"))
        self.assertEqual(self.call("GET", "/session").status, 200)
