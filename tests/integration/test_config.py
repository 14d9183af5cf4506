# SPDX-License-Identifier: Apache-2.0
"""Settings and command line of the real programs: sources of settings, messages about bad and missing ones, and exit
codes."""

import collections
import re
import signal
import socket
import subprocess
import unittest

from harness import (BIN, KEY, TOKEN, SyncHubTest, bearer, clean_environment, curl, device_rows,
                     device_table)

PROGRAMS = ("pusher", "puller", "receiver")
LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warning|info|debug) (\w+): .+$")


class Config(SyncHubTest):
    def complete(self, name, **changes):
        """Settings with which a program works; a value of ... omits one."""
        settings = self.secrets(**{
            "pusher": {"SYNC_hub_url": "http://127.0.0.1:1", "SYNC_node_name": "Node_A",
                       "SYNC_devices": "True"},
            "puller": {"SYNC_nodes": "['http://127.0.0.1:1']"},
            "receiver": {"SYNC_db": str(self.folder / "hub.db")},
        }[name])
        settings.update(changes)
        return {key: value for key, value in settings.items() if value is not ...}

    def check_config(self, name, settings, code=0):
        """Runs --check-config; returns its settings by name, as (value, origin), and the process."""
        done = self.run_program(name, settings, "--check-config", code=code)
        shown = {}
        for line in done.stdout.splitlines():
            match = re.fullmatch(r"(\w+)=(.*) \(from (environment|file|default)\)", line)
            self.assertIsNotNone(match, line)
            shown[match.group(1)] = (match.group(2), match.group(3))
        return shown, done

    STARTS = ((), ("--once",), ("--check-config",))
    turns = collections.Counter()

    def refused(self, name, settings, *words):
        """The program must refuse to start, with one clear line. However it is started, the same code reads the
        settings: each call takes the next of STARTS."""
        arguments = self.STARTS[self.turns[name] % len(self.STARTS)]
        self.turns[name] += 1
        done = self.run_program(name, settings, *arguments, code=2)
        self.assertEqual(done.stdout, "")
        lines = [l for l in done.stderr.splitlines() if " warning " not in l]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertRegex(lines[0], LINE)
        for word in words:
            self.assertIn(word, lines[0])

    def test_a_bad_setting_is_refused_however_a_program_is_started(self):
        for name in PROGRAMS:
            for _ in self.STARTS:
                self.refused(name, self.complete(name, SYNC_log_level="loud"), "SYNC_log_level", "'loud'", "debug")

    # --- Missing settings ---------------------------------------------------------------------

    def test_every_program_reports_a_missing_token_or_key(self):
        for name in PROGRAMS:
            with self.subTest(name):
                self.refused(name, self.complete(name, SYNC_api_token=...), "SYNC_api_token",
                             "no token", "every node and on the hub")
                self.refused(name, self.complete(name, SYNC_encryption_key=...),
                             "SYNC_encryption_key", "no key", "every node and on the hub")

    def test_every_program_refuses_a_random_key_that_was_not_copied_whole(self):
        for name in PROGRAMS:
            with self.subTest(name):
                self.refused(name, self.complete(name, SYNC_encryption_key="shkey1_AAECAwQFBgcICQ"),
                             "SYNC_encryption_key", "copy all its 50 characters")

    def test_settings_that_only_one_program_requires_are_reported(self):
        self.refused("pusher", self.complete("pusher", SYNC_hub_url=...), "SYNC_hub_url",
                     "SYNC_listen")
        self.refused("pusher", self.complete("pusher", SYNC_devices=...), "SYNC_devices=True",
                     "SYNC_plugins")
        self.refused("pusher", self.complete("pusher", SYNC_node_name=...), "SYNC_node_name")

    # --- Bad values ---------------------------------------------------------------------------

    def test_a_bad_value_is_reported_with_setting_value_and_remedy(self):
        for name, setting, value, right in (
                ("pusher", "SYNC_RUN", "hourly", "always_after_scan"),
                ("puller", "SYNC_RUN", "on_new_device", "schedule"),
                ("pusher", "SYNC_RUN_SCHD", "0 0 31 2 *", "never"),
                ("puller", "SYNC_RUN_SCHD", "61 * * * *", "0 to 59"),
                ("pusher", "SYNC_devices", "maybe", "True or False"),
                ("pusher", "SYNC_node_name", "a/b", "/"),
                ("pusher", "SYNC_hub_url", "hub:20212", "http://"),
                ("pusher", "SYNC_hub_url", "http://hub/sync", "/sync"),
                ("pusher", "SYNC_plugins", "['A-B']", "A-Z"),
                ("puller", "SYNC_nodes", "[http://a]", "['a','b']"),
                ("puller", "SYNC_nodes", "http://a,http://a", "duplicate"),
                ("puller", "SYNC_RUN_TIMEOUT", "0", "1 to 3600"),
                ("receiver", "SYNC_claim_idle_s", "never", "1 to 86400"),
                ("receiver", "SYNC_listen", "20212", "0.0.0.0:20212"),
                ("receiver", "SYNC_db", "mysql://h/d", "postgresql://"),
                ("receiver", "SYNC_receiver_role", "both", "ingest"),
                ("receiver", "SYNC_redis_url", "http://h", "redis://"),
                ("receiver", "SYNC_tls_ca", "/nowhere/ca.pem", "No such file"),
                ("receiver", "SYNC_log_level", "loud", "debug")):
            with self.subTest(f"{name} {setting}={value}"):
                self.refused(name, self.complete(name, **{setting: value}), setting,
                             f"'{value}'", right)

    def test_a_bad_value_that_may_be_secret_is_not_shown(self):
        for setting in ({"SYNC_redis_url": "redis://u:hush@h/x"},
                        {"SYNC_api_token": "hush\nhush"},
                        {"SYNC_db": "mysql://u:hush@h/d"},
                        {"SYNC_db": "host=127.0.0.1 dbname=d user=u password=hush"}):
            with self.subTest(setting):
                settings = self.complete("receiver", **setting)
                self.refused("receiver", settings, next(iter(setting)))
                done = self.run_program("receiver", settings, "--check-config", code=2)
                self.assertNotIn("hush", done.stdout + done.stderr)

    def test_the_error_has_the_configured_log_format(self):
        done = self.run_program("receiver", self.complete("receiver", SYNC_log_format="json",
                                                          SYNC_db="/"), code=2)
        self.assertRegex(done.stderr, r'^\{"time":"[^"]+","level":"error","program":"receiver",'
                                      r'"message":"SYNC_db [^"]+"\}\n$')

    # --- Sources of settings ------------------------------------------------------------------

    def test_the_effective_settings_are_shown_without_secrets(self):
        for name in PROGRAMS:
            with self.subTest(name):
                shown, done = self.check_config(name, self.complete(name))
                self.assertEqual(shown["SYNC_api_token"], ("(hidden)", "environment"))
                self.assertEqual(shown["SYNC_encryption_key"], ("(hidden)", "environment"))
                self.assertEqual(shown["SYNC_log_level"], ("info", "default"))
                self.assertNotIn(TOKEN, done.stdout)
                self.assertNotIn(KEY, done.stdout)
                self.assertEqual(done.stderr, "")
        shown, _ = self.check_config("receiver", self.complete(
            "receiver", SYNC_redis_url="rediss://me:hush@h:1/2",
            SYNC_db="postgresql://me:hush@h/d?password=hush"))
        self.assertEqual(shown["SYNC_redis_url"][0], "rediss://me:(hidden)@h:1/2")
        self.assertEqual(shown["SYNC_db"][0], "postgresql://me:(hidden)@h/d?password=(hidden)")
        self.assertEqual(shown["SYNC_listen"], ("0.0.0.0:20212", "default"))

    def test_names_are_matched_without_regard_to_case(self):
        settings = self.complete("pusher", SYNC_hub_url=..., SYNC_HUB_URL="http://other:1/")
        shown, _ = self.check_config("pusher", settings)
        self.assertEqual(shown["SYNC_hub_url"], ("http://other:1", "environment"))
        settings["SYNC_hub_url"] = "http://hub:1"
        self.refused("pusher", settings, "SYNC_HUB_URL", "SYNC_hub_url", "different")

    def test_api_token_is_an_alias(self):
        settings = self.complete("receiver", SYNC_api_token=..., API_TOKEN=TOKEN)
        shown, _ = self.check_config("receiver", settings)
        self.assertEqual(shown["SYNC_api_token"], ("(hidden)", "environment"))
        self.refused("receiver", {**settings, "SYNC_api_token": "another"}, "API_TOKEN",
                     "SYNC_api_token")

    def test_a_value_may_be_in_a_file_of_its_own(self):
        secret = self.folder / "token"
        secret.write_text(TOKEN + "\n")
        settings = self.complete("receiver", SYNC_api_token=..., SYNC_API_TOKEN_FILE=secret)
        shown, _ = self.check_config("receiver", settings)
        self.assertEqual(shown["SYNC_api_token"], ("(hidden)", "file"))
        self.refused("receiver", {**settings, "SYNC_api_token": TOKEN}, "SYNC_api_token",
                     "SYNC_API_TOKEN_FILE", "both")
        secret.write_text("\n")
        self.refused("receiver", settings, "SYNC_API_TOKEN_FILE", str(secret), "empty")
        secret.unlink()
        self.refused("receiver", settings, "SYNC_API_TOKEN_FILE", str(secret), "No such file")
        secret.mkdir()
        self.refused("receiver", settings, "SYNC_API_TOKEN_FILE", str(secret))

    def test_the_devices_file_is_a_setting_of_its_own(self):
        table = self.folder / "table.json"
        table.write_text("True\n")
        shown, _ = self.check_config("pusher", self.complete("pusher", SYNC_DEVICES_FILE=table))
        self.assertEqual(shown["SYNC_devices_file"], (str(table), "environment"))
        self.assertEqual(shown["SYNC_devices"], ("True", "environment"))

    def test_an_app_conf_provides_settings_missing_in_the_environment(self):
        conf = self.folder / "app.conf"
        conf.write_text(
            "#-----------------AUTOGENERATED FILE-----------------#\n"
            "TIMEZONE='Europe/Berlin'\nREPORT='''\nSYNC_hub_url='http://inside-a-text'\n'''\n"
            "SCAN_SUBNETS=['192.168.1.0/24 --interface=eth1',\n  '10.0.0.0/8']\n"
            f"API_TOKEN='{TOKEN}'\nSYNC_encryption_key=\"{KEY}\"\n"
            "SYNC_RUN='schedule'\nSYNC_RUN_SCHD='*/10 * * * *'\nSYNC_RUN_TIMEOUT=40\n"
            "SYNC_hub_url='http://hub:20212'\nSYNC_node_name='N\\u00f6de'\n"
            "SYNC_devices=True # all of them\nSYNC_plugins=['ARPSCAN', \"NMAP\",]\nSYNC_nodes=[]\n"
            "SYNC_CMD='python3 /app/front/plugins/sync/sync.py'\n"
            "SYNC_devices__metadata=\"{'name':'x'}\"\n")
        shown, done = self.check_config("pusher", {"SYNC_config_file": conf,
                                                   "SYNC_RUN_TIMEOUT": "50"})
        self.assertEqual(done.stderr, "")
        for name, value in (("SYNC_api_token", ("(hidden)", "file")),
                            ("SYNC_encryption_key", ("(hidden)", "file")),
                            ("SYNC_RUN_SCHD", ("*/10 * * * *", "file")),
                            ("SYNC_RUN_TIMEOUT", ("50", "environment")),
                            ("SYNC_hub_url", ("http://hub:20212", "file")),
                            ("SYNC_node_name", ("Nöde", "file")),
                            ("SYNC_devices", ("True", "file")),
                            ("SYNC_plugins", ('["ARPSCAN","NMAP"]', "file")),
                            ("SYNC_config_file", (str(conf), "environment"))):
            self.assertEqual(shown[name], value, name)

    def test_an_app_conf_is_never_executed(self):
        conf = self.folder / "app.conf"
        trace = self.folder / "trace"
        conf.write_text(f"open('{trace}', 'w').write('run')\n"
                        "SYNC_db=__import__('os').environ['PATH']\n")
        self.refused("receiver", self.complete("receiver", SYNC_db=..., SYNC_config_file=conf),
                     "SYNC_config_file", str(conf), "line 2", "SYNC_db")
        self.assertFalse(trace.exists())

    def test_a_missing_app_conf_is_reported(self):
        missing = self.folder / "nowhere" / "app.conf"
        for name in PROGRAMS:
            self.refused(name, self.complete(name, SYNC_config_file=missing), "SYNC_config_file",
                         str(missing), "No such file")

    def test_unknown_names_and_weak_secrets_cause_warnings(self):
        settings = self.complete("receiver", SYNC_api_token="short", SYNC_lisen="0.0.0.0:1",
                                 SYNC_hub_url="http://hub", TZ="Europe/Nowhere")
        _, done = self.check_config("receiver", settings)
        self.assertIn("SYNC_lisen is not a setting", done.stderr)
        self.assertIn("SYNC_listen?", done.stderr)
        self.assertIn("SYNC_api_token has fewer than 16", done.stderr)
        self.assertIn("Europe/Nowhere", done.stderr)
        self.assertNotIn("SYNC_hub_url", done.stderr)  # the pusher's
        self.assertEqual(len(done.stderr.splitlines()), 3, done.stderr)
        for line in done.stderr.splitlines():
            self.assertRegex(line, LINE)

    # --- The command line ---------------------------------------------------------------------

    def test_checking_touches_neither_network_nor_database(self):
        with socket.socket() as trap:
            trap.bind(("127.0.0.1", 0))
            trap.listen()
            trap.setblocking(False)
            port = trap.getsockname()[1]
            for name in PROGRAMS:
                settings = self.complete(name, SYNC_redis_url=f"redis://127.0.0.1:{port}/0")
                if name == "pusher":
                    settings["SYNC_hub_url"] = f"http://127.0.0.1:{port}"
                elif name == "puller":
                    settings["SYNC_nodes"] = f"http://127.0.0.1:{port}"
                settings["SYNC_listen"] = f"127.0.0.1:{port}"  # in use: listening would fail
                self.check_config(name, settings)
            with self.assertRaises(BlockingIOError):
                trap.accept()
        self.assertFalse((self.folder / "hub.db").exists())

    def test_help_and_version_need_no_settings(self):
        for name in PROGRAMS:
            with self.subTest(name):
                output = self.run_program(name, {"SYNC_RUN": "bad", "SYNC_db": "/"}, "--help",
                                          code=0)
                for word in (f"synchub-{name}", "--once", "--check-config", "SYNC_api_token",
                             "healthcheck"):
                    self.assertIn(word, output.stdout)
                self.assertEqual(output.stderr, "")
                output = self.run_program(name, {}, "--version", code=0)
                self.assertRegex(output.stdout, rf"^synchub-{name} \d+\.\d+\.\d+ \(")

    def test_an_unknown_option_or_command_prints_the_usage(self):
        for name in PROGRAMS:
            for word in ("--onec", "nonsense", "-x"):
                with self.subTest(f"{name} {word}"):
                    done = self.run_program(name, self.complete(name), word, code=2)
                    self.assertIn(f"'{word}'", done.stderr)
                    self.assertIn(f"Usage: synchub-{name}", done.stderr)
                    self.assertEqual(done.stdout, "")

    def into_a_full_disk(self, name, settings, *arguments):
        with open("/dev/full", "wb") as full:
            return subprocess.run([str(BIN / f"synchub-{name}"), *arguments], stdout=full,
                                  stderr=subprocess.PIPE, text=True,
                                  env=clean_environment(settings))

    def test_output_that_cannot_be_written_is_exit_1_with_the_reason(self):
        redis = self.redis()
        commands = {name: [["--help"], ["help"], ["--version"], ["--describe"], ["--check-config"],
                           ["healthcheck"], ["help", "healthcheck"]] for name in PROGRAMS}
        commands["receiver"] += [["nodes"], ["nodes", "--json"], ["devices"], ["devices", "--json"],
                                 ["dead", "list"], ["dead", "list", "--json"], ["node", "list"],
                                 ["node", "list", "--json"], ["node", "add", "Node_A"],
                                 ["node", "rotate", "Node_A"], ["node", "revoke", "Node_A"],
                                 ["node", "--help"]]
        commands["receiver"].remove(["healthcheck"])  # it listens, so the check would connect
        commands["pusher"] += [["spool", "list"], ["spool", "list", "--json"]]
        db = self.folder / "hub.db"
        self.program("receiver", self.receiver_settings(redis, db), "--once").wait()
        for name, lists in commands.items():
            settings = self.complete(name)
            if name == "receiver":
                settings = self.receiver_settings(redis, db)
            if name == "pusher":
                settings["SYNC_spool_dir"] = self.folder / "spool"
                for part in ("spool", "refused"):
                    (self.folder / "spool" / part).mkdir(parents=True)
            for arguments in lists:
                with self.subTest(f"{name} {' '.join(arguments)}"):
                    done = self.into_a_full_disk(name, settings, *arguments)
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertIn("No space left on device", done.stderr)

    # --- Running ------------------------------------------------------------------------------

    def listening(self):
        """A pusher that waits to be pulled, as an example of any running program."""
        return self.program("pusher", self.pusher_settings(
            "", device_table(device_rows(3)), SYNC_listen="127.0.0.1:0")).wait_ready()

    def test_a_running_program_leaves_no_core_file(self):
        node = self.listening()
        with open(f"/proc/{node.pid}/limits", encoding="ascii") as limits:
            core = next(line for line in limits if line.startswith("Max core file size"))
        self.assertRegex(core, r"size\s+0\s+0")

    def test_sighup_and_sigpipe_stop_nothing(self):
        node = self.listening()
        node.process.send_signal(signal.SIGHUP)
        node.process.send_signal(signal.SIGPIPE)
        self.assertEqual(curl(node.url + "/sync", headers=bearer()).status, 200)
        node.stop()  # but SIGTERM does, with exit code 0

    def test_sigint_stops_like_sigterm(self):
        node = self.listening()
        node.process.send_signal(signal.SIGINT)
        self.assertEqual(node.wait(), 0)


if __name__ == "__main__":
    unittest.main()
