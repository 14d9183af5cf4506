# SPDX-License-Identifier: Apache-2.0
"""The commands of README.md and docs/*.md do what the documents say: each block of code is run here, or by a test of
containers, packages or Kubernetes, which gets it from documented(), too."""

import ast
import json
import os
import re
import shutil
import subprocess
import unittest

import documented as documents
import envelopes
import postgres
from documented import documented
from harness import (BIN, KEY, READY_S, REPO, TOKEN, FakeServer, SyncHubTest, device_mac, device_rows, device_table,
                     long_test, netalertx_body, wait_until)
from reader_site import Site

# Blocks that no test runs, and why.
NOT_RUN = {("README.md", "NODE "): "a drawing"}
# Blocks of values, and what reads them there.
READ_BY = {("docs/kubernetes.md", "mode: single"): "tests/k8s/chart_document.mjs"}
# tests/k8s/commands.mjs checks these against the manifests, and tests/k8s/chart_document.mjs those of Helm, where ./dev test-k8s
# has made the chart; tests/k8s/cluster runs their like on a cluster.
KUBECTL = re.compile(r"kubectl |helm |\./dev chart$|openssl rand -hex 32$")


class EachBlock(unittest.TestCase):
    def test_has_a_test_that_ci_runs(self):
        calls = documents.covered() + [(*where, reader) for where, reader in READ_BY.items()]
        ci = documents.ci_commands()
        self.assertTrue({"test", "test-long", "test-k8s"} <= set(ci), ci)
        for document in documents.documents():
            for block in documents.blocks(document):
                if any(where == document and documents.begins(block, start) for where, start in NOT_RUN) or \
                        document == "docs/kubernetes.md" and all(KUBECTL.match(command) for command in block.commands()):
                    continue
                tests = {test for where, start, test in calls if where == document and documents.begins(block, start)}
                self.assertTrue(tests, f"{document}:{block.line}: no test runs '{block.lines[0]}': see "
                                       "tests/integration/documented.py")
                commands = {documents.run_by(test) for test in tests}
                self.assertTrue(commands & set(ci), f"{document}:{block.line}: CI does not run '{block.lines[0]}': only "
                                                    f"{sorted(tests)} do, by ./dev {sorted(commands)}")

    def test_of_a_test_is_in_the_documents(self):
        for document, start, test in documents.covered():
            with self.subTest(test):
                self.assertTrue(documented(document, start).lines)
        for document, start in [*NOT_RUN, *READ_BY]:
            self.assertTrue([b for b in documents.blocks(document) if documents.begins(b, start)], start)
        for (_, start), reader in READ_BY.items():
            self.assertIn(start.split()[0], (REPO / reader).read_text())

    def test_commands_in_sentences_exist(self):
        described = {name: json.loads(subprocess.run([BIN / f"synchub-{name}", "--describe"], check=True,
                                                     stdout=subprocess.PIPE).stdout)
                     for name in ("pusher", "puller", "receiver")}
        for document in documents.documents():
            text = (REPO / document).read_text()
            for name, rest in re.findall(r"`synchub-(pusher|puller|receiver) ([^`]+)`", " ".join(text.split())):
                subcommands = {command["name"] for command in described[name]["commands"]}
                words = [word for word in rest.split() if word not in ("…", "help")]
                known = {" ".join(words[:n]) for n in (1, 2, 3)} & subcommands
                options = {option for all_of in described[name]["options"]
                           for option in re.findall(r"--[a-z-]+", all_of["name"])}
                self.assertTrue(known or words[0] in options or words[0].startswith("-"),
                                f"{document}: synchub-{name} {rest}")
            for command in re.findall(r"`\./dev (?:--yes )?([a-z0-9-]+)", text):
                self.assertTrue((REPO / "tests" / "dev" / command).exists(), f"{document}: ./dev {command}")


