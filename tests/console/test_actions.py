# SPDX-License-Identifier: Apache-2.0
"""What operators change by the page, in Chromium with a real hub."""

import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness import device_mac, device_rows, device_table, netalertx_push, wait_until  # noqa: E402

from browser import By, Keys  # noqa: E402
from test_page import STRANGE, PageTest  # noqa: E402

VIEWS = {"dead": "#/dead", "blocklist": "#/blocklist", "refused": "#/refused", "add": "#/add"}


class ActionsTest(PageTest):
    def setUp(self):
        super().setUp()
        self.start_hub()
        self.open_first()

    def start_hub(self):
        self.start()

    def shown(self, *arguments):
        return json.loads(self.command(*arguments, "--json").stdout)

    def add_dead_letters(self, count, reason=STRANGE.replace("\u0007", "")):
        """Entries that cannot be merged, as if they had failed."""
        for _ in range(count):
            self.hub_redis.cli("XADD", "synchub:dead", "*", "e", "no envelope", "m", "push", "i", "1-1", "r", reason)
            self.hub_redis.cli("INCRBY", "synchub:dead:bytes", 11)

    def dialog(self, answer):
        """Answers the question by keyboard."""
        self.browser.wait_for_text(answer, "dialog")
        for _ in range(5):
            if self.browser.focused()["name"] == answer:
                break
            self.browser.press(Keys.TAB)
        self.assertEqual(self.browser.focused()["name"], answer)
        self.browser.press(Keys.ENTER)
        wait_until(lambda: not self.browser.driver.find_elements(By.TAG_NAME, "dialog"), "the question to go")


class Looks(ActionsTest):
    def test_each_view_in_each_size_and_colour(self):
        self.add_dead_letters(3)
        self.command("blocklist", "add", "--note", "<b>a guest's</b>", "00:00:5e:00:53:01", "=1+1")
        self.assertEqual(netalertx_push(self.hub.url, "{}", "Büro <b>中文", token="wrong").status, 403)
        wait_until(lambda: self.shown("auth-failures")["items"], "the refused request")
        for name, fragment in VIEWS.items():
            for width in (360, 1280):
                for dark in (False, True):
                    with self.subTest(view=name, width=width, dark=dark):
                        self.browser.view(width, dark)
                        self.go(fragment, "")
                        wait_until(lambda: self.browser.text("main h1") and not self.browser.text(".loading"),
                                   f"{name} to be there", 120)
                        self.browser.screenshot(f"{name}-{width}-{'dark' if dark else 'light'}")
                        self.assertEqual(self.browser.axe_findings(), [])
                        self.assertFalse(self.browser.is_wider_than_screen())
                        self.assertEqual(self.browser.driver.find_elements(By.CSS_SELECTOR, "main b, main img"), [])
                        self.assert_quiet()

    def test_empty_lists_say_what_to_do(self):
        for fragment, text in (("#/dead", "No dead letters"), ("#/blocklist", "SYNC_skip_macs"),
                               ("#/refused", "No request was refused"), ("#/nodes", "Add a node")):
            self.go(fragment, text)
        self.assert_quiet()


class Nodes(ActionsTest):
    def test_a_node_is_added_and_arrives(self):
        self.go("#/add", "Add a node")
        self.browser.fill("[name=name]", "Rome 1")
        self.browser.find("[name=netalertx]").click()
        self.browser.focus("[name=name]")
        self.browser.press(Keys.ENTER)
        self.browser.wait_for_text("Copy these now")
        self.browser.wait_for_text("Waiting for its first contact")
        text = self.browser.text("main pre")
        made = dict(re.findall(r"^(SYNC_\w+)=(.*)$", text, re.MULTILINE))
        self.assertEqual(made["SYNC_node_name"], "Rome 1")
        self.assertEqual(len(self.browser.driver.find_elements(By.CSS_SELECTOR, "main pre")), 3)
        self.browser.screenshot("add-made-1280-light")
        self.assertEqual(self.browser.axe_findings(), [])
        table = device_table(device_rows(3, node="Rome"))
        wait_until(lambda: netalertx_push(self.hub.url, table, "Rome 1", passphrase=made["SYNC_encryption_key"],
                                          token=made["SYNC_api_token"]).status == 200, "the push to be accepted")
        self.browser.wait_for_text("It is here")
        self.assertIn(made["SYNC_api_token"], self.browser.text("main"))
        self.go("#/nodes", "Rome 1")
        self.go("#/add", "Add a node")
        self.assertNotIn("SYNC_api_token", self.browser.text("main"))
        self.browser.fill("[name=name]", "Rome 1")
        self.browser.press(Keys.ENTER)
        wait_until(lambda: "already has credentials" in self.browser.text("[role=alert]"), "the refusal")

    def test_note_labels_and_credentials_are_changed(self):
        self.push("Berlin", device_rows(3))
        self.go("#/node/Berlin", "Set by you")
        self.browser.fill("[name=note]", "by <b>the</b> window")
        self.browser.fill("[name=labels]", 'site=north room="two words"')
        self.browser.fill("[name=silent]", "2h")
        self.browser.press(Keys.ENTER)
        self.browser.wait_for_text("Saved.")
        node = self.shown("node", "show", "Berlin")
        self.assertEqual((node["note"], node["labels"], node["silent_after_s"]),
                         ("by <b>the</b> window", {"site": "north", "room": "two words"}, 7200))
        self.browser.fill("[name=labels]", "site=south")
        self.browser.fill("[name=silent]", "soon")
        self.browser.click("Save")
        wait_until(lambda: "15m" in self.browser.text("[role=alert]"), "the refusal")
        self.browser.fill("[name=silent]", "")
        self.browser.click("Save")
        self.browser.wait_for_text("Saved.")
        self.assertEqual(self.shown("node", "show", "Berlin")["labels"], {"site": "south"})
        self.browser.click("New credentials")
        self.dialog("New credentials")
        self.browser.wait_for_text("Copy these now")
        self.browser.wait_for_text("The shared ones work until")
        self.assertEqual(self.browser.axe_findings(), [])
        self.browser.click("Revoke")
        self.dialog("Cancel")
        self.assertEqual(self.shown("node", "show", "Berlin")["credentials"], "own")
        self.browser.click("Revoke")
        self.dialog("Revoke")
        self.browser.wait_for_text("Revoked.")
        wait_until(lambda: self.browser.text("[data-key='action-Forget']") == "Forget", "the button")
        self.browser.click("Forget")
        self.dialog("Forget")
        self.browser.wait_for_text("Add a node")
        self.assert_quiet()


