# SPDX-License-Identifier: Apache-2.0
"""Certificates for servers in containers."""

import pathlib


def certificate_folder(authority, folder, name):
    """A folder of this name with the files cert, key and ca, a certificate for the name, which any user can read."""
    cert, key = authority.issue(name, f"DNS:{name}")
    made = folder / name
    made.mkdir()
    made.chmod(0o755)
    for source, target in ((cert, "cert"), (key, "key"), (authority.file, "ca")):
        (made / target).write_bytes(pathlib.Path(source).read_bytes())
        (made / target).chmod(0o644)
    return made
