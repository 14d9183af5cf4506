# SPDX-License-Identifier: Apache-2.0
"""Requests that a reverse proxy and our listener could interpret differently, TLS on a plain port and the reverse,
old ciphers, and IPv4 on `[::]`: with raw sockets and the openssl command, at every listener."""

import re
import socket
import ssl
import subprocess

import harness
from authority import Authority
from harness import TOKEN, SyncHubTest, bearer, curl, device_rows, device_table, netalertx_body

TABLE = device_table(device_rows(3))
GET = b"GET /livez HTTP/1.1\r\nHost: hub\r\n"
POST = b"POST /sync HTTP/1.1\r\nHost: hub\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /readyz HTTP/1.1\r\nHost: hub\r\n\r\n"  # must never be answered

AMBIGUOUS = {
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "two equal lengths": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "lengths in a list": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "a length with a sign": POST + b"Content-Length: +5\r\n\r\nhello",
    "a length with a space behind": POST + b"Content-Length: 5 \r\n\r\nhello",
    "a length with letters": POST + b"Content-Length: 5a\r\n\r\nhello",
    "an empty length": POST + b"Content-Length:\r\n\r\nhello",
    "length and chunks": POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks and length": POST + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "chunks twice": POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks in a list": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "another encoding": POST + b"Transfer-Encoding: gzip\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
    "chunks with a tab": POST + b"Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
    "xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks of HTTP/1.0": b"POST /sync HTTP/1.0\r\nHost: hub\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "two hosts": GET + b"Host: other\r\n\r\n",
    "two equal hosts": GET + b"Host: hub\r\n\r\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "a host with a space": b"GET /livez HTTP/1.1\r\nHost: hub other\r\n\r\n",
    "a host in a list": b"GET /livez HTTP/1.1\r\nHost: hub,other\r\n\r\n",
    "two tokens": GET + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "two types": GET + b"Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n",
    "a bare CR in a value": GET + b"X-A: b\rContent-Length: 5\r\n\r\n",
    "a bare CR before the end": GET + b"X-A: b\r\r\n\r\n",
    "a bare CR in a name": GET + b"X\rA: b\r\n\r\n",
    "a bare LF behind a header": GET + b"X-A: b\nX-B: c\r\n\r\n",
    "a bare LF behind the request line": b"GET /livez HTTP/1.1\nHost: hub\r\n\r\n",
    "bare LFs alone": b"GET /livez HTTP/1.1\nHost: hub\n\n",
    "a bare LF at the end": GET[:-2] + b"\r\n\n",
    "a NUL in a value": GET + b"X-A: b\0c\r\n\r\n",
    "a NUL before a length": GET + b"X-A: b\0Content-Length: 5\r\n\r\n",
    "a continued line": GET + b"X-A: b\r\n c\r\n\r\n",
    "a continued line by a tab": GET + b"X-A: b\r\n\tc\r\n\r\n",
    "a name made by a continued line": POST + b"Transfer-: chunked\r\n Encoding\r\n\r\n0\r\n\r\n",
    "a first line that is continued": GET[:20] + b"\r\n X: y" + GET[20:] + b"\r\n",
    "a space before the colon": POST + b"Content-Length : 5\r\n\r\nhello",
    "a tab before the colon": POST + b"Content-Length\t: 5\r\n\r\nhello",
    "a space before a name": b"GET /livez HTTP/1.1\r\n Host: hub\r\n\r\n",
    "no colon": GET + b"X-A\r\n\r\n",
    "no name": GET + b": x\r\n\r\n",
    "a name with brackets": GET + b"X(A): b\r\n\r\n",
    "a name with a byte over 127": GET + b"X\xe4: b\r\n\r\n",
    "an escape in a value": GET + b"X-A: \x1b[31m\r\n\r\n",
    "two spaces in the request line": b"GET  /livez HTTP/1.1\r\nHost: hub\r\n\r\n",
    "a space behind the version": b"GET /livez HTTP/1.1 \r\nHost: hub\r\n\r\n",
    "a tab in the request line": b"GET\t/livez HTTP/1.1\r\nHost: hub\r\n\r\n",
    "a space in the path": b"GET /livez x HTTP/1.1\r\nHost: hub\r\n\r\n",
    "a space in the query": b"GET /livez?a=b c HTTP/1.1\r\nHost: hub\r\n\r\n",
    "no version": b"GET /livez\r\nHost: hub\r\n\r\n",
    "HTTP/0.9": b"GET /livez HTTP/0.9\r\nHost: hub\r\n\r\n",
    "HTTP/1.2": b"GET /livez HTTP/1.2\r\nHost: hub\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http in small letters": b"GET /livez http/1.1\r\nHost: hub\r\n\r\n",
    "a method with a bracket": b"G(T /livez HTTP/1.1\r\nHost: hub\r\n\r\n",
}

