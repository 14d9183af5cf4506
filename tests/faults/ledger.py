# SPDX-License-Identifier: Apache-2.0
"""Records each item that was sent and what was acknowledged for it. Independent of the tested
programs: uses only PROTOCOL.md."""

import collections
import hashlib
import os
import struct
import threading

import envelopes
import harness

ENVELOPE_FIXED_BYTES = 112
ROWS = 5   # of one table
LINES = 3  # of one plugin result


Header = collections.namedtuple("Header", "kind node plugin id digest")


def read_header(envelope):
    """The clear header of an envelope, or None."""
    if len(envelope) < ENVELOPE_FIXED_BYTES or envelope[:5] != b"SHUB\x01":
        return None
    kind, n, p = struct.unpack(">BBB", envelope[5:8])
    node = envelope[112:112 + n].decode("utf-8", "replace")
    plugin = envelope[112 + n:112 + n + p].decode("utf-8", "replace")
    return Header(kind, node, plugin, envelope[8:24].hex(), envelope[40:72].hex())


class Item:
    """A table, a plugin result, or an entry that can never be merged."""

    def __init__(self, kind, node, name, keys, text):
        self.kind = kind      # "table", "result" or "poison"
        self.node = node
        self.name = name      # for messages
        self.keys = keys      # MACs, or primary ids
        self.text = text
        self.id = os.urandom(16)  # of those that are sealed here
        self.promises = set()  # why it must be in the database at the end
        self.is_held = False   # its node still has it at the end, and sends it again if the hub lost it
        self.was_flushed = False  # it was in the queue, or among the dead letters, when Redis lost all its data

    def __repr__(self):
        return f"{self.name} ({', '.join(sorted(self.promises)) or 'not promised'})"


class Ledger:
    """All items. Thread-safe."""

    def __init__(self):
        self.lock = threading.Lock()
        self.master = envelopes.passphrase_key(harness.KEY)
        self.items = []
        self.by_digest = {}
        self.by_text = {}
        self.digest_keys = {}
        self.rounds = collections.Counter()
        self.unknown = []  # unknown digests in answers
        self.flushed = 0   # entries that were lost with Redis' data

    def _digest(self, node, text):
        if node not in self.digest_keys:
            self.digest_keys[node] = hashlib.blake2b(
                b"synchub 1 digest " + node.encode(), key=self.master, digest_size=32).digest()
        return hashlib.blake2b(text, key=self.digest_keys[node], digest_size=32).hexdigest()

    def _add(self, item):
        with self.lock:
            self.items.append(item)
            self.by_text[hashlib.sha256(item.text).digest()] = item
            self.by_digest[self._digest(item.node, item.text)] = item
        return item

    def _round(self, *what):
        with self.lock:
            self.rounds[what] += 1
            return self.rounds[what] - 1

    def table(self, node, cumulative=False):
        """A table with unique devices; if cumulative, also with those of the previous tables."""
        number = self._round("table", node)
        first = 0 if cumulative else number * ROWS
        rows = [harness.device_row(index, node) for index in range(first, (number + 1) * ROWS)]
        text = harness.device_table([harness.internet_row(), *rows]).encode()
        return self._add(Item("table", node, f"table {number} of {node}",
                              tuple(row["devMac"] for row in rows), text))

    def result(self, node, plugin):
        """A plugin's result with unique lines."""
        number = self._round("result", node, plugin)
        keys = tuple(f"{node}/{plugin}/{number}/{line}" for line in range(LINES))
        text = "".join(f"{key}|{plugin}|2026-08-22 02:53:00|a|b|c|d|extra|{number}\n"
                       for key in keys).encode()
        return self._add(Item("result", node, f"result {number} of {node}'s {plugin}", keys, text))

    def text_result(self, node, plugin, keys, text):
        """A result; the primary ids of some of its lines are checked at the end."""
        number = self._round("result", node, plugin)
        return self._add(Item("result", node, f"result {number} of {node}'s {plugin}", keys,
                              text.encode()))

    def poison(self):
        number = self._round("poison")
        return self._add(Item("poison", "", f"poison {number}", (), f"poison {number}".encode()))

    def promise(self, item, why):
        with self.lock:
            item.promises.add(why)

    def promise_digest(self, digest, why):
        with self.lock:
            item = self.by_digest.get(digest)
            if item is None:
                self.unknown.append((digest, why))
            else:
                item.promises.add(why)

    def flush(self, envelopes_lost):
        """These were in Redis when it lost its data: no more than they may be missing, unless a node holds them."""
        for envelope in envelopes_lost:
            # By the text, as the digest of what was pushed in NetAlertX's format is another.
            sealed = read_header(envelope) is not None
            item = self.find_text(envelopes.text_of(self.master, envelope) if sealed else envelope)
            with self.lock:
                self.flushed += 1
                if item is not None:
                    item.was_flushed = True

    def find_text(self, text):
        with self.lock:
            return self.by_text.get(hashlib.sha256(text).digest())

    def find_digest(self, digest):
        with self.lock:
            return self.by_digest.get(digest)
