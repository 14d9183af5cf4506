# SPDX-License-Identifier: Apache-2.0
"""Lists on a terminal: the pager, and lines that fit."""

import fcntl
import json
import os
import pty
import shutil
import sqlite3
import struct
import subprocess
import termios
import threading
import unicodedata
import unittest

from harness import BIN, READY_S, SyncHubTest, clean_environment, device_mac, wait_until

MANY = 3000


class Terminal:
    """A program on a pseudo terminal of 24 lines and this many columns."""

    def __init__(self, arguments, environment, folder, columns=80):
        self.fd, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [str(BIN / "synchub-receiver"), *arguments], stdin=slave, stdout=slave, stderr=slave,
            env=environment, cwd=folder, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.output = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # the program has ended
                return
            if not data:
                return
            self.output += data

    @property
    def text(self):
        return self.output.decode(errors="replace")

    def press(self, keys):
        os.write(self.fd, keys)

    def end(self):
        code = self.process.wait(READY_S)
        self.reader.join(READY_S)
        return code

    def stop(self):
        """Ends it with its pager, whose terminal is gone."""
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


class PagerTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.hub_redis = self.redis()
        self.db = self.folder / "hub.db"
        self.adopt(self.hub_redis, self.db)
        self.pages = self.folder / "pages"

    def settings(self, **more):
        return {"SYNC_redis_url": self.hub_redis.url, "SYNC_db": str(self.db),
                "sync_api_token": "secret-token", **more}

    def fill(self, count, name="printer"):
        with sqlite3.connect(self.db) as db:
            db.executemany(
                "INSERT INTO Devices(devMac, devName, devOwner, devFavorite, devFirstConnection,"
                " devLastConnection, devLastIP, devStaticIP, devScan, devLogEvents, devAlertEvents,"
                " devAlertDown, devSkipRepeated, devPresentLastScan, devIsNew, devIsArchived,"
                " devVendor, devSyncHubNode)"
                " VALUES(?, ?, '', 0, '', '', '10.0.0.1', 0, 1, 1, 1, 0, 0, 1, 1, 0, 'A vendor of"
                " printers and of other machines', 'Node_A')",
                [(device_mac(number), f"{name} {number}") for number in range(count)])

    def on_terminal(self, *arguments, columns=80, **environment):
        settings = {**clean_environment(self.settings()), "TERM": "xterm", **environment}
        terminal = Terminal([str(a) for a in arguments], settings, self.folder, columns)
        self.addCleanup(terminal.stop)
        return terminal

    def run_on_terminal(self, *arguments, code=0, **more):
        terminal = self.on_terminal(*arguments, **more)
        self.assertEqual(terminal.end(), code, terminal.text)
        return terminal.text

    def paged(self, *arguments, code=0, **more):
        """The output that the pager got, and what was on the terminal beside it."""
        self.pages.unlink(missing_ok=True)
        text = self.run_on_terminal(*arguments, code=code, PAGER=f"cat > '{self.pages}'", **more)
        return (self.pages.read_text(encoding="utf-8") if self.pages.exists() else None), text


class Choosing(PagerTest):
    def test_every_list_is_paged_on_a_terminal_and_the_rest_is_not(self):
        self.fill(1)
        for words in (["nodes"], ["devices"], ["node", "list"], ["dead", "list"], ["blocklist", "list"],
                      ["auth-failures"]):
            pages, beside = self.paged(*words)
            self.assertTrue(pages, words)
            self.assertEqual(beside, "", words)
            pages, beside = self.paged(*words, "--no-pager")
            self.assertIsNone(pages, words)
            self.assertTrue(beside, words)
        for words in (["devices", "--json"], ["devices", "--csv"], ["nodes", "--json"],
                      ["device", "show", device_mac(0)]):
            pages, beside = self.paged(*words)
            self.assertIsNone(pages, words)
            self.assertIn(device_mac(0) if words[0] != "nodes" else "items", beside)

    def test_an_empty_pager_and_cat_are_none(self):
        self.fill(1)
        for none in ("", " ", "cat", " cat "):
            self.assertIn(device_mac(0), self.run_on_terminal("devices", PAGER=none, PATH="/nowhere"))
        # Without PAGER, less is used only where it is installed.
        self.assertIn(device_mac(0), self.run_on_terminal("devices", PATH="/nowhere"))

    def test_without_a_terminal_nothing_is_paged(self):
        self.fill(1)
        done = self.run_program("receiver", self.settings(PAGER="false"), "devices", code=0)
        self.assertIn(device_mac(0), done.stdout)
        done = self.run_program("receiver", self.settings(PAGER="false"), "devices", "--no-pager", code=0)
        self.assertIn(device_mac(0), done.stdout)

    def test_a_pager_that_cannot_be_run_is_a_failure_that_says_so(self):
        text = self.run_on_terminal("devices", code=1, PAGER="no-such-pager")
        self.assertIn("the pager 'no-such-pager' could not be run", text)

    def test_errors_are_on_the_terminal_and_not_in_the_pager(self):
        pages, beside = self.paged("devices", "--sort", "age", code=2)
        self.assertIsNone(pages)
        self.assertIn("--sort needs one of", beside)
        self.hub_redis.stop()
        pages, beside = self.paged("nodes", code=1)
        self.assertIn("No node has been in contact", pages)
        self.assertIn("as Redis failed", beside)