# Chunks that parsers interpret differently. The head is valid; the rest must end the connection.
CHUNKS = {
    "a size with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a size with a sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "a negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "a size with a space before": b" 5\r\nhello\r\n0\r\n\r\n",
    "a size with a space behind": b"5 \r\nhello\r\n0\r\n\r\n",
    "a size with an underscore": b"1_0\r\nhello\r\n0\r\n\r\n",
    "an empty size": b"\r\nhello\r\n0\r\n\r\n",
    "a size over 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a chunk that is longer than its size": b"3\r\nhello\r\n0\r\n\r\n",
}
# libmicrohttpd before 1.0 accepts these; nothing after them may be read as a request.
LENIENT_CHUNKS = {
    "chunks that end with LF": b"5\nhello\n0\n\n",
    "an extension with a bare CR": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "an extension": b"5;a=b\r\nhello\r\n0\r\n\r\n",
    "plain chunks": b"5\r\nhello\r\n0\r\n\r\n",
    "a trailer": b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
}


def everything(connection):
    """Reads until the peer closes."""
    received = b""
    try:
        while True:
            more = connection.recv(65536)
            if not more:
                return received
            received += more
    except (ConnectionResetError, ssl.SSLError):
        return received


class Listeners(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.folder / "ca")
        self.cert, self.key = self.ca.issue("server")

    def listener(self, name, tls=False, listen="127.0.0.1:0"):
        extra = {"SYNC_listen": listen}
        if tls:
            extra.update(SYNC_tls_cert=self.cert, SYNC_tls_key=self.key)
        if name == "receiver":
            settings = self.receiver_settings(self.redis(), **extra)
        elif name == "puller":
            settings = self.puller_settings(self.redis(), ["http://127.0.0.1:9"], **extra)
        else:
            settings = self.pusher_settings("", TABLE, SYNC_RUN="disabled", **extra)
        program = self.program(name, settings)
        program.wait_for_log("listening on")
        return program

    def each_listener(self):
        for name in ("receiver", "pusher", "puller"):
            for tls in (False, True):
                with self.subTest(name, tls=tls):
                    yield self.listener(name, tls), tls

    def connect(self, program, tls=False):
        connection = socket.create_connection(("127.0.0.1", program.port), harness.READY_S)
        if tls:
            context = ssl.create_default_context(cafile=self.ca.file)
            connection = context.wrap_socket(connection, server_hostname="127.0.0.1")
        self.addCleanup(connection.close)
        return connection

    def talk(self, program, tls, sent):
        connection = self.connect(program, tls)
        connection.sendall(sent)
        return everything(connection)


