# SPDX-License-Identifier: Apache-2.0
"""Wall clocks that are wrong by days at start, or are set while programs run, in both directions: on nodes, on the
hub, in Redis. Nothing may be lost, and no program waits for a time that will not come."""

import json
import time
import unittest

import harness
from harness import FakeNetAlertXNode, count, device_rows, device_table, wait_until

DAY = 86400
YEARS = 20 * 365 * DAY  # a node without a clock battery starts in the past
LINE = "10.0.0.{0}|aa:bb:cc:dd:ee:0{0}|2026-08-22 02:53:00|one|two|three|four|extra|key\n"


def wall_ms():
    return int(time.time() * 1000)


class ClockTest(harness.SyncHubTest):
    def pushing(self, clock, url, **settings):
        """A pusher with that clock, a table of 3 devices and the plugin ARPSCAN."""
        self.settings = self.pusher_settings(
            url, device_table(device_rows(3)),
            **{"SYNC_plugins": "['ARPSCAN']", "SYNC_RUN": "always_after_scan", **settings},
            **clock.environment)
        return self.program("pusher", self.settings)

    def plugin_result(self, number):
        folder = self.folder / "node-Node_A" / "plugins"
        (folder / "part").write_text(LINE.format(number))
        (folder / "part").rename(folder / "last_result.ARPSCAN.log")

    def spooled(self):
        return len(list((self.folder / "node-Node_A" / "spool" / "spool").glob("*.item")))


class Schedules(ClockTest):
    """A program started with a wrong clock does not wait for a time of that clock."""

    def check_runs(self, clock, program, text, jump):
        """Expects a run at start, and another one at the next minute of the clock as set by jump()."""
        runs = lambda: len([l for l in program.log().splitlines() if text in l])
        wait_until(lambda: runs() >= 1, "the first run", details=program.log)
        before = runs()
        clock.set_before_minute(jump, 12)  # longer than programs need to notice
        wait_until(lambda: runs() > before, "a run by the new clock",
                   details=program.log)

    def puller(self, clock):
        node = self.server(FakeNetAlertXNode("Node_A", device_table(device_rows(1))))
        queue = self.redis()
        return self.program("puller", self.puller_settings(
            queue, [node.url], SYNC_protocol="netalertx", SYNC_RUN_SCHD="* * * * *",
            **clock.environment))

    def test_a_puller_that_started_a_day_ahead(self):
        clock = self.clock(DAY)
        self.check_runs(clock, self.puller(clock), "run done", 0)

    @harness.long_test
    def test_a_puller_whose_clock_jumps_forward(self):
        clock = self.clock(0)
        self.check_runs(clock, self.puller(clock), "run done", YEARS)

    def test_a_pusher_that_started_a_day_ahead(self):
        clock = self.clock(DAY)
        redis = self.redis()
        hub = self.receiver(redis, **clock.environment)
        pusher = self.pushing(clock, hub.url, SYNC_RUN="schedule", SYNC_RUN_SCHD="* * * * *")
        self.check_runs(clock, pusher, "device table", 0)

    def test_a_puller_ignores_fetches_recorded_in_the_future(self):
        """Fetches recorded while Redis was a day ahead do not stop another puller after its clock is set back."""
        clock = self.clock(DAY)
        node = self.server(FakeNetAlertXNode("Node_A", device_table(device_rows(1))))
        queue = self.redis(clock=clock)
        settings = self.puller_settings(queue, [node.url], SYNC_protocol="netalertx",
                                        SYNC_RUN_SCHD="* * * * *")
        first = self.program("puller", settings)
        first.wait_for_log("run done: 1 nodes, 1 pulled")
        first.stop()
        clock.set(0)
        own = self.clock(0)
        second = self.program("puller", {**settings, **own.environment})
        second.wait_for_log("run done: 1 nodes, (1 pulled|0 pulled, 1 unchanged)")
        queue.cli("SET", f"synchub:pull:done:{node.url}", (wall_ms() + DAY * 1000))
        own.set_before_minute(0, 12)
        second.wait_for_log("(?s)run done.*run done: 1 nodes, (1 pulled|0 pulled, 1 unchanged)")


