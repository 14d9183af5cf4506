# SPDX-License-Identifier: Apache-2.0
"""What a release is made with: its checks, archives of images, and the sources of the small pusher's libraries."""

import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import tarfile
import tempfile
import unittest

from harness import REPO, SyncHubTest

PACKAGING = REPO / "packaging"
TIME = 1790000000


class Checks(unittest.TestCase):
    """`./dev release --check` in a repository of its own, with a section for the release."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.tree = pathlib.Path(folder.name)
        names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=REPO, check=True,
                               capture_output=True).stdout
        there = b"\0".join(name for name in names.split(b"\0") if name and os.path.lexists(os.fsencode(REPO) + b"/" + name))
        subprocess.run(f"tar --null -T - -cf - | tar -xf - -C '{cls.tree}'", shell=True, cwd=REPO, check=True, input=there)
        cls.git("init", "-q")
        cls.version = cls.date_the_section("2026-11-30")
        cls.git("tag", "base")

    def tearDown(self):
        self.git("reset", "-q", "--hard", "base")
        self.git("clean", "-fdq")
        subprocess.run(["git", "tag", "-d", f"v{self.version}"], cwd=self.tree, capture_output=True)

    @classmethod
    def git(cls, *words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words], cwd=cls.tree, check=True,
                       stdout=subprocess.DEVNULL)

    @classmethod
    def commit(cls):
        cls.git("add", "-A")
        cls.git("commit", "-q", "--allow-empty", "-m", "a commit")

    @classmethod
    def date_the_section(cls, date):
        """Of the newest version in CHANGELOG.md, which is returned."""
        changelog = cls.tree / "CHANGELOG.md"
        lines = changelog.read_text().splitlines(keepends=True)
        first = next(number for number, line in enumerate(lines) if line.startswith("## "))
        version = lines[first].split()[1]
        lines[first] = f"## {version} ({date})\n"
        changelog.write_text("".join(lines))
        cls.commit()
        return version

    def check(self, code):
        done = subprocess.run(["./dev", "release", "--check"], cwd=self.tree, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_a_clean_tree_with_a_dated_section_is_fit(self):
        self.assertIn(f"{self.version} is fit for a release", self.check(0))
        self.git("tag", f"v{self.version}")
        self.check(0)

    def test_what_is_not_committed_is_refused(self):
        (self.tree / "new").write_text("")
        self.assertIn("the work tree is not clean", self.check(1))

    def test_a_section_without_a_date_is_refused(self):
        self.date_the_section("not released yet")
        self.assertIn(f"CHANGELOG.md has no section '## {self.version} (YYYY-MM-DD)'", self.check(1))

    def test_another_commit_of_that_version_is_refused(self):
        self.git("tag", f"v{self.version}")
        self.commit()
        self.assertIn(f"the tag v{self.version} is another commit", self.check(1))

    def test_an_unknown_option_is_refused_before_anything_is_done(self):
        done = subprocess.run([self.tree / "packaging" / "release", "--untested"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("--tested --older-sources", done.stderr)


def tar_of(files, seconds):
    """An archive of {name: content, or the name that it links to}."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.mtime = seconds
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
            else:
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
    return output.getvalue()


LAYER = tar_of({"file": b"a file"}, TIME)


def saved(builder, compress=False, layer=LAYER):
    """As `docker save` writes an image of one builder, with that layer twice."""
    digest = "sha256:" + hashlib.sha256(LAYER).hexdigest()
    description = {
        "architecture": "amd64", "os": "linux", "created": f"2026-11-29T00:00:00.{builder}Z", "docker_version": f"20.10.{builder}",
        "container": f"{builder}" * 64, "container_config": {"Hostname": f"{builder}" * 12},
        "config": {"User": "1:1", "Hostname": "", "Image": f"sha256:{builder}", "Env": ["A=1"], "Labels": {"b": "2", "a": "1"},
                   "Healthcheck": {"Test": ["CMD", "/it"]}, "Cmd": None},
        "rootfs": {"type": "layers", "diff_ids": [digest, digest]},
        "history": [{"created": f"2026-11-29T00:00:00.{builder}Z", "created_by": "COPY"},
                    {"created": f"2026-11-29T00:00:01.{builder}Z", "created_by": "COPY"},
                    {"created": f"2026-11-29T00:00:02.{builder}Z", "created_by": "USER 1:1", "empty_layer": True}],
    }
    manifest = [{"Config": "of.json", "RepoTags": [f"built:{builder}"],
                 "Layers": [f"a{builder}/layer.tar", f"b{builder}/layer.tar"]}]
    return tar_of({f"a{builder}/layer.tar": gzip.compress(layer) if compress else layer, f"a{builder}/VERSION": b"1.0",
                   f"b{builder}/layer.tar": f"../a{builder}/layer.tar", "of.json": json.dumps(description).encode(),
                   "manifest.json": json.dumps(manifest).encode()}, TIME + builder)


