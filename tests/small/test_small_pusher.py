# SPDX-License-Identifier: Apache-2.0
"""What packaging/small-pusher promises beyond what the other tests of a pusher check. `./dev test-small` runs it."""

import pathlib
import re
import subprocess
import sys
import unittest

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests" / "integration"))

from authority import Authority  # noqa: E402
from harness import BIN, READY_S, SyncHubTest, clean_environment, device_rows, device_table, wait_until  # noqa: E402

MIB = 1 << 20
PUSHER = BIN / "synchub-pusher"


def memory_bytes(pid, field):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024


class Small(SyncHubTest):
    def test_it_needs_no_library(self):
        sections = subprocess.run(["readelf", "-Wld", PUSHER], check=True, capture_output=True, text=True).stdout
        self.assertNotIn("INTERP", sections)
        self.assertNotIn("(NEEDED)", sections)
        self.assertLessEqual(PUSHER.stat().st_size, 6 * MIB)

    def test_it_resolves_names_without_the_libraries_of_the_c_library(self):
        """In an empty root there is nothing that getaddrinfo() could load."""
        root = self.folder / "root"
        (root / "etc").mkdir(parents=True)
        (root / "etc" / "hosts").write_text("127.0.0.1 hub.test\n")
        (root / "pusher").write_bytes(PUSHER.read_bytes())
        (root / "pusher").chmod(0o755)
        (root / "table.json").write_text(device_table(device_rows(3)))
        redis = self.redis()
        hub = self.receiver(redis)
        settings = self.secrets(SYNC_hub_url=f"http://hub.test:{hub.port}", SYNC_node_name="Small", SYNC_devices="True",
                                SYNC_devices_file="/table.json", SYNC_spool_dir="/spool", SYNC_plugins_dir="/")
        subprocess.run(["unshare", "--user", "--map-root-user", "chroot", root, "/pusher", "--once"], check=True,
                       env=clean_environment(settings), timeout=READY_S)
        self.wait_merged(redis, self.folder / "hub.db", 3)

    def test_it_needs_little_memory_and_less_at_rest(self):
        redis = self.redis()
        hub = self.receiver(redis)
        own = dict(line.split("=", 1) for line in self.run_program(
            "receiver", self.receiver_settings(redis, self.folder / "hub.db"), "node", "add", "Small").stdout.splitlines()
                   if line.startswith("SYNC_"))
        pusher = self.program("pusher", self.pusher_settings(f"http://127.0.0.1:{hub.port}", device_table(device_rows(200)), **own))
        self.wait_merged(redis, self.folder / "hub.db", 200)
        wait_until(lambda: memory_bytes(pusher.pid, "VmRSS") <= 4 * MIB, "a pusher at rest, within 4 MiB",
                   details=lambda: pathlib.Path(f"/proc/{pusher.pid}/status").read_text())
        self.assertLessEqual(memory_bytes(pusher.pid, "VmHWM"), 8 * MIB)

    def test_it_listens_without_tls_only(self):
        authority = Authority(self.folder / "ca")
        cert, key = authority.issue("node")
        done = self.run_program("pusher", self.pusher_settings(
            "", device_table(device_rows(1)), SYNC_listen="127.0.0.1:0", SYNC_tls_cert=cert, SYNC_tls_key=key), code=1)
        self.assertIn("SYNC_tls_cert: this program was built without TLS for its own port", done.stderr)


if __name__ == "__main__":
    unittest.main()
