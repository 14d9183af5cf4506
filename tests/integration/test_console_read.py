# SPDX-License-Identifier: Apache-2.0
"""What the console's API tells of hub, nodes and devices: the same as the command line, in pages."""

import csv
import io
import json
import urllib.parse

from console_base import ConsoleTest, check_schema
from harness import device_rows, device_table, netalertx_push, wait_until

HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> \u202e"


class Reading(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.start()
        self.token = self.command("console", "token", "add", "reader", "--read-only").stdout.strip()

    def get(self, path, **parameters):
        query = f"?{urllib.parse.urlencode(parameters, quote_via=urllib.parse.quote)}" if parameters else ""
        return self.call("GET", path + query, token=self.token)

    def pages(self, path, **parameters):
        """All items, page by page."""
        items, after = [], None
        while True:
            page = self.get(path, limit=2, **parameters, **({"after": after} if after else {}))
            self.assertEqual(page.status, 200, page)
            self.assertLessEqual(len(page.json["items"]), 2)
            items += page.json["items"]
            after = page.json["next"]
            if after is None:
                return items

    def fill(self):
        rows = device_rows(3, node="Node_A")
        rows[0]["devName"] = HOSTILE
        for node, table in (("Node_A", rows), ("Node_B", device_rows(2, node="Node_B", first=10))):
            self.assertEqual(netalertx_push(self.hub.url, device_table(table), node).status, 200)
        wait_until(lambda: len(self.get("/devices").json["items"]) == 5 and self.hub_redis.backlog() == 0, "5 devices")
        for name in ("Attic", "Shed & Söhne/../x".replace("/", "_"), "Zoo"):
            self.command("node", "expect", name)
        self.command("node", "label", "Attic", "site=north")

    def test_empty_hub(self):
        summary = self.get("/summary").json
        self.assertEqual((summary["nodes"]["total"], summary["devices"]["total"], summary["problems"]), (0, 0, []))
        for path in ("/nodes", "/devices"):
            answer = self.get(path).json
            self.assertEqual((answer["items"], answer["next"]), ([], None))

    def test_needs_a_session(self):
        for path in ("/summary", "/nodes", "/nodes/x", "/devices", "/devices/00:11:22:33:44:55"):
            self.assertEqual(self.call("GET", path).status, 401, path)

    def test_all_of_it(self):
        self.fill()
        self.check_nodes()
        self.check_devices()
        self.check_refusals()
        summary = self.get("/summary").json
        self.assertEqual(summary["nodes"]["total"], 5)
        self.assertEqual(sum(summary["nodes"]["states"].values()), 5)
        self.assertEqual(summary["nodes"]["states"]["never"], 3)
        self.assertEqual(summary["devices"], {"total": 5, "new_24h": 5, "new_7d": 5})

    def check_nodes(self):
        names = [node["name"] for node in self.pages("/nodes")]
        self.assertEqual(names, ["Attic", "Node_A", "Node_B", "Shed & Söhne_.._x", "Zoo"])
        for sort in ("-name", "state", "-state", "contact", "-contact", "table", "inserted", "-inserted", "queue"):
            listed = json.loads(self.command("nodes", "--json", f"--sort={sort}").stdout)["items"]
            self.assertEqual([node["name"] for node in self.pages("/nodes", sort=sort)],
                             [node["name"] for node in listed], sort)
        for parameters, expected in (({"state": "never"}, ["Attic", "Shed & Söhne_.._x", "Zoo"]),
                                     ({"label": "site=north"}, ["Attic"]), ({"search": "söhne"}, ["Shed & Söhne_.._x"]),
                                     ({"search": "node_"}, ["Node_A", "Node_B"]), ({"problems": "true"}, [])):
            self.assertEqual([node["name"] for node in self.pages("/nodes", **parameters)], expected, parameters)
        for name in names:
            shown = json.loads(self.command("node", "show", name, "--json").stdout)
            answer = self.get("/nodes/" + urllib.parse.quote(name)).json
            for changing in ("reason", "last_contact", "last_contact_ms"):
                shown.pop(changing), answer.pop(changing)
            self.assertEqual(answer, shown)

    def check_devices(self):
        listed = json.loads(self.command("devices", "--json").stdout)["items"]
        self.assertEqual(self.pages("/devices"), listed)
        self.assertEqual(listed[0]["devName"], HOSTILE)
        for sort in ("mac", "-mac", "name", "-ip", "vendor", "node", "-first-seen"):
            listed = json.loads(self.command("devices", "--json", f"--sort={sort}").stdout)["items"]
            self.assertEqual(self.pages("/devices", sort=sort), listed, sort)
        for parameters, count in (({"node": "Node_A"}, 3), ({"since": "1d"}, 5), ({"search": "<SCRIPT>"}, 1),
                                  ({"node": "--csv"}, 0)):
            self.assertEqual(len(self.pages("/devices", **parameters)), count, parameters)
        for present, option in (("yes", "--present"), ("no", "--absent"), ("unknown", "--unknown")):
            listed = json.loads(self.command("devices", "--json", option).stdout)["items"]
            self.assertEqual(self.pages("/devices", present=present), listed, present)
        listed = self.pages("/devices")
        mac = listed[0]["devMac"]
        shown = json.loads(self.command("device", "show", mac, "--json").stdout)
        self.assertEqual(self.get("/devices/" + mac.upper().replace(":", "-")).json, shown)

    def csv_pages(self, limit, **parameters):
        """The joined pages of the CSV, and how many they were."""
        text, after, count = "", None, 0
        while True:
            page = self.get("/devices.csv", limit=limit, **parameters, **({"after": after} if after else {}))
            self.assertEqual(page.status, 200, page)
            self.assertEqual(page.headers["content-type"],
                             f"text/csv; charset=utf-8; header={'absent' if after else 'present'}")
            self.assertEqual(page.headers["content-disposition"], 'attachment; filename="devices.csv"')
            text, after, count = text + page.text, page.headers.get("synchub-next"), count + 1
            if after is None:
                return text, count

    def test_devices_as_csv_in_pages(self):
        self.fill()
        whole = self.command("devices", "--csv").stdout
        rows = list(csv.DictReader(io.StringIO(whole)))
        self.assertEqual(rows[0]["devName"], "'" + HOSTILE.replace("\u202e", "\\u202e"))
        for limit, count in ((1000, 1), (5, 1), (4, 2), (1, 5)):
            text, pages = self.csv_pages(limit)
            self.assertEqual((text.splitlines(), pages), (whole.splitlines(), count))
        for option, parameters in ((["--node=Node_A"], {"node": "Node_A"}), (["--present"], {"present": "yes"}),
                                   (["--search=<SCRIPT>"], {"search": "<SCRIPT>"}), (["--since=1d"], {"since": "1d"}),
                                   (["--sort=-name"], {"sort": "-name"})):
            listed = self.command("devices", "--csv", *option).stdout
            self.assertEqual(self.csv_pages(2, **parameters)[0].splitlines(), listed.splitlines(), parameters)
        self.assertEqual(self.csv_pages(2, search="nothing")[0].splitlines(), whole.splitlines()[:1])
        for query in ("?limit=1001", "?after=x", "?present=maybe"):
            self.assertEqual(self.call("GET", "/devices.csv" + query, token=self.token).status, 422, query)
        self.assertEqual(self.call("GET", "/devices.csv").status, 401)
        self.assertEqual(self.call("POST", "/devices.csv", token=self.token, check=False).status, 405)

    def check_refusals(self):
        for path in ("/nodes?state=sad", "/nodes?limit=0", "/nodes?limit=1001", "/nodes?sort=x", "/nodes?after=x",
                     "/nodes?limit=x", "/nodes?search=%00", "/devices?sort=x", "/devices?present=maybe",
                     "/devices?since=soon", "/devices?after=x", "/devices?limit=-1", "/devices/%20",
                     "/devices?search=" + "x" * 300):
            self.assertEqual(self.call("GET", path, token=self.token).status, 422, path)
        self.assertEqual(self.get("/nodes/Nobody").status, 404)
        self.assertEqual(self.get("/devices/00:00:5e:00:53:99").status, 404)
        self.assertEqual(self.call("DELETE", "/devices/Attic", token=self.token, check=False).status, 405)

    def test_what_commands_write_is_in_the_document(self):
        """The lists of the commands have the API's items, and single ones are the same."""
        self.fill()
        self.command("node", "add", "Attic")
        self.command("blocklist", "add", "00:00:5e:00:53:01")
        self.assertEqual(netalertx_push(self.hub.url, "{}", "Cellar", token="wrong").status, 403)
        wait_until(lambda: self.get("/auth-failures").json["items"], "the refused request")
        for schema, words in (("NodeList", ["nodes"]), ("CredentialList", ["node", "list"]),
                              ("BlockedList", ["blocklist", "list"]), ("AuthFailureList", ["auth-failures"]),
                              ("SettingList", ["settings"]),
                              ("TokenList", ["console", "token", "list"])):
            written = json.loads(self.command(*words, "--json").stdout)
            self.assertGreater(len(written["items"]), 0, words)
            check_schema(f"{schema}/properties/items", written["items"])
        mac = self.get("/devices").json["items"][0]["devMac"]
        for schema, words in (("Node", ["node", "show", "Attic"]), ("Device", ["device", "show", mac])):
            check_schema(schema, json.loads(self.command(*words, "--json").stdout))
        for device in json.loads(self.command("devices", "--json").stdout)["items"]:
            check_schema("Device", device)

    def test_polling_costs_nothing_while_nothing_changes(self):
        self.command("node", "expect", "Attic")
        first = self.get("/devices")
        again = self.call("GET", "/devices", token=self.token, headers={"If-None-Match": first.headers["etag"]})
        self.assertEqual((again.status, again.body), (304, b""))

    def test_without_redis(self):
        """What the database knows is shown, and what is missing is said."""
        self.command("node", "expect", "Attic")
        self.hub_redis.stop()
        summary = self.get("/summary").json
        self.assertIsNone(summary["queue"])
        self.assertTrue(summary["redis_problem"])
        self.assertEqual([node["name"] for node in self.get("/nodes").json["items"]], ["Attic"])
        self.hub_redis.start()
