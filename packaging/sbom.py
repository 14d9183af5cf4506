#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a bill of materials (SPDX 2.3, JSON) of Debian packages: each package, its checksum, and
the libraries that it depends on. The output is reproducible.

    sbom.py VERSION COMMIT PACKAGE.deb ... >synchub.spdx.json
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time


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


def own(package, version):
    name = field(package, "Package")
    return {
        "SPDXID": spdx_id(pathlib.Path(package).name),
        "name": name,
        "versionInfo": field(package, "Version"),
        "packageFileName": pathlib.Path(package).name,
        "supplier": "NOASSERTION",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(
            pathlib.Path(package).read_bytes()).hexdigest()}],
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": f"pkg:deb/synchub/{name}@{field(package, 'Version')}"
                                f"?arch={field(package, 'Architecture')}"}],
        "comment": f"Sync Hub {version}",
    }


def foreign(name, condition):
    return {
        "SPDXID": spdx_id(f"debian-{name}"),
        "name": name,
        "versionInfo": condition or "any",
        "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": f"pkg:deb/debian/{name}"}],
    }


def relation(subject, kind, other):
    return {"spdxElementId": subject, "relationshipType": kind, "relatedSpdxElement": other}


def main():
    version, commit, *packages = sys.argv[1:]
    created = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH") or time.time()))
    found, relations = {}, []
    for package in sorted(packages):
        described = own(package, version)
        found[described["SPDXID"]] = described
        relations.append(relation("SPDXRef-DOCUMENT", "DESCRIBES", described["SPDXID"]))
        for name, condition in dependencies(package):
            library = foreign(name, condition)
            if not name.startswith("synchub"):
                found.setdefault(library["SPDXID"], library)
            else:
                library = {"SPDXID": spdx_id(f"{name}_{field(package, 'Version')}_"
                                             f"{field(package, 'Architecture')}.deb")}
            relations.append(relation(described["SPDXID"], "DEPENDS_ON", library["SPDXID"]))
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
