# SPDX-License-Identifier: Apache-2.0
"""Chromium, driven by Debian's chromedriver and python3-selenium."""

import json
import pathlib
import sys

# Debian's packages also for a python3 that is not Debian's.
sys.path.append("/usr/lib/python3/dist-packages")

from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

from harness import wait_until  # noqa: E402

__all__ = ["Browser", "By", "Keys"]

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "build" / "console" / "node_modules" / "axe-core" / "axe.min.js"
# Chromium's own requests (updates, safe browsing) must not reach a network.
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--hide-scrollbars", "--disable-background-networking", "--disable-component-update",
             "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")


class Browser:
    """One Chromium with an empty profile. Everything that it logs and requests is kept."""

    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ARGUMENTS:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.chrome.service.Service("/usr/bin/chromedriver")
        self.driver = webdriver.Chrome(service=service, options=options)
        self.driver.set_script_timeout(120)
        self.driver.set_page_load_timeout(120)
        self.requests = []
        self.messages = []  # of the console, read but not asked for yet

    def quit(self):
        self.driver.quit()

    def view(self, width, dark=False, height=900):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def open(self, url):
        """Loads the page anew; a change of the fragment alone would not. Again if Chromium gave up, as it does
        whenever an interface of the machine comes or goes."""
        for _ in range(5):
            self.driver.get("about:blank")
            self.driver.get(url)
            messages = self.driver.get_log("browser")
            if not any("ERR_NETWORK_CHANGED" in one["message"] for one in messages):
                break
        self.messages += messages

    def text(self, selector="body"):
        return self.driver.execute_script(
            "return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def texts(self, selector):
        """Of all such elements at one time."""
        return self.driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)", selector)

    def wait_for_text(self, text, selector="main"):
        wait_until(lambda: text in self.text(selector), f"{text!r} in {selector}", 120,
                   lambda: f"it shows {self.text()!r}, logs {self.driver.get_log('browser')}")

    def attribute(self, selector, name):
        """Of the element that is there now; the page may replace it at any time."""
        return self.driver.execute_script(
            "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? null",
            selector, name)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, text, selector="button, a"):
        """Clicks the element with this text as a user would, once it is visible."""
        def clicked():
            try:
                for element in self.driver.find_elements(By.CSS_SELECTOR, selector):
                    if element.text == text and element.is_displayed():
                        element.click()
                        return True
            except StaleElementReferenceException:
                pass  # the page replaced it
            return False
        wait_until(clicked, f"{text!r} to be there", 120, lambda: f"it shows {self.text()!r}")

    def fill(self, selector, text):
        """Again if the page replaces the field meanwhile."""
        def filled():
            try:
                field = self.find(selector)
                field.clear()
                field.send_keys(text)
                return self.find(selector).get_attribute("value") == text
            except (NoSuchElementException, StaleElementReferenceException):
                return False
        wait_until(filled, f"{text!r} in {selector}", 120, lambda: f"it shows {self.text()!r}")

    def press(self, *keys):
        """Keys for whatever has the focus."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def focus(self, selector):
        wait_until(lambda: self.driver.execute_script(
            "const it = document.querySelector(arguments[0]); it?.focus(); return it !== null",
            selector), f"{selector} to be there", 120)

    def focused(self):
        """What has the focus: its tag, id, text or name, and the style of its outline."""
        return self.driver.execute_script(
            "const it = document.activeElement; return {tag: it.tagName, id: it.id, "
            "name: it.innerText || it.name, outline: getComputedStyle(it).outlineStyle}")

    def save_to(self, folder):
        """Files that the page saves are put there."""
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior",
                                    {"behavior": "allow", "downloadPath": str(folder)})

    def screenshot(self, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(SCREENSHOTS / f"{name}.png"))

    def axe_findings(self):
        """What axe-core finds, one line for each element."""
        self.driver.execute_script(AXE.read_text())
        result = self.driver.execute_async_script(
            "axe.run(document).then(arguments[arguments.length - 1])")
        return [f"{one['id']}: {node['html']} {node['failureSummary']}"
                for one in result["violations"] for node in one["nodes"]]

    def is_wider_than_screen(self):
        return self.driver.execute_script(
            "return document.documentElement.scrollWidth > window.innerWidth")

    def new_log(self):
        """Messages of the console since the last call: errors, warnings, broken rules of the CSP. What Chromium says of
        the machine's interfaces is not the page's."""
        messages, self.messages = self.messages + self.driver.get_log("browser"), []
        return [f"{one['level']} {one['message']}" for one in messages if "ERR_NETWORK_CHANGED" not in one["message"]]

    def requested_urls(self):
        """All URLs that the page requested since the start."""
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
        return self.requests
