# SPDX-License-Identifier: Apache-2.0
"""tests/bench/simulate.py: what it computes for hubs whose figures are known by hand."""

import re
import subprocess
import sys
import unittest

from documented import documented
from harness import REPO, clean_environment

sys.path.insert(0, str(REPO / "tests" / "bench"))

from simulate import QUEUE_ENTRIES_MAX, Costs, Fleet, Hub, Simulation, limits, report, table_costs  # noqa: E402

# A table of 10 known devices costs merge 100 us and PostgreSQL 200 us.
COSTS = Costs(ingest_check_in=100, redis_check_in=10, merge_check_in=5, postgresql_check_in=7, ingest_push=1000,
              redis_push=500, merge_known=10, merge_new=10, postgresql_known=20, postgresql_new=20)
FLEET = Fleet(nodes=30000, devices=300000, interval_s=300, changed=0.1, new_devices=0, day_s=7200)
HUB = Hub(ingests=1, merges=1, merges_max=1, postgresql_cores=1)


def changed(one, **fields):
    return type(one)(**{**vars(one), **fields})


class SimulationTest(unittest.TestCase):
    def run_day(self, costs=COSTS, fleet=FLEET, hub=HUB):
        simulation = Simulation(costs, fleet, hub)
        day = simulation.run()
        self.assertAlmostEqual(day.pushed, day.merged + day.queued, delta=1e-6 * day.pushed)
        return day

    def test_the_cores_in_use_are_the_work_times_its_cost(self):
        """100 check-ins and 10 tables a second, and in the middle of the day each node's table."""
        day = self.run_day()
        tables = 10 * 7200 + 30000
        self.assertAlmostEqual(day.pushed, tables, delta=1)
        self.assertAlmostEqual(day.cores["ingest"], (100 * 7200 * 100e-6 + tables * 1000e-6) / 7200, places=6)
        self.assertAlmostEqual(day.cores["merge"], (100 * 7200 * 5e-6 + tables * 100e-6) / 7200, places=6)
        self.assertAlmostEqual(day.cores["postgresql"], (100 * 7200 * 7e-6 + tables * 200e-6) / 7200, places=6)
        self.assertEqual((day.refused, day.caught_up_s), (0, 0))
        self.assertLess(day.queue_peak, 100)

    def test_costs_of_new_and_known_devices_add_up(self):
        costs = changed(COSTS, merge_new=50, postgresql_new=1000)
        self.assertEqual(table_costs(costs, changed(FLEET, new_devices=2)), (8 * 10 + 2 * 50, 8 * 20 + 2 * 1000))

    def test_each_part_limits_the_number_of_nodes(self):
        """A node uses 1/300 of 100 + 0.1 * 1000 us of ingest each second, and so on."""
        found = limits(COSTS, FLEET, HUB)
        self.assertAlmostEqual(found["ingest"], 1e6 * 300 / 200)
        self.assertAlmostEqual(found["redis"], 1e6 * 300 / 60)
        self.assertAlmostEqual(found["merge"], 1e6 * 300 / 15)
        self.assertAlmostEqual(found["postgresql"], 1e6 * 300 / 27)

    def test_the_busiest_part_is_the_bottleneck_until_it_has_more_cores(self):
        slow = changed(COSTS, postgresql_known=9000)
        day = self.run_day(slow)
        self.assertEqual(day.bottleneck, "postgresql")
        self.assertGreater(day.queue_peak, 1000)
        self.assertEqual(day.busy["postgresql"][1], 1)
        relieved = self.run_day(slow, hub=changed(HUB, postgresql_cores=64))
        self.assertLess(relieved.queue_peak, day.queue_peak)
        self.assertLess(relieved.caught_up_s, day.caught_up_s)
        self.assertNotEqual(relieved.bottleneck, "postgresql")

    def test_merge_pods_help_until_postgresql_is_the_limit(self):
        slow = changed(COSTS, merge_known=8000)
        peaks = [self.run_day(slow, hub=changed(HUB, merges_max=most, postgresql_cores=8)).queue_peak
                 for most in (1, 2, 8)]
        self.assertEqual(peaks, sorted(peaks, reverse=True))
        self.assertGreater(peaks[0], 2 * peaks[2])

    def test_an_entry_waits_until_its_turn(self):
        """10 tables arrive each second, 5 are merged: at the end the one of half the day before."""
        fleet = changed(FLEET, storm_s=0)
        day = self.run_day(changed(COSTS, merge_check_in=0, postgresql_check_in=0, merge_known=20000), fleet)
        self.assertAlmostEqual(day.wait_peak_s, fleet.day_s / 2, delta=2)

    def test_contacts_that_take_all_time_leave_entries_waiting_for_the_day(self):
        day = self.run_day(changed(COSTS, merge_check_in=20000))
        self.assertEqual((day.merged, day.wait_peak_s), (0, FLEET.day_s))

    def test_a_full_queue_refuses_pushes_which_arrive_later(self):
        day = self.run_day(changed(COSTS, merge_known=30000), changed(FLEET, nodes=600000, changed=0.01))
        self.assertEqual(day.queue_peak, QUEUE_ENTRIES_MAX)
        self.assertGreater(day.refused, 0)

    def script(self, *words):
        return subprocess.run([sys.executable, "-B", REPO / "tests" / "bench" / "simulate.py", *words], capture_output=True,
                              text=True, env=clean_environment({}))

    def test_it_says_what_the_document_says(self):
        [arguments] = re.findall(r"`simulate\.py ([^`]+ postgresql_cores=8)`", (REPO / "docs" / "scale.md").read_text())
        for words, block in (("", documented("docs/scale.md", "ingest          0.77")),
                             (arguments, documented("docs/scale.md", "ingest          3.09"))):
            done = self.script(*words.split())
            self.assertEqual((done.returncode, done.stdout), (0, block.text), done.stderr)

    def test_the_script_takes_fields_and_refuses_others(self):
        done = self.script("nodes=3000", "devices=30000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("3,000 nodes, 30,000 devices: 10 check-ins/s", done.stdout)
        self.assertEqual(self.script("devics=3").returncode, 1)
        self.assertIn("bottleneck: ", "\n".join(report(COSTS, FLEET, HUB)[1]))


if __name__ == "__main__":
    unittest.main()
