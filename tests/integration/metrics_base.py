# SPDX-License-Identifier: Apache-2.0
"""Metrics of running programs, and promtool."""

import re
import subprocess

from harness import READY_S, curl, device_rows, device_table, wait_until
from nodes_base import NodesTest, table

HEAD = re.compile(r"# (HELP|TYPE) (\w+) (.*)")
SERIES = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def promtool(*arguments, text=None):
    """Runs promtool, which Debian's package prometheus has."""
    return subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, text=True, check=False,
                          timeout=READY_S)


def read_labels(text):
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if match is None:
            raise AssertionError(f"bad labels: {text}")
        labels[match.group(1)] = re.sub(r"\\.", lambda found: ESCAPES[found.group()], match.group(2))
        at = match.end()
    return labels


def metric(program, name):
    """The value of a series as text, or None if it has none. name: with its labels, as /metrics shows it."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", curl(program.url + "/metrics").text, re.MULTILINE)
    return found and found.group(1)


class Scrape:
    """One answer of GET /metrics: types and help texts by metric, and series as (metric, labels, value)."""

    def __init__(self, program, text=None):
        """text: the answer, if it was scraped already."""
        self.text = text or curl(program.url + "/metrics").text
        self.types, self.helps, self.series = {}, {}, []
        for line in self.text.splitlines():
            if (head := HEAD.fullmatch(line)) is not None:
                {"TYPE": self.types, "HELP": self.helps}[head.group(1)][head.group(2)] = head.group(3)
                continue
            match = SERIES.fullmatch(line)
            if match is None:
                raise AssertionError(f"not a series: {line}")
            self.series.append((match.group(1), read_labels(match.group(2) or ""), float(match.group(3))))

    def values(self, metric, label):
        """The values of a metric by one of its labels."""
        return {labels[label]: value for name, labels, value in self.series if name == metric}

    def value(self, metric):
        found = [value for name, _, value in self.series if name == metric]
        return found[0] if len(found) == 1 else None


class MetricsTest(NodesTest):
    def scrape_until(self, program, condition, what):
        """Scrapes until the condition holds for a scrape, which it returns."""
        def scraped():
            scrape = Scrape(program)
            return scrape if condition(scrape) else None
        return wait_until(scraped, what, details=lambda: Scrape(program).text)

    def scrape_nodes(self, hub, count):
        """Scrapes until there are series of this many nodes."""
        return self.scrape_until(hub, lambda s: len(s.values("synchub_node_state", "node")) == count,
                                 f"series of {count} nodes")

    def scrape_merged(self, hub, count):
        """Scrapes until there are rows of this many nodes; a node has its state before its table is merged."""
        return self.scrape_until(hub, lambda s: len(s.values("synchub_node_rows", "node")) == count ==
                                 len(s.values("synchub_node_present", "node")), f"rows of {count} nodes")

    def start_pusher(self, hub, node="Pushed", **settings):
        """A pusher that listens, and whose table is merged."""
        pusher = self.program("pusher", self.pusher_settings(hub.url, table(node), node, SYNC_listen="127.0.0.1:0",
                                                             **settings))
        self.scrape_until(pusher, lambda s: s.value("synchub_pusher_last_success_timestamp_seconds"), "a push")
        return pusher

    def start_puller(self, *urls):
        """A puller that listens and has done a run."""
        puller = self.program("puller", self.puller_settings(
            self.hub_redis, urls, SYNC_listen="127.0.0.1:0", SYNC_RUN="schedule", SYNC_RUN_SCHD="0 0 1 1 *"))
        self.scrape_until(puller, lambda s: s.value("synchub_pull_last_run_timestamp_seconds"), "a run")
        return puller

    def start_pulled(self, node="Pulled"):
        """A node that is only pulled."""
        return self.program("pusher", self.pusher_settings("", device_table(device_rows(2, node=node)), node,
                                                           SYNC_listen="127.0.0.1:0")).wait_ready()
