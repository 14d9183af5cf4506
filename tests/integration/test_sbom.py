# SPDX-License-Identifier: Apache-2.0
"""The bill of materials of a release, of packages made here."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

REPO = pathlib.Path(__file__).resolve().parents[2]

# What SPDX 2.3 requires of each package.
REQUIRED = {"SPDXID", "name", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"}


class Sbom(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def package(self, name, version, depends):
        tree = self.folder / f"{name}-{version}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN" / "control").write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: a <a@example.com>\n"
            f"Depends: {depends}\nDescription: a test\n")
        path = self.folder / f"{name}_{version}_amd64.deb"
        subprocess.run(["dpkg-deb", "-b", tree, path], check=True, stdout=subprocess.DEVNULL)
        return path

    def files(self):
        tarball = self.folder / "synchub-0.2.0.tar.gz"
        tarball.write_bytes(b"a tarball")
        archive = self.folder / "synchub-pusher-0.2.0-arm64.image.tar.gz"
        archive.write_bytes(b"an image")
        return [archive, self.package("synchub-pusher", "0.2.0+deb12", "ca-certificates, libcurl4 (>= 7.88), libc6 (>= 2.36)"),
                self.package("synchub-pusher", "0.2.0+deb13", "libcurl4t64 (>= 8.1) | libcurl4, libc6 (>= 2.41)"),
                self.package("synchub-puller", "0.2.0+deb13", "libc6 (>= 2.38), libstdc++6"),
                self.package("synchub-puller-dbgsym", "0.2.0+deb13", "synchub-puller (= 0.2.0+deb13)"),
                self.package("synchub-pusher", "0.2.0+ubuntu24.04", "libc6 (>= 2.39)"), tarball]

    def sbom(self, files, code=0):
        done = subprocess.run([REPO / "packaging" / "sbom.py", "0.2.0", "0123456789ab", *files], capture_output=True,
                              text=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1790000000"})
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def test_every_file_is_described_with_what_it_needs(self):
        files = self.files()
        document = json.loads(self.sbom(files))
        packages = {package["SPDXID"]: package for package in document["packages"]}
        self.assertEqual(len(packages), len(document["packages"]), "an id that is not unique")
        for identifier, package in packages.items():
            self.assertRegex(identifier, "^SPDXRef-[A-Za-z0-9.-]+$")
            self.assertLessEqual(REQUIRED, set(package))
        known = {*packages, document["SPDXID"]}
        for relation in document["relationships"]:
            self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, known)
        self.assertEqual({package["packageFileName"]: package["checksums"][0]["checksumValue"]
                          for package in packages.values() if "packageFileName" in package},
                         {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files})

        self.assertEqual([package["packageFileName"] for package in packages.values() if "primaryPackagePurpose" in package],
                         ["synchub-pusher-0.2.0-arm64.image.tar.gz"])

        needed = {}
        for relation in document["relationships"]:
            if relation["relationshipType"] == "DEPENDS_ON":
                other = packages[relation["relatedSpdxElement"]]["externalRefs"][0]["referenceLocator"].split("&")[0]
                needed.setdefault(packages[relation["spdxElementId"]]["packageFileName"], {})[other] = relation.get("comment")
        self.assertEqual(needed["synchub-pusher_0.2.0+deb12_amd64.deb"], {
            "pkg:deb/debian/ca-certificates?distro=debian-12": None, "pkg:deb/debian/libcurl4?distro=debian-12": ">= 7.88",
            "pkg:deb/debian/libc6?distro=debian-12": ">= 2.36"})
        self.assertEqual(needed["synchub-puller_0.2.0+deb13_amd64.deb"], {
            "pkg:deb/debian/libc6?distro=debian-13": ">= 2.38", "pkg:deb/debian/libstdc%2B%2B6?distro=debian-13": None})
        self.assertEqual(needed["synchub-puller-dbgsym_0.2.0+deb13_amd64.deb"],
                         {"pkg:deb/synchub/synchub-puller@0.2.0%2Bdeb13?arch=amd64": "= 0.2.0+deb13"})
        self.assertEqual(needed["synchub-pusher_0.2.0+ubuntu24.04_amd64.deb"],
                         {"pkg:deb/ubuntu/libc6?distro=ubuntu-24.04": ">= 2.39"})

    def test_it_is_the_same_from_the_same_files(self):
        files = self.files()
        self.assertEqual(self.sbom(files), self.sbom(files[::-1]))

    def test_a_package_whose_release_is_unknown_is_refused(self):
        self.assertIn("does not name a release: 0.2.0", self.sbom([self.package("synchub-pusher", "0.2.0", "libc6")], 1))

    def test_every_release_that_packages_are_built_for_is_known(self):
        suffixes = re.findall(r"version_suffix=(\+\S+)", (REPO / "packaging" / "package").read_text())
        self.assertGreaterEqual(len(suffixes), 3)
        self.sbom([self.package("synchub-pusher", f"0.2.0{suffix}", "libc6") for suffix in suffixes])


if __name__ == "__main__":
    unittest.main()
