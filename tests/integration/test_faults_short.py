# SPDX-License-Identifier: Apache-2.0
"""The short form of the fault harness; ./dev test-faults is the long one."""

import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))

import run
from harness import long_test


@long_test
class FaultsTest(unittest.TestCase):
    def test_nothing_is_lost_or_doubled_over_twenty_kills(self):
        seed = random.SystemRandom().randrange(1 << 31)
        self.assertTrue(run.run(seed, run.SHORT), f"seed {seed}: see the lines above")
