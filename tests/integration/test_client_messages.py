# SPDX-License-Identifier: Apache-2.0
"""Messages of pusher and puller when a connection fails: each cause has a message with the cause, the host, and the
setting or variable to check. Counterparts: openssl, Python's servers."""

import socket
import socketserver
import ssl
import threading
import unittest

import harness
from authority import Authority, openssl, KEY
from harness import FakeNetAlertXNode, FakeServer, device_rows, device_table, free_port

YEARS = 20 * 365 * 86400
SECRET = "pr0xy-password"


class Forward(socketserver.ThreadingTCPServer):
    """A forward proxy that answers every request with one status and nothing else."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, status):
        self.status = status
        self.asked = []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.asked.append(self.rfile.readline().decode())
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 %d Proxy\r\nContent-Type: text/html\r\nContent-Length: 6\r\n"
                         b"Connection: close\r\n\r\n<html>" % self.server.status)


class Messages(harness.SyncHubTest):
    def push(self, url, *words, no=(), timeout=harness.READY_S, **settings):
        """A push that fails; the log must contain these texts."""
        settings = self.pusher_settings(url, device_table(device_rows(1)),
                                        SYNC_RUN_TIMEOUT=timeout, SYNC_RUN="once", **settings)
        # The first attempt is sufficient; the others come after a pause.
        program = self.program("pusher", settings)
        line = program.wait_for_log(r"not delivered.*?: (.*)").group(1)
        for word in words:
            self.assertIn(word, line)
        for word in no:
            self.assertNotIn(word, program.log())
        for secret in (SECRET, harness.TOKEN, harness.KEY):
            self.assertNotIn(secret, program.log())
        program.kill()
        return line

    def tls_server(self, cert, key):
        """A server with this certificate that does not answer as a hub."""
        server = FakeServer()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
        return self.server(server)

    def self_signed(self):
        cert, key = self.folder / "self.pem", self.folder / "self.key"
        openssl("req", "-x509", *KEY, "-keyout", key, "-out", cert, "-days", "30", "-subj",
                "/CN=self", "-addext", "subjectAltName=IP:127.0.0.1", "-addext",
                "basicConstraints=critical,CA:FALSE")
        return cert, key

    # --- http and https

    def test_https_to_a_hub_that_speaks_http(self):
        hub = self.receiver(self.redis())
        self.push(f"https://127.0.0.1:{hub.port}", "does not speak TLS", "write http:// in SYNC_hub_url")

    def test_http_to_a_server_that_speaks_tls(self):
        cert, key = self.self_signed()
        server = self.tls_server(cert, key)
        self.push(f"http://127.0.0.1:{server.port}", "write https://", "SYNC_hub_url")

    def test_http_to_a_hub_that_speaks_tls(self):
        cert, key = self.self_signed()
        hub = self.program("receiver", self.receiver_settings(
            self.redis(), SYNC_tls_cert=cert, SYNC_tls_key=key))
        self.push(f"http://127.0.0.1:{hub.port}", "https://", "SYNC_hub_url")

    # --- certificates

    def test_a_certificate_of_another_name(self):
        ca = Authority(self.folder / "ca")
        server = self.tls_server(*ca.issue("other", "DNS:hub.example.com"))
        self.push(f"https://localhost:{server.port}", "is for another name", "SYNC_hub_url",
                  no=["SYNC_tls_ca must", "SYNC_tls_ca may"], SYNC_tls_ca=ca.file)

    def test_an_expired_certificate(self):
        ca = Authority(self.folder / "ca")
        server = self.tls_server(*ca.issue("old", expired=True))
        self.push(f"https://127.0.0.1:{server.port}", "has expired", "clock", no=["SYNC_tls_ca m"],
                  SYNC_tls_ca=ca.file)

    def test_a_certificate_that_is_not_valid_yet_by_this_machine_s_clock(self):
        ca = Authority(self.folder / "ca")
        server = self.tls_server(*ca.issue("new"))
        self.push(f"https://127.0.0.1:{server.port}", "is not valid yet", "set this machine's clock",
                  "2006-", no=["SYNC_tls_ca m"], SYNC_tls_ca=ca.file,
                  **self.clock(-YEARS).environment)

    def test_a_self_signed_certificate(self):
        server = self.tls_server(*self.self_signed())
        self.push(f"https://127.0.0.1:{server.port}", "self-signed", "SYNC_tls_ca")

    def test_a_certificate_of_an_unknown_ca(self):
        ca, other = Authority(self.folder / "ca"), Authority(self.folder / "other", "Other CA")
        server = self.tls_server(*ca.issue("server"))
        self.push(f"https://127.0.0.1:{server.port}", "from a CA that is not trusted here",
                  "SYNC_tls_ca", SYNC_tls_ca=other.file)

    # --- connecting

    def test_a_host_without_a_name(self):
        self.push("http://no-such-host.invalid:20212", '"no-such-host.invalid"', "not found by name",
                  "SYNC_hub_url")

    def test_a_port_on_which_nothing_listens(self):
        self.push(f"http://127.0.0.1:{free_port()}", "Connection refused", "127.0.0.1",
                  "SYNC_hub_url", no=["(127.0.0.1"])

    def test_the_addresses_of_a_name_are_shown(self):
        port = free_port()
        self.push(f"http://localhost:{port}", f"localhost:{port}/sync (", "127.0.0.1")

    def test_a_host_that_does_not_answer(self):
        listening = socket.socket()
        self.addCleanup(listening.close)
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        full = []  # further connections find a full backlog and get no answer
        for _ in range(8):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(listening.getsockname())
            full.append(s)
            self.addCleanup(s.close)
        self.push(f"http://127.0.0.1:{listening.getsockname()[1]}", "no answer within", "firewalls",
                  "SYNC_hub_url", timeout=1)

    # --- forward proxies

    def test_a_proxy_that_is_down_is_named_without_its_password(self):
        port = free_port()
        for scheme, variable in (("http", "http_proxy"), ("https", "https_proxy"),
                                 ("https", "HTTPS_PROXY"), ("http", "ALL_PROXY")):
            with self.subTest(variable):
                self.push(f"{scheme}://hub.example.com", f"127.0.0.1:{port}", variable,
                          "Connection refused", "no_proxy",
                          **{variable: f"http://user:{SECRET}@127.0.0.1:{port}"})

    def test_a_proxy_without_a_name(self):
        self.push("http://hub.example.com", "no-such-proxy.invalid:3128", "http_proxy",
                  "not found by name", http_proxy="http://no-such-proxy.invalid:3128")

    def test_a_proxy_that_demands_credentials(self):
        proxy = self.server(Forward(407))
        address = "http://127.0.0.1:%d" % proxy.server_address[1]
        self.push("https://hub.example.com", address, "https_proxy", "demands credentials",
                  https_proxy=address)
        self.assertTrue(proxy.asked[0].startswith("CONNECT hub.example.com:443"))
        self.push("http://hub.example.com", "407", "credentials", "http_proxy", http_proxy=address)

    def test_a_proxy_that_does_not_reach_the_hub(self):
        proxy = self.server(Forward(503))
        address = "http://127.0.0.1:%d" % proxy.server_address[1]
        self.push("https://hub.example.com", address, "https_proxy", "503", https_proxy=address)
        self.push("http://hub.example.com", "503", "not the hub's own answer", address,
                  http_proxy=address)

    def test_hosts_in_no_proxy_are_contacted_directly(self):
        hub = self.receiver(self.redis())
        settings = self.pusher_settings(
            hub.url, device_table(device_rows(1)),
            http_proxy=f"http://127.0.0.1:{free_port()}", no_proxy="example.com, 127.0.0.0/8")
        self.run_program("pusher", settings, "--once", code=0)

    def test_the_puller_names_its_own_setting(self):
        ca = Authority(self.folder / "ca")
        server = self.tls_server(*ca.issue("other", "DNS:node.example.com"))
        port = free_port()
        node = self.server(FakeNetAlertXNode("N", device_table([])))
        queue = self.redis()
        log = self.run_program("puller", self.puller_settings(
            queue, [f"https://localhost:{server.port}", f"http://127.0.0.1:{port}",
                    f"https://127.0.0.1:{node.port}"],
            SYNC_tls_ca=ca.file, SYNC_protocol="netalertx"), "--once", code=1).stderr
        self.assertRegex(log, "is for another name: the host in SYNC_nodes")
        self.assertRegex(log, r"Connection refused; .*\(SYNC_nodes\)")
        self.assertRegex(log, "does not speak TLS.*write http:// in SYNC_nodes")


if __name__ == "__main__":
    unittest.main()
