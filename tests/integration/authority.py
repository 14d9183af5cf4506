# SPDX-License-Identifier: Apache-2.0
"""A private certificate authority for the tests, using the openssl command."""

import pathlib
import subprocess

from harness import READY_S


def openssl(*arguments):
    done = subprocess.run(["openssl", *[str(a) for a in arguments]], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise AssertionError(f"openssl {arguments}: {done.stderr}")
    return done.stdout


KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """Issues certificates; `file` is the CA certificate for clients."""

    def __init__(self, folder, name="Test CA"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "ca.pem"
        openssl("req", "-x509", *KEY, "-keyout", self.folder / "ca.key", "-out", self.file,
                "-days", "30", "-subj", f"/CN={name}")

    def issue(self, name, san="IP:127.0.0.1", expired=False, days=30):
        """Creates NAME.pem and NAME.key; returns both paths."""
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        openssl("req", "-new", *KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extensions.write_text(f"subjectAltName={san}\n")
        command = ["x509", "-req", "-in", request, "-CA", self.file, "-CAkey",
                   self.folder / "ca.key", "-CAcreateserial", "-extfile", extensions, "-out", cert]
        if not expired:
            openssl(*command, "-days", str(days))
            return cert, key
        try:
            openssl(*command, "-days", "-1")
        except AssertionError:  # OpenSSL 3.4 and later accept dates
            openssl(*command, "-not_before", "20200101000000Z", "-not_after", "20200102000000Z")
        return cert, key


def fingerprint(cert):
    """The SHA-256 fingerprint of a certificate file."""
    return openssl("x509", "-in", cert, "-noout", "-fingerprint", "-sha256").strip()


def served(port, *arguments):
    """The fingerprint of the certificate served on the port, or the error message."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *arguments],
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=READY_S)
    seen = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256"],
                          input=done.stdout, capture_output=True)
    return seen.stdout.decode().strip() or done.stderr.decode("utf-8", "replace")