class Readme(Site):
    def test_a_hub_a_node_and_a_node_that_is_pulled(self):
        token, key = documented("README.md", "openssl rand").commands()
        self.secret = {"SYNC_api_token": self.shell(token).strip(), "SYNC_encryption_key": self.shell(key).strip()}
        self.assertRegex(" ".join(self.secret.values()), "^[0-9a-f]{48} [0-9a-f]{64}$")
        self.hub(SYNC_listen="127.0.0.1:20212")
        hub = self.environment

        *exports, once, always = documented("README.md", "export SYNC_api_token=… SYNC_encryption_key=…\nexport SYNC_hub").commands()
        self.environment = self.write_table("Office", device_rows(3, "Office"))
        (self.folder / "Office.plugins" / "last_result.ARPSCAN.log").write_text(
            "02:00:00:00:00:01|192.0.2.1|2026-11-23 10:00:00|a|b|c|d|e|f\n")
        self.export(exports)
        self.shell(once)
        self.background(always, "Office")

        self.environment = {"SYNC_node_name": "Cabin", "SYNC_devices": "True", "SYNC_listen": "10.0.3.7:20212",
                            **self.secret, **self.write_table("Cabin", device_rows(2, "Cabin"))}
        log, _ = self.background("synchub-pusher", "Cabin")
        # A puller asks at its start, and then at the next minute of its schedule.
        self.wait_for("curl -sSf http://10.0.3.7:20212/readyz", "", log)
        self.environment = {name: value for name, value in hub.items() if name != "SYNC_listen"}
        log, _ = self.background(documented("README.md", "SYNC_nodes=").commands()[0], "puller")

        nodes, devices, dead = documented("README.md", "synchub-receiver nodes ").commands()
        self.wait_for(nodes, "(?s)Cabin.*Office", log)
        for name in ("Office", "Cabin"):
            self.wait_for(devices, device_mac(1, name))
        self.assertIn("no dead letters", self.shell(dead))


class WithNetAlertX(Site):
    """docs/you-have-netalertx.md, with stand-ins for NetAlertX that do what docs/netalertx.md says."""

    STAND_IN = """import signal, sys
sys.path.insert(0, sys.argv[1])
import harness
node = harness.FakeNetAlertXNode("Cabin", open(sys.argv[2]).read(), port=20300)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    signal.pause()
"""

    def test_one_pushes_and_one_is_fetched(self):
        lines = documented("docs/you-have-netalertx.md", "API_TOKEN=").text
        lines = lines.replace("API_TOKEN='…'", f"API_TOKEN='{TOKEN}'").replace("'…'", f"'{KEY}'")
        home = {name: ast.literal_eval(value) for name, _, value in (line.partition("=") for line in lines.splitlines())}
        self.redis()
        exports, receiver, puller = documented("docs/you-have-netalertx.md", "export ").commands()
        self.export([exports])
        log, _ = self.background(receiver, "receiver")
        self.wait_for("curl -sSf http://hub:20212/readyz", "", log)

        (self.folder / "Cabin.json").write_text(device_table(device_rows(2, "Cabin")))
        (self.folder / "stand_in.py").write_text(self.STAND_IN)
        self.background(f"python3 {self.folder}/stand_in.py {REPO}/tests/integration {self.folder}/Cabin.json", "Cabin")
        self.wait_for("curl -sS http://127.0.0.1:20300/", "no such thing|Not found|error")
        self.assertIn("10.0.3.7:20212", puller)
        self.background(puller.replace("10.0.3.7:20212", "127.0.0.1:20300"), "puller")

        self.assertTrue(home["SYNC_devices"])
        (self.folder / "body").write_text(netalertx_body(
            device_table(device_rows(2, "Home")), home["SYNC_node_name"], passphrase=home["SYNC_encryption_key"]))
        self.shell(f"curl -sSf {home['SYNC_hub_url']}/sync -H 'Authorization: Bearer {home['API_TOKEN']}' "
                   f"-H 'Content-Type: application/json' --data-binary @{self.folder}/body")
        self.wait_for("synchub-receiver nodes", "(?s)Cabin.*Home")
        for name in ("Home", "Cabin"):
            self.wait_for(f"synchub-receiver devices --node {name}", device_mac(1, name))