class Lists(ActionsTest):
    def blocked(self):
        return [one["mac"] for one in self.shown("blocklist", "list")["items"]]

    def test_a_device_is_blocked_and_unblocked(self):
        self.push("Berlin", device_rows(2))
        mac = device_mac(0)
        self.go(f"#/device/{mac}", "Seen by")
        self.browser.click("Block it")
        self.browser.wait_for_text("Blocklist")
        self.assertEqual(self.browser.find("[name=macs]").get_attribute("value"), mac)
        self.browser.fill("[name=note]", "<b>a guest's</b>")
        self.browser.press(Keys.ENTER)
        self.browser.wait_for_text("Blocked.")
        self.browser.wait_for_text("<b>a guest's</b>")
        self.assertIn(mac, self.blocked())
        self.browser.focus(f"[data-key='unblock-{mac}']")
        self.browser.press(Keys.ENTER)
        self.browser.wait_for_text("Unblocked.")
        self.assertNotIn(mac, self.blocked())

    def test_refused_requests_are_cleared(self):
        self.assertEqual(netalertx_push(self.hub.url, "{}", "Büro <b>中文", token="wrong").status, 403)
        self.go("#/refused", "Büro <b>中文")
        self.browser.click("Clear")
        self.dialog("Forget")
        self.browser.wait_for_text("No request was refused")
        self.assert_quiet()


class DeadLetters(ActionsTest):
    def start_hub(self):
        """A console alone: what is retried stays in the queue."""
        self.adopt(self.hub_redis, self.db)
        self.start(SYNC_receiver_role="console")

    def test_they_are_retried_and_dropped(self):
        self.add_dead_letters(3)
        self.go("#/dead", "<img src=x onerror=alert(1)>")
        self.assertEqual(self.browser.driver.find_elements(By.CSS_SELECTOR, "main img"), [])
        first = self.shown("dead", "list")["items"][0]["id"]
        self.browser.focus(f"[data-key='retry-{first}']")
        self.browser.press(Keys.ENTER)
        self.browser.wait_for_text("Queued again")
        self.browser.click("Drop")
        self.dialog("Drop")
        self.browser.wait_for_text("Dropped.")
        self.assertEqual((self.hub_redis.backlog(), self.hub_redis.dead()), (1, 1))
        self.browser.click("Drop all")
        self.dialog("Cancel")
        self.assertEqual(self.hub_redis.dead(), 1)
        self.browser.click("Retry all")
        self.browser.wait_for_text("1 of 1 queued again")
        self.browser.wait_for_text("No dead letters.")
        self.assert_quiet()

    def test_a_job_goes_on_while_the_page_is_closed_and_can_be_cancelled(self):
        self.add_dead_letters(20)
        self.hub_redis.cli("XADD", "synchub:ingest", "*", "e", "no envelope", "m", "push")
        self.hub_redis.cli("SET", "synchub:bytes", 1 << 40)
        self.go("#/dead", "Retry all")
        self.browser.click("Retry all")
        self.browser.wait_for_text("The queue is full")
        self.browser.screenshot("dead-waiting-1280-light")
        self.assertEqual(self.browser.axe_findings(), [])
        self.browser.open("about:blank")
        self.go("#/dead", "The queue is full")
        self.browser.click("Cancel")
        self.browser.wait_for_text("0 of 20 queued again. The rest stays.")
        self.browser.click("Retry all")
        self.browser.wait_for_text("The queue is full")
        self.browser.open("about:blank")
        self.hub_redis.cli("DEL", "synchub:ingest", "synchub:bytes")
        wait_until(lambda: self.hub_redis.dead() == 0, "the job to go on", details=self.hub.log)
        self.go("#/dead", "No dead letters.")
