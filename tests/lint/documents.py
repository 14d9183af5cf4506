#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the documents against the tree and the programs.

    tests/lint/documents.py [BIN]            without BIN (a folder of programs): only links, paths and names
    tests/lint/documents.py --write BIN      updates the table in docs/settings.md

Checks that links between documents are valid, that files in code style, settings and metrics exist, that
docs/settings.md has every setting, and the rights for each Redis command of the scripts, docs/operations.md every metric
and ARCHITECTURE.md every source file, that decisions are numbered, and that the messages quoted in docs/troubleshooting.md are in the sources.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "docs" / "settings.md"
METRICS = ROOT / "docs" / "operations.md"
MESSAGES = ROOT / "docs" / "troubleshooting.md"
PROGRAMS = ("receiver", "puller", "pusher")
TABLE = re.compile(r"(<!-- settings: [^\n]*-->\n).*?(<!-- end of settings -->)", re.DOTALL)
# Words that look like settings: NetAlertX's, systemd's and those that explain a rule.
OTHER_NAMES = {"SYNC_CMD", "SYNC_SET_ALWAYS", "SYNC_SET_EMPTY", "SYNC_BEHAVIOR", "SYNC_HUB_URL"}
# Paths that begin like one of ours but are elsewhere, such as on a node.
SOURCE = re.compile(r"`((?:libcommon|pusher|puller|receiver|tests|packaging|docker|k8s|docs|cmake)/"
                    r"[A-Za-z0-9_./-]+)`")
BUILT = ("docker/.env",)  # created by the reader


def documents():
    return sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


def anchors(text):
    """The anchors that GitHub generates for headings."""
    found = set()
    for heading in re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(plain.replace(" ", "-"))
    return found


def without_code(text):
    return re.sub(r"^(    |```).*$", "", text, flags=re.MULTILINE)


def bad_links(path, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists():
            yield f"there is no {target}"
        elif anchor and anchor not in anchors(file.read_text()):
            yield f"{target}: there is no such heading"


def bad_paths(text):
    for name in SOURCE.findall(text):
        if name not in BUILT and not (ROOT / name).exists() and not list(ROOT.glob(name + "*")):
            yield f"there is no {name}"


def known_settings():
    """Names that are in the table of settings, and aliases."""
    table = (ROOT / "libcommon" / "config" / "settings_table.c").read_text()
    return set(re.findall(r'"((?:SYNC_|API_)\w+)"', table))


def bad_settings(text, known):
    for name in sorted(set(re.findall(r"\bSYNC_[A-Za-z][A-Za-z_]*[A-Za-z]\b", text))):
        plain = name.removesuffix("_FILE")
        if not {name, plain} & (known | OTHER_NAMES):
            yield f"there is no setting {name}"


def known_metrics():
    found = set()
    for folder in ("libcommon", *PROGRAMS):
        for source in (ROOT / folder).rglob("*.[ch]"):
            found |= set(re.findall(r'"(synchub_[a-z_]+)(?:"|\{)', source.read_text()))
    return found


def named_metrics(text):
    return set(re.findall(r"\b(synchub_[a-z]+(?:_[a-z]+)*)\b(?![-.:/]|\w)", text))


def missing_modules(text):
    """Source files that ARCHITECTURE.md does not name."""
    named = set(re.findall(r"`([a-z0-9_]+)`", text))
    for folder in ("libcommon", *PROGRAMS):
        for source in sorted((ROOT / folder).rglob("*.[ch]")):
            if not {source.stem, source.stem.removesuffix("_internal")} & named:
                yield f"{source.relative_to(ROOT)} has no line"


def bad_decisions(folder):
    """Records must be numbered from 0001 without gaps, and each must have its three parts."""
    for number, path in enumerate(sorted(folder.glob("[0-9]*.md")), 1):
        text = path.read_text()
        if not re.match(rf"# {number:04d}: [^\n]+\n\n\d{{4}}-\d\d-\d\d\n", text) or path.name[:4] != f"{number:04d}":
            yield f"{path.name}: expected number {number:04d}, its title and a date"
        parts = re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE)
        if parts != ["Context", "Decision", "Consequences"]:
            yield f"{path.name}: expected Context, Decision, Consequences"


