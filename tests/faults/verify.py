# SPDX-License-Identifier: Apache-2.0
"""The final check: every acknowledged item is in the database or in the dead letters exactly once. The only exception
are entries that were in Redis when it lost all its data, unless their nodes still hold them."""

import collections
import hashlib
import sqlite3

import harness
import ledger


class Outcome:
    def __init__(self):
        self.sent = self.merged = self.dead = 0
        self.lost = []     # acknowledged but lost
        self.flushed = []  # acknowledged, lost with Redis' data before the merge, and not held by their nodes
        self.doubled = []  # duplicated
        self.wrong = []    # other errors
        self.left_over = 0  # temporary files of killed programs

    @property
    def good(self):
        return not (self.lost or self.doubled or self.wrong)


def _rows(connection, sql):
    return connection.execute(sql).fetchall()


class Hub:
    """The hub's data, read once after everything was drained."""

    def __init__(self, hub):
        connection = sqlite3.connect(f"file:{hub.db}?mode=ro", uri=True)
        self.integrity = _rows(connection, "PRAGMA integrity_check")[0][0]
        self.devices = dict(_rows(connection, "SELECT lower(devMac), devSyncHubNode FROM Devices"))
        self.device_doubles = _rows(
            connection, "SELECT lower(devMac) FROM Devices GROUP BY 1 HAVING count(*) > 1")
        lines = _rows(connection, "SELECT objectPrimaryId, syncHubNodeName, plugin "
                                  "FROM Plugins_Objects")
        self.lines = collections.Counter(line[0] for line in lines)
        connection.close()
        files = [path for path in hub.out.iterdir() if not path.name.startswith(".")]
        self.files = collections.Counter(
            hashlib.sha256(path.read_bytes()).digest() for path in files)
        self.temporary = [path.name for path in hub.out.iterdir() if path.name.startswith(".")]
        self.dead = []  # (envelope, reason)
        port, prefix = hub.redis.port, hub.prefix
        for _, fields in harness.redis_call(port, "XRANGE", f"{prefix}:dead", "-", "+"):
            pairs = dict(zip(fields[::2], fields[1::2]))
            self.dead.append((pairs[b"e"], pairs[b"r"].decode("utf-8", "replace")))
        self.backlog = harness.redis_call(port, "XLEN", f"{prefix}:ingest")
        self.bytes = int(harness.redis_call(port, "GET", f"{prefix}:bytes") or 0)
        self.failures = harness.redis_call(port, "HLEN", f"{prefix}:failures")
        self.pending = harness.redis_call(port, "XPENDING", f"{prefix}:ingest", "receivers")[0]


def _check_table(held, item, outcome):
    there = [held.devices.get(mac) == item.node for mac in item.keys]
    if any(there) and not all(there):
        outcome.wrong.append(f"{item}: only {sum(there)} of {len(there)} devices are there")
    return all(there)


def _check_result(held, item, outcome):
    lines = [held.lines[key] for key in item.keys]
    files = held.files[hashlib.sha256(item.text).digest()]
    there = all(lines)
    if any(lines) and not there:
        outcome.wrong.append(f"{item}: only a part of its lines is there")
    if max(lines) > 1 or files > 1:
        outcome.doubled.append(f"{item}: lines {lines}, {files} files")
    # Merge may be killed between the file and its commit, and Redis then lose the entry.
    cut_off = item.was_flushed and not there
    if there != (files > 0) and not cut_off:
        outcome.wrong.append(f"{item}: {'merged' if there else 'not merged'}, {files} files")
    return there and files > 0


def _check_poison(held, item, outcome):
    if len(held.dead_items[id(item)]) > 1:
        outcome.doubled.append(f"{item}: {len(held.dead_items[id(item)])} times dead")
    return False


def _index_dead(book, held, outcome):
    held.dead_items = collections.defaultdict(list)
    for envelope, reason in held.dead:
        header = ledger.read_header(envelope)
        item = book.find_digest(header.digest) if header else book.find_text(envelope)
        if item is None or not reason:
            outcome.wrong.append(f"a dead letter that nobody sent, or without a reason: {reason}")
            continue
        held.dead_items[id(item)].append(reason)


def _check_strangers(book, held, outcome):
    known = {key for item in book.items if item.kind == "table" for key in item.keys}
    for mac in held.devices.keys() - known:
        outcome.wrong.append(f"device {mac} was sent by nobody")
    texts = set(book.by_text)
    for digest, number in held.files.items():
        if digest not in texts:
            outcome.wrong.append(f"{number} files hold what nobody sent: cut?")


def check(hub, book, refused):
    """Checks a run that was drained."""
    outcome = Outcome()
    held = Hub(hub)
    _index_dead(book, held, outcome)
    checks = {"table": _check_table, "result": _check_result, "poison": _check_poison}
    for item in book.items:
        merged = checks[item.kind](held, item, outcome)
        dead = held.dead_items.get(id(item), [])
        if not item.promises:
            continue
        outcome.sent += 1
        outcome.merged += merged
        outcome.dead += bool(dead)
        if dead and item.kind != "poison":
            outcome.wrong.append(f"{item} is among the dead letters: {dead[0]}")
        if not merged and not dead:
            excused = item.was_flushed and not item.is_held
            (outcome.flushed if excused else outcome.lost).append(repr(item))
    outcome.doubled += [f"device {mac}" for mac, in held.device_doubles]
    _check_strangers(book, held, outcome)
    if len(outcome.flushed) > book.flushed:
        outcome.wrong.append(f"{len(outcome.flushed)} items are gone, but {book.flushed} entries were in Redis")
    if held.integrity != "ok":
        outcome.wrong.append(f"integrity_check: {held.integrity}")
    left = {"backlog": held.backlog, "pending": held.pending, "bytes": held.bytes,
            "failures": held.failures}
    outcome.wrong += [f"{name} is {value}, not 0" for name, value in left.items() if value != 0]
    outcome.wrong += [f"{path.name} was refused for good" for path in refused]
    outcome.wrong += hub.unserved
    outcome.left_over = len(held.temporary)  # hidden, and removed at a later start
    outcome.wrong += [f"a push of digest {digest} was {why}, but nobody made it"
                      for digest, why in book.unknown]
    return outcome
