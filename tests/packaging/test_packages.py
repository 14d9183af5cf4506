# SPDX-License-Identifier: Apache-2.0
"""A hub and a node from the packages, on machines with systemd: from installation to purging."""

import json
import os
import re
import unittest

from machine import REPO, Machine, Network, harness, wait_until
from documented import documented  # in tests/integration, which machine.py adds to the path

SUITES = os.environ.get("SYNCHUB_SUITES", "trixie").split()
OLDER = os.environ.get("SYNCHUB_OLDER")  # a folder with packages of an older version
TOKEN = "0123456789abcdef0123456789abcdef"
KEY = "a long random passphrase of the tests"
GOLDEN = REPO / "tests" / "golden" / "0.1.0"
EXPOSURE_MAX = 2.0
SPOOL_ENTRIES_MAX = 1000  # SH_SPOOL_ENTRIES_MAX

# The commands of docs/install.md. Machine.set() takes the place of the editor.
HUB_INSTALL, _, HUB_RESTART, HUB_STATUS, HUB_NODES = documented("docs/install.md", "apt install ./synchub-receiver").commands()
NODE_INSTALL, _, NODE_RESTART = documented("docs/install.md", "apt install ./synchub-pusher").commands()
[REMOVE] = documented("docs/install.md", "apt remove ").commands()
[PURGE] = documented("docs/install.md", "apt purge ").commands()
[HUB_UPGRADE] = documented("docs/upgrade.md", "apt install ./synchub-receiver").commands()
[NODE_UPGRADE] = documented("docs/upgrade.md", "apt install ./synchub-pusher").commands()


def table(count):
    return json.dumps({"data": [{"devMac": f"02:00:00:00:00:{i:02x}", "devName": f"device {i}"}
                                for i in range(count)]})


class Machines:
    """A hub and a node of one release of Debian, for all tests of a class."""

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

    def plugin_objects(self):
        return int(self.hub.text("sqlite3 -readonly /var/lib/synchub/synchub.db 'SELECT count(*) FROM Plugins_Objects'"))

    def spooled(self):
        return len(json.loads(self.node.text("synchub-pusher spool list --json"))["items"])

    def versions(self):
        """Of all packages of this project on both machines."""
        return {version for machine in (self.hub, self.node) for version in
                machine.text("dpkg-query -W -f '${Version}\\n' 'synchub-*'").split()}

    def make_both_wait(self, count):
        """A table of `count` devices waits in the queue, and plugin results fill the spool: one more is left outside.
        Returns how many entries the queue has."""
        self.hub.set("receiver", SYNC_receiver_role="ingest")
        self.hub.sh("systemctl restart synchub-receiver")
        self.hub.wait_active("synchub-receiver")
        self.node.set("pusher", SYNC_hub_url="http://hub:20212", SYNC_RUN="always_after_scan")
        self.node.sh("systemctl restart synchub-pusher")
        self.node.write("/tmp/api/table_devices.json", table(count))
        self.node.sh("chmod -R a+rX /tmp/api")
        wait_until(lambda: int(self.redis("xlen synchub:ingest")) > 0, "an entry that nobody merges")
        plugins = [f"P{n}" for n in range(SPOOL_ENTRIES_MAX + 1)]
        self.node.set("pusher", SYNC_hub_url="http://hub:9", SYNC_plugins=json.dumps(plugins).replace('"', "'"))
        self.node.sh("mkdir -p /tmp/log/plugins; cd /tmp/log/plugins; for p in $(cat); do "
                     "echo \"1.1.1.1|02:00:00:00:00:01|2026-11-23 10:00:00|a|b|c|d|e|$p\" >last_result.$p.log; done; "
                     "chmod -R a+rX /tmp/log; systemctl restart synchub-pusher", stdin=" ".join(plugins))
        wait_until(lambda: self.spooled() == SPOOL_ENTRIES_MAX, "a full spool", details=lambda: (
            f"{self.spooled()} items\n" + self.node.sh("journalctl -n 30 -u synchub-pusher", check=False).stdout))
        wait_until(lambda: f"is full with {SPOOL_ENTRIES_MAX} items" in self.node.text("journalctl -u synchub-pusher"),
                   "a warning about the spool")
        return int(self.redis("xlen synchub:ingest"))

    def check_all_arrives(self, count):
        self.hub.set("receiver", SYNC_receiver_role="all")
        self.hub.sh("systemctl restart synchub-receiver")
        self.node.set("pusher", SYNC_hub_url="http://hub:20212")
        self.node.sh("systemctl restart synchub-pusher")
        self.wait_devices(count)
        wait_until(lambda: self.plugin_objects() == SPOOL_ENTRIES_MAX + 1, "all plugin results on the hub",
                   details=lambda: f"{self.plugin_objects()} on the hub, {self.spooled()} in the spool")
        self.assertEqual(self.spooled(), 0)
        self.assertIn("no dead letters", self.hub.text("synchub-receiver dead list"))

    def check_upgrade(self, count, folder):
        """Both machines are upgraded to the packages in a folder of theirs while an entry waits and the spool is full."""
        queued = self.make_both_wait(count)
        for machine, programs, command in ((self.hub, ("receiver", "puller"), HUB_UPGRADE), (self.node, ("pusher",), NODE_UPGRADE)):
            before = {program: self.main_pid(machine, program) for program in programs}
            edited = machine.text("cat /etc/synchub/*.env")
            machine.run_documented(command, folder)
            for program in programs:
                machine.wait_active(f"synchub-{program}")
                self.assertNotEqual(self.main_pid(machine, program), before[program])
            self.assertEqual(machine.text("cat /etc/synchub/*.env"), edited)
        self.assertGreaterEqual(int(self.redis("xlen synchub:ingest")), queued)
        self.assertEqual(self.spooled(), SPOOL_ENTRIES_MAX)
        self.check_all_arrives(count)

    def main_pid(self, machine, program):
        return machine.text(f"systemctl show -P MainPID synchub-{program}")

    def check_confined(self, machine, program):
        output = machine.text(f"systemd-analyze security --no-pager synchub-{program}.service")
        exposure = float(re.search(r"exposure level .*: ([\d.]+)", output).group(1))
        self.assertLessEqual(exposure, EXPOSURE_MAX)
        output = machine.sh(f"systemd-analyze verify --man=no synchub-{program}.service 2>&1").stdout
        self.assertNotIn("synchub", output)
        machine.sh(f"apparmor_parser --skip-kernel-load --skip-cache /etc/apparmor.d/synchub-{program}")
        machine.sh(f"bash -c '. /usr/share/bash-completion/completions/synchub-{program}; "
                   f"complete -p synchub-{program}'")



