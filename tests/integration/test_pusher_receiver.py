# SPDX-License-Identifier: Apache-2.0
"""The pusher against the real receiver: pushed data is merged once, and refusals are classified correctly."""

import pathlib
import random
import subprocess
import unittest

from harness import (
    SyncHubTest, clean_environment, count, device_row, device_rows, device_table, devices, free_port, query)

LINE = "10.0.0.1|aa:bb|2026-08-22 02:53:00|one|two|three|four|extra|key\n"


class PusherReceiverTest(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.server = self.redis()
        self.db = self.folder / "hub.db"

    def once(self, settings, code=0):
        return self.run_program("pusher", settings, "--once", code=code).stderr

    def put_result(self, settings, text):
        path = pathlib.Path(settings["SYNC_plugins_dir"]) / "last_result.ARPSCAN.log"
        path.write_text(text)

    def test_tables_and_results_are_merged_and_then_unchanged(self):
        hub = self.receiver(self.server)
        for protocol in ("native", "netalertx"):
            node = f"Knoten {protocol} ü"
            rows = device_rows(5, node)
            settings = self.pusher_settings(hub.url, device_table(rows), node=node,
                                            SYNC_protocol=protocol, SYNC_plugins="ARPSCAN")
            self.put_result(settings, LINE)
            output = self.once(settings)
            self.assertEqual(output.count("queued"), 2, output)
        self.wait_merged(self.server, self.db, 10)
        self.wait_merged(self.server, self.db, 2, "Plugins_Objects")
        nodes = {row["devSyncHubNode"] for row in devices(self.db).values()}
        self.assertEqual(nodes, {"Knoten native ü", "Knoten netalertx ü"})

        settings = self.pusher_settings(hub.url, None, node="Knoten native ü")
        self.assertIn("unchanged", self.once(settings))
        changed = device_rows(6, "Knoten native ü")
        changed[0]["devName"] = "another name"
        pathlib.Path(settings["SYNC_devices_file"]).write_text(device_table(changed))
        self.assertIn("queued", self.once(settings))
        self.wait_merged(self.server, self.db, 11)
        self.assertEqual(count(self.db, where="devName = 'another name'"), 0)

    def test_an_openssl_without_the_cipher_is_not_needed(self):
        """As under the rules of FIPS. libsodium and OpenSSL understand each other, in both directions."""
        rules = self.folder / "openssl.cnf"
        rules.write_text("openssl_conf = init\n[init]\nalg_section = algorithms\n[algorithms]\n"
                         "default_properties = fips=yes\n")
        cipher = ["openssl", "enc", "-chacha20", "-K", "00" * 32, "-iv", "00" * 16, "-in", str(rules)]
        for conf, code in ((rules, 1), ("/dev/null", 0)):
            done = subprocess.run(cipher, env=clean_environment({"OPENSSL_CONF": conf}), capture_output=True)
            self.assertEqual(min(done.returncode, 1), code, done.stderr)
        without = {"OPENSSL_CONF": str(rules)}
        noise = random.Random(1)
        for number, (of_hub, of_node) in enumerate((({}, without), (without, {})), start=1):
            hub = self.receiver(self.server, **of_hub)
            rows = device_rows(20, f"Node_{number}")
            for row in rows:
                row["devComments"] = noise.randbytes(100).hex()
            settings = self.pusher_settings(hub.url, device_table(rows), node=f"Node_{number}", **of_node)
            self.assertIn("queued", self.once(settings))
            self.wait_merged(self.server, self.db, 20 * number)
            hub.stop()
        self.assertEqual(self.server.dead(), 0)

    def test_the_hubs_refusals_name_the_remedy(self):
        hub = self.receiver(self.server)
        cases = [({"SYNC_api_token": "another-token-of-tests"}, "SYNC_api_token of this node"),
                 ({"SYNC_encryption_key": "another passphrase"},
                  "SYNC_encryption_key of this node")]
        settings = self.pusher_settings(hub.url, None, SYNC_devices="False",
                                        SYNC_plugins="ARPSCAN")
        self.put_result(settings, LINE)
        for wrong, words in cases:
            with self.subTest(words):
                self.assertIn(words, self.once({**settings, **wrong}, 1))
                spool = pathlib.Path(settings["SYNC_spool_dir"]) / "spool"
                self.assertEqual(len(list(spool.glob("*.item"))), 1)
        self.assertIn("queued", self.once(settings))
        self.wait_merged(self.server, self.db, 1, "Plugins_Objects")

    def test_a_wrong_url_is_reported(self):
        hub = self.receiver(self.server)
        settings = self.pusher_settings(hub.url + "/api", device_table(device_rows(3)))
        self.assertIn("nothing accepts pushes there: check SYNC_hub_url", self.once(settings, 1))

    def test_a_hub_that_comes_up_later_gets_everything(self):
        port = free_port()
        settings = self.pusher_settings(f"http://127.0.0.1:{port}",
                                        device_table(device_rows(3)), SYNC_plugins="ARPSCAN",
                                        SYNC_RUN="always_after_scan")
        self.put_result(settings, LINE)
        pusher = self.program("pusher", settings)
        pusher.wait_for_log("nothing listens there")
        self.receiver(self.server, SYNC_listen=f"127.0.0.1:{port}")
        self.wait_merged(self.server, self.db, 3)
        self.wait_merged(self.server, self.db, 1, "Plugins_Objects")
        # Redis goes away and comes back: 503 until then.
        self.server.stop()
        table = pathlib.Path(settings["SYNC_devices_file"])
        table.write_text(device_table(device_rows(4)))
        pusher.wait_for_log("answered 503")
        self.server.start()
        self.wait_merged(self.server, self.db, 4)

    def test_a_table_of_40000_devices_arrives_whole(self):
        hub = self.receiver(self.server)
        rows = device_rows(39999) + [device_row(1, "other", devName="\u00e9\U0001f600")]
        settings = self.pusher_settings(hub.url, device_table(rows))
        self.once(settings)
        self.wait_merged(self.server, self.db, 40000)
        self.assertEqual(query(self.db, "SELECT count(*) AS n FROM Devices WHERE "
                                        "devSyncHubNode = 'Node_A'")[0]["n"], 40000)
        self.assertIn("unchanged", self.once(settings))


if __name__ == "__main__":
    unittest.main()
