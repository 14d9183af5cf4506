# SPDX-License-Identifier: Apache-2.0
"""`cmake --install`: units, manual pages, completions and settings, checked by the programs that read them."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import BIN, REPO

BUILD = BIN.parent
PROGRAMS = ("pusher", "puller", "receiver")
EXPOSURE_MAX = 2.0


def run(*command, code=0, stdin=None, **environment):
    done = subprocess.run([str(word) for word in command], env=os.environ | environment, text=True, input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != code:
        raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def describe(name):
    return json.loads(run(BIN / f"synchub-{name}", "--describe"))


def install(folder, *arguments, code=0):
    return run("cmake", "--install", BUILD, *arguments, code=code, DESTDIR=str(folder))


def prefix():
    return re.search(r"^CMAKE_INSTALL_PREFIX:PATH=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE).group(1)


def files(folder):
    """The installed files, as paths below the prefix."""
    return sorted(str(path.relative_to(str(folder) + prefix())) for path in folder.rglob("*") if path.is_file())


class TemporaryFolder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="synchub-install-"))
        self.addCleanup(shutil.rmtree, self.folder)


class Installing(TemporaryFolder):
    def test_a_component_is_what_one_program_needs(self):
        install(self.folder, "--component", "pusher")
        self.assertEqual(files(self.folder), [
            "bin/synchub-pusher", "etc/apparmor.d/synchub-pusher", "etc/synchub/pusher.env",
            "lib/systemd/system/synchub-pusher.service", "lib/sysusers.d/synchub-pusher.conf",
            "share/bash-completion/completions/synchub-pusher", "share/man/man8/synchub-pusher.8",
            "share/zsh/site-functions/_synchub-pusher"])

    def test_edited_settings_stay_and_the_new_ones_are_beside_them(self):
        install(self.folder, "--component", "receiver")
        path = pathlib.Path(f"{self.folder}{prefix()}/etc/synchub/receiver.env")
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        shipped = path.read_text()
        path.write_text("SYNC_api_token=mine\n")
        install(self.folder, "--component", "receiver")
        self.assertEqual(path.read_text(), "SYNC_api_token=mine\n")
        new = path.with_name("receiver.env.new")
        self.assertEqual(new.read_text(), shipped)
        self.assertEqual(new.stat().st_mode & 0o777, 0o600)

    def test_another_prefix_than_the_configured_one_is_refused(self):
        for component in ((), ("--component", "puller")):
            output = install(self.folder, "--prefix", "/opt/elsewhere", *component, code=1)
            self.assertIn("-DCMAKE_INSTALL_PREFIX=/opt/elsewhere", " ".join(output.split()))
        self.assertEqual(list(self.folder.rglob("*")), [])


class Installed(TemporaryFolder):
    """Everything installed, read-only for these tests."""

    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="synchub-installed-"))
        cls.addClassCleanup(shutil.rmtree, cls.root)
        install(cls.root)
        cls.installed = pathlib.Path(str(cls.root) + prefix())
        cls.units = cls.installed / "lib" / "systemd" / "system"

    def copy_units(self):
        """The units as they are, with paths of programs that exist on this machine."""
        shutil.copytree(self.units, self.folder, dirs_exist_ok=True)
        for path in self.folder.rglob("*"):
            if path.is_file():
                path.write_text(re.sub(rf"{re.escape(prefix())}/(?=bin/|libexec/|lib/synchub/)",
                                       f"{self.installed}/", path.read_text()))
        # What Debian's unit has; only the drop-in is under test.
        (self.folder / "redis-server.service").write_text(
            "[Service]\nType=notify\nExecStart=/bin/true\nRuntimeDirectory=redis\n")

    def test_systemd_accepts_the_units_and_the_drop_in(self):
        self.copy_units()
        for unit in [f"synchub-{name}.service" for name in PROGRAMS] + ["redis-server.service"]:
            output = run("systemd-analyze", "verify", "--man=no", self.folder / unit,
                         SYSTEMD_UNIT_PATH=f"{self.folder}:")
            self.assertEqual([line for line in output.splitlines() if unit.split(".")[0] in line], [], unit)

    def test_the_check_of_units_finds_mistakes(self):
        self.copy_units()
        path = self.folder / "synchub-pusher.service"
        path.write_text(path.read_text().replace("[Service]", "[Service]\nProtectSytem=strict"))
        output = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True)
        self.assertIn("ProtectSytem", output.stderr)

    def test_the_services_are_confined(self):
        for name in PROGRAMS:
            run("systemd-analyze", "security", "--no-pager", "--offline=true",
                f"--threshold={EXPOSURE_MAX * 10:.0f}", self.units / f"synchub-{name}.service")

    def test_units_pass_exactly_the_credentials_of_the_table(self):
        for name in PROGRAMS:
            unit = (self.units / f"synchub-{name}.service").read_text()
            loaded = re.findall(r"^LoadCredential=(\S+?):/etc/credstore/\1$", unit, re.MULTILINE)
            known = [s["credential"] for s in describe(name)["settings"] if s["credential"]]
            self.assertEqual(sorted(loaded), sorted(known), name)

    def test_shipped_settings_are_settings_of_their_program(self):
        for name in PROGRAMS:
            text = (self.installed / "etc" / "synchub" / f"{name}.env").read_text()
            shipped = re.findall(r"^#?(SYNC_\w+)=", text, re.MULTILINE)
            self.assertTrue(shipped)
            self.assertLessEqual(set(shipped), {s["name"] for s in describe(name)["settings"]}, name)

    def test_manual_pages_have_every_setting_option_and_subcommand(self):
        for name in PROGRAMS:
            page = self.installed / "share" / "man" / "man8" / f"synchub-{name}.8"
            text = run("groff", "-man", "-ww", "-Kutf8", "-Tutf8", "-P-cbou", "-rLL=2000n", page)
            self.assertNotIn("warning:", text)
            described = describe(name)
            for setting in described["settings"]:
                self.assertRegex(text, rf"(?m)^ +{setting['name']}(\s|$)")
            for option in described["options"]:
                self.assertRegex(text.replace("\u2010", "-"), rf"(?m)^ +{option['name']}(\s|$)")
            for command in described["commands"]:
                # A word that may be left out is in brackets there.
                words = " ".join(rf"\[?{word}\]?" for word in command["name"].split())
                self.assertRegex(text, rf"(?m)^ +{words}(\s|$)")
            self.assertNotIn("@", text)

    def complete(self, name, *words):
        """What bash offers after these words."""
        script = f"""
            . {self.installed}/share/bash-completion/completions/synchub-{name}
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _synchub_{name}
            printf '%s\\n' "${{COMPREPLY[@]}}" """
        return run("bash", "-euc", script, "bash", f"synchub-{name}", *words).split()

    def test_bash_completes_options_subcommands_and_their_options(self):
        for name in PROGRAMS:
            described = describe(name)
            first = self.complete(name, "")
            self.assertLessEqual({option["name"] for option in described["options"]}, set(first))
            for command in described["commands"]:
                words = command["name"].split()
                self.assertIn(words[0], first)
                if len(words) > 1:
                    self.assertIn(words[1], self.complete(name, words[0], ""))
                if len(words) > 2:
                    self.assertIn(words[2], self.complete(name, *words[:2], ""))
                for flag in re.findall(r"--[a-z-]+", command["usage"]):
                    self.assertIn(flag, self.complete(name, *words, flag[:4]))
        self.assertEqual(self.complete("receiver", "dead", "re"), ["retry"])
        self.assertEqual(self.complete("receiver", "help", "dea"), ["dead"])

    def test_zsh_functions_name_every_subcommand(self):
        for name in PROGRAMS:
            text = (self.installed / "share" / "zsh" / "site-functions" / f"_synchub-{name}").read_text()
            self.assertTrue(text.startswith(f"#compdef synchub-{name}\n"))
            for command in describe(name)["commands"]:
                self.assertIn(f"'{command['name'].split()[-1]}:", text)

    def test_profiles_and_users_name_what_is_installed(self):
        for name in PROGRAMS:
            profile = (self.installed / "etc" / "apparmor.d" / f"synchub-{name}").read_text()
            self.assertIn(f"profile synchub-{name} {prefix()}/bin/synchub-{name} ", profile)
            unit = (self.units / f"synchub-{name}.service").read_text()
            user = re.search(r"^User=(\S+)$", unit, re.MULTILINE).group(1)
            self.assertRegex((self.installed / "lib" / "sysusers.d" / f"synchub-{name}.conf").read_text(),
                             rf"(?m)^u {user} ")


class PrepareRedis(TemporaryFolder):
    """packaging/redis/prepare-redis; what Redis does with it is tested with the data of 0.1.0 and with the packages."""

    SCRIPT = REPO / "packaging" / "redis" / "prepare-redis"

    def setUp(self):
        super().setUp()
        (self.folder / "redis.conf").write_text(f"dir {self.folder}\nappendfilename \"mine.aof\"\n")
        self.parts = self.folder / "appendonlydir"

    def prepare(self, *arguments, **environment):
        return run(self.SCRIPT, self.folder / "redis.conf", *arguments, **environment)

    def test_a_dump_becomes_the_first_part(self):
        (self.folder / "dump.rdb").write_bytes(b"REDIS0011")
        self.assertIn("created", self.prepare())
        self.assertEqual((self.parts / "mine.aof.1.base.rdb").read_bytes(), b"REDIS0011")
        self.assertEqual((self.parts / "mine.aof.manifest").read_text(),
                         "file mine.aof.1.base.rdb seq 1 type b\nfile mine.aof.1.incr.aof seq 1 type i\n")

    def test_an_append_only_file_stays(self):
        (self.folder / "dump.rdb").write_bytes(b"REDIS0011")
        self.parts.mkdir()
        self.assertEqual(self.prepare(), "")
        self.assertEqual(list(self.parts.iterdir()), [])

    def test_it_leaves_a_copy_of_the_drop_in_in_the_runtime_folder(self):
        (self.folder / "drop-in").write_text("[Service]\n")
        (self.folder / "run").mkdir()
        self.prepare(self.folder / "drop-in", RUNTIME_DIRECTORY=str(self.folder / "run"))
        self.assertEqual((self.folder / "run" / "synchub.conf").read_text(), "[Service]\n")

    @unittest.skipUnless(os.getuid() == 0, "needs root")
    def test_root_follows_no_link_of_the_owner_of_the_folder(self):
        owner = 65534
        secret = self.folder / "secret"
        secret.write_text("root's")
        secret.chmod(0o600)
        data = self.folder / "data"
        data.mkdir()
        (data / "dump.rdb").symlink_to(secret)
        os.chown(data, owner, owner)
        self.folder.chmod(0o755)
        (self.folder / "redis.conf").write_text(f"dir {data}\n")
        self.assertNotIn("created", subprocess.run([self.SCRIPT, self.folder / "redis.conf"], capture_output=True,
                                                   text=True).stdout)
        self.assertFalse((data / "appendonlydir").exists())

    @unittest.skipUnless(os.getuid() == 0, "needs root")
    def test_what_root_prepares_belongs_to_the_owner_of_the_folder(self):
        owner = 65534
        self.folder.chmod(0o755)
        data = self.folder / "data"
        data.mkdir()
        (data / "dump.rdb").write_bytes(b"REDIS0011")
        for path in (data, data / "dump.rdb"):
            os.chown(path, owner, owner)
        (self.folder / "redis.conf").write_text(f"dir {data}\n")
        self.prepare()
        made = [data / "appendonlydir", *(data / "appendonlydir").iterdir()]
        self.assertEqual(len(made), 4)
        self.assertEqual({path.stat().st_uid for path in made}, {owner})


class Removal(TemporaryFolder):
    """What the receiver's package does to Redis when it is removed: its postrm, with stubs of systemd's commands."""

    def setUp(self):
        super().setUp()
        self.conf = self.folder / "redis.conf"
        self.conf.write_text(f"dir {self.folder}\n")
        self.dump = self.folder / "dump.rdb"
        self.parts = self.folder / "appendonlydir"
        self.parts.mkdir()
        self.incr = self.parts / "appendonly.aof.1.incr.aof"
        self.incr.touch()
        self.dump.touch()
        for path in (self.parts, self.incr):
            os.utime(path, (1000, 1000))
        os.utime(self.dump, (1001, 1001))
        script = (REPO / "packaging" / "debian" / "synchub-receiver.postrm").read_text()
        self.assertEqual(script.count("conf=/etc/redis/redis.conf"), 1)
        self.script = self.folder / "postrm"
        self.script.write_text(script.replace("/etc/redis/redis.conf", str(self.conf))
                               .replace("/var/lib/synchub", f"{self.folder}/synchub"))

    def remove(self, state="inactive", action="remove"):
        """Runs it; a Redis that is active writes nothing when it is stopped."""
        commands = self.folder / "bin"
        commands.mkdir(exist_ok=True)
        (commands / "systemctl").write_text(f"#!/bin/sh\necho {state}\n")
        (commands / "systemctl").chmod(0o755)
        return run("sh", self.script, action, PATH=f"{commands}:{os.environ['PATH']}")

    def test_the_append_only_file_moves_away_if_the_dump_has_everything(self):
        self.assertEqual(self.remove(), "")
        self.assertFalse(self.parts.exists())
        self.assertTrue((self.folder / "appendonlydir.synchub-old").exists())

    def test_the_append_only_file_stays_if_it_has_the_newest_data(self):
        os.utime(self.incr, (1002, 1002))
        self.assertIn("appendonly yes", self.remove())
        self.assertTrue(self.incr.exists())

    def test_the_append_only_file_stays_without_a_dump(self):
        self.dump.unlink()
        self.assertIn("appendonly yes", self.remove())
        self.assertTrue(self.incr.exists())

    def test_the_append_only_file_stays_if_redis_uses_it_by_its_own_settings(self):
        with self.conf.open("a") as file:
            file.write("appendonly yes\n")
        self.assertEqual(self.remove(), "")
        self.assertTrue(self.incr.exists())

    def test_another_folder_of_redis_is_looked_at(self):
        other = self.folder / "other"
        other.mkdir()
        self.conf.write_text(f"dir \"{other}\"\n")
        self.assertEqual(self.remove(), "")
        self.assertTrue(self.incr.exists())

    def test_purging_deletes_the_old_append_only_file_and_the_database(self):
        (self.folder / "synchub").mkdir()
        self.remove()
        self.remove(action="purge")
        self.assertTrue(self.dump.exists())
        self.assertFalse((self.folder / "appendonlydir.synchub-old").exists())
        self.assertFalse((self.folder / "synchub").exists())


if __name__ == "__main__":
    unittest.main()
