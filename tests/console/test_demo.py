# SPDX-License-Identifier: Apache-2.0
"""`./dev demo --keep`: its link leads to the console, with the demo's nodes and devices. The picture of README is the
screenshot that this test leaves as build/screenshots/demo.png."""

import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness import READY_S, REPO, wait_until  # noqa: E402

from browser import Browser  # noqa: E402

PASSWORD = "a password of the demo"
WAIT_S = 180


class Demo(unittest.TestCase):
    def setUp(self):
        self.output = tempfile.NamedTemporaryFile(prefix="synchub-demo-", suffix=".out")
        self.addCleanup(self.output.close)
        # A shell that was started with SIGINT ignored, as in the background, cannot catch it.
        self.demo = subprocess.Popen(["tests/dev/demo", "--keep"], cwd=REPO, stdin=subprocess.DEVNULL,
                                     stdout=self.output, stderr=subprocess.STDOUT,
                                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.addCleanup(self.end)

    def end(self):
        self.demo.send_signal(signal.SIGINT)
        self.demo.wait(READY_S)

    def said(self):
        return pathlib.Path(self.output.name).read_text(errors="replace")

    def test_its_link_leads_to_its_nodes(self):
        def stays():
            self.assertIsNone(self.demo.poll(), self.said())
            return re.search(r"stays up until Ctrl-C.*\n +(http://\S+)", self.said())
        link = wait_until(stays, "the demo's link", WAIT_S, details=self.said).group(1)
        browser = Browser()
        self.addCleanup(browser.quit)
        browser.view(1280, height=800)
        browser.open(link)
        browser.wait_for_text("Set the password")
        for field in ("password", "again"):
            browser.fill(f"[name={field}]", PASSWORD)
        browser.click("Set the password")
        browser.wait_for_text("online")
        browser.screenshot("demo")
        browser.open(f"{link.partition('#')[0]}#/nodes")
        for node in ("Home", "Office", "Cabin"):
            browser.wait_for_text(node)
        browser.open(f"{link.partition('#')[0]}#/devices")
        browser.wait_for_text("Robot vacuum")
        self.assertEqual(browser.new_log(), [])


if __name__ == "__main__":
    unittest.main()
