# SPDX-License-Identifier: Apache-2.0
"""The memory of the small pusher (packaging/small-pusher), which has a key that the hub made for its node."""

import subprocess
import unittest.mock

import harness
from figures import MIB, Figure, pusher
from stage import REPO, Stage, peak_bytes, rest_bytes, shared_bytes, wait_until

DEVICES = 200
LISTEN = "127.0.0.1:0"  # as in its image, for the health check


def build():
    """The folder with the small pusher of this machine's architecture."""
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    subprocess.run([REPO / "packaging" / "small-pusher"], check=True, stdout=subprocess.DEVNULL)
    return REPO / "build" / "small" / architecture


def own_credentials(stage, node):
    """The settings that `node add` prints."""
    added = stage.start("receiver", "node", "add", node)
    added.wait()
    stage.programs.remove(added)
    return dict(line.split("=", 1) for line in added.log().splitlines() if line.startswith("SYNC_"))


def small_pusher(root, counts, memory):
    folder = build()
    with Stage(root) as stage:
        receiver = stage.receiver("all")
        own = own_credentials(stage, "bench")
        with unittest.mock.patch.object(harness, "BIN", folder):
            sender = pusher(stage, "bench", receiver.url, first=60000000, devices=DEVICES, SYNC_listen=LISTEN, **own)
        wait_until(lambda: stage.redis.cli("HGET", "synchub:digests", "bench"), "the table")
        yield Figure("memory_pusher_static_rest_pss", shared_bytes(sender.pid) / MIB, "MiB")
        for name, used, most in (("memory_pusher_static_rest", rest_bytes(sender.pid), 4),
                                 ("memory_pusher_static_peak", peak_bytes(sender.pid), 8)):
            yield Figure(name, used / MIB, "MiB", most, used / MIB / most, f"<={most} MiB", used <= most * MIB)