class Operations(Site):
    """Commands with words in capitals for what a reader puts there."""

    ALTERNATIVES = re.compile(r"ID… \| (--\S+)(?: \| (--node N))?$")
    PROBLEMS = re.compile(r"doctor|nodes --problems")  # they exit with 3 if there are any

    def variants(self, command):
        """A command with and without each optional word, and with each alternative."""
        match = self.ALTERNATIVES.search(command)
        if match:
            return [command[:match.start()] + each for each in ("ID", *match.groups()) if each]
        match = re.search(r" \[([^]]+)\]", command)
        if match is None:
            return [command]
        rest = command[match.end():]
        return [*self.variants(command[:match.start()] + rest),
                *self.variants(f"{command[:match.start()]} {match[1]}{rest}")]

    def run_each(self, commands, words, before=lambda command: None):
        """Runs every variant; `words` has the values for words in capitals, or functions that return them. Returns
        {command as documented: output}."""
        outputs = {}
        for command in commands:
            for variant in self.variants(command):
                before(variant)
                ready = re.sub(r"\b[A-Z]+\b(?!_)", lambda found: self.word(variant, found[0], words), variant)
                output = self.shell(ready, (0, 3) if self.PROBLEMS.search(variant) else (0,))
                if "--json" in variant:
                    json.loads(output)
                outputs[variant] = output
        return outputs

    @staticmethod
    def word(command, name, words):
        _, first, second, *_ = command.split()
        value = next((words[key] for key in (f"{first} {second} {name}", f"{first} {name}", name) if key in words), name)
        return value() if callable(value) else value

    def letters(self):
        return [letter["id"] for letter in json.loads(self.shell("synchub-receiver dead list --json"))["dead"]]

    def make_dead_letter(self):
        """What a hub cannot merge: an entry whose last byte was changed."""
        body = envelopes.envelope(envelopes.NodeKey("Office"), device_table(device_rows(1, "lost")))
        (self.folder / "entry").write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
        self.shell("redis-cli -X entry xadd synchub:ingest '*' e entry m push <entry")
        wait_until(self.letters, "the dead letter", details=(self.folder / "receiver.log").read_text)

    def test_commands_of_a_hub(self):
        self.hub()
        self.push("Office", device_rows(150, "Office"))
        self.wait_for("synchub-receiver devices --json --limit 1 --node Office", "devMac")
        mac = device_mac(0, "Office")
        block = documented("docs/operations.md", "synchub-receiver nodes [--json]")
        commands = [command for command in block.commands() if " dead " not in command]
        outputs = self.run_each(commands, {
            "NAME": "Office", "node expect NAME": "Cabin", "node forget NAME": "Cabin", "KEY": "site", "VALUE": "north", "TEXT": "Office", "N": "Office", "MAC": mac,
            "settings NAME": "SYNC_log_level", "settings VALUE": "debug",
            "NEXT": lambda: json.loads(self.shell("synchub-receiver devices --json --limit 100"))["next"]})
        self.assertIn("Office", outputs["synchub-receiver nodes"])
        self.assertIn(mac, outputs["synchub-receiver device show MAC"])
        page = json.loads(outputs["synchub-receiver devices --json --limit 100 --after NEXT"])
        self.assertEqual(len(page["data"]), 50)

    def test_commands_about_settings(self):
        self.hub()
        block = documented("docs/settings.md", "synchub-receiver settings set")
        outputs = self.run_each(block.commands(), {})
        self.assertIn("SYNC_nodes", outputs["synchub-receiver settings"])

    def test_the_blocklist(self):
        self.hub()
        outputs = self.run_each(documented("docs/operations.md", "synchub-receiver blocklist add").commands(), {})
        self.assertIn("aa:bb:cc:dd:ee:ff", outputs["synchub-receiver blocklist list"])

    def test_credentials_of_a_node(self):
        self.hub()
        (self.folder / "names").write_text("One\nTwo\n")
        outputs = self.run_each(documented("docs/operations.md", "synchub-receiver node add Office").commands(), {})
        for name in ("SYNC_node_name", "SYNC_api_token", "SYNC_encryption_key"):
            self.assertIn(name, outputs["synchub-receiver node add Office"])
        self.assertIn("Office", outputs["synchub-receiver node list"])

    def test_a_backup_and_its_restore(self):
        self.hub()
        self.push("Office", device_rows(3, "Office"))
        self.wait_for("synchub-receiver devices --json", device_mac(2, "Office"))
        backup, restore = documented("docs/backup.md", "synchub-receiver backup").commands()
        self.shell(backup)
        [made] = (self.folder / "backup").iterdir()
        made.rename(made.with_name(restore.rpartition("/")[2]))
        self.stop_hub()
        self.shell("rm /var/lib/synchub/synchub.db*")
        self.shell(restore)
        self.assertIn(device_mac(2, "Office"), self.shell("synchub-receiver devices --json"))

    def test_sqlite3_finds_new_devices(self):
        self.hub(SYNC_db=f"{self.folder}/data/synchub.db")
        self.push("Office", device_rows(3, "Office"))
        [command] = documented("docs/operations.md", "sqlite3 -box").commands()
        self.wait_for(command, device_mac(2, "Office"))

    def test_a_program_uses_the_consoles_api(self):
        self.hub()
        add, session = documented("docs/console.md", "synchub-receiver console token add").commands()
        tokens = [self.run_each([variant], {"NAME": f"program-{n}"})[variant]
                  for n, variant in enumerate(self.variants(add))]
        for output in tokens:
            token = re.search(r"\S{20,}", output)[0]
            self.assertIn("program-", self.shell(session.replace("TOKEN", token)))

    def test_commands_about_dead_letters(self):
        self.hub()
        block = documented("docs/operations.md", "synchub-receiver nodes [--json]")
        commands = [command for command in block.commands() if " dead " in command]
        self.assertEqual(len(commands), 4)
        # One that is retried comes back after a moment.
        outputs = self.run_each(commands, {"N": "Office", "ID": lambda: self.letters()[0]},
                                before=lambda command: self.letters() or self.make_dead_letter())
        self.assertIn("Office", outputs["synchub-receiver dead list"])
        self.assertIn("Office", outputs["synchub-receiver dead show ID"])

    def test_commands_of_a_node(self):
        """Results that a hub has refused; doctor with the hub of README.md."""
        refusing = self.server(FakeServer(lambda request: (422, {"Content-Type": "application/json"}, {
            "error": "refused", "message": "no such result", "success": False})))
        commands = documented("docs/operations.md", "synchub-pusher doctor").commands()
        self.assertIn("doctor", commands[0])
        self.hub()
        self.environment = {**self.secret, "SYNC_hub_url": "http://hub:20212", "SYNC_node_name": "Office",
                            "SYNC_devices": "True", "SYNC_plugins": "['A']", "SYNC_spool_dir": f"{self.folder}/spool",
                            **self.write_table("Office", device_rows(3, "Office"))}
        (self.folder / "spool").mkdir()

        def refused_result(command):
            if "spool" not in command:
                return
            (self.folder / "Office.plugins" / "last_result.A.log").write_text(
                f"{len(command)}|02:00:00:00:00:01|2026-08-22 02:53:00|one|two|three|four|extra|{command}\n")
            self.run_program("pusher", {**self.environment, "SYNC_hub_url": refusing.url}, "--once", code=1)

        def refused():
            return next(item["id"] for item in json.loads(self.shell("synchub-pusher spool list --json"))["items"]
                        if item["state"] == "refused")

        outputs = self.run_each(commands, {"ID": refused}, before=refused_result)
        self.assertIn("refused", outputs["synchub-pusher spool list"])