class Nodes(ClockTest):
    """The node's clock is wrong and then corrected; the hub's is right."""

    def check(self, ahead_s):
        redis = self.redis()
        hub = self.receiver(redis, SYNC_plugins_out=self.out())
        clock = self.clock(ahead_s)
        pusher = self.pushing(clock, hub.url)
        pusher.wait_for_log("set this node's clock, or the hub's")
        for number in range(1, 4):  # all are spooled, though none is accepted
            self.plugin_result(number)
            wait_until(lambda: self.spooled() == number, f"result {number} in the spool",
                       details=pusher.log)
        self.assertEqual(count(self.folder / "hub.db"), 0)
        clock.set(0)
        self.wait_merged(redis, self.folder / "hub.db", 3)
        wait_until(lambda: self.spooled() == 0, "the spool to be empty", details=pusher.log)
        self.wait_merged(redis, self.folder / "hub.db", 3, table="Plugins_Objects")
        self.assertEqual(redis.dead(), 0)
        self.assertNotIn("dropped", pusher.log())

    def out(self):
        out = self.folder / "out"
        out.mkdir()
        return out

    def test_results_spooled_long_ago_by_a_clock_without_a_battery_arrive(self):
        self.check(-YEARS)

    @harness.long_test
    def test_results_spooled_in_the_future_arrive(self):
        self.check(YEARS)

    def test_a_pulled_table_is_sealed_again_after_the_clock_is_set(self):
        clock = self.clock(-DAY)
        settings = self.pusher_settings("", device_table(device_rows(2)), SYNC_RUN="disabled",
                                        SYNC_listen="127.0.0.1:0", **clock.environment)
        node = self.program("pusher", settings).wait_ready()
        queue = self.redis()
        pull = lambda code: self.run_program(
            "puller", self.puller_settings(queue, [node.url]), "--once", code=code).stderr
        self.assertIn("set the clock here or on the node", pull(1))
        clock.set(0)
        self.assertIn("rows=2 ", pull(0))


class Hubs(ClockTest):
    """The clocks of the hub and its Redis are wrong and then corrected; the node's is right."""

    def check(self, ahead_s):
        clock = self.clock(0)
        redis = self.redis(clock=clock)
        hub = self.receiver(redis, **clock.environment)
        db = self.folder / "hub.db"
        pusher = self.pushing(self.clock(0), hub.url)
        self.wait_merged(redis, db, 3)
        clock.set(ahead_s)
        self.plugin_result(1)
        pusher.wait_for_log("The envelope's time is")
        clock.set(0)
        # Refusals because of the hub's clock are retried at the slow rate for errors that need an
        # operator.
        pusher.stop()
        self.assertEqual(self.run_program("pusher", self.settings, "--once").returncode, 0)
        self.wait_merged(redis, db, 1, table="Plugins_Objects")
        self.assertEqual(self.spooled(), 0)
        log = self.run_program("pusher", self.settings, "--once", code=0).stderr
        self.assertIn("unchanged", log)
        listed = json.loads(self.run_program(
            "receiver", self.receiver_settings(redis, db), "nodes", "--json", code=0).stdout)
        [node] = listed["nodes"]
        self.assertLess(abs(node["last_contact_ms"] - wall_ms()), 600_000)

    def test_a_hub_that_jumps_a_day_ahead_and_back(self):
        self.check(DAY)

    @harness.long_test
    def test_a_hub_that_jumps_a_day_back_and_ahead(self):
        self.check(-DAY)


class RedisAlone(ClockTest):
    """Redis on a separate machine, whose clock is set."""

    def check(self, step_s):
        """Pending entries of a dead receiver are merged by another one, whatever Redis's clock does."""
        clock = self.clock(0)
        redis = self.redis(clock=clock)
        db = self.folder / "hub.db"
        ingest = self.receiver(redis, SYNC_receiver_role="ingest")
        settings = self.pusher_settings(ingest.url, device_table(device_rows(3)))
        self.run_program("pusher", settings, "--once", code=0)
        redis.cli("XGROUP", "CREATE", "synchub:ingest", "receivers", "0")
        taken = redis.cli("XREADGROUP", "GROUP", "receivers", "dead-one", "STREAMS",
                          "synchub:ingest", ">")
        self.assertIn("SHUB", taken)
        clock.set(step_s)
        self.receiver(redis, db, SYNC_receiver_role="merge", SYNC_claim_idle_s=2)
        self.wait_merged(redis, db, 3)

    def test_its_clock_is_set_back(self):
        self.check(-DAY)

    @harness.long_test
    def test_its_clock_is_set_forward(self):
        self.check(DAY)


if __name__ == "__main__":
    unittest.main()