class Ambiguous(Listeners):
    def test_ambiguous_requests_are_refused_and_the_connection_closed(self):
        for program, tls in self.each_listener():
            for name, request in AMBIGUOUS.items():
                with self.subTest(name):
                    received = self.talk(program, tls, request + SMUGGLED)
                    self.assertRegex(received, rb"^HTTP/1\.[01] (400|505) ")
                    self.assertEqual(set(re.findall(rb"HTTP/1\.[01] (\d\d\d) ", received)) -
                                     {b"400", b"505"}, set(), received)
            received = self.talk(program, tls, GET + b"\r\n" + GET + b"Connection: close\r\n\r\n")
            self.assertEqual(received.count(b"HTTP/1.1 200"), 2, "the usual request is refused")

    def test_the_answer_and_the_log_contain_the_reason(self):
        program = self.listener("receiver")
        received = self.talk(program, False, AMBIGUOUS["two lengths"])
        self.assertIn(b"more than one Content-Length", received)
        self.assertIn(b'"success":', received.replace(b": ", b":"))
        program.wait_for_log("refused a request with 400: .*more than one Content-Length.*127.0.0.1")
        received = curl(program.url + "/metrics").text
        self.assertRegex(received, r"synchub_http_ambiguous_requests_total [1-9]")

    def test_heads_of_every_allowed_size_are_accepted(self):
        """The check relies on the memory layout of a head in the library, also when its buffer grows."""
        for program, tls in self.each_listener():
            connection = self.connect(program, tls)
            for size in (1, 100, 500, 1000, 1400, 1500, 2000, 3000, 7000, 15000, 16300, 20000):
                head = GET + b"X-Long: " + b"x" * size + b"\r\n" + b"X-More:\t a b \r\n" * 20 + b"\r\n"
                for piece in (head, head[:40], head[40:size], head[size:]) if size > 50 else (head,):
                    connection.sendall(piece)
                wanted = 2 if size > 50 else 1
                received = b""
                while received.count(b"HTTP/1.1 ") < wanted or not received.rstrip().endswith(
                        (b"alive", b"ok")):
                    more = connection.recv(65536)
                    self.assertTrue(more, (size, received))
                    received += more
                self.assertEqual(received.count(b"HTTP/1.1 200"), wanted, (size, received))


