# SPDX-License-Identifier: Apache-2.0
"""What operators wait for: the first lines of lists, and the console's first view in Chromium, with many nodes and
devices."""

import json
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import time

from figures import Figure
from stage import BIN, PASSPHRASE, REPO, TOKEN, Stage, tool

sys.path.insert(0, str(REPO / "tests" / "console"))

from browser import Browser, Keys  # noqa: E402

CONSOLE = re.compile(r"the console is at (\S+)")
PASSWORD = "a password of the bench"
LISTS = {"nodes": ["nodes"], "problems": ["nodes", "--problems"], "node": ["node", "show", "node-0000001"],
         "devices": ["devices"], "sorted": ["devices", "--sort", "since"], "search": ["devices", "--search", "1"]}
# Resolves once the overview has its figures, with the time since the navigation began.
SHOWN = """const done = arguments[0];
const look = () => document.querySelector('main h1') && !document.querySelector('.loading')
    ? done(performance.now()) : requestAnimationFrame(look);
look();"""


def fill(stage, counts):
    """Nodes that all have been here within the last minutes, and devices, a tenth of them seen by two nodes and a
    hundredth of them new each day."""
    stage.make_database()
    tool("fill-nodes", db=stage.db, nodes=counts.view_nodes)
    tool("fill-devices", db=stage.db, devices=counts.view_devices)
    now = int(time.time() * 1000)
    with sqlite3.connect(stage.db) as db:
        db.execute("UPDATE SyncHub_Nodes SET first_contact_ms = 1, interval_ms = 300000, silent_after_ms = 900000,"
                   " last_contact_ms = ? - abs(random() % 60000)", (now,))
        for step, offset in ((1, 0), (10, 1)):
            db.execute("INSERT INTO SyncHub_Presence SELECT printf('node-%07d', (rowid + ?) % ?), devMac, 1, ?, ?"
                       " - rowid % 100 * 86400000, ?, '10.0.0.1' FROM Devices WHERE rowid % ? = 0",
                       (offset, counts.view_nodes, now, now, now, step))
    db.close()


def first_line(stage, words):
    """Seconds until a list prints its first line."""
    environment = {"PATH": os.environ["PATH"], "SYNC_db": str(stage.db), "SYNC_redis_url": stage.redis.url,
                   "SYNC_api_token": TOKEN, "SYNC_encryption_key": PASSPHRASE}
    begun = time.monotonic()
    with subprocess.Popen([BIN / "synchub-receiver", *words], stdout=subprocess.PIPE, env=environment) as process:
        line = process.stdout.readline()
        seconds = time.monotonic() - begun
        process.kill()
    if not line:
        raise RuntimeError(f"{' '.join(words)} printed nothing")
    return seconds


def lists(root, counts, memory):
    with Stage(root) as stage:
        fill(stage, counts)
        for name, words in LISTS.items():
            seconds = statistics.median(first_line(stage, words) for _ in range(counts.turns))
            yield Figure(f"list_{name}_first_line", seconds, "s", 0.2, seconds / 0.2, "<=0.2 s", seconds <= 0.2)


def console_hub(stage):
    hub = stage.receiver("all", SYNC_console_listen="127.0.0.1:0", SYNC_console_password=PASSWORD)
    return hub, f"http://{hub.wait_for_log(CONSOLE).group(1)}"


def log_in(stage, browser):
    hub, url = console_hub(stage)
    browser.open(url)
    browser.wait_for_text("Log in")
    browser.fill("[type=password]", PASSWORD)
    browser.press(Keys.ENTER)
    browser.wait_for_text("Overview")
    stage.stop(hub)


def first_view(stage, browser):
    """(seconds, bytes on the wire) of a logged-in visitor whose browser has nothing in its cache, at a hub that has just
    started."""
    hub, url = console_hub(stage)
    browser.driver.get("about:blank")
    browser.driver.get_log("performance")
    browser.driver.get(url)
    seconds = browser.driver.execute_async_script(SHOWN) / 1000
    messages = [json.loads(entry["message"])["message"] for entry in browser.driver.get_log("performance")]
    received = sum(m["params"]["encodedDataLength"] for m in messages if m["method"] == "Network.loadingFinished")
    stage.stop(hub)
    return seconds, received


def console(root, counts, memory):
    browser = Browser()
    try:
        with Stage(root) as stage:
            fill(stage, counts)
            browser.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
            log_in(stage, browser)
            turns = [first_view(stage, browser) for _ in range(counts.turns)]
    finally:
        browser.quit()
    seconds, kilobytes = (statistics.median(values) for values in zip(*turns))
    kilobytes /= 1000
    yield Figure("console_first_view", seconds, "s", 1, seconds, "<=1 s", seconds <= 1)
    yield Figure("console_first_view_bytes", kilobytes, "kB", 150, kilobytes / 150, "<=150 kB", kilobytes <= 150)
