# SPDX-License-Identifier: Apache-2.0
"""A name that gets another address, as that of a replaced pod does: each try asks the resolver again."""

import unittest

from harness import device_rows, wait_until
from reader_site import Site


class ResolverTest(Site):
    def let_hub_be(self, address):
        # Written in place, as the file is mounted.
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost\n{address} hub\n")

    def test_a_running_program_finds_the_new_address(self):
        self.let_hub_be("127.0.0.9")
        self.environment = {**self.secret, "SYNC_redis_url": "redis://hub:6379/0", "SYNC_listen": "127.0.0.1:20212",
                            "SYNC_db": "/var/lib/synchub/synchub.db"}
        receiver, _ = self.background("synchub-receiver", "receiver")
        self.environment = {**self.secret, "SYNC_hub_url": "http://hub:20212", "SYNC_node_name": "Office",
                            "SYNC_devices": "True", "SYNC_listen": "", "SYNC_spool_dir": "",
                            **self.write_table("Office", device_rows(3, "Office"))}
        pusher, _ = self.background("synchub-pusher", "pusher")
        # Messages name the address that was tried.
        for log, words in (receiver, "could not connect (127.0.0.9)"), (pusher, "127.0.0.9"):
            wait_until(lambda log=log, words=words: words in log.read_text(), words, details=log.read_text)
        self.background("redis-server --bind 127.0.0.1 --appendonly yes --appendfsync always", "redis")
        self.let_hub_be("127.0.0.1")
        self.wait_for("curl -sSf http://127.0.0.1:20212/readyz", "", receiver)
        wait_until(lambda: "node=Office" in receiver.read_text(), "the push of Office", details=pusher.read_text)


if __name__ == "__main__":
    unittest.main()
