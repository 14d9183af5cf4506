# SPDX-License-Identifier: Apache-2.0
"""Builds and parses envelopes according to PROTOCOL.md, independently of our code, with libsodium and libzstd: those
that an attacker could send, and those of a node with the right key."""

import base64
import ctypes
import ctypes.util
import functools
import hashlib
import os
import struct
import time

from harness import KEY

DEVICES = 1
PLUGIN = 2
FIXED_BYTES = 112
TAG_BYTES = 16

# Each field of the header: offset and length.
FIELDS = {
    "magic": (0, 4), "version": (4, 1), "kind": (5, 1), "node length": (6, 1),
    "plugin length": (7, 1), "id": (8, 16), "time": (24, 8), "key id": (32, 8),
    "digest": (40, 32), "part": (72, 4), "parts": (76, 4), "text length": (80, 4),
    "packed length": (84, 4), "nonce": (88, 24),
}


@functools.cache
def _library(name, otherwise):
    return ctypes.CDLL(ctypes.util.find_library(name) or otherwise)


@functools.cache
def _sodium():
    sodium = _library("sodium", "libsodium.so.23")
    if sodium.sodium_init() < 0:
        raise AssertionError("libsodium does not start")
    return sodium


@functools.cache
def passphrase_key(passphrase):
    """Argon2id by libsodium (PROTOCOL.md, section 1)."""
    key = ctypes.create_string_buffer(32)
    text = passphrase.encode()
    argon2id = 2
    if _sodium().crypto_pwhash(key, ctypes.c_ulonglong(32), text, ctypes.c_ulonglong(len(text)),
                               b"synchub-envelope", ctypes.c_ulonglong(5),
                               ctypes.c_size_t(8 * 1024 * 1024), ctypes.c_int(argon2id)) != 0:
        raise AssertionError("libsodium gives no key")
    return key.raw


def base_key(encryption_key):
    """The key that SYNC_encryption_key stands for: a random key, or that of a passphrase (PROTOCOL.md, section 1)."""
    if encryption_key.startswith("shkey1_"):
        return base64.urlsafe_b64decode(encryption_key.removeprefix("shkey1_") + "=")
    return passphrase_key(encryption_key)


def compress(text):
    """A zstd frame with its content size."""
    zstd = _library("zstd", "libzstd.so.1")
    zstd.ZSTD_compress.restype = zstd.ZSTD_compressBound.restype = ctypes.c_size_t
    room = zstd.ZSTD_compressBound(ctypes.c_size_t(len(text)))
    packed = ctypes.create_string_buffer(room)
    size = zstd.ZSTD_compress(packed, ctypes.c_size_t(room), text, ctypes.c_size_t(len(text)), 1)
    if zstd.ZSTD_isError(ctypes.c_size_t(size)):
        raise AssertionError("libzstd does not compress")
    return packed.raw[:size]


def decompress(packed, size):
    zstd = _library("zstd", "libzstd.so.1")
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    text = ctypes.create_string_buffer(size + 1)
    if zstd.ZSTD_decompress(text, ctypes.c_size_t(size), packed, ctypes.c_size_t(len(packed))) != size:
        raise AssertionError("libzstd does not decompress")
    return text.raw[:size]


def keyed_hash(key, text, size):
    return hashlib.blake2b(text, key=key, digest_size=size).digest()


class NodeKey:
    """The key of a node's envelopes."""

    def __init__(self, node, encryption_key=KEY):
        master = base_key(encryption_key)
        self.node = node.encode()
        self.seal = keyed_hash(master, b"synchub 1 seal " + self.node, 32)
        self.digest = keyed_hash(master, b"synchub 1 digest " + self.node, 32)
        self.id = keyed_hash(self.seal, b"synchub 1 key id", 16)[:8]


def envelope(key, text, plugin="", **changes):
    """An authentic envelope. changes replace fields of its header: version, kind, time_ms, item_id, digest, part,
    parts, plain_len, node; packed replaces the frame."""
    text = text.encode() if isinstance(text, str) else text
    packed = changes.get("packed", None) or compress(text)
    node = changes.get("node", key.node)
    plugin = plugin.encode() if isinstance(plugin, str) else plugin
    kind = changes.get("kind", PLUGIN if plugin else DEVICES)
    clear = b"SHUB" + struct.pack(">BBBB", changes.get("version", 1), kind, len(node), len(plugin))
    clear += changes.get("item_id") or os.urandom(16)
    clear += struct.pack(">Q", changes.get("time_ms", int(time.time() * 1000))) + key.id
    clear += changes.get("digest") or keyed_hash(key.digest, text, 32)
    clear += struct.pack(">IIII", changes.get("part", 0), changes.get("parts", 1),
                         changes.get("plain_len", len(text)), len(packed))
    nonce = os.urandom(24)
    clear += nonce + node + plugin
    sealed = ctypes.create_string_buffer(len(packed) + TAG_BYTES)
    _sodium().crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed, None, packed, ctypes.c_ulonglong(len(packed)), clear,
        ctypes.c_ulonglong(len(clear)), None, nonce, key.seal)
    return clear + sealed.raw


def text_of(master, body):
    """The text of an envelope that was sealed with the key of its node that comes from master."""
    start = FIXED_BYTES + body[6] + body[7]
    node, nonce = body[FIXED_BYTES:FIXED_BYTES + body[6]], body[88:FIXED_BYTES]
    packed = ctypes.create_string_buffer(len(body) - start - TAG_BYTES)
    if _sodium().crypto_aead_xchacha20poly1305_ietf_decrypt(
            packed, None, None, body[start:], ctypes.c_ulonglong(len(body) - start), body[:start],
            ctypes.c_ulonglong(start), nonce, keyed_hash(master, b"synchub 1 seal " + node, 32)) != 0:
        raise AssertionError("the envelope does not open")
    return decompress(packed.raw, field(body, "text length"))


def field(body, name):
    place, size = FIELDS[name]
    return int.from_bytes(body[place:place + size], "big")


def with_field(body, name, value):
    """The envelope with one header field changed."""
    place, size = FIELDS[name]
    return body[:place] + value.to_bytes(size, "big") + body[place + size:]


def moved(body, node=None, plugin=None, kind=None, key_id=None):
    """The same sealed part with another header, with consistent lengths."""
    n, p = body[6], body[7]
    node = body[FIXED_BYTES:FIXED_BYTES + n] if node is None else node.encode()
    plugin = body[FIXED_BYTES + n:FIXED_BYTES + n + p] if plugin is None else plugin.encode()
    kind = body[5] if kind is None else kind
    key_id = body[32:40] if key_id is None else key_id
    return (body[:5] + bytes((kind, len(node), len(plugin))) + body[8:32] + key_id +
            body[40:FIXED_BYTES] + node + plugin + body[FIXED_BYTES + n + p:])
