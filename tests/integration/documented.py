# SPDX-License-Identifier: Apache-2.0
"""The blocks of code in README.md and docs/*.md. A test that runs one gets it by documented(), so that what runs is what
readers see; test_documents.py checks that each block has such a test."""

import ast
import pathlib
import re
import shlex
from typing import NamedTuple

REPO = pathlib.Path(__file__).resolve().parents[2]


class Block(NamedTuple):
    document: str
    line: int        # of its first line in the document
    lines: list

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"

    def commands(self):
        """Its commands, without comments; one that continues on further lines is one command."""
        found, part = [], []
        for line in self.lines:
            line = re.sub(r"(^|\s+)#\s.*$", "", line)
            part.append(line)
            text = "\n".join(part).strip()
            if text and not is_continued(text):
                found.append(text)
            if not text or not is_continued(text):
                part = []
        if part:
            raise AssertionError(f"{self.document}:{self.line}: a command without an end: {part}")
        return found


def is_continued(text):
    """Whether a shell would read another line: after a backslash, in a quotation, and in a loop."""
    if text.endswith("\\") or len(re.findall(r"(?<!\\)'", re.sub(r'"[^"]*"', "", text))) % 2 or \
            len(re.findall(r'(?<!\\)"', re.sub(r"'[^']*'", "", text))) % 2:
        return True
    return len(re.findall(r"(?:^|[;\s])do\s", text + " ")) > len(re.findall(r"(?:^|[;\s])done\b", text))


def documents():
    return ["README.md", *sorted(str(path.relative_to(REPO)) for path in (REPO / "docs").glob("*.md"))]


def blocks(document):
    """Its blocks of code: fenced, or indented by four columns or more after an empty line, also inside a list."""
    lines = (REPO / document).read_text().split("\n")
    found, number = [], 0
    while number < len(lines):
        begin, line = number, lines[number]
        number += 1
        if line.strip().startswith("```"):
            while not lines[number].strip().startswith("```"):
                number += 1
            found.append(Block(document, begin + 2, lines[begin + 1:number]))
            number += 1
        elif re.match(r" {4,}\S", line) and begin > 0 and not lines[begin - 1].strip():
            while number < len(lines) and (not lines[number].strip() or lines[number].startswith("    ")):
                number += 1
            block = "\n".join(lines[begin:number]).rstrip().split("\n")
            indent = min(len(text) - len(text.lstrip()) for text in block if text.strip())
            found.append(Block(document, begin + 1, [text[indent:] for text in block]))
    return found


def begins(block, beginning):
    return f"\n{block.text}".startswith(f"\n{beginning}") or f"\n{beginning}" in block.text


def documented(document, beginning):
    """The one block of a document that begins with this text, or has a line that does."""
    found = [block for block in blocks(document) if begins(block, beginning)]
    if len(found) != 1:
        raise AssertionError(f"{document} has {len(found)} blocks with a line that begins with '{beginning}'")
    return found[0]


def covered():
    """(document, beginning, the test's file) of each call of documented() with literal arguments in the tests."""
    found = []
    for path in sorted((REPO / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "documented" \
                    and all(isinstance(argument, ast.Constant) for argument in node.args):
                found.append((*(argument.value for argument in node.args), str(path.relative_to(REPO))))
    return found


# What runs the tests of a file, and those that use a helper: the first that matches.
RUN_BY = ((r"tests/containers/platform_", "test-images"), (r"tests/containers/long_", "test-containers --long"),
          (r"tests/containers/", "test-containers"), (r"tests/packaging/", "test-packages --short"),
          (r"tests/integration/", "test"), (r"tests/k8s/[a-z_]+\.mjs$", "test-k8s"))


def run_by(path):
    """The command of ./dev that runs the tests of a file, or "nothing known"."""
    return next((command for pattern, command in RUN_BY if re.match(pattern, path)), "nothing known")


def ci_commands():
    """The commands of ./dev that CI runs, with their arguments."""
    [line] = re.findall(r"^for command in (.*); do$", (REPO / ".ci" / "run").read_text(), re.MULTILINE)
    return [command for words in shlex.split(line) for command in words.split(" & ")]