class Surroundings(PagerTest):
    def test_the_pager_gets_no_setting_and_no_open_file(self):
        self.fill(1)
        seen = self.folder / "seen"
        self.run_on_terminal("devices", PGPASSWORD="hunter2", EDITOR="vi",
                             PAGER=f"(tr '\\0' '\\n' < /proc/self/environ; ls -l /proc/self/fd) > '{seen}'")
        text = seen.read_text(encoding="utf-8")
        for word in ("SYNC_", "sync_", "secret-token", "hunter2", "hub.db", "socket:"):
            self.assertNotIn(word, text)
        for line in ("EDITOR=vi", "LESS=FRX", "LESSSECURE=1"):
            self.assertIn(line + "\n", text)

    def test_the_settings_of_less_are_the_user_s(self):
        seen = self.folder / "seen"
        self.run_on_terminal("devices", LESS="-S", LESSSECURE="0", PAGER=f"env > '{seen}'")
        self.assertIn("LESS=-S\n", seen.read_text(encoding="utf-8"))
        self.assertIn("LESSSECURE=0\n", seen.read_text(encoding="utf-8"))

    def test_the_exit_code_is_the_command_s_even_if_the_user_quits(self):
        self.fill(MANY)
        settings = self.settings()
        self.run_program("receiver", settings, "node", "expect", "Node_B", code=0)
        with sqlite3.connect(self.db) as db:
            db.execute("UPDATE SyncHub_Nodes SET expected_ms = 1")
        for pager in ("true", "head -n 1 > /dev/null", "cat > /dev/null", "exit 4"):
            self.run_on_terminal("nodes", "--problems", code=3, PAGER=pager)
            self.assertEqual(self.run_on_terminal("devices", PAGER=pager), "")

    def test_a_user_who_quits_ends_a_long_list(self):
        self.fill(MANY)
        with sqlite3.connect(self.db) as db:  # a list that would take very long
            db.execute("UPDATE Devices SET devName = printf('%.100000c', 'x') WHERE rowid > 2000")
        text = self.run_on_terminal("devices", PAGER="head -n 1", columns=60000)
        self.assertIn("FIRST SEEN", text)


class Less(PagerTest):
    def test_less_shows_the_first_page_and_quits(self):
        self.assertTrue(shutil.which("less"), "install less")
        self.fill(MANY)
        terminal = self.on_terminal("devices")
        wait_until(lambda: device_mac(5) in terminal.text, "the first page", details=lambda: terminal.text)
        self.assertNotIn(device_mac(100), terminal.text)
        self.assertIsNone(terminal.process.poll())
        terminal.press(b"G")
        wait_until(lambda: device_mac(MANY - 1) in terminal.text, "the last page")
        terminal.press(b"q")
        self.assertEqual(terminal.end(), 0)

    def test_what_fits_one_screen_is_only_written(self):
        self.fill(2)
        self.assertIn(device_mac(1), self.run_on_terminal("devices"))


class Fitting(PagerTest):
    def width(self, line):
        return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
                   for c in line)

    def test_devices_fit_the_terminal_behind_the_pager(self):
        self.fill(40, "プリンター の長い長い長い長い名前")
        for columns in (80, 120, 200):
            pages, _ = self.paged("devices", columns=columns)
            lines = pages.splitlines()
            self.assertEqual(len(lines), 41)
            self.assertLessEqual(max(self.width(line) for line in lines), columns)
            at = lines[0].index("NODES")
            self.assertEqual({self.width(line[:line.index("Nod")]) for line in lines[1:]}, {at})
        self.assertTrue(any("…" in line for line in lines) or columns == 200)

    def test_nodes_leave_out_columns_and_keep_names_readable(self):
        name = "A branch office 17 with a long name"
        with sqlite3.connect(self.db) as db:
            db.execute("INSERT INTO SyncHub_Nodes(node, mode, merged_ms, sent, inserted, known, skipped, set_aside, reason,"
                       " last_contact_ms, first_contact_ms) VALUES(?, 'push', 1, 123456, 123456, 0, 0, 3, 'devMac is"
                       " missing in many of them', 1, 1)", [name])
        titles = {}
        for columns in (80, 120, 200):
            lines = self.run_on_terminal("nodes", columns=columns, PAGER="").splitlines()
            titles[columns] = lines[0].replace("LAST ", "LAST_").split()
            for line in lines[:2]:
                self.assertLessEqual(self.width(line), columns, line)
            self.assertTrue(lines[1].startswith(name[:14]), lines[1])
        self.assertEqual(titles[80], ["NODE", "STATE", "LAST_CONTACT", "QUEUE", "REASON"])
        self.assertLess(len(titles[80]), len(titles[120]))
        whole = self.run_program("receiver", self.settings(), "nodes", code=0).stdout.splitlines()[0]
        self.assertEqual(titles[200], whole.replace("LAST ", "LAST_").split())

    def test_columns_keep_in_any_script_and_nothing_is_cut_without_a_terminal(self):
        names = ("ascii", "会議室の印刷機", "مكتب الطابق", "e\u0301te\u0301", "ключ", "💻 laptop", "नमस्ते", "ﾊﾝｶｸ")
        self.fill(len(names))
        with sqlite3.connect(self.db) as db:
            db.executemany("UPDATE Devices SET devName = ? WHERE devMac = ?",
                           [(name, device_mac(number)) for number, name in enumerate(names)])
        text = self.run_program("receiver", self.settings(), "devices", code=0).stdout
        for name in names:
            self.assertIn(f"  {name}  ", text)
        table = json.loads(self.run_program("receiver", self.settings(), "devices", "--json", code=0).stdout)
        self.assertEqual([row["devName"] for row in table["data"]], list(names))


if __name__ == "__main__":
    unittest.main()
