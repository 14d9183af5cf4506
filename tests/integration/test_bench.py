# SPDX-License-Identifier: Apache-2.0
"""`./dev bench --short`: each metric can be measured. The values are not checked: tests must not depend on timing."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from harness import BIN, REPO, clean_environment, long_test

FIGURES = {
    "ingest_native", "peer_webdis", "ingest_native_cpu_peer_webdis", "ingest_netalertx", "merge_new", "merge_known", "presence_flip", "unchanged",
    *(f"merge_{what}_postgres{of}" for what in ("new", "known") for of in ("", "_cpu_client", "_cpu_postgresql")),
    "merge_known_postgres_lookups",
    "pull_fanout", "pull_fanout_not_pulled",
    "latency_one_p99", "latency_p50", "latency_p99", "growth_new_200", "growth_new_300", "growth_known_200",
    "growth_known_300", "cpu_per_device_new", "cpu_per_device_known", "memory_pusher_rest", "memory_pusher_rest_pss", "memory_pusher_peak", "memory_pusher_idle",
    "memory_pusher_table", "memory_receiver_ingest", "memory_merge", "million", "million_p99",
    *(f"list_{name}_first_line" for name in ("nodes", "problems", "node", "devices", "sorted", "search")),
    "console_first_view", "console_first_view_bytes", "million_failed", "million_cpu", "million_cpu_redis", "appdb_lock", "appdb_wait", "appdb_lock_tables", "appdb_wait_tables",
    *(f"scale_out_merge_{what}_{count}" for what in ("new", "known") for count in (1, 2, 3)),
    *(f"scale_out_merge_{what}_cpu_{part}" for what in ("new", "known") for part in ("merge", "postgresql", "redis")),
    *(f"scale_out_check_in_cpu_{part}" for part in ("ingest", "redis", "merge", "postgresql")),
    "scale_out_database", "scale_out_ingest_1", "scale_out_ingest_2", "scale_out_ingest_cpu_ingest", "scale_out_ingest_cpu_redis",
}
LONG_FIGURES = {"growth_new_400", "ten_million", "ten_million_p99", "ten_million_failed", "ten_million_cpu", "ten_million_cpu_redis"}
LINE = re.compile(r"^bench (\w+) value=\S+ unit=\S+ limit=\S+ ratio=\S+ goal=\S+ spread=\S+$", re.MULTILINE)
SECONDS_MAX = 1200


@long_test
class Bench(unittest.TestCase):
    def check(self, expected, *arguments):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            path = pathlib.Path(folder) / "bench.json"
            done = subprocess.run(
                [sys.executable, "-B", REPO / "tests" / "bench" / "bench.py", "--short",
                 "--folder", folder, "--json", path, *arguments],
                capture_output=True, text=True, timeout=SECONDS_MAX,
                env=clean_environment({"SYNCHUB_BIN": BIN}))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(set(LINE.findall(done.stdout)), expected)
            figures = json.loads(path.read_text())["figures"]
            self.assertEqual({figure["name"] for figure in figures}, expected)
            self.assertEqual([one for one in figures if one["name"].endswith("_failed") and one["value"] != 0], [])
            self.assertEqual([p.name for p in pathlib.Path(folder).iterdir()], ["bench.json"])

    def test_a_short_run_prints_every_metric(self):
        self.check(FIGURES)

    def test_what_takes_long_can_be_measured_alone(self):
        self.check(LONG_FIGURES, "--only", "growth_long", "--only", "ten_million")


if __name__ == "__main__":
    unittest.main()
