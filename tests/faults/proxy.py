# SPDX-License-Identifier: Apache-2.0
"""A proxy between nodes and ingests: distributes connections, and records the answer to each push
before it forwards the answer to the node."""

import random
import socket
import socketserver
import threading

import ledger

HEAD_MAX = 65536
HEARTBEAT = "0" * 64  # the digest in a heartbeat, which no table has
IDLE_S = 40


def read_head(sock, data=b""):
    """Returns (head, following bytes), or None if the peer broke off. data was read before."""
    while b"\r\n\r\n" not in data:
        if len(data) > HEAD_MAX:
            return None
        more = sock.recv(65536)
        if not more:
            return None
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def headers_of(head):
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = [line.partition(":") for line in lines if ":" in line]
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


class Exchange:
    """One request on one connection: "Connection: close" keeps them apart."""

    def __init__(self, proxy, client):
        self.proxy = proxy
        self.client = client
        self.body = b""
        self.lock = threading.Lock()

    def _forward_body(self, upstream, rest, length):
        """Forwards the body from client to ingest in its own thread: the answer may come before the body."""
        got = 0
        try:
            while True:
                if rest:
                    with self.lock:
                        self.body += rest[:max(0, ledger.ENVELOPE_FIXED_BYTES * 3 - got)]
                    got += len(rest)
                    upstream.sendall(rest)
                    if got >= length:
                        self.proxy.event("post", None)
                        return
                rest = self.client.recv(65536)
                if not rest:
                    upstream.shutdown(socket.SHUT_WR)
                    return
        except OSError:
            pass

    def _read_answer(self, upstream):
        """Returns the whole answer as bytes and its final status; forwards interim answers at once."""
        rest = b""
        while True:
            read = read_head(upstream, rest)
            if read is None:
                return None
            head, rest = read
            status = int(head.split(b" ", 2)[1])
            if status == 100:
                self.client.sendall(head)
                continue
            length = int(headers_of(head).get("content-length", 0))
            while len(rest) < length:
                more = upstream.recv(65536)
                if not more:
                    return None
                rest += more
            return status, head + rest

    def run(self):
        self.client.settimeout(IDLE_S)
        read = read_head(self.client)
        if read is None:
            return
        head, rest = read
        headers = headers_of(head)
        head = head[:-2] + b"Connection: close\r\n\r\n"
        upstream = self.proxy.connect()
        if upstream is None:
            return
        with upstream:
            upstream.settimeout(IDLE_S)
            upstream.sendall(head)
            length = int(headers.get("content-length", 0))
            threading.Thread(target=self._forward_body, args=(upstream, rest, length),
                             daemon=True).start()
            answer = self._read_answer(upstream)
        if answer is None:
            return
        status, wire = answer
        with self.lock:
            header = ledger.read_header(self.body)
        self.proxy.record(status, header, headers)
        self.proxy.event("answer", header.node if header else headers.get("sync-hub-node"))
        if not self.proxy.loses_this_answer():
            self.client.sendall(wire)


class Proxy:
    """Listens on a free port; upstreams are ports of ingests."""

    def __init__(self, book, upstreams, seed, lose_answers):
        self.book = book
        self.upstreams = list(upstreams)
        self.random = random.Random(seed)
        self.lose_answers = lose_answers
        self.lock = threading.Lock()
        self.statuses = {}
        self.listeners = {}
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    Exchange(owner, self.request).run()
                except OSError:
                    pass  # killed peers are expected

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 256

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def connect(self):
        """Connects to an ingest that accepts connections, as a load balancer would."""
        with self.lock:
            order = self.random.sample(self.upstreams, len(self.upstreams))
        for port in order:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=5)
            except OSError:
                continue
        return None

    def loses_this_answer(self):
        with self.lock:
            return self.random.random() < self.lose_answers

    def record(self, status, header, headers):
        with self.lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1
        if status not in (200, 202):
            return
        if header is not None:
            self.book.promise_digest(header.digest, "answered")
        elif headers.get("sync-hub-digest", HEARTBEAT) != HEARTBEAT:
            self.book.promise_digest(headers["sync-hub-digest"].lower(), "answered")

    def on(self, event, listener):
        """Calls listener(node) once at the next such event, in the thread that noticed it."""
        with self.lock:
            self.listeners[event] = listener

    def off(self, event):
        with self.lock:
            self.listeners.pop(event, None)

    def event(self, event, node):
        with self.lock:
            listener = self.listeners.pop(event, None)
        if listener:
            listener(node)
