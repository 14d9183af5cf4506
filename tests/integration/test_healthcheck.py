# SPDX-License-Identifier: Apache-2.0
"""`healthcheck`, the subcommand for container engines."""

import unittest

from harness import SyncHubTest, free_port, wait_until


class HealthcheckTest(SyncHubTest):
    def check(self, name, settings, code):
        done = self.run_program(name, settings, "healthcheck", code=code)
        return done.stdout + done.stderr

    def test_a_receiver_is_healthy_while_it_is_ready_and_says_why_it_is_not(self):
        redis = self.redis()
        settings = self.receiver_settings(redis, SYNC_listen=f"0.0.0.0:{free_port()}")
        receiver = self.program("receiver", settings)
        receiver.wait_ready()
        self.assertIn("ready", self.check("receiver", settings, 0))
        redis.stop()
        wait_until(lambda: self.run_program("receiver", settings, "healthcheck").returncode == 1,
                   "the receiver to notice that Redis is down")
        self.assertIn("not ready", self.check("receiver", settings, 1))
        self.assertIn("503", self.check("receiver", settings, 1))

    def test_a_stopped_program_is_unhealthy(self):
        for name in ("pusher", "puller", "receiver"):
            with self.subTest(name):
                output = self.check(name, {"SYNC_listen": f"127.0.0.1:{free_port()}"}, 1)
                self.assertIn("refused", output)

    def test_it_asks_the_program_itself_whatever_proxy_is_set(self):
        redis = self.redis()
        settings = self.receiver_settings(redis, SYNC_listen=f"127.0.0.1:{free_port()}")
        self.program("receiver", settings).wait_ready()
        proxy = f"http://127.0.0.1:{free_port()}"
        self.check("receiver", {**settings, "http_proxy": proxy, "HTTP_PROXY": proxy}, 0)

    def test_without_an_address_only_the_settings_are_checked(self):
        self.assertIn("SYNC_listen is not set", self.check("pusher", {}, 0))
        self.assertIn("SYNC_log_level", self.check("pusher", {"SYNC_log_level": "loud"}, 2))

    def test_an_unknown_port_cannot_be_checked(self):
        self.assertIn("set a port", self.check("receiver", {"SYNC_listen": "127.0.0.1:0"}, 1))

    def test_it_needs_no_secrets_and_takes_no_arguments(self):
        self.run_program("receiver", {"SYNC_listen": "127.0.0.1:1"}, "healthcheck", "now", code=2)


if __name__ == "__main__":
    unittest.main()
