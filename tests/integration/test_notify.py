# SPDX-License-Identifier: Apache-2.0
"""Messages of the programs to a service manager (sd_notify): the test is the manager."""

import os
import signal
import socket
import subprocess
import unittest

from harness import BIN, READY_S, SyncHubTest, clean_environment, curl, device_rows, device_table, wait_until


class Manager:
    """The socket of NOTIFY_SOCKET. `messages` has every message, as a dictionary of its lines."""

    def __init__(self, folder):
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.setblocking(False)
        self.messages = []

    def receive(self):
        while True:
            try:
                message = self.socket.recv(4096).decode()
            except BlockingIOError:
                return self.messages
            self.messages.append(dict(line.split("=", 1) for line in message.split("\n")))

    def has(self, name, value=None):
        return any(name in message and value in (None, message[name]) for message in self.receive())

    def wait_for(self, name, value=None, details=None):
        wait_until(lambda: self.has(name, value), f"{name}={value or '…'} from the program",
                   details=details or (lambda: str(self.messages)))

    def statuses(self):
        return [message["STATUS"] for message in self.receive() if "STATUS" in message]

    def count(self, name):
        return sum(name in message for message in self.receive())


class Notify(SyncHubTest):
    def setUp(self):
        super().setUp()
        self.manager = Manager(self.folder)
        self.addCleanup(self.manager.socket.close)

    def manager_settings(self, watchdog_s=None):
        settings = {"NOTIFY_SOCKET": self.manager.path}
        if watchdog_s:
            settings["WATCHDOG_USEC"] = int(watchdog_s * 1e6)
        return settings

    def check_life(self, program):
        """Checks the messages from READY over a reload to STOPPING; the program must listen."""
        self.manager.wait_for("READY", "1")
        self.assertEqual(curl(program.url + "/livez").status, 200)  # it is true
        ready = self.manager.count("READY")
        os.kill(program.pid, signal.SIGHUP)
        self.manager.wait_for("RELOADING", "1")
        wait_until(lambda: self.manager.count("READY") > ready, "READY after the reload")
        program.stop()
        self.manager.wait_for("STOPPING", "1")

    def test_a_receiver_reports_its_state_and_an_unreachable_queue(self):
        redis = self.redis()
        hub = self.program("receiver", self.receiver_settings(redis, **self.manager_settings()))
        self.manager.wait_for("STATUS", "merging")
        redis.stop()
        wait_until(lambda: any("Redis" in status for status in self.manager.statuses()),
                   "a status that names Redis", details=lambda: str(self.manager.messages))
        redis.start()
        self.check_life(hub)

    def test_a_pusher_reports_its_state_and_deliveries(self):
        redis = self.redis()
        hub = self.receiver(redis)
        node = self.program("pusher", self.pusher_settings(
            hub.url, device_table(device_rows(3)), SYNC_listen="127.0.0.1:0",
            **self.manager_settings()))
        wait_until(lambda: any("the hub has everything" in s for s in self.manager.statuses()),
                   "the status after a push", details=lambda: str(self.manager.messages))
        self.check_life(node)

    def test_a_puller_reports_its_state_and_runs(self):
        redis = self.redis()
        puller = self.program("puller", self.puller_settings(
            redis, ["http://127.0.0.1:1"], SYNC_listen="127.0.0.1:0", **self.manager_settings()))
        wait_until(lambda: any("1 nodes, some of which failed" in s
                               for s in self.manager.statuses()),
                   "the status after a run", details=lambda: str(self.manager.messages))
        self.check_life(puller)

    def test_a_program_with_nothing_to_do_reports_ready(self):
        self.run_program("pusher", {"SYNC_RUN": "disabled", **self.manager_settings()}, code=0)
        self.manager.wait_for("READY", "1")

    def test_a_program_that_cannot_start_is_never_ready(self):
        redis = self.redis()
        first = self.receiver(redis)
        settings = self.receiver_settings(redis, SYNC_listen=f"127.0.0.1:{first.port}",
                                          **self.manager_settings())
        self.run_program("receiver", settings, code=1)
        self.assertFalse(self.manager.has("READY"))

    def test_every_idle_program_notifies_the_watchdog(self):
        redis = self.redis()
        everything = {
            "receiver": self.receiver_settings(redis),
            "puller": self.puller_settings(redis, ["http://127.0.0.1:1"],
                                           SYNC_RUN_SCHD="0 0 1 1 *"),
            "pusher": self.pusher_settings("http://127.0.0.1:1", device_table(device_rows(1)),
                                           SYNC_RUN="always_after_scan")}
        for name, settings in everything.items():
            self.manager.messages.clear()
            program = self.program(name, {**settings, **self.manager_settings(1)})
            self.manager.wait_for("READY", "1")
            wait_until(lambda: self.manager.count("WATCHDOG") > 4,
                       f"the watchdog to be fed by {name}")
            program.stop()

    def test_the_watchdog_is_notified_while_a_hub_does_not_answer(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(READY_S)
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            self.program("pusher", self.pusher_settings(
                url, device_table(device_rows(1)), SYNC_RUN_TIMEOUT="3600",
                **self.manager_settings(4)))
            connection, _ = silent.accept()
            with connection:
                begin = self.manager.count("WATCHDOG")
                wait_until(lambda: self.manager.count("WATCHDOG") > begin + 3,
                           "the watchdog to be fed during the exchange")

    def test_a_missing_socket_causes_a_warning(self):
        done = subprocess.run([BIN / "synchub-pusher"], capture_output=True, text=True,
                              env=clean_environment({"SYNC_RUN": "disabled",
                                                     "NOTIFY_SOCKET": "/nowhere/notify"}))
        self.assertEqual(done.returncode, 0)
        self.assertIn("NOTIFY_SOCKET=/nowhere/notify", done.stderr)


if __name__ == "__main__":
    unittest.main()
