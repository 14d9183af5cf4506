# SPDX-License-Identifier: Apache-2.0
"""Simulates what a NetAlertX hub does with the files in its plugin log folder: a run of its SYNC plugin, a scan, and
a run of another plugin. Written from docs/netalertx.md, not from NetAlertX's code."""

import json
import sqlite3


class NetAlertXHub:
    def __init__(self, db, folder, behavior="copy-new"):
        self.db, self.folder, self.behavior = db, folder, behavior
        self.current_scan = {}

    def connect(self):
        connection = sqlite3.connect(self.db, timeout=5)  # as long as NetAlertX waits
        connection.row_factory = sqlite3.Row
        return connection

    def sync_run(self):
        """Reads all tables; present devices become scan results, unknown ones are inserted."""
        rows = {}
        for path in sorted(self.folder.glob("last_result.SYNC.decoded.*.log")):
            node = path.name.split(".decoded.", 1)[1].rsplit(".", 2)[0]
            for row in json.loads(path.read_text())["data"]:
                row["devMac"] = str(row["devMac"]).lower()
                row["devSyncHubNode"] = node
                rows.setdefault(row["devMac"], row)
            path.replace(path.with_name("processed_" + path.name))
        for mac, row in rows.items():
            # The plugin ends with an error where one of these is missing.
            names = [row[key] for key in ("devLastIP", "devName", "devVendor", "devGUID")]
            if row["devPresentLastScan"] == 1 and mac != "internet":
                self.current_scan[mac] = names[0]
        with self.connect() as connection:
            columns = {line[1] for line in connection.execute("PRAGMA table_info(Devices)")}
            known = {line[0].lower() for line in connection.execute("SELECT devMac FROM Devices")}
            for mac, row in rows.items():
                names = [key for key in row if key in columns]
                if mac not in known and self.behavior != "hub-defaults":
                    connection.execute(
                        f"INSERT INTO Devices({', '.join(names)}) VALUES"
                        f"({', '.join('?' for _ in names)})", [row[key] for key in names])
        connection.close()
        return len(rows)

    def scan(self):
        """Sets presence from the scan results, with events, and forgets them."""
        with self.connect() as connection:
            for device in connection.execute("SELECT * FROM Devices").fetchall():
                mac, was = device["devMac"].lower(), device["devPresentLastScan"]
                now = int(mac in self.current_scan)
                if was == now:
                    continue
                event = "Connected" if now else "Disconnected"
                connection.execute("UPDATE Devices SET devPresentLastScan = ? WHERE devMac = ?",
                                   (now, device["devMac"]))
                connection.execute(
                    "INSERT INTO Events(eveMac, eveIp, eveDateTime, eveEventType) VALUES"
                    "(?, ?, datetime('now'), ?)", (device["devMac"], "", event))
        connection.close()
        self.current_scan = {}

    def plugin_run(self, plugin):
        """Reads a plugin's results; returns their lines."""
        lines = []
        for path in sorted(self.folder.glob(f"last_result.{plugin}.decoded.*.log")):
            lines += [line for line in path.read_text().split("\n") if "|" in line]
            path.unlink()
        return lines
