# SPDX-License-Identifier: Apache-2.0
"""The console's listener and page."""

import pathlib
import re
import socket

from console_base import DOCUMENT, ConsoleTest
from harness import READY_S, REPO, curl, get_status

PAGE = REPO / "receiver" / "console" / "page"


def raw(url, request):
    """The status line of the answer to these bytes."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=READY_S) as connection:
        connection.sendall(request)
        return connection.makefile("rb").readline()


MAIN = '<script type="module" src="main.js">'


class Listener(ConsoleTest):
    def test_ports_are_apart(self):
        self.start()
        for path in ("/sync", "/livez", "/readyz", "/metrics"):
            self.assertEqual(get_status(self.url + path), 404, path)
        for path in ("/api/v1/openapi.json", "/api/v1/session", "/", "/index.html"):
            self.assertEqual(get_status(self.hub.url + path), 404, path)

    def test_document_needs_no_session(self):
        self.start()
        answer = self.call("GET", "/openapi.json")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body, (REPO / "receiver/console/openapi.json").read_bytes())

    def test_every_operation_of_the_document_is_served(self):
        self.start()
        for template, item in DOCUMENT["paths"].items():
            path = re.sub(r"\{[^}]+\}", "x", template)
            for method in sorted(set(item) & {"get", "post", "put", "patch", "delete"}):
                answer = self.call(method.upper(), path, check=False)
                self.assertNotIn("There is no such path", answer.text, (method, path))
                self.assertNotEqual(answer.status, 405, (method, path))

    def test_headers(self):
        self.start()
        for path in ("/api/v1/openapi.json", "/nothing", "/api/v1/session"):
            headers = curl(self.url + path).headers
            self.assertEqual(headers["content-security-policy"],
                             "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
                             "object-src 'none'")
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["x-frame-options"], "DENY")
            self.assertNotIn("access-control-allow-origin", headers)

    def test_etag(self):
        self.start()
        first = curl(self.url + "/api/v1/openapi.json")
        etag = first.headers["etag"]
        again = curl(self.url + "/api/v1/openapi.json", headers={"If-None-Match": etag})
        self.assertEqual((again.status, again.body), (304, b""))
        other = curl(self.url + "/api/v1/openapi.json", headers={"If-None-Match": '"0"'})
        self.assertEqual(other.status, 200)

    def test_page_is_embedded(self):
        self.start()
        modules = "".join(f'<link rel="modulepreload" href="{file.name}">\n' for file in sorted(PAGE.glob("*.js")))
        index = (PAGE / "index.html").read_text().replace(MAIN, modules + MAIN).encode()
        for file in sorted(PAGE.glob("*")):
            answer = curl(f"{self.url}/{file.name}")
            expected = index if file.name == "index.html" else file.read_bytes()
            self.assertEqual((answer.status, answer.body), (200, expected), file.name)
            self.assertNotEqual(answer.headers["content-type"], "application/octet-stream", file.name)
        self.assertEqual(curl(self.url + "/").body, index)

    def test_paths_play_no_tricks(self):
        self.start()
        for path in ("/../openapi.json", "/page/../../../etc/passwd", "/%2e%2e/etc/passwd", "//etc/passwd",
                     "/api/v1/../v1/session", "/api/v1//session", "/api/v1/session/", "/api/v1/%00session",
                     "/api/v1/ses%73ion%00", "/api/v1/%ff", "/api/v1/%", "/api/v1/%4", "/api/v1/" + "a" * 3000,
                     "/api/v1/" + "a/" * 50, "/index.html%00.css", "/api/v2/session", "/API/v1/session"):
            line = raw(self.url, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            self.assertRegex(line, rb"^HTTP/1\.1 404 ", path)

    def test_hosts(self):
        """A name that somebody else's DNS leads here is refused, for the page as well."""
        self.start(SYNC_console_url="['https://hub.example.org', 'http://hub.lan:8080']")
        port = self.url.rsplit(":", 1)[1]
        good = (f"127.0.0.1:{port}", f"localhost:{port}", "[::1]", "127.9.9.9:1", "hub.example.org", "HUB.lan:8080")
        bad = ("evil.example", f"evil.example:{port}", "hub.lan", "hub.example.org:444", "hub.example.org.evil.com",
               "192.168.1.1", "localhost.evil.com", "127.0.0.1.nip.io")
        for path in ("/api/v1/openapi.json", "/", "/api/v1/session"):
            for host in good:
                self.assertNotEqual(curl(self.url + path, headers={"Host": host}).status, 421, host)
            for host in bad:
                self.assertEqual(curl(self.url + path, headers={"Host": host}).status, 421, host)

    def test_listening_on_all_addresses_accepts_addresses(self):
        self.start(SYNC_console_listen="0.0.0.0:0")
        url = self.url + "/api/v1/openapi.json"
        self.assertEqual(curl(url, headers={"Host": "192.168.1.7:20214"}).status, 200)
        self.assertEqual(curl(url, headers={"Host": "evil.example"}).status, 421)

    def test_role_console(self):
        """A process of its own: no pushes, no merging, and the same database."""
        merging = self.receiver(self.hub_redis, self.db, SYNC_receiver_role="merge")
        self.assertNotIn("the console is at", merging.log())
        self.start(SYNC_receiver_role="console")
        self.assertEqual(curl(self.hub.url + "/sync", body="{}").status, 404)
        self.first_visit()
        self.assertEqual(self.call("GET", "/session").json["user"], "admin")

    def test_role_console_without_address(self):
        done = self.command("--check-config", code=2, SYNC_receiver_role="console")
        self.assertIn("SYNC_console_listen", done.stderr)

    def test_default_address(self):
        settings = {name: value for name, value in self.receiver_settings(self.hub_redis, self.db).items()
                    if name != "SYNC_console_listen"}
        for role, line in (("all", "SYNC_console_listen=127.0.0.1:20214 (from default)"),
                           ("merge", "SYNC_console_listen= (from default)"),
                           ("ingest", "SYNC_console_listen= (from default)")):
            done = self.run_program("receiver", {**settings, "SYNC_receiver_role": role}, "--check-config", code=0)
            self.assertIn(line, done.stdout.splitlines(), role)

    def test_busy_address(self):
        """By default another hub's console is no reason not to start; an address that was asked for is one."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            address = f"127.0.0.1:{other.getsockname()[1]}"
            done = self.run_program("receiver", self.receiver_settings(self.hub_redis, self.db,
                                                                       SYNC_console_listen=address), code=1)
            self.assertIn("SYNC_console_listen", done.stdout + done.stderr)

    def test_no_console(self):
        hub = self.receiver(self.hub_redis, self.db, SYNC_console_listen="off")
        self.assertNotIn("console", hub.log())
        self.assertTrue(pathlib.Path(self.db).exists())
