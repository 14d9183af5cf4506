# SPDX-License-Identifier: Apache-2.0
"""A hub and a node from the packages, on machines with systemd: from installation to purging."""

import json
import os
import re
import unittest

from machine import Machine, Network, wait_until
from documented import documented  # in tests/integration, which machine.py adds to the path

SUITES = os.environ.get("SYNCHUB_SUITES", "trixie").split()
TOKEN = "0123456789abcdef0123456789abcdef"
KEY = "a long random passphrase of the tests"
EXPOSURE_MAX = 2.0

# The commands of docs/install.md. Machine.set() takes the place of the editor.
HUB_INSTALL, _, HUB_RESTART, HUB_STATUS, HUB_NODES = documented("docs/install.md", "apt install ./synchub-receiver").commands()
NODE_INSTALL, _, NODE_RESTART = documented("docs/install.md", "apt install ./synchub-pusher").commands()


def table(count):
    return json.dumps({"data": [{"devMac": f"02:00:00:00:00:{i:02x}", "devName": f"device {i}"}
                                for i in range(count)]})


class Life:
    """The tests of one release, in order: each continues where the previous one ended."""

    suite = None

    @classmethod
    def setUpClass(cls):
        cls.network = Network()
        cls.addClassCleanup(cls.network.remove)
        cls.hub = Machine(cls.suite, cls.network, "hub")
        cls.addClassCleanup(cls.hub.remove)
        cls.node = Machine(cls.suite, cls.network, "node")
        cls.addClassCleanup(cls.node.remove)

    def devices(self):
        """The output for an administrator in a shell, without any variable set."""
        done = self.hub.sh("synchub-receiver devices --json", check=False)
        return len(json.loads(done.stdout)["data"]) if done.returncode == 0 else -1

    def wait_devices(self, count):
        wait_until(lambda: self.devices() == count, f"{count} devices on the hub", details=lambda: (
            f"{self.devices()} devices\n" +
            self.hub.sh("journalctl -n 40 -u synchub-receiver -u redis-server; "
                        "synchub-receiver devices --json", check=False).stdout[-6000:] +
            self.node.sh("journalctl -n 20 -u synchub-pusher", check=False).stdout))

    def redis(self, command):
        return self.hub.text(f"redis-cli {command}")

    def check_confined(self, machine, program):
        output = machine.text(f"systemd-analyze security --no-pager synchub-{program}.service")
        exposure = float(re.search(r"exposure level .*: ([\d.]+)", output).group(1))
        self.assertLessEqual(exposure, EXPOSURE_MAX)
        output = machine.sh(f"systemd-analyze verify --man=no synchub-{program}.service 2>&1").stdout
        self.assertNotIn("synchub", output)
        machine.sh(f"apparmor_parser --skip-kernel-load --skip-cache /etc/apparmor.d/synchub-{program}")
        machine.sh(f"bash -c '. /usr/share/bash-completion/completions/synchub-{program}; "
                   f"complete -p synchub-{program}'")

    def test_01_redis_is_there_already_and_holds_something(self):
        self.hub.install("redis-server")
        self.hub.wait_active("redis-server")
        self.assertEqual(self.redis("set other-application 1"), "OK")
        self.assertEqual(self.redis("config get appendonly").split()[-1], "no")

    def test_02_an_installed_receiver_waits_for_its_settings(self):
        output = self.hub.run_documented(HUB_INSTALL)
        self.assertIn("set the missing settings in /etc/synchub/receiver.env", output.stdout + output.stderr)
        self.assertEqual(self.hub.text("systemctl is-enabled synchub-receiver"), "enabled")
        failed = self.hub.text("systemctl --failed --no-legend --plain")
        self.assertNotIn("synchub", failed)
        self.assertEqual(self.hub.text("stat -c '%a %U' /etc/synchub/receiver.env"), "600 root")

    def test_03_redis_keeps_what_it_confirms_and_what_it_held(self):
        self.assertEqual(self.redis("config get appendonly").split()[-1], "yes")
        self.assertEqual(self.redis("config get appendfsync").split()[-1], "always")
        self.assertEqual(self.redis("config get maxmemory-policy").split()[-1], "noeviction")
        self.assertEqual(self.redis("get other-application"), "1")

    def test_04_one_edit_makes_a_hub(self):
        self.hub.set("receiver", SYNC_api_token=TOKEN, SYNC_encryption_key=KEY)
        self.hub.run_documented(HUB_RESTART)
        self.hub.wait_active("synchub-receiver")
        wait_until(lambda: self.devices() == 0, "an empty table of devices")
        wait_until(lambda: '"merging"' in self.hub.run_documented(HUB_STATUS).stdout, "a receiver that merges")
        self.check_confined(self.hub, "receiver")

    def test_05_a_node_pushes_to_it(self):
        self.node.run_documented(NODE_INSTALL)
        self.node.write("/tmp/api/table_devices.json", table(3))
        self.node.sh("chmod -R a+rX /tmp/api")
        self.node.set("pusher", SYNC_api_token=TOKEN, SYNC_encryption_key=KEY,
                      SYNC_hub_url="http://hub:20212", SYNC_node_name="Office")
        self.node.run_documented(NODE_RESTART)
        self.wait_devices(3)
        self.check_confined(self.node, "pusher")
        self.assertIn("Office", self.hub.run_documented(HUB_NODES).stdout)

    def check_override(self, machine, block, folder):
        """A service runs with what the documents tell to put into `systemctl edit`, and as before without it."""
        unit = machine.override(block)
        machine.sh(f"mkdir -p {folder}; chown -R 20211:20211 {folder}; systemctl restart {unit}")
        machine.wait_active(unit)
        self.assertEqual(machine.text(f"stat -c %u /proc/$(systemctl show -P MainPID {unit})"), "20211")
        machine.sh(f"systemctl revert {unit}; systemctl restart {unit}")
        machine.wait_active(unit)

    def test_05b_services_run_as_another_user(self):
        self.check_override(self.hub, documented("docs/install.md", "systemctl edit synchub-receiver"), "/opt/netalertx/db")
        self.check_override(self.node, documented("docs/install.md", "systemctl edit synchub-pusher"), "/tmp/api")

    def test_05c_a_backup_is_restored_as_documented(self):
        commands = documented("docs/backup.md", "systemctl stop synchub-receiver").commands()
        backup = re.search(r"\S+\.backup", " ".join(commands))[0]
        self.hub.sh(f"mkdir -p $(dirname {backup}); synchub-receiver backup {backup}")
        for command in commands:
            self.hub.run_documented(command)
        self.hub.wait_active("synchub-receiver")
        self.wait_devices(3)

    def test_06_the_hub_survives_a_reboot(self):
        self.hub.reboot()
        self.hub.wait_active("synchub-receiver")
        self.assertEqual(self.devices(), 3)
        self.assertEqual(self.redis("get other-application"), "1")
        self.node.write("/tmp/api/table_devices.json", table(4))
        self.wait_devices(4)

    def test_07_a_node_survives_a_reboot(self):
        self.node.reboot()
        self.node.wait_active("synchub-pusher")
        self.node.write("/tmp/api/table_devices.json", table(5))
        self.node.sh("chmod -R a+rX /tmp/api")
        self.wait_devices(5)

    def test_08_a_puller_fetches_from_a_node(self):
        self.node.set("pusher", SYNC_listen="0.0.0.0:20212", SYNC_RUN="disabled")
        self.node.sh("systemctl restart synchub-pusher")
        self.node.write("/tmp/api/table_devices.json", table(6))
        self.hub.install("/packages/synchub-puller_*.deb")
        self.hub.set("puller", SYNC_api_token=TOKEN, SYNC_encryption_key=KEY,
                     SYNC_nodes="['http://node:20212']", SYNC_RUN_SCHD="* * * * *")
        self.hub.sh("systemctl restart synchub-puller")
        self.wait_devices(6)
        self.check_confined(self.hub, "puller")

    def test_09_secrets_may_be_credentials(self):
        self.hub.sh("sed -i '/^SYNC_api_token=/d; /^SYNC_encryption_key=/d' "
                    "/etc/synchub/receiver.env; mkdir -p -m 700 /etc/credstore; umask 077; "
                    f"echo {TOKEN} >/etc/credstore/synchub.token; "
                    f"echo '{KEY}' >/etc/credstore/synchub.key; "
                    "systemctl restart synchub-receiver")
        self.hub.wait_active("synchub-receiver")
        self.assertEqual(self.devices(), 6)
        self.hub.sh("synchub-receiver node add Cabin")  # needs token and key
        environment = self.hub.text("tr '\\0' '\\n' </proc/$(systemctl show -P MainPID "
                                    "synchub-receiver)/environ")
        self.assertNotIn(TOKEN, environment)

    def test_10_systemd_reloads_and_restarts_one_that_hangs(self):
        self.hub.sh("systemctl reload synchub-receiver")
        self.hub.wait_active("synchub-receiver")
        self.hub.write("/run/systemd/system/synchub-receiver.service.d/test.conf",
                       "[Service]\nWatchdogSec=2\n")
        self.hub.sh("systemctl daemon-reload; systemctl restart synchub-receiver")
        self.hub.wait_active("synchub-receiver")
        self.hub.sh("kill -STOP $(systemctl show -P MainPID synchub-receiver)")
        wait_until(lambda: int(self.hub.text("systemctl show -P NRestarts synchub-receiver")) > 0,
                   "a restart by the watchdog")
        self.hub.sh("rm -r /run/systemd/system/synchub-receiver.service.d; "
                    "systemctl daemon-reload; systemctl restart synchub-receiver")
        wait_until(lambda: self.devices() == 6, "the 6 devices")

    def test_11_an_upgrade_keeps_settings_and_data(self):
        self.hub.sh("cd /root; dpkg-deb -R /packages/synchub-receiver_*.deb newer; "
                    "sed -i 's/^Version: .*/&+1/' newer/DEBIAN/control; "
                    "echo '# a new comment' >>newer/etc/synchub/receiver.env; "
                    "dpkg-deb -b newer newer.deb")
        before = self.hub.text("systemctl show -P MainPID synchub-receiver")
        edited = self.hub.text("cat /etc/synchub/receiver.env")
        self.hub.install("/root/newer.deb")
        self.hub.wait_active("synchub-receiver")
        self.assertNotEqual(self.hub.text("systemctl show -P MainPID synchub-receiver"), before)
        self.assertEqual(self.hub.text("cat /etc/synchub/receiver.env"), edited)
        wait_until(lambda: self.devices() == 6, "the 6 devices")
        self.assertEqual(self.redis("get other-application"), "1")

    def test_12_removal_keeps_data_and_gives_redis_back(self):
        self.hub.set("receiver", SYNC_receiver_role="ingest")
        self.hub.sh("systemctl restart synchub-receiver")
        self.node.write("/tmp/api/table_devices.json", table(7))
        wait_until(lambda: self.redis("xlen synchub:ingest") == "1", "an entry that nobody merges")
        self.hub.sh("systemctl stop synchub-puller; apt-get remove -y synchub-receiver")
        self.assertFalse(self.hub.is_active("synchub-receiver"))
        self.hub.sh("test -e /etc/synchub/receiver.env -a -e /var/lib/synchub/synchub.db")
        self.hub.wait_active("redis-server")
        self.assertEqual(self.redis("config get appendonly").split()[-1], "no")
        self.assertEqual(self.redis("get other-application"), "1")
        self.assertEqual(self.redis("xlen synchub:ingest"), "1")

    def test_13_installed_again_it_goes_on_where_it_was(self):
        self.assertEqual(self.redis("set other-application 2"), "OK")
        self.hub.set("receiver", SYNC_receiver_role="all")
        self.hub.install("/packages/synchub-receiver_*.deb")
        self.hub.wait_active("synchub-receiver")
        self.wait_devices(7)
        self.assertEqual(self.redis("config get appendonly").split()[-1], "yes")
        self.assertEqual(self.redis("get other-application"), "2")
        self.assertIn("Cabin", self.hub.text("synchub-receiver node list"))

    def test_14_purging_leaves_nothing_of_ours(self):
        self.hub.sh("apt-get purge -y synchub-receiver synchub-puller")
        self.node.sh("apt-get purge -y synchub-pusher")
        for machine in (self.hub, self.node):
            left = machine.text("find / -xdev \\( -name '*synchub*' -o -path '*/synchub/*' \\) "
                                "-not -path '/packages/*' -not -path '/root/*' "
                                "-not -path '/etc/credstore/*' -not -path '/proc/*' "
                                "-not -path '/var/lib/redis/*' -not -path '/sys/*' "
                                # Of units that a reboot ended; systemd-tmpfiles removes them at a boot.
                                "-not -path '/var/tmp/systemd-private-*'")
            self.assertEqual(left, "")
        self.assertEqual(self.redis("get other-application"), "2")


def load_tests(loader, standard_tests, pattern):
    suite = unittest.TestSuite()
    for name in SUITES:
        suite.addTests(loader.loadTestsFromTestCase(
            type(f"Packages_{name}", (Life, unittest.TestCase), {"suite": name})))
    return suite


if __name__ == "__main__":
    unittest.main()
