# SPDX-License-Identifier: Apache-2.0
"""An idle pusher sleeps: the kernel's own count of its threads' sleeps stays as it is. What used to be found by looking
every few seconds wakes it now."""

import pathlib
import threading
import unittest

import harness
from harness import curl, device_rows, device_table, get_status, wait_until

NEVER = "0 0 29 2 *"
WATCHED_S = 7  # longer than the pusher ever waited for anything when it polled
LINE = "10.0.0.1|aa:bb:cc:dd:ee:01|2026-08-22 02:53:00|one|two|three|four|extra|key\n"


def sleeps(program):
    """{thread: how often it went to sleep}; each wake-up adds one."""
    counts = {}
    for status in pathlib.Path(f"/proc/{program.pid}/task").glob("*/status"):
        try:
            lines = status.read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        counts[int(status.parent.name)] = next(int(line.split()[1]) for line in lines
                                               if line.startswith("voluntary_ctxt_switches:"))
    return counts


def sleeps_of_main(program):
    return sleeps(program)[program.pid]


class Idle(harness.SyncHubTest):
    def setUp(self):
        super().setUp()
        self.queue = self.redis()
        self.hub = self.receiver(self.queue)

    def pusher(self, **settings):
        return self.program("pusher", self.pusher_settings(
            settings.pop("hub_url", self.hub.url), device_table(device_rows(3)),
            **{"SYNC_plugins": "['ARPSCAN']", "SYNC_listen": "127.0.0.1:0", "SYNC_RUN_SCHD": NEVER, **settings}))

    def check_sleeps(self, program, count=sleeps):
        """One of several windows is without a wake-up; what goes on after the start may fill the first ones."""
        for _ in range(8):
            before = count(program)
            self.assertTrue(before)
            threading.Event().wait(WATCHED_S)
            if count(program) == before:
                return
        self.fail(f"the pusher wakes up: {before}, {count(program)}\n{program.log()}")

    def test_on_a_schedule(self):
        pusher = self.pusher()
        self.wait_merged(self.queue, self.folder / "hub.db", 3)
        self.check_sleeps(pusher)
        self.assertEqual(get_status(f"{pusher.url}/livez"), 200)
        self.check_sleeps(pusher)

    def test_waiting_to_be_pulled(self):
        pusher = self.pusher(hub_url="", SYNC_plugins="[]")
        pusher.wait_for_log("waits to be pulled")
        self.check_sleeps(pusher)

    def test_without_a_request_a_connection_is_ended_all_the_same(self):
        pusher = self.pusher(hub_url="", SYNC_plugins="[]")
        pusher.wait_for_log("waits to be pulled")
        done = curl(f"telnet://127.0.0.1:{pusher.port}", "--max-time", str(harness.READY_S))
        self.assertEqual(done.exit_code, 0, done)  # the pusher closed it; 28 is curl's own limit

    def test_a_change_of_the_clock_wakes_it(self):
        clock = self.clock(0)
        pusher = self.pusher(**clock.environment)
        self.wait_merged(self.queue, self.folder / "hub.db", 3)
        self.check_sleeps(pusher, sleeps_of_main)  # the thread of the test's own clock wakes up
        clock.set(3600)  # the two clocks are read one after the other, and other programs may run between
        pusher.wait_for_log(r"the clock of this machine was set forward by 3[56]\d\d s")
        clock.set(0)
        pusher.wait_for_log(r"the clock of this machine was set back by 3[56]\d\d s")

    def test_a_removed_item_of_the_spool_wakes_it(self):
        """Nothing is due again for long: the hub is away, and was asked a few times."""
        self.hub.stop()
        (self.folder / "node-Node_A" / "plugins").mkdir(parents=True)
        (self.folder / "node-Node_A" / "plugins" / "last_result.ARPSCAN.log").write_text(LINE)
        pusher = self.pusher()
        items = lambda: list((self.folder / "node-Node_A" / "spool" / "spool").glob("*.item"))
        wait_until(lambda: len(items()) == 1, "an item", details=pusher.log)
        before = sleeps_of_main(pusher)
        items()[0].unlink()
        wait_until(lambda: sleeps_of_main(pusher) > before, "a wake-up", details=pusher.log)

    def test_changed_settings_wake_it(self):
        config = self.folder / "app.conf"
        config.write_text(f"SYNC_RUN_SCHD='{NEVER}'\n")
        pusher = self.program("pusher", {
            name: value for name, value in {**self.pusher_settings(
                self.hub.url, device_table(device_rows(3))), "SYNC_config_file": config}.items()
            if name != "SYNC_RUN_SCHD"})
        pusher.wait_for_log("the next run is at .*29 2")
        config.write_text("SYNC_RUN_SCHD='0 0 1 1 *'\n")
        pusher.wait_for_log(r"the next run is at .*0 0 1 1 \*")


if __name__ == "__main__":
    unittest.main()
