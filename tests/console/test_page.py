# SPDX-License-Identifier: Apache-2.0
"""The console's page in Chromium, with a real hub, pushers, Redis and database."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from console_base import LINK, PASSWORD, ConsoleTest  # noqa: E402
from harness import (FakeNetAlertXNode, device_mac, device_rows, device_table, free_port,  # noqa: E402
                     netalertx_push, wait_until)

from browser import Browser, By, Keys  # noqa: E402

STRANGE = "<img src=x onerror=alert(1)>\u202egpj.\u0007=1+1"
VIEWS = {"overview": "#/", "nodes": "#/nodes", "node": "#/node/Berlin", "devices": "#/devices",
         "device": "#/device/{mac}", "settings": "#/settings", "missing": "#/nowhere"}


class PageTest(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.browser = Browser()
        self.addCleanup(self.browser.quit)

    def push(self, node, rows):
        answer = netalertx_push(self.hub.url, device_table(rows), node)
        self.assertEqual(answer.status, 200, answer)
        wait_until(lambda: self.hub_redis.backlog() == 0, "the merge", details=self.hub.log)

    def open_first(self):
        """The first visit: the link of the log, a new password, the overview."""
        self.browser.open(self.hub.wait_for_log(LINK).group(0).removeprefix("open "))
        self.browser.wait_for_text("Set the password")
        for field in ("password", "again"):
            self.browser.fill(f"[name={field}]", PASSWORD)
        self.browser.click("Set the password")
        self.browser.wait_for_text("Overview")

    def go(self, fragment, text):
        self.browser.open(f"{self.url}/{fragment}")
        self.browser.wait_for_text(text)

    def assert_quiet(self):
        """No error, no warning, no broken rule of the CSP, no request to another host."""
        self.assertEqual(self.browser.new_log(), [])
        for url in self.browser.requested_urls():
            self.assertTrue(url.startswith((self.url + "/", f"blob:{self.url}/", "about:", "data:")), url)


class Visit(PageTest):
    def test_first_visit_sets_the_password_and_later_ones_ask_for_it(self):
        self.start()
        self.open_first()
        self.browser.wait_for_text("knows no node yet")
        self.assert_quiet()
        self.browser.click("Log out")
        self.browser.wait_for_text("Log in")
        self.browser.fill("[type=password]", "another password")
        self.browser.press(Keys.ENTER)
        wait_until(lambda: self.browser.text("[role=alert]"), "the refusal")
        self.browser.fill("[type=password]", PASSWORD)
        self.browser.press(Keys.ENTER)
        self.browser.wait_for_text("Overview")

    def test_a_link_to_a_view_leads_there_after_the_login(self):
        self.start()
        self.open_first()
        self.browser.driver.delete_all_cookies()
        self.go("#/nodes?state=late", "Log in")
        self.browser.fill("[type=password]", PASSWORD)
        self.browser.press(Keys.ENTER)
        self.browser.wait_for_text("No node matches")
        self.assertEqual(self.browser.find("select[name=state]").get_attribute("value"), "late")

    def test_who_is_refused_is_on_the_overview(self):
        """A node with a wrong token is in no list of nodes."""
        self.start()
        self.assertEqual(netalertx_push(self.hub.url, "{}", "Cellar <b>", token="wrong").status, 403)
        self.open_first()
        self.browser.wait_for_text("127.0.0.1, as Cellar <b>")
        self.browser.wait_for_text("SYNC_api_token")
        self.browser.click("All refused requests")
        self.browser.wait_for_text("Claims to be")
        self.assert_quiet()

    def test_the_page_goes_on_when_the_hub_is_back(self):
        address = f"127.0.0.1:{free_port()}"
        self.start(SYNC_console_listen=address)
        self.open_first()
        self.hub.stop()
        self.browser.wait_for_text("does not answer", "#away")
        self.start(SYNC_console_listen=address)
        wait_until(lambda: self.browser.text("#away") == "", "the page to recover", 120)
        self.browser.wait_for_text("knows no node yet")


class Views(PageTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.push("Berlin", device_rows(30))
        rows = device_rows(2, node="strange")
        rows[0]["devName"] = STRANGE
        self.push("Büro <b>中文", rows)
        self.open_first()

    def test_each_view_in_each_size_and_colour(self):
        for name, fragment in VIEWS.items():
            for width in (360, 1280):
                for dark in (False, True):
                    with self.subTest(view=name, width=width, dark=dark):
                        self.browser.view(width, dark)
                        self.go(fragment.format(mac=device_mac(0)), "")
                        wait_until(lambda: self.browser.text("main h1") and
                                   not self.browser.text(".loading"), f"{name} to be there", 120)
                        self.browser.screenshot(f"{name}-{width}-{'dark' if dark else 'light'}")
                        self.assertEqual(self.browser.axe_findings(), [])
                        self.assertFalse(self.browser.is_wider_than_screen())
                        self.assert_quiet()

    def test_strange_names_are_inert(self):
        self.go("#/devices", "<img src=x onerror=alert(1)>\\u{202e}gpj.")
        self.go("#/nodes", "Büro <b>中文")
        self.browser.click("Büro <b>中文")
        self.browser.wait_for_text("Last contact")
        self.assertEqual(self.browser.driver.find_elements(By.CSS_SELECTOR, "main b, main img"), [])
        self.assert_quiet()

    def test_everything_is_reached_by_keyboard(self):
        self.go("#/", "Overview")
        seen = []
        for _ in range(60):
            self.browser.press(Keys.TAB)
            focused = self.browser.focused()
            if focused["tag"] == "BODY":
                break
            seen.append(focused["name"])
            self.assertNotEqual(focused["outline"], "none", focused)
        for name in ("Skip to the content", "Nodes", "Devices", "Settings", "Log out"):
            self.assertIn(name, seen)
        self.go("#/nodes", "Berlin")
        self.browser.focus("[data-key=sort-name]")
        self.browser.press(Keys.ENTER)
        wait_until(lambda: self.browser.attribute("th[aria-sort]", "aria-sort") == "descending",
                   "the order to turn")
        self.assertEqual(self.browser.focused()["id"], "main")


class Settings(PageTest):
    PLUGIN = ["SYNC_RUN", "SYNC_RUN_SCHD", "SYNC_api_token", "SYNC_encryption_key", "SYNC_node_name", "SYNC_hub_url",
              "SYNC_devices", "SYNC_plugins", "SYNC_nodes", "SYNC_RUN_TIMEOUT"]

    def puller(self, **settings):
        return self.program("puller", self.secrets(**{"SYNC_redis_url": self.hub_redis.url,
                                                      "SYNC_protocol": "netalertx", **settings}))

    def setting(self, name):
        return f"article:has(#setting-{name}) "

    def test_first_visit_to_a_changed_setting_in_effect(self):
        self.start()
        puller = self.puller()
        puller.wait_for_log("nothing is pulled until it is set")
        node = self.server(FakeNetAlertXNode("Attic", device_table(device_rows(3, node="Attic"))))
        self.open_first()
        self.browser.click("Settings")
        self.browser.wait_for_text("Settings > Sync Hub")
        self.browser.wait_for_text("SYNC_skip_macs")
        names = self.browser.texts(".setting h3 code")
        self.assertEqual(names[:10], self.PLUGIN)
        self.assertEqual(names[10:], sorted(names[10:], key=str.lower))
        self.check_typing(node)
        self.browser.press(Keys.TAB, Keys.ENTER)
        self.browser.wait_for_text("In use by the puller on", self.setting("SYNC_nodes"))
        self.browser.wait_for_text("Set on the hub", self.setting("SYNC_nodes"))
        wait_until(lambda: puller.log().count("run done: 1 nodes, 1 pulled") == 1, "the pull", details=puller.log)
        self.browser.screenshot("settings-changed")
        self.assertEqual(self.browser.axe_findings(), [])
        self.assertEqual([line for line in self.browser.new_log() if "422" not in str(line)], [])

    def check_typing(self, node):
        """What is typed is checked by the hub; the last text is valid, and the focus is in its field."""
        field = self.browser.find("#setting-SYNC_nodes")
        field.send_keys("ftp://x")
        self.browser.wait_for_text("SYNC_nodes holds", self.setting("SYNC_nodes"))
        self.assertFalse(self.browser.find(self.setting("SYNC_nodes") + "[type=submit]").is_enabled())
        self.browser.fill("#setting-SYNC_nodes", f"['Attic={node.url}']")  # as in an environment
        self.browser.wait_for_text("Valid. Not saved yet.", self.setting("SYNC_nodes"))

    def test_what_a_program_has_in_its_environment_is_shown_and_cannot_be_changed(self):
        self.start()
        self.puller(SYNC_nodes="http://127.0.0.1:9", SYNC_listen="127.0.0.1:0").wait_ready()
        self.open_first()

        def shown():
            self.go("#/settings?x", "")
            self.go("#/settings", "SYNC_nodes")
            return "Set in the environment; used by the puller" in self.browser.text("main")
        wait_until(shown, "the puller's value")
        text = self.browser.text("main")
        self.assertIn("http://127.0.0.1:9", text)
        self.assertIn("remove it there to set it on the hub", text)
        self.assertEqual(self.browser.driver.find_elements(By.ID, "setting-SYNC_nodes"), [])
        for secret in self.secrets().values():
            self.assertNotIn(secret, self.browser.driver.page_source)
        self.assert_quiet()


class Charts(PageTest):
    def test_overview_and_node_have_charts_that_are_also_tables(self):
        address = f"127.0.0.1:{free_port()}"
        self.start(SYNC_console_listen=address)
        self.open_first()
        self.browser.wait_for_text("No figures yet")
        self.push("Berlin", device_rows(3))
        self.hub.stop()  # which writes the figures
        self.start(SYNC_console_listen=address)
        for fragment, count in (("#/node/Berlin", 3), ("#/", 4)):
            self.go(fragment, "The last seven days")
            wait_until(lambda: len(self.browser.driver.find_elements(By.CSS_SELECTOR, ".chart")) == count,
                       f"{count} charts")
            self.browser.wait_for_text("New devices an hour")
            label = self.browser.attribute(".chart:nth-of-type(2) svg", "aria-label")
            self.assertIn("at most 3", label)
            self.browser.driver.find_elements(By.CSS_SELECTOR, ".figures summary")[1].click()
            wait_until(lambda: "3" in self.browser.text(".chart:nth-of-type(2) tbody"), "the table")
            for dark in (False, True):
                self.browser.view(360, dark)
                self.browser.screenshot(f"charts-{count}-{'dark' if dark else 'light'}")
                self.assertEqual(self.browser.axe_findings(), [])
                self.assertFalse(self.browser.is_wider_than_screen())