class Chunks(Listeners):
    def test_ambiguous_chunks_end_the_connection(self):
        program = self.listener("receiver")
        start = (POST + f"Authorization: Bearer {TOKEN}\r\n".encode() +
                 b"Content-Type: application/json\r\n" + CHUNKED + b"\r\n")
        for name, chunks in {**CHUNKS, **LENIENT_CHUNKS}.items():
            with self.subTest(name):
                received = self.talk(program, False, start + chunks + SMUGGLED)
                self.assertRegex(received, rb"^HTTP/1\.1 4\d\d ")
                self.assertNotRegex(received, rb"HTTP/1\.1 [235]")

    def test_a_chunked_push_is_accepted(self):
        program = self.listener("receiver").wait_ready()
        answer = curl(program.url + "/sync", "-H", "Transfer-Encoding: chunked",
                      body=netalertx_body(TABLE, "Node_A"),
                      headers={**bearer(), "Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers.get("connection"), "close")


class Paths(Listeners):
    def test_a_path_has_one_spelling(self):
        program = self.listener("receiver")
        for path in ("/%6civez", "/livez%00", "//livez", "/./livez", "/livez/", "/livez%2f"):
            with self.subTest(path):
                self.assertEqual(curl(program.url + path, "--path-as-is").status, 404)


class WrongProtocol(Listeners):
    def test_plain_http_to_a_port_with_tls_gets_a_readable_answer(self):
        for name in ("receiver", "pusher", "puller"):
            with self.subTest(name):
                program = self.listener(name, tls=True)
                answer = curl(f"http://127.0.0.1:{program.port}/sync", body=b"x" * 100000,
                              headers=bearer())
                self.assertEqual(answer.status, 400)
                self.assertIn("https://", answer.json["message"])
                self.assertFalse(answer.json["success"])
                program.wait_for_log(r"plain HTTP on this port.*https://.*127\.0\.0\.1")
                self.assertEqual(curl(f"https://127.0.0.1:{program.port}/livez", "--cacert",
                                      str(self.ca.file)).status, 200)

    def test_tls_to_a_plain_port_is_broken_off_and_logged(self):
        for name in ("receiver", "pusher", "puller"):
            with self.subTest(name):
                program = self.listener(name)
                answer = curl(f"https://127.0.0.1:{program.port}/livez")
                self.assertEqual((answer.status, answer.exit_code), (0, 35))  # a failed handshake
                program.wait_for_log(r"TLS handshake on this port.*SYNC_tls_cert.*127\.0\.0\.1")
                self.assertRegex(curl(program.url + "/metrics").text,
                                 r'synchub_http_wrong_protocol_total\{sent="tls"\} [1-9]')

    def test_a_silent_peer_delays_nobody(self):
        program = self.listener("receiver", tls=True)
        silent = [self.connect(program) for _ in range(20)]
        self.assertEqual(curl(f"https://127.0.0.1:{program.port}/livez", "--cacert",
                              str(self.ca.file)).status, 200)
        for connection in silent:
            connection.close()


class Ciphers(Listeners):
    def handshake(self, program, *arguments):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{program.port}", *arguments],
            capture_output=True, stdin=subprocess.DEVNULL, text=True, errors="replace",
            timeout=harness.READY_S)
        match = re.search(r"Cipher is (\S+)", done.stdout)
        return match.group(1) if match else "(NONE)"

    def issue_rsa(self):
        cert, key = self.folder / "rsa.pem", self.folder / "rsa.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                        key, "-out", cert, "-days", "30", "-subj", "/CN=127.0.0.1"],
                       check=True, capture_output=True)
        self.cert, self.key = cert, key

    def test_tls_1_2_has_forward_secrecy_and_authenticated_encryption_only(self):
        elliptic = ("ECDHE-ECDSA", ("ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384",
                                    "ECDHE-ECDSA-AES128-SHA256"))
        rsa = ("ECDHE-RSA", ("AES128-SHA", "AES256-SHA", "AES128-SHA256", "AES256-GCM-SHA384",
                             "AES128-GCM-SHA256", "AES128-CCM", "ECDHE-RSA-AES128-SHA",
                             "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-SHA",
                             "DHE-RSA-AES256-SHA256"))
        for issue, (good, bad) in ((None, elliptic), (self.issue_rsa, rsa)):
            if issue:
                issue()
            program = self.listener("receiver", tls=True)
            for cipher in bad:
                with self.subTest(cipher):
                    self.assertEqual(self.handshake(program, "-tls1_2", "-cipher",
                                                    cipher + ":@SECLEVEL=0"), "(NONE)")
            for cipher in ("-AES128-GCM-SHA256", "-AES256-GCM-SHA384", "-CHACHA20-POLY1305"):
                with self.subTest(good + cipher):
                    self.assertEqual(self.handshake(program, "-tls1_2", "-cipher", good + cipher),
                                     good + cipher)
            self.assertRegex(self.handshake(program, "-tls1_3"), "^TLS_")


class DualStack(Listeners):
    def test_listening_on_all_ipv6_addresses_includes_ipv4(self):
        if not socket.has_ipv6:
            raise AssertionError("this test needs IPv6")
        program = self.listener("receiver", listen="[::]:0")
        self.assertEqual(curl(f"http://[::1]:{program.port}/livez").status, 200)
        self.assertEqual(curl(f"http://127.0.0.1:{program.port}/livez").status, 200)
        harness.netalertx_push(f"http://127.0.0.1:{program.port}", TABLE, "Node_A", token="wrong")
        program.wait_for_log(r"peer=127\.0\.0\.1")
        only = self.listener("receiver", listen="[::1]:0")
        self.assertEqual(curl(f"http://[::1]:{only.port}/livez").status, 200)
        self.assertEqual(curl(f"http://127.0.0.1:{only.port}/livez").status, 0)
