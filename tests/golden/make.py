#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes envelopes of version 1 according to PROTOCOL.md, without any code of Sync Hub.

The files that it wrote are kept permanently; this script documents how they were made. Needs python3-nacl and the
zstd command.
Usage: make.py FOLDER
"""

import base64
import hashlib
import pathlib
import struct
import subprocess
import sys

from nacl import bindings

PASSPHRASE = b"correct horse battery staple"
RANDOM_KEY = "shkey1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


def keyed_hash(key, text, size):
    return hashlib.blake2b(text, key=key, digest_size=size).digest()


def passphrase_key():
    return bindings.crypto_pwhash_alg(
        32, PASSPHRASE, b"synchub-envelope", 5, 8 * 1024 * 1024,
        bindings.crypto_pwhash_ALG_ARGON2ID13)


def random_key(text):
    assert text.startswith("shkey1_") and len(text) == 50
    return base64.urlsafe_b64decode(text.removeprefix("shkey1_") + "=")


def envelope(master, kind, node, plugin, text, item_id, time_ms, nonce):
    seal = keyed_hash(master, b"synchub 1 seal " + node, 32)
    digest = keyed_hash(keyed_hash(master, b"synchub 1 digest " + node, 32), text, 32)
    key_id = keyed_hash(seal, b"synchub 1 key id", 16)[:8]
    packed = subprocess.run(["zstd", "-q", "-c", "--single-thread", "--stream-size=%d" % len(text), "--no-check"], input=text,
                            stdout=subprocess.PIPE, check=True).stdout
    clear = b"SHUB" + struct.pack(">BBBB", 1, kind, len(node), len(plugin)) + item_id
    clear += struct.pack(">Q", time_ms) + key_id + digest
    clear += struct.pack(">IIII", 0, 1, len(text), len(packed)) + nonce + node + plugin
    return clear + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(packed, clear, nonce, seal)


def main():
    folder = pathlib.Path(sys.argv[1])
    table = b'{"data": [{"devMac": "00:11:22:33:44:55", "devName": "caf\\u00e9"}]}'
    lines = b"00:11:22:33:44:55|192.168.1.5|2026-08-22 02:53:00|a|b|c|d|extra|key\n"
    # Text that hardly compresses: an envelope that is large enough for every implementation of the cipher.
    noise = b"".join(hashlib.sha256(b"%d" % i).hexdigest().encode() for i in range(200))
    large = b'{"data": [{"devMac": "00:11:22:33:44:66", "devComments": "' + noise + b'"}]}'
    cases = {
        "v1_devices": (1, "B\u00fcro 1".encode(), b"", table, bytes(range(16)), 1787367180000,
                       bytes(range(24))),
        "v1_plugin": (2, b"Node_A", b"ARPSCAN", lines, bytes(range(16, 32)), 1787367181234,
                      bytes(range(24, 48))),
        "v1_empty": (1, b"n", b"", b'{"data": []}', bytes(16), 0, bytes(24)),
        "v1_random_key": (1, b"Node_B", b"", table, bytes(range(32, 48)), 1787367182000, bytes(range(48, 72))),
        "v1_large": (1, b"Node_C", b"", large, bytes(range(48, 64)), 1787367183000, bytes(range(72, 96))),
    }
    for name, (kind, node, plugin, text, item_id, time_ms, nonce) in cases.items():
        (folder / (name + ".envelope")).write_bytes(
            envelope(random_key(RANDOM_KEY) if name == "v1_random_key" else passphrase_key(), kind, node, plugin, text, item_id, time_ms, nonce))
        (folder / (name + ".text")).write_bytes(text)


main()