class Servers(Site):
    def test_redis_with_the_documented_lines_keeps_what_it_confirms(self):
        (self.folder / "redis.conf").write_text(documented("docs/settings.md", "appendonly yes").text)
        log, _ = self.background("redis-server redis.conf --bind 127.0.0.1", "redis")
        self.wait_for("redis-cli ping", "PONG", log)
        self.environment = {**self.secret, "SYNC_db": "/var/lib/synchub/synchub.db"}
        log, _ = self.background("synchub-receiver", "receiver")
        self.wait_for("curl -sSf http://hub:20212/readyz", "", log)
        self.assertNotIn("does not keep what it confirms", log.read_text())

    def test_the_documented_url_leads_to_postgresql(self):
        server = postgres.Postgres()
        self.addCleanup(server.remove)
        [line] = documented("docs/settings.md", "SYNC_db=postgresql://").commands()
        database = server.new_database().rpartition("/")[2]
        url = line.partition("=")[2]
        for word, value in (("USER", postgres.USER), ("PASSWORD", postgres.PASSWORD.replace(" ", "%20").replace("/", "%2F")),
                            ("HOST:5432", f"127.0.0.1:{server.port}"), ("DATABASE", database)):
            self.assertEqual(url.count(word), 1, word)
            url = url.replace(word, value)
        self.adopt(self.redis_of_harness(), url)

    def test_a_hub_moves_from_sqlite_to_postgresql_as_on_kubernetes(self):
        server = postgres.Postgres()
        self.addCleanup(server.remove)
        redis, url = self.redis_of_harness(), server.new_database()
        hub = self.receiver(redis)
        self.run_program("pusher", self.pusher_settings(hub.url, device_table(device_rows(3, "a"))), "--once", code=0)
        self.wait_merged(redis, self.folder / "hub.db", 3)
        self.run_program("receiver", self.receiver_settings(redis), "backup", str(self.folder / "hub.backup"), code=0)
        hub.stop()
        [command] = documented("docs/kubernetes.md", "SYNC_redis_url=").commands()
        for old, new in ((":PASSWORD@127.0.0.1:6379", f"127.0.0.1:{redis.port}"),
                         ("postgresql://synchub:PASSWORD@127.0.0.1:5432/synchub", url)):
            self.assertEqual(command.count(old), 1)
            command = command.replace(old, new)
        subprocess.run(["bash", "-euc", command], cwd=self.folder, env=self.variables(), check=True, timeout=READY_S)
        self.assertEqual([row["n"] for row in postgres.query(url, "SELECT count(*) AS n FROM Devices")], [3])

    def test_servers_of_redis_accept_a_new_password_beside_the_old_one(self):
        """The loop over the pods, each of which has a server and a Sentinel, with one of each."""
        pod = "redis-server --bind 127.0.0.1 --requirepass OLD --port"
        (self.folder / "sentinel.conf").write_text("")
        for command, port in ((pod, 6379), ("redis-server sentinel.conf --sentinel --bind 127.0.0.1 --requirepass OLD --port", 26379)):
            log, _ = self.background(f"{command} {port}", f"redis-{port}")
            self.wait_for(f"REDISCLI_AUTH=OLD redis-cli -p {port} ping", "PONG", log)
        stub = self.folder / "bin" / "kubectl"
        stub.parent.mkdir()
        stub.write_text('#!/bin/sh\necho "$4" >>pods\nwhile [ "$1" != -- ]; do shift; done; shift; REDISCLI_AUTH=OLD exec "$@"\n')
        stub.chmod(0o755)
        [command] = documented("docs/kubernetes.md", "for pod in").commands()
        self.assertEqual(self.shell(f'PATH="{stub.parent}:$PATH"\n{command}'), "OK\n" * 6)
        self.assertEqual(set((self.folder / "pods").read_text().split()), {f"synchub-redis-{n}" for n in range(3)})
        for password in ("OLD", "NEW"):
            for port in (6379, 26379):
                self.assertEqual(self.shell(f"REDISCLI_AUTH={password} redis-cli -p {port} ping"), "PONG\n")

    def redis_of_harness(self):
        return SyncHubTest.redis(self)

    def test_prometheus_accepts_the_documented_configuration(self):
        (self.folder / "prometheus.yml").write_text(documented("docs/operations.md", "scrape_configs:").text)
        shutil.copy(REPO / "packaging" / "prometheus" / "synchub.rules.yml", self.folder)
        self.assertIn("SUCCESS", self.shell("promtool check config prometheus.yml"))


