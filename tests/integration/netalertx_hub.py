# SPDX-License-Identifier: Apache-2.0
"""A stand-in for what a NetAlertX hub does with the files in its plugin log folder: its SYNC plugin's
run, a scan, and another plugin's run. Written from docs/netalertx.md, not from NetAlertX's code."""

import json
import sqlite3

RESULT_COLUMNS = (9, 13)
NEEDED = ("devLastIP", "devName", "devVendor", "devGUID")  # of each row: else KeyError


class NetAlertXHub:
    def __init__(self, db, folder, behavior="copy-new"):
        self.db, self.folder, self.behavior = db, folder, behavior
        self.current_scan = {}  # MAC: address and name

    def connect(self):
        connection = sqlite3.connect(self.db, timeout=5)  # as long as NetAlertX waits
        connection.row_factory = sqlite3.Row
        return connection

    def sync_run(self):
        """Takes all tables; their present devices become scan results, unknown ones are inserted."""
        rows = self.take_tables()
        for mac, row in rows.items():
            needed = [row[key] for key in NEEDED]
            if row["devPresentLastScan"] == 1 and mac != "internet":
                self.current_scan[mac] = needed[:2]
        if rows and self.behavior != "hub-defaults":
            with self.connect() as connection:
                self.write(connection, rows)
            connection.close()
        return len(rows)

    def take_tables(self):
        """The rows of all files by MAC; the first one if a MAC occurs twice. Reads results of
        plugins, too, and ignores those that are not JSON, or have no "data"."""
        rows = {}
        for path in sorted(self.folder.glob("last_result.*.decoded.*.log")):
            node = path.name.split(".decoded.", 1)[1].rsplit(".", 2)[0]
            try:
                table = json.loads(path.read_text())["data"]
            except (json.JSONDecodeError, KeyError):
                continue
            for row in table:
                row["devMac"] = str(row["devMac"]).lower()
                row["devSyncHubNode"] = node
                rows.setdefault(row["devMac"], row)
            path.replace(path.with_name("processed_" + path.name))
        return rows

    def write(self, connection, rows):
        """Writes the columns of the first row for all rows, in one transaction."""
        columns = {line[1] for line in connection.execute("PRAGMA table_info(Devices)")}
        known = {line[0].lower() for line in connection.execute(  # fails if one is a number
            f"SELECT devMac FROM Devices WHERE devMac IN ({', '.join('?' for _ in rows)})",
            list(rows))}
        new = [row for mac, row in rows.items() if mac not in known]
        connection.executemany(
            "INSERT OR IGNORE INTO Events(eveMac, eveIp, eveDateTime, eveEventType, "
            "eveAdditionalInfo, evePendingAlertEmail) VALUES(?, ?, datetime('now'), 'New Device', ?, 1)",
            [(row["devMac"], row["devLastIP"], row["devVendor"]) for row in new])
        written = list(rows.values()) if self.behavior == "carbon-copy" else new
        if not written:
            return
        names = [key for key in written[0] if key in columns]
        sql = (f"INTO Devices({', '.join(names)}) VALUES({', '.join('?' for _ in names)})")
        if self.behavior == "carbon-copy":
            kept = ("devMac", "devPresentLastScan")
            sql = f"INSERT {sql} ON CONFLICT(devMac) DO UPDATE SET " + ", ".join(
                f"{name} = excluded.{name}" for name in names if name not in kept)
        else:
            sql = "INSERT OR IGNORE " + sql
        connection.executemany(sql, [[row.get(name) for name in names] for row in written])

    def scan(self):
        """Sets presence from the scan results, with events, and forgets them. Creates devices
        that occur only in the results."""
        with self.connect() as connection:
            devices = connection.execute("SELECT * FROM Devices").fetchall()
            for device in devices:
                mac, was = str(device["devMac"]).lower(), device["devPresentLastScan"]
                now = int(mac in self.current_scan)
                if was == now:
                    continue
                gone = "Device Down" if device["devAlertDown"] else "Disconnected"
                self.add_event(connection, device["devMac"], "Connected" if now else gone)
                connection.execute("UPDATE Devices SET devPresentLastScan = ? WHERE devMac = ?",
                                   (now, device["devMac"]))
            for mac in set(self.current_scan) - {str(device["devMac"]).lower() for device in devices}:
                address, name = self.current_scan[mac]
                self.add_event(connection, mac, "New Device")
                connection.execute(
                    "INSERT INTO Devices(devMac, devName, devLastIP, devFirstConnection, "
                    "devLastConnection, devPresentLastScan) VALUES(?, ?, ?, datetime('now'), "
                    "datetime('now'), 1)", (mac, name, address))
        connection.close()
        self.current_scan = {}

    @staticmethod
    def add_event(connection, mac, kind):
        connection.execute(
            "INSERT INTO Events(eveMac, eveIp, eveDateTime, eveEventType) VALUES"
            "(?, ?, datetime('now'), ?)", (mac, "", kind))

    def plugin_run(self, plugin):
        """Reads a plugin's results; returns the lines with a valid number of columns."""
        lines = []
        for path in sorted(self.folder.glob(f"last_result.{plugin}.decoded.*.log")):
            lines += [line for line in path.read_text().split("\n")
                      if line.count("|") + 1 in RESULT_COLUMNS]
            path.unlink()
        return lines