def literals():
    """The string literals of the sources, adjacent ones concatenated."""
    text = "\n".join(source.read_text() for folder in ("libcommon", *PROGRAMS)
                     for source in sorted((ROOT / folder).rglob("*.[ch]")))
    return re.sub(r'"\s*\\?\s*"', "", text).replace('\\"', '"')


def bad_messages(text, known):
    """The messages in the first column of docs/troubleshooting.md that are not in the sources."""
    for row in re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE):
        for message in re.findall(r"`([^`]+)`", row):
            missing = [part.strip() for part in message.split("…") if part.strip() not in known]
            if not message.startswith("synchub-") and missing:
                yield f"no program says '{missing[0]}'"


def missing_rights(text):
    """Commands of the Lua scripts that the user of docs/settings.md may not run."""
    rights = set(re.findall(r"\+([a-z|]+)", text))
    for script in sorted(ROOT.glob("*/**/scripts/**/*.lua")):
        for command, sub in re.findall(r"(?:redis\.p?call\(|= \{)'([A-Z]+)'(?:, '([A-Z]+)')?", script.read_text()):
            names = {command.lower(), f"{command}|{sub}".lower()}
            if not names & rights:
                yield f"its Redis user may not run {command}, which {script.relative_to(ROOT)} calls"


def describe(folder):
    return [json.loads(subprocess.run([folder / f"synchub-{name}", "--describe"], check=True,
                                      stdout=subprocess.PIPE).stdout) for name in PROGRAMS]


def table_of_settings(folder):
    with tempfile.TemporaryDirectory() as temp:
        files = []
        for description in describe(folder):
            files.append(pathlib.Path(temp) / (description["name"] + ".json"))
            files[-1].write_text(json.dumps(description))
        return subprocess.run([sys.executable, ROOT / "packaging" / "generate.py", "settings", *files],
                              check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    arguments = sys.argv[1:]
    write = arguments[:1] == ["--write"]
    folder = pathlib.Path(arguments[-1]).resolve() if arguments[write:] else None
    if write and folder:
        table = table_of_settings(folder)
        text = TABLE.sub(lambda match: match[1] + table + match[2], SETTINGS.read_text())
        SETTINGS.write_text(text)
    offences = []

    def report(path, sentences):
        offences.extend(f"{path.relative_to(ROOT)}: {sentence}" for sentence in sentences)

    settings, metrics = known_settings(), known_metrics()
    for path in documents():
        text = path.read_text()
        report(path, bad_links(path, text))
        if path.name == "CHANGELOG.md":
            continue  # it names files that no longer exist
        report(path, bad_paths(text))
        report(path, bad_settings(text, settings))
        report(path, (f"there is no metric {name}" for name in sorted(named_metrics(text) - metrics)))
    report(METRICS, (f"the metric {name} is missing" for name in sorted(
        metrics - named_metrics(METRICS.read_text()))))
    architecture = ROOT / "ARCHITECTURE.md"
    report(architecture, missing_modules(architecture.read_text()))
    report(ROOT / "docs" / "decisions", bad_decisions(ROOT / "docs" / "decisions"))
    report(MESSAGES, bad_messages(MESSAGES.read_text(), literals()))
    report(SETTINGS, missing_rights(SETTINGS.read_text()))
    if folder:
        table = TABLE.search(SETTINGS.read_text())
        if not table or table[0] != table[1] + table_of_settings(folder) + table[2]:
            report(SETTINGS, [f"its table is not what the programs say: tests/lint/documents.py --write {arguments[-1]}"])
    print("\n".join(offences), end="\n" if offences else "")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
