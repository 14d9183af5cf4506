#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a bill of materials (SPDX 2.3, JSON) of a release: each file, its checksum, and, of a Debian
package, the libraries that it depends on. An image has its own bill in it. The output is reproducible.

    sbom.py VERSION COMMIT FILE ... >synchub.spdx.json
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse


def field(package, name):
    return subprocess.run(["dpkg-deb", "-f", package, name], capture_output=True, text=True,
                          check=True).stdout.strip()


def spdx_id(text):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", text)


def dependencies(package):
    """(name, version condition or "") of each dependency; the first of alternatives."""
    for part in field(package, "Depends").split(","):
        match = re.match(r"\s*([a-z0-9.+-]+)(?::\w+)?\s*(?:\(([^)]*)\))?", part)
        if match:
            yield match[1], match[2] or ""


def release_of(package):
    """(distribution, its version) of a Debian package, from the end of its version, as +deb12."""
    match = re.search(r"\+(deb|ubuntu)([0-9.]+)$", field(package, "Version"))
    if match is None:
        sys.exit(f"{package}: the version does not name a release: {field(package, 'Version')}")
    return {"deb": "debian"}.get(match[1], match[1]), match[2]


def described(identifier, name, **more):
    return {"SPDXID": identifier, "name": name, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION", **more}


def purl(locator):
    return [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}]


def own(path, version):
    """A file of the release."""
    more = {"name": path.name, "versionInfo": version}
    if path.suffix == ".deb":
        name, package_version = field(path, "Package"), field(path, "Version")
        distribution, release = release_of(path)
        more = {"name": name, "versionInfo": package_version, "externalRefs": purl(
            f"pkg:deb/synchub/{name}@{urllib.parse.quote(package_version, safe='')}"
            f"?arch={field(path, 'Architecture')}&distro={distribution}-{release}")}
    comment = f"Sync Hub {version}"
    if path.name.endswith(".image.tar.gz"):
        more["primaryPackagePurpose"] = "CONTAINER"
        comment += "; the image's label synchub.sbom names the file in it that is its bill of materials"
    return described(spdx_id(path.name), packageFileName=path.name, supplier="NOASSERTION", checksums=[{
        "algorithm": "SHA256", "checksumValue": hashlib.sha256(path.read_bytes()).hexdigest()}],
        comment=comment, **{**more, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0"})


def library_of(package, name):
    """A package of the distribution that `package` is for; which versions it accepts is said where it depends on it."""
    distribution, release = release_of(package)
    return described(spdx_id(f"{distribution}-{release}-{name}"), name,
                     supplier=f"Organization: {distribution.capitalize()}",
                     externalRefs=purl(f"pkg:deb/{distribution}/{urllib.parse.quote(name)}?distro={distribution}-{release}"))


def relation(subject, kind, other, comment=""):
    return {"spdxElementId": subject, "relationshipType": kind, "relatedSpdxElement": other,
            **({"comment": comment} if comment else {})}


def main():
    version, commit, *files = sys.argv[1:]
    created = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH") or time.time()))
    found, relations = {}, []
    for path in sorted(map(pathlib.Path, files)):
        item = own(path, version)
        found[item["SPDXID"]] = item
        relations.append(relation("SPDXRef-DOCUMENT", "DESCRIBES", item["SPDXID"]))
        for name, condition in dependencies(path) if path.suffix == ".deb" else ():
            if name.startswith("synchub-"):  # of debug symbols
                library = spdx_id(f"{name}_{field(path, 'Version')}_{field(path, 'Architecture')}.deb")
            else:
                library = library_of(path, name)["SPDXID"]
                found.setdefault(library, library_of(path, name))
            relations.append(relation(item["SPDXID"], "DEPENDS_ON", library, condition))
    json.dump({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"synchub-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/synchub-{version}-{commit}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", created),
                         "creators": ["Tool: packaging/sbom.py"]},
        "packages": list(found.values()),
        "relationships": relations,
    }, sys.stdout, indent=1)
    print()


main()
