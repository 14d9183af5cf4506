# SPDX-License-Identifier: Apache-2.0
"""Odd values, cell by cell, in a NetAlertX database, in SQLite and in PostgreSQL. What NetAlertX
would store is found by doing what its sync does: Python's json and sqlite3, on its columns."""

import json
import sqlite3
import unittest

import postgres
from harness import REPO, device_mac, device_row
from merge_base import MergeTest

NUMBERS = {"devScan", "devSkipRepeated", "devParentPort", "devReqNicsOnline", "devCanSleep"}

# Column and value in JSON: stored as NetAlertX stores it.
KEPT = [
    ("devParentPort", '"Gi1/0/24"'), ("devParentPort", '"LAN 2"'), ("devParentPort", '"eth0"'),
    ("devParentPort", '"24"'), ("devParentPort", "24"), ("devParentPort", '""'),
    ("devParentPort", "null"), ("devParentPort", "1.5"),
    ("devScan", '"weekly"'), ("devScan", '"1"'), ("devScan", "0"), ("devScan", '""'),
    ("devScan", "true"),
    ("devSkipRepeated", '"daily"'), ("devSkipRepeated", '" 5 "'), ("devSkipRepeated", '"0x10"'),
    ("devReqNicsOnline", '"both"'), ("devCanSleep", '""'),
    ("devName", "7"), ("devName", '"007"'), ("devName", "0.1"), ("devName", "1.5e3"),
    ("devName", '""'), ("devName", '"\\ud83d\\ude00 \\u00fc"'), ("devName", '"a\\nb\\tc"'),
    ("devName", '"x\' OR 1=1 --"'), ("devName", "true"), ("devName", "-9223372036854775808"),
    ("devComments", json.dumps("ü" * 60000)), ("devComments", json.dumps("x" * 250000)),
    ("devComments", '"' + "\\u00fc" * 1000 + '"'), ("devComments", "10"), ("devComments", "10.0"),
    ("devType", "null"), ("devType", '""'), ("devVlan", "10"), ("devVlan", '"010"'),
    ("devFavorite", '"1"'), ("devFavorite", "true"), ("devFavorite", "0.0"), ("devIsNew", "0"),
    ("devFirstConnection", '""'), ("devFirstConnection", '"yesterday"'),
    ("devLastNotification", "null"), ("devLastIP", '"FE80::1"'), ("devGUID", "5"),
]
# Column, value in JSON, and what is stored instead.
REPLACED = [
    ("devName", "Infinity", "(unknown)"), ("devName", "-Infinity", "(unknown)"),
    ("devName", "NaN", "(unknown)"), ("devName", "1e999", "(unknown)"),
    ("devName", '"a\\u0000b"', "(unknown)"), ("devName", '"\\ud800"', "(unknown)"),
    ("devName", '["x"]', "(unknown)"), ("devName", '{"x": 1}', "(unknown)"),
    ("devOwner", "99999999999999999999", "(unknown)"), ("devComments", "Infinity", None),
    ("devComments", '"\\u0000"', None), ("devType", "[]", None), ("devParentPort", "1e999", None),
    ("devParentPort", '"a\\u0000"', None), ("devScan", "[1]", 1), ("devSkipRepeated", "NaN", 0),
    ("devFavorite", '"yes"', 0), ("devFavorite", "2", 0), ("devIsNew", '"text"', 1),
    ("devIsNew", '""', 1), ("devStaticIP", "[]", 0), ("devLogEvents", "-1", 1),
]
# Rows that are rejected, alone.
REJECTED = [
    '{"devMac": "02:00:00:00:00:f1", "x": ' + "[" * 40 + "]" * 40 + "}",
    '{"devMac": "02:00:00:00:00:f2", "devComments": "' + "x" * (5 << 20) + '"}',
    '{"devMac": "02:00:00:00:00:f3", ' + ", ".join(f'"k{i}": 1' for i in range(3000)) + "}",
    '{"devName": "no key"}', '{"devMac": ""}', '{"devMac": null}', '{"devMac": ["x"]}',
    '{"devMac": "a\\u0000b"}', '{"devMac": "%s"}' % ("m" * 65), '{"devMac": Infinity}', "5", "[]",
]
ROWS = [(column, text) for column, text in KEPT] + [(column, text) for column, text, _ in REPLACED]


def json_of(index, column, text):
    row = device_row(index)
    row.pop(column)
    return json.dumps(row)[:-1] + f', "{column}": {text}}}'


def netalertx_stores(column, text):
    """The cell after an insert by NetAlertX's own sync."""
    connection = sqlite3.connect(":memory:")
    connection.executescript((REPO / "tests" / "fixtures" / "netalertx_hub.sql").read_text())
    row = json.loads(json_of(0, column, text))
    names = [line[1] for line in connection.execute("PRAGMA table_info(Devices)")]
    connection.execute(f"INSERT INTO Devices({', '.join(names)}) "
                       f"VALUES({', '.join('?' for _ in names)})", [row.get(n) for n in names])
    return connection.execute(f"SELECT {column} FROM Devices").fetchone()[0]


class OddValues:
    """Tests that all databases share."""

    def test_only_the_key_rejects_a_row_and_each_cell_is_as_netalertx_stores_it(self):
        self.start()
        rows = [json_of(i, column, text) for i, (column, text) in enumerate(ROWS)]
        rows[5:5] = REJECTED
        self.push_text('{"data": [%s]}' % ", ".join(rows))
        stored = self.devices()
        self.assertEqual(set(stored), {device_mac(i) for i in range(len(ROWS))})
        for i, (column, text) in enumerate(KEPT):
            with self.subTest(column=column, text=text[:40]):
                self.assertEqual(stored[device_mac(i)][column], self.cell(column, text))
        for i, (column, text, default) in enumerate(REPLACED, len(KEPT)):
            with self.subTest(column=column, text=text[:40]):
                self.assertEqual(stored[device_mac(i)][column], self.of_kind(column, default))
        self.assert_rejected(len(REJECTED))
        self.hub.wait_for_log(f"replaced={len(REPLACED)}")


class InNetAlertX(OddValues, MergeTest):
    def setUp(self):
        super().setUp()
        self.db = self.folder / "app.db"
        connection = sqlite3.connect(self.db)
        connection.executescript((REPO / "tests" / "fixtures" / "netalertx_hub.sql").read_text())
        connection.close()

    def cell(self, column, text):
        return netalertx_stores(column, text)

    def of_kind(self, column, value):
        return value


class InSqlite(OddValues, MergeTest):
    """Text keeps its spelling, which NetAlertX's STRING columns change where it is a number."""

    def cell(self, column, text):
        value = netalertx_stores(column, text)
        given = json.loads(text)
        if column in NUMBERS or column in ("devFavorite", "devIsNew"):
            return value
        return given if isinstance(given, str) else self.as_text(value)

    @staticmethod
    def as_text(value):
        return None if value is None else str(value)

    def of_kind(self, column, value):
        return value


class InPostgres(InSqlite):
    """Its columns hold values of one type: text where NetAlertX's may be a number or text."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = postgres.Postgres()
        cls.addClassCleanup(cls.server.remove)

    def setUp(self):
        super().setUp()
        self.db = self.server.new_database()

    def query(self, sql, *parameters):
        return postgres.query(self.db, sql, *parameters)

    def cell(self, column, text):
        return self.of_kind(column, super().cell(column, text))

    def of_kind(self, column, value):
        return self.as_text(value) if column in NUMBERS else value


if __name__ == "__main__":
    unittest.main()
