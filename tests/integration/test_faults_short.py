# SPDX-License-Identifier: Apache-2.0
"""The short forms of the fault harness; ./dev test-faults [--ha [cluster]] are the long ones."""

import os
import pathlib
import random
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))

import run
from harness import BIN, long_test


FAILOVER_TEST_S = 1200


@long_test
class FaultsTest(unittest.TestCase):
    def test_nothing_is_lost_or_doubled_over_twenty_kills(self):
        seed = random.SystemRandom().randrange(1 << 31)
        self.assertTrue(run.run(seed, run.SHORT), f"seed {seed}: see the lines above")


@long_test
class FailoverTest(unittest.TestCase):
    def test_nothing_is_lost_or_doubled_over_six_failovers(self):
        self.fail_over("sentinel")

    def test_nothing_is_lost_or_doubled_over_six_failovers_of_a_cluster(self):
        self.fail_over("cluster")

    def fail_over(self, kind):
        folder = pathlib.Path(run.__file__).parent
        done = subprocess.run(
            [folder / "in_namespace", sys.executable, "-B", folder / "run.py", "--ha", kind, "--short"],
            capture_output=True, text=True, timeout=FAILOVER_TEST_S, env={**os.environ, "SYNCHUB_BIN": str(BIN)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, "[6-9] failovers")