class ImageArchive(unittest.TestCase):
    def rewrite(self, archive, platform="arm/v7", tags=("synchub-pusher:2", "synchub-pusher:1"), code=0):
        done = subprocess.run([PACKAGING / "image-platform", str(TIME), platform, *tags], input=archive, capture_output=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr.decode()

    def test_is_the_same_of_every_builder_of_the_same_files(self):
        first = self.rewrite(saved(1))
        self.assertEqual(first, self.rewrite(saved(2)))
        self.assertEqual(first, self.rewrite(saved(3, compress=True), tags=("synchub-pusher:1", "synchub-pusher:2")))
        self.assertEqual(first, self.rewrite(first))

    def test_has_the_image_with_its_platform_tags_and_time(self):
        with tarfile.open(fileobj=io.BytesIO(self.rewrite(saved(1)))) as tar:
            files = {member.name: tar.extractfile(member).read() for member in tar}
            self.assertEqual({(member.mtime, member.uid, member.mode) for member in tar}, {(TIME, 0, 0o644)})
        manifest = json.loads(files.pop("manifest.json"))[0]
        self.assertEqual(manifest["RepoTags"], ["synchub-pusher:1", "synchub-pusher:2"])
        self.assertEqual([files[name] for name in manifest["Layers"]], [LAYER, LAYER])
        self.assertEqual(set(files), {manifest["Config"], *manifest["Layers"]})
        text = files[manifest["Config"]]
        self.assertEqual(manifest["Config"], hashlib.sha256(text).hexdigest() + ".json")
        image = json.loads(text)
        self.assertEqual((image["os"], image["architecture"], image["variant"]), ("linux", "arm", "v7"))
        self.assertEqual({image["created"], *(step["created"] for step in image["history"])}, {"2026-09-21T14:13:20Z"})
        self.assertEqual(image["config"], {"User": "1:1", "Env": ["A=1"], "Labels": {"a": "1", "b": "2"},
                                           "Healthcheck": {"Test": ["CMD", "/it"]}})
        self.assertEqual(len(image["history"]), 3)
        with tarfile.open(fileobj=io.BytesIO(self.rewrite(saved(1), "amd64"))) as tar:
            self.assertNotIn(b'"variant"', tar.extractfile(tar.getmembers()[-2]).read())

    def test_a_layer_that_is_not_what_is_described_is_refused(self):
        self.assertIn("described as sha256:", self.rewrite(saved(1, layer=tar_of({"other": b""}, TIME)), code=1))


class Builds(SyncHubTest):
    """Which builds packaging/images asks an engine for; the engine is a script that answers as one without BuildKit."""

    def setUp(self):
        super().setUp()
        self.commands, self.asked = self.folder / "bin", self.folder / "asked"
        self.commands.mkdir()
        (self.folder / "saved").write_bytes(saved(1))
        self.engine("")

    def engine(self, newer):
        (self.commands / "docker").write_text(f"""#!/bin/sh
echo "$*" >>{self.asked}
case "$1 $2" in
version*) echo linux/amd64 ;;
buildx*) exit 1 ;;
save*) cat {self.folder}/saved ;;
run*) printf '%s\\n' {newer!r} ;;
*) echo sha256:1 ;;
esac
""")
        (self.commands / "docker").chmod(0o755)

    def builds(self, *options):
        """The commands `docker build`."""
        self.asked.write_text("")
        subprocess.run([PACKAGING / "images", *options], check=True, capture_output=True,
                       env={**os.environ, "PATH": f"{self.commands}:{os.environ['PATH']}", "SYNCHUB_COMMIT": "c" * 40,
                            "SOURCE_DATE_EPOCH": str(TIME)})
        return [line for line in self.asked.read_text().splitlines() if line.startswith("build ")]

    def test_one_for_this_machine_has_no_platform_so_that_it_shares_the_cache_of_others(self):
        [here] = self.builds("pusher")
        self.assertNotIn("TARGETARCH", here)
        self.assertNotIn("AGAIN", here)
        self.assertIn("SOURCES=any", here)
        [other] = self.builds("--platform", "linux/arm/v7", "pusher")
        self.assertIn("--build-arg BUILDPLATFORM=linux/amd64 --build-arg TARGETARCH=arm --build-arg TARGETVARIANT=v7", other)

    def test_each_image_of_a_platform_is_compiled_again_once(self):
        values = {re.search(r"AGAIN=(\d+) ", build)[1] for build in self.builds("--again", "--sources", "newest")}
        self.assertEqual(len(values), 1)
        self.assertEqual(self.asked.read_text().count("SOURCES=newest"), 4)

    def test_packages_are_installed_anew_if_the_mirror_has_newer_ones(self):
        for newer, expected in (("0 upgraded", ["tools", "pusher"]), ("Inst libssl3t64 [3.5.7] (3.5.9)", ["tools", "tools", "pusher"])):
            self.engine(newer)
            builds = self.builds("--fresh", "pusher")
            self.assertEqual([re.search(r"--target (\S+)", build)[1] for build in builds], expected)
            self.assertEqual([build for build in builds if "--no-cache" in build], builds[1:-1])

    def test_saved_ones_are_equal_and_have_the_version_as_tag_for_each_platform(self):
        archives = []
        for folder in ("first", "second"):
            (self.folder / "saved").write_bytes(saved(len(archives) + 1))
            self.builds("--platform", "linux/arm64", "--save", self.folder / folder, "receiver")
            [path] = (self.folder / folder).iterdir()
            self.assertRegex(path.name, r"^synchub-receiver-[0-9.]+-arm64\.image\.tar\.gz$")
            archives.append(path.read_bytes())
        self.assertEqual(archives[0], archives[1])
        version = path.name.split("-")[2]
        with tarfile.open(path) as tar:
            self.assertEqual(json.load(tar.extractfile("manifest.json"))[0]["RepoTags"],
                             [f"synchub-receiver:{version}{end}" for end in ("", "-arm64", "-cccccccccccc", "-cccccccccccc-arm64")])


class Sources(SyncHubTest):
    """Which sources packaging/small-pusher takes from a mirror that names 2-1 of each, and has 1-1."""

    def setUp(self):
        super().setUp()
        self.commands = self.folder / "bin"
        self.commands.mkdir()
        self.command("apt-cache", "printf 'Version: %s\\n' 1-1 2-1")
        # The arguments' last one is PACKAGE=VERSION.
        self.command("apt-get", 'for last; do :; done; case $last in *=2-1) echo 404 >&2; exit 100 ;; esac')
        self.command("dpkg-source", 'echo "unpacking $*" >&2; exit 1')

    def command(self, name, text):
        (self.commands / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.commands / name).chmod(0o755)

    def build(self, *options):
        done = subprocess.run([PACKAGING / "small-pusher", *options, "--libraries", self.folder / "small"], capture_output=True,
                              text=True, env={**os.environ, "PATH": f"{self.commands}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr

    def test_an_older_one_is_taken_with_a_warning(self):
        output = self.build()
        self.assertIn("WARNING: building openssl 1-1, as the mirror lacks the source of ", output)
        self.assertIn("unpacking --no-check -x openssl_1-1.dsc", output)

    def test_an_older_one_is_refused_if_the_newest_is_asked_for(self):
        output = self.build("--sources", "newest")
        self.assertRegex(output, "the mirror lacks the source of openssl .* and has 1-1, which may lack fixes: try again later")
        self.assertNotIn("unpacking", output)

    def test_one_that_is_older_than_the_installed_packages_is_refused(self):
        self.command("apt-cache", "printf 'Version: %s\\n' 1-1")
        self.command("dpkg-query", "printf 'installed %s 3-1\\ninstalled other 9-1\\n' openssl")
        self.assertIn("the mirror lacks the source of openssl 3-1 and has 1-1", self.build("--sources", "newest"))


if __name__ == "__main__":
    unittest.main()