class Life(Machines):
    """The tests of one release, in order: each continues where the previous one ended."""

    def setUp(self):
        super().setUp()
        for machine in (self.hub, self.node):  # systemd starts a service five times in ten seconds at most
            machine.sh("systemctl reset-failed")

    def test_01_redis_is_there_already_and_holds_something(self):
        self.hub.install("redis-server")
        self.hub.wait_active("redis-server")
        self.assertEqual(self.redis("set other-application 1"), "OK")
        self.assertEqual(self.redis("config get appendonly").split()[-1], "no")

    def test_02_an_installed_receiver_waits_for_its_settings(self):
        output = self.hub.run_documented(HUB_INSTALL)
        self.assertIn("correct its settings in /etc/synchub/receiver.env", output.stdout + output.stderr)
        self.assertIn("SYNC_api_token", output.stdout + output.stderr)
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

    def test_06_the_hub_survives_a_reboot_and_a_power_cut(self):
        for restart in (self.hub.reboot, self.hub.cut_power):
            restart()
            self.hub.wait_active("synchub-receiver")
            self.assertEqual(self.devices(), 3)
            self.assertEqual(self.redis("get other-application"), "1")
        self.node.write("/tmp/api/table_devices.json", table(4))
        self.wait_devices(4)

    def test_07_a_node_survives_a_reboot_and_a_power_cut(self):
        for restart in (self.node.reboot, self.node.cut_power):
            restart()
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
                    "/etc/synchub/receiver.env /etc/synchub/puller.env; mkdir -p -m 700 /etc/credstore; umask 077; "
                    f"echo {TOKEN} >/etc/credstore/synchub.token; "
                    f"echo '{KEY}' >/etc/credstore/synchub.key; "
                    "systemctl restart synchub-receiver synchub-puller")
        for program in ("receiver", "puller"):
            self.hub.wait_active(f"synchub-{program}")
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

    def test_11_an_upgrade_loses_nothing(self):
        for machine, programs in ((self.hub, "receiver puller"), (self.node, "pusher")):
            machine.sh(f"mkdir /root/newer; cd /root/newer; for p in {programs}; do dpkg-deb -R /packages/synchub-${{p}}_*.deb $p; "
                       "sed -i 's/^Version: .*/&+1/' $p/DEBIAN/control; echo '# a new comment' >>$p/etc/synchub/$p.env; "
                       "dpkg-deb -b $p synchub-${p}_newer.deb; done")
        self.check_upgrade(7, "/root/newer")
        self.assertRegex(" ".join(self.versions()), r"^\S+\+1$")
        self.assertEqual(self.redis("get other-application"), "1")

    def test_12_removal_keeps_data_and_gives_redis_back(self):
        self.hub.set("receiver", SYNC_receiver_role="ingest")
        self.hub.sh("systemctl stop synchub-puller; systemctl restart synchub-receiver")
        self.node.write("/tmp/api/table_devices.json", table(8))
        wait_until(lambda: self.redis("xlen synchub:ingest") == "1", "an entry that nobody merges")
        self.hub.run_documented(REMOVE)
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
        self.wait_devices(8)
        self.assertEqual(self.redis("config get appendonly").split()[-1], "yes")
        self.assertEqual(self.redis("get other-application"), "2")
        self.assertIn("Cabin", self.hub.text("synchub-receiver node list"))

    def test_14_purging_leaves_nothing_of_ours(self):
        self.hub.run_documented(PURGE)
        self.hub.sh("apt-get purge -y synchub-puller")
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


