# SPDX-License-Identifier: Apache-2.0
"""Measures the hub's speed, each figure next to the limit set by the necessary operations."""

import argparse
import json
import os
import pathlib
import platform
import resource
import shutil
import sys
import tempfile
import time

from check_ins import million, ten_million
from figures import ALL as ALONE, SHORT, Counts, growth_long
from merge_postgres import merge_postgres
from operator_views import console, lists
from scale_out import scale_out
from small_pusher import small_pusher

QUIET_CORES = 0.25  # what others may use of the machine

LONG = {"growth_long": growth_long, "ten_million": ten_million,
        "small_pusher": small_pusher}  # which builds libraries first
SHORT_ENOUGH = {**ALONE, "million": million, "merge_postgres": merge_postgres, "scale_out": scale_out, "lists": lists, "console": console}
ALL = {**SHORT_ENOUGH, **LONG}


def number(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def line(figure):
    goal = figure.goal.replace(" ", "_")
    return (f"bench {figure.name} value={number(figure.value)} unit={figure.unit} "
            f"limit={number(figure.limit)} ratio={number(figure.ratio)} goal={goal} spread={figure.spread}")


def verdict(figure):
    return "" if figure.met is None else "met" if figure.met else "MISSED"


def print_table(figures):
    rows = [("figure", "value", "unit", "limit", "ratio", "spread", "goal", "")]
    rows += [(f.name, number(f.value), f.unit, number(f.limit), number(f.ratio), f.spread, f.goal, verdict(f))
             for f in figures]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print()
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


class Neighbours:
    """How many cores programs other than the bench's use."""

    def __init__(self):
        self.begun, self.before = time.monotonic(), self._used()

    @staticmethod
    def _used():
        """Seconds of CPU that others have used so far: all time that is not idle, stolen time too, without ours."""
        user, nice, system, _, _, irq, softirq, steal = map(
            int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
        ours = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return ((user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
                - sum(used.ru_utime + used.ru_stime for used in ours))

    def line(self):
        cores = (self._used() - self.before) / (time.monotonic() - self.begun)
        return (f"the machine was {'quiet' if cores <= QUIET_CORES else 'NOT quiet'}: "
                f"other programs used {max(0, cores):.2f} of its {os.cpu_count()} cores")


def write_json(path, figures, seconds, counts):
    content = {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
               "machine": platform.machine(), "cores": os.cpu_count(), "seconds": round(seconds, 1),
               "counts": vars(counts),
               "figures": [dict(vars(figure)) for figure in figures]}
    pathlib.Path(path).write_text(json.dumps(content, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--short", action="store_true",
                        help="tiny counts, to see that all works; the figures mean nothing then")
    parser.add_argument("--long", action="store_true", help="measure also what takes long: " + ", ".join(LONG))
    parser.add_argument("--json", metavar="FILE", help="write the figures there, too")
    parser.add_argument("--only", metavar="NAME", action="append", choices=[*ALL],
                        help="measure this alone: " + ", ".join(ALL))
    parser.add_argument("--folder", metavar="FOLDER", default=os.environ.get("TMPDIR", "/var/tmp"),
                        help="where files are made: on the disk to be measured, no tmpfs")
    options = parser.parse_args()
    names = options.only or [*(ALL if options.long else SHORT_ENOUGH)]
    if "memory" in names and options.only:
        names = ["ingest", "merge", "latency", "cpu_per_device", "memory"]
    counts = SHORT if options.short else Counts()
    figures, memory = [], {}
    begun, neighbours = time.monotonic(), Neighbours()
    root = tempfile.mkdtemp(prefix="synchub-bench.", dir=options.folder)
    try:
        for name in names:
            part = time.monotonic()
            for figure in ALL[name](root, counts, memory):
                figures.append(figure)
                print(line(figure), flush=True)
            print(f"({name}: {time.monotonic() - part:.0f} s)", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print_table(figures)
    missed = [figure.name for figure in figures if figure.met is False]
    print(f"\n{time.monotonic() - begun:.0f} s; " + (
        "missed: " + ", ".join(missed) if missed else "every goal is met"))
    print(neighbours.line())
    if options.json:
        write_json(options.json, figures, time.monotonic() - begun, counts)


if __name__ == "__main__":
    main()
