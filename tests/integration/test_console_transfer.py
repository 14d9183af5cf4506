# SPDX-License-Identifier: Apache-2.0
"""Credentials of all nodes, exported by one hub's console and imported by another's."""

import json

import postgres
from console_base import ConsoleTest, check_answer
from harness import curl, long_test

FILE = "application/octet-stream"
MANY = 1500


class TransferTest(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.token = self.command("console", "token", "add", "robot").stdout.strip()
        self.reader = self.command("console", "token", "add", "reader", "--read-only").stdout.strip()

    def other_hub(self):
        """Goes on with another hub; the first one stays as it is."""
        self.hub_redis, self.db = self.redis(), self.new_database()
        self.start()
        self.token = self.command("console", "token", "add", "robot").stdout.strip()
        self.reader = self.command("console", "token", "add", "reader", "--read-only").stdout.strip()

    def send(self, path, text=None, token=None, kind=FILE, status=200, headers=None):
        sent = dict(headers or {}) or {"Authorization": f"Bearer {token or self.token}"}
        if text is not None:
            sent["Content-Type"] = kind
        answer = curl(f"{self.url}/api/v1{path}", "-X", "POST", body=text, headers=sent)
        check_answer("POST", path.split("?")[0], answer)
        self.assertEqual(answer.status, status, answer)
        return answer

    def do_import(self, text, query="", status=200, **more):
        return self.send("/credentials/import" + query, text, status=status, **more).json

    def nodes(self):
        return {node["name"]: node["state"]
                for node in json.loads(self.command("node", "list", "--json").stdout)["items"]}


class Transfer:
    def test_what_one_hub_exports_another_imports(self):
        self.command("node", "add", "Attic", "Büro <b>中文", "Cabin")
        self.command("node", "revoke", "Cabin")
        answer = self.send("/credentials/export")
        self.assertEqual(answer.headers["content-disposition"], 'attachment; filename="synchub-credentials.txt"')
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertEqual(sorted(answer.text.splitlines()), sorted(self.command("node", "export").stdout.splitlines()))
        before = self.nodes()
        self.other_hub()
        self.assertEqual(self.do_import(answer.text), {"imported": 3, "kept": 0, "published": True})
        self.assertEqual(self.nodes(), before)
        self.assertEqual(self.do_import(answer.text), {"imported": 0, "kept": 3, "published": True})
        self.command("node", "revoke", "Attic")
        self.assertEqual(self.do_import(answer.text, "?replace=false")["kept"], 3)
        self.assertNotEqual(self.nodes(), before)
        self.assertEqual(self.do_import(answer.text, "?replace=true"), {"imported": 3, "kept": 0, "published": True})
        self.assertEqual(self.nodes(), before)

    def test_what_is_no_export_of_this_hub_is_refused_as_a_whole(self):
        self.command("node", "add", "Attic", "Cabin")
        lines = self.command("node", "export").stdout.splitlines(True)
        self.other_hub()
        for text, said in (("", "line 1 of the file: not an export"), ("{}", "line 1 of the file"),
                           ("\n", "line 1 of the file"), (lines[0].strip(), "line 1 of the file"),
                           (lines[0].replace(lines[0].split()[2], "0" * len(lines[0].split()[2])) + lines[1],
                            "another SYNC_encryption_key"),
                           (lines[0] + lines[1] + "x", "line 3 of the file: not a record, a tab"),
                           (lines[0] + lines[1] + "x\ty\n", "line 3 of the file: not a record of credentials"),
                           (lines[0] + lines[1] + lines[2].replace("\t", "\x00\t"), "line 3 of the file"),
                           (lines[0] + lines[1].replace(lines[1].rsplit("\t")[1], "Else\n"), "do not open")):
            with self.subTest(text=text[:60]):
                self.assertIn(said, self.do_import(text.encode(), status=422)["detail"])
                self.assertEqual(self.nodes(), {})
        self.assertIn("`replace`", self.do_import(lines[0], "?replace=perhaps", status=422)["detail"])
        self.send("/credentials/import", lines[0], kind="text/plain", status=415)
        self.send("/credentials/import", lines[0], kind="application/json", status=415)

    def test_only_who_may_change_something_gets_the_file_and_sends_one(self):
        large = b"x" * (1024 * 1024)
        for path in ("/credentials/export", "/credentials/import"):
            text = large if path.endswith("import") else None
            self.send(path, text, token=self.reader, status=403)
            self.send(path, text, token="wrong", status=401)
            self.send(path, text, headers={"Origin": self.url}, status=401)
            if self.cookie is None:
                self.first_visit()
            cookie = {"Cookie": f"synchub_session={self.cookie}"}
            self.send(path, text, headers=cookie, status=403)
            self.send(path, text, headers={**cookie, "Origin": "http://evil.example"}, status=403)
            self.send(path, text, headers={**cookie, "Origin": self.url}, status=422 if text else 200)
        self.assertEqual(self.call("GET", "/credentials/export", token=self.token, check=False).status, 405)
        other = curl(f"{self.url}/api/v1/tokens", body=large, headers={"Authorization": f"Bearer {self.token}",
                                                                       "Content-Type": FILE})
        self.assertEqual(other.status, 413)
        self.hub.wait_for_log("POST /api/v1/credentials/export")

    @long_test
    def test_a_file_larger_than_other_bodies_is_imported(self):
        """Making a node's key takes long on purpose."""
        (self.folder / "names").write_text("".join(f"node-{i:05}\n" for i in range(MANY)))
        self.command("node", "add", "--file", self.folder / "names")
        text = self.send("/credentials/export").text
        self.assertEqual(len(text.splitlines()), MANY + 1)
        self.assertGreater(len(text), 256 * 1024)
        self.other_hub()
        self.assertEqual(self.do_import(text), {"imported": MANY, "kept": 0, "published": True})
        self.assertEqual(len(self.nodes()), MANY)
        self.assertEqual(self.do_import(text)["kept"], MANY)


class OnSqlite(Transfer, TransferTest):
    number = 0

    def new_database(self):
        self.number += 1
        return self.folder / f"hub-{self.number}.db"


class OnPostgres(Transfer, TransferTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = postgres.Postgres()
        cls.addClassCleanup(cls.server.remove)

    def new_database(self):
        return self.server.new_database()