class Developers(SyncHubTest):
    def test_ci_runs_the_demo_and_the_tests(self):
        for command in documented("README.md", "./dev demo").commands():
            self.assertIn(command.removeprefix("./dev "), documents.ci_commands())

    def test_an_image_for_a_registry_is_that_of_the_container_tests(self):
        build, push = documented("docs/kubernetes.md", "docker build").commands()
        [image] = re.findall(r" -t (\S+)", build)
        self.assertEqual(push, f"docker push {image}")
        of_pusher = documented("docs/install.md", "docker build").commands()[0]
        self.assertEqual(build.replace(image, "IMAGE"), of_pusher.replace("--target pusher", "--target receiver").replace(
            re.search(r" -t (\S+)", of_pusher)[1], "IMAGE"))

    def test_the_small_pusher_is_built_as_documented(self):
        """By `./dev test-small` as it is, and by CI for the image, with arguments for its platform and its folder."""
        [command] = documented("docs/install.md", "packaging/small-pusher").commands()
        self.assertIn(f"\n{command}\n", (REPO / "tests" / "dev" / "test-small").read_text())
        self.assertRegex((REPO / "docker" / "Dockerfile").read_text(), rf"(?m)^RUN .*\b{command} --arch \$arch ")

    @long_test
    def test_a_build_from_source_is_installed(self):
        tree = self.folder / "tree"
        shutil.copytree(REPO, tree, symlinks=True, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
        target = self.folder / "target"
        # What the last two do to a system is done to the folder, and is for a system that runs systemd.
        for name, script in (("systemd-sysusers", f'exec {shutil.which("systemd-sysusers")} --root="$DESTDIR" "$@"'),
                             ("systemctl", '[ "$*" = daemon-reload ]')):
            path = self.folder / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
        for command in documented("docs/install.md", "cmake -B build").commands():
            done = subprocess.run(["bash", "-euc", command], cwd=tree, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, env={**os.environ, "DESTDIR": str(target),
                                                  "PATH": f"{self.folder}/bin:{os.environ['PATH']}"})
            self.assertEqual(done.returncode, 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
        for name in ("pusher", "puller", "receiver"):
            self.assertIn("0.", subprocess.run([target / "usr/bin" / f"synchub-{name}", "--version"], check=True,
                                               capture_output=True, text=True).stdout)
        self.assertIn("synchub", (target / "etc" / "passwd").read_text())


if __name__ == "__main__":
    unittest.main()
