# SPDX-License-Identifier: Apache-2.0
"""Alert rules, dashboard and the table of metrics: valid, tested, and only about metrics that the programs have."""

import json
import re
import subprocess
import unittest
import urllib.parse

from authority import Authority
from harness import REPO, curl, free_port, long_test, wait_until
from metrics_base import MetricsTest, Scrape, promtool
from nodes_base import table

RULES = REPO / "packaging/prometheus/synchub.rules.yml"
RULE_TESTS = REPO / "tests/prometheus/synchub.tests.yml"
DASHBOARD = REPO / "packaging/grafana/synchub.json"
OPERATOR_RULE = REPO / "k8s/components/monitoring/prometheus-rule.yaml"
ALERTS = ["SyncHubNodeSilent", "SyncHubNodeFailing", "SyncHubPullFails", "SyncHubDeadLetters",
          "SyncHubQueueNearLimit", "SyncHubRedisNotDurable", "SyncHubCertificateEndsSoon", "SyncHubMergeBehind"]
SELECTOR = re.compile(r"\b(synchub_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
OF_TARGETS = {"instance", "job"}  # which Prometheus adds


def alerts():
    """The alerts of the rules: their expression, time and texts, by name."""
    found = {}
    for text in re.split(r"^      - alert: ", RULES.read_text(), flags=re.MULTILINE)[1:]:
        name, *lines = text.splitlines()
        found[name] = dict(re.match(r'^ +(\w+): "?(.*?)"?$', line).groups() for line in lines if not line.endswith(":"))
    return found


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def dashboard_expressions():
    """Each expression of the dashboard, with a value for Grafana's variables."""
    expressions = [target["expr"] for panel in panels(json.loads(DASHBOARD.read_text())) for target in panel["targets"]]
    return [expression.replace("$__rate_interval", "5m").replace("$node", "Office") for expression in expressions]


def anchors(path):
    return {re.sub(r"[^\w\s-]", "", title.lower()).strip().replace(" ", "-")
            for title in re.findall(r"^#+ +(.+)$", path.read_text(), re.MULTILINE)}


class Rules(unittest.TestCase):
    maxDiff = None

    def test_promtool_accepts_the_rules(self):
        done = promtool("check", "rules", RULES)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{len(alerts())} rules found", done.stdout)

    def test_the_unit_tests_of_the_rules(self):
        done = promtool("test", "rules", RULE_TESTS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_alert_is_tested_where_it_fires_and_where_it_does_not(self):
        cases = re.findall(r"alertname: (\w+)\n +exp_alerts:( \[\])?\n", RULE_TESTS.read_text())
        self.assertEqual({name for name, none in cases if not none}, set(alerts()))
        self.assertEqual({name for name, none in cases if none}, set(alerts()))

    def test_each_alert_has_its_time_severity_texts_and_runbook(self):
        self.assertLessEqual(set(ALERTS), set(alerts()))
        for name, alert in alerts().items():
            with self.subTest(name):
                self.assertRegex(alert["for"], r"^\d+[mh]$")
                self.assertIn(alert["severity"], ("warning", "critical"))
                self.assertTrue(alert["summary"] and alert["description"])
                page, anchor = alert["runbook_url"].split("#")
                self.assertEqual((page, anchor), ("docs/troubleshooting.md", name.lower()))
                self.assertIn(anchor, anchors(REPO / page))

    def test_the_operator_gets_the_same_rules(self):
        made = subprocess.run([REPO / "packaging/prometheus/operator-rule"], capture_output=True, text=True, check=True)
        self.assertEqual(OPERATOR_RULE.read_text(), made.stdout,
                         "run packaging/prometheus/operator-rule > k8s/components/monitoring/prometheus-rule.yaml")
        body = made.stdout[made.stdout.index("  groups:"):]
        self.assertEqual(re.sub(r"^  ", "", body, flags=re.MULTILINE),
                         RULES.read_text()[RULES.read_text().index("groups:"):])


class Dashboard(unittest.TestCase):
    def setUp(self):
        self.dashboard = json.loads(DASHBOARD.read_text())

    def test_its_shape(self):
        self.assertGreaterEqual(self.dashboard["schemaVersion"], 36)
        self.assertEqual(self.dashboard["uid"], "synchub")
        self.assertNotIn("id", self.dashboard)  # it is Grafana's, and differs between servers
        ids = [panel["id"] for panel in self.dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertNotRegex(DASHBOARD.read_text(), r"https?://")
        titles = [panel["title"] for panel in self.dashboard["panels"] if panel["type"] == "row"]
        self.assertEqual(titles, ["Hub", "Node $node"])
        variables = {variable["name"]: variable for variable in self.dashboard["templating"]["list"]}
        self.assertEqual(list(variables), ["datasource", "node"])
        self.assertEqual(variables["node"]["definition"], "label_values(synchub_node_state, node)")

    def test_its_panels_do_not_overlap_and_use_the_chosen_source(self):
        taken = set()
        for panel in self.dashboard["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24)
            taken |= cells
        for panel in panels(self.dashboard):
            self.assertTrue(panel["targets"], panel["title"])
            for part in (panel, *panel["targets"]):
                self.assertEqual(part["datasource"], {"type": "prometheus", "uid": "${datasource}"})

    def test_promtool_accepts_its_expressions(self):
        rules = [{"record": f"panel:{index}", "expr": expression}
                 for index, expression in enumerate(dashboard_expressions())]
        text = json.dumps({"groups": [{"name": "dashboard", "rules": rules}]})  # JSON is YAML
        done = promtool("check", "rules", "/dev/stdin", text=text)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Names(MetricsTest):
    """A hub with nodes, and one program of each kind, one of them with TLS."""

    def scrapes(self):
        authority = Authority(self.folder / "ca")
        certificate, key = authority.issue("server")
        hub = self.receiver(self.hub_redis)
        pusher = self.program("pusher", self.pusher_settings(
            hub.url, '{"data":[]}', "Pushed", SYNC_listen="127.0.0.1:0", SYNC_tls_cert=certificate, SYNC_tls_key=key))
        puller = self.start_puller(self.start_pulled().url)
        self.push(hub, "Office")
        hub_scrape = self.scrape_until(
            hub, lambda s: {"Office", "Pulled"} <= set(s.values("synchub_node_present", "node")), "present devices")
        url = f"https://127.0.0.1:{pusher.port}/metrics"
        text = wait_until(lambda: self.pushed(curl(url, "--cacert", str(authority.file)).text), "a push",
                          details=pusher.log)
        return {"receiver": hub_scrape, "puller": Scrape(puller), "pusher": Scrape(pusher, text)}

    def pushed(self, text):
        return text if "synchub_pusher_last_success_timestamp_seconds" in text else None

    def test_rules_dashboard_and_documents_name_what_exists(self):
        scrapes = self.scrapes()
        with self.subTest("documents"):
            self.check_documents(scrapes)
        series = [one for scrape in scrapes.values() for one in scrape.series]
        expressions = [alert["expr"] for alert in alerts().values()] + dashboard_expressions()
        self.assertGreater(len(expressions), 30)
        for expression in expressions:
            with self.subTest(expression):
                self.check_expression(expression, series)
        asked = {name for expression in expressions for name, _ in SELECTOR.findall(expression)}
        self.assertGreater(len(asked), 15)

    def check_expression(self, expression, series):
        labels_of_all = set(OF_TARGETS)
        for name, matchers in SELECTOR.findall(expression):
            labels = [labels for metric, labels, _ in series if metric == name]
            self.assertTrue(labels, f"no program has {name}")
            known = {label: {one[label] for one in labels if label in one} for label in set().union(*labels)}
            if name == "synchub_node_state":
                known["state"] = {one["state"] for metric, one, _ in series if metric == "synchub_nodes"}
            for label, operator, value in MATCHER.findall(matchers):
                self.assertIn(label, known, name)
                if label != "node":
                    self.assertLessEqual(set(value.split("|")) if "~" in operator else {value}, known[label], name)
            labels_of_all |= set(known)
        for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
            self.assertLessEqual(set(re.split(r", *", grouped)), labels_of_all)

    def check_documents(self, scrapes):
        """The table of operations.md has each metric, with the programs that have it, and no other."""
        text = (REPO / "docs/operations.md").read_text()
        table = re.findall(r"^\| (`synchub_[^|]*) \| ([^|]*) \|", text, re.MULTILINE)
        documented = {}
        for names, programs in table:
            of = set(scrapes) if programs == "all" else set(re.findall(r"receiver|pusher|puller", programs))
            for name in re.findall(r"`(\w+)`", names):
                self.assertNotIn(name, documented, "is there twice")
                documented[name] = of
        shown = {}
        for program, scrape in scrapes.items():
            for name in scrape.types:
                shown.setdefault(name, set()).add(program)
        shown["synchub_tls_certificate_not_after_timestamp_seconds"] = set(scrapes)  # of those with TLS
        self.assertEqual(documented, shown)


@long_test
class PrometheusServer(MetricsTest):
    """A real Prometheus scrapes a hub, a pusher and a puller, and answers what the dashboard asks."""

    def start_prometheus(self, programs, ca):
        jobs = [{"job_name": name, "scrape_interval": "1s", "scheme": url.split(":")[0], "tls_config": {"ca_file": str(ca)},
                 "static_configs": [{"targets": [url.split("//")[1]]}]} for name, url in programs.items()]
        (self.folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": jobs}))  # JSON is YAML
        address = f"127.0.0.1:{free_port()}"
        log = open(self.folder / "prometheus.log", "wb")
        self.addCleanup(log.close)
        server = subprocess.Popen(["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--web.listen-address={address}",
                                   f"--storage.tsdb.path={self.folder}/tsdb"], stdout=log, stderr=log)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.prometheus = f"http://{address}"
        wait_until(lambda: self.is_ready(server), "Prometheus", details=(self.folder / "prometheus.log").read_text)

    def is_ready(self, server):
        self.assertIsNone(server.poll(), (self.folder / "prometheus.log").read_text())
        return curl(self.prometheus + "/-/ready").status == 200

    def ask(self, path, **query):
        answer = json.loads(curl(f"{self.prometheus}/api/v1/{path}?{urllib.parse.urlencode(query)}").text)
        self.assertEqual(answer["status"], "success", answer)
        return answer["data"]

    def test_each_panel_of_the_dashboard_has_data(self):
        ca = Authority(self.folder / "ca")
        certificate, key = ca.issue("server")
        hub = self.program("receiver", self.receiver_settings(self.hub_redis, self.db, SYNC_tls_cert=certificate,
                                                              SYNC_tls_key=key))
        hub.wait_for_log("listening on")
        url = hub.url.replace("http:", "https:")
        pusher = self.program("pusher", self.pusher_settings(url, table("Office"), "Office", SYNC_tls_ca=ca.file,
                                                             SYNC_listen="127.0.0.1:0")).wait_ready()
        puller = self.start_puller(self.start_pulled().url)
        self.start_prometheus({"receiver": url, "pusher": pusher.url, "puller": puller.url}, ca.file)
        count = iter(range(1000))

        def push(**settings):
            content = table("Shed", first=3 * next(count))
            self.run_program("pusher", {**self.pusher_settings(url, content, "Shed", SYNC_tls_ca=ca.file), **settings},
                             "--once")

        def go_on():
            """Something of each kind happens: 503, a push, a refusal."""
            self.hub_redis.cli("CONFIG", "SET", "maxmemory", "1")
            push(SYNC_RUN_TIMEOUT=1)
            self.hub_redis.cli("CONFIG", "SET", "maxmemory", "0")
            push()
            push(SYNC_encryption_key="another passphrase", SYNC_node_name="Barn")
            wait_until(lambda: "Barn" in self.nodes("--problems"), "the refusal to be recorded")

        def without_data():
            go_on()
            return [expression for expression in dashboard_expressions() if not self.ask(
                "query", query=expression.replace("5m", "1m"))["result"]]
        wait_until(lambda: not without_data(), "data for each panel", details=lambda: "\n".join(without_data()))
        nodes = self.ask("label/node/values", **{"match[]": "synchub_node_state"})  # of the variable
        self.assertLessEqual({"Office", "Pulled", "Shed"}, set(nodes))


if __name__ == "__main__":
    unittest.main()