class From010(Machines):
    """0.1.0 had no packages: its data come to where the packages have theirs, as CHANGELOG.md says."""

    def put(self, machine, name, path, user):
        """A file or a folder that 0.1.0 left behind."""
        machine.copy_in(GOLDEN / name, path)
        machine.sh(f"chown -R {user}: {path}; chmod -R go-rwx {path}")

    def test_data_of_services_of_ones_own_are_taken_over(self):
        self.hub.install("redis-server")
        self.hub.sh("systemctl stop redis-server")
        self.put(self.hub, "redis.rdb", "/var/lib/redis/dump.rdb", "redis")
        self.hub.sh("systemctl start redis-server")
        self.assertEqual(self.redis("xlen synchub:ingest"), "1")
        self.hub.run_documented(HUB_INSTALL)
        self.node.run_documented(NODE_INSTALL)
        self.hub.sh("mkdir -p /var/lib/synchub; chown synchub: /var/lib/synchub")
        self.put(self.hub, "hub.db", "/var/lib/synchub/synchub.db", "synchub")
        self.put(self.node, "spool", "/var/lib/synchub-pusher", "synchub")
        secret = {"SYNC_api_token": harness.TOKEN, "SYNC_encryption_key": harness.KEY}
        self.hub.set("receiver", **secret)
        self.hub.run_documented(HUB_RESTART)
        self.wait_devices(35)
        self.assertEqual(self.redis("config get appendonly").split()[-1], "yes")
        self.assertIn("Cabin", self.hub.text("synchub-receiver node list"))
        self.node.set("pusher", SYNC_hub_url="http://hub:20212", SYNC_node_name="Node_S", SYNC_devices="False",
                      SYNC_plugins="['ARPSCAN']", **secret)
        self.node.run_documented(NODE_RESTART)
        wait_until(lambda: self.plugin_objects() == 2, "the result in the spool beside that in the database",
                   details=lambda: self.node.sh("journalctl -n 30 -u synchub-pusher", check=False).stdout)
        self.assertEqual(self.spooled(), 0)


class FromOlder(Machines):
    """Packages of an older version are upgraded to today's."""

    def test_an_upgrade_loses_nothing(self):
        for machine in (self.hub, self.node):
            machine.copy_in(OLDER, "/older")
        self.hub.install("/older/synchub-receiver_*.deb", "/older/synchub-puller_*.deb", "redis-server")
        self.node.install("/older/synchub-pusher_*.deb")
        older = self.versions()
        secret = {"SYNC_api_token": TOKEN, "SYNC_encryption_key": KEY}
        self.node.write("/tmp/api/table_devices.json", table(3))
        self.node.sh("chmod -R a+rX /tmp/api")
        self.hub.set("receiver", **secret)
        self.hub.set("puller", SYNC_nodes="['http://node:20212']", **secret)
        self.node.set("pusher", SYNC_hub_url="http://hub:20212", SYNC_node_name="Office", **secret)
        self.hub.sh("systemctl restart synchub-receiver synchub-puller")
        self.node.sh("systemctl restart synchub-pusher")
        self.wait_devices(3)
        self.check_upgrade(4, "/packages")
        self.assertFalse(older & self.versions())


def load_tests(loader, standard_tests, pattern):
    suite = unittest.TestSuite()
    for name in SUITES:
        for tests in [Life, From010, *([FromOlder] if OLDER else [])]:
            suite.addTests(loader.loadTestsFromTestCase(
                type(f"{tests.__name__}_{name}", (tests, unittest.TestCase), {"suite": name})))
    return suite


if __name__ == "__main__":
    unittest.main()
