# SPDX-License-Identifier: Apache-2.0
"""Files that the page saves and reads, in Chromium with a real hub."""

import csv
import io
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness import device_rows, wait_until  # noqa: E402

from test_page import STRANGE, PageTest  # noqa: E402

ROWS = 1200  # more than a page


class FilesTest(PageTest):
    def setUp(self):
        super().setUp()
        self.saved = self.folder / "saved"
        self.saved.mkdir()
        self.browser.save_to(self.saved)
        self.start()
        self.open_first()

    def wait_saved(self, name):
        """The text of the file, once it is complete; it is removed."""
        path = self.saved / name
        wait_until(lambda: path.exists() and not list(self.saved.glob("*.crdownload")), f"{name} to be saved", 120,
                   lambda: f"{list(self.saved.iterdir())}, {self.browser.text('main')}")
        text = path.read_bytes().decode()
        path.unlink()
        return text


class Devices(FilesTest):
    def test_all_that_the_filters_show_are_saved_as_csv(self):
        rows = device_rows(ROWS, node="Berlin")
        rows[0]["devName"] = "=1+1" + STRANGE
        self.push("Berlin", rows)
        self.push("Attic", device_rows(3, node="Attic", first=ROWS))
        self.go("#/devices", "New since")
        self.browser.click("CSV")
        text = self.wait_saved("devices.csv")
        self.assertEqual(text.splitlines(), self.command("devices", "--csv").stdout.splitlines())
        saved = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual(len(saved), ROWS + 3)
        self.assertTrue(saved[0]["devName"].startswith("'=1+1"))
        self.browser.wait_for_text("Saved.")
        self.assert_quiet()
        self.go("#/devices?node=Attic&present=yes&sort=-name", "New since")
        self.browser.click("CSV")
        self.assertEqual(self.wait_saved("devices.csv").splitlines(),
                         self.command("devices", "--csv", "--node=Attic", "--present").stdout.splitlines())

    def test_a_hub_that_is_away_is_said(self):
        self.go("#/devices", "New since")
        self.hub.stop()
        self.browser.click("CSV")
        self.browser.wait_for_text("The hub does not answer.")
        self.assertEqual(list(self.saved.iterdir()), [])


class Credentials(FilesTest):
    def choose(self, path):
        self.browser.find("[name=file]").send_keys(str(path))

    def test_credentials_are_exported_and_imported(self):
        self.command("node", "add", "Attic", "Cabin")
        self.go("#/add", "Move nodes")
        self.browser.click("Export")
        file = self.folder / "credentials"
        file.write_text(self.wait_saved("synchub-credentials.txt"))
        self.assertEqual(sorted(file.read_text().splitlines()), sorted(self.command("node", "export").stdout.splitlines()))
        for width in (360, 1280):
            self.browser.view(width)
            self.assertFalse(self.browser.is_wider_than_screen())
            self.assertEqual(self.browser.axe_findings(), [])
        self.choose(file)
        self.browser.click("Import")
        self.browser.wait_for_text("0 imported, 2 kept that exist here.")
        self.browser.click("Replace what nodes have here", "label")
        self.browser.click("Import")
        self.browser.wait_for_text("What they use now is refused", "dialog")
        self.browser.screenshot("import-replace")
        self.browser.click("Replace", "dialog button")
        self.browser.wait_for_text("2 imported, 0 kept that exist here.")
        self.assert_quiet()

    def test_a_file_that_is_no_export_is_refused_with_the_reason(self):
        file = self.folder / "other"
        file.write_text("<img src=x onerror=alert(1)>")
        self.go("#/add", "Move nodes")
        self.browser.click("Import")  # no file yet: the browser asks for one
        self.choose(file)
        self.browser.click("Import")
        self.browser.wait_for_text("line 1 of the file: not an export of `node export`; nothing was imported")
        self.assertEqual(json.loads(self.command("node", "list", "--json").stdout)["items"], [])
