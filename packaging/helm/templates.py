# SPDX-License-Identifier: Apache-2.0
"""Writes the variants of an object as one Helm template.

A variant is (choice, value): what an object, a field or an element is with these options of the axes. Where all variants are
the same the template has the value itself; where they differ it has an `if` on as few axes as explain it."""

import dataclasses
import itertools
import json
import re

from axes import AXES, BY_NAME, negated

HEADER = """{{- /* SPDX-License-Identifier: Apache-2.0
Made by packaging/helm/generate from k8s/. */ -}}
{{- $name := include "synchub.fullname" . -}}
"""
PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9 ./_-]*[A-Za-z0-9]$|[A-Za-z]$")
FIRST = ["apiVersion", "kind", "metadata", "name", "alert"]  # Kustomize sorts fields by the alphabet
WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
MARK = re.compile("\x01(.*?)\x02")


@dataclasses.dataclass(frozen=True)
class Code:
    """A value that the template computes."""
    text: str


@dataclasses.dataclass(frozen=True)
class Insert:
    """Further entries of a mapping, which the template computes."""
    text: str


@dataclasses.dataclass(frozen=True)
class Optional:
    """A field that is there if the value is not empty."""
    text: str
    last: str = ""


@dataclasses.dataclass
class Else:
    """The value if it is not empty, otherwise the manifest's."""
    text: str
    default: object


def mark(text):
    """Code in the middle of a text."""
    return f"\x01{text}\x02"


class Conflict(Exception):
    """Two variants have elements of a list in another order."""


# --- Conditions -----------------------------------------------------------------------------------


def explaining(variants, same):
    """The fewest axes by which `same(value)` is decided, and {options of these: the value of `same`}."""
    varying = [axis for axis in AXES if len({choice[axis.name] for choice, _ in variants}) > 1]
    for count in range(1, len(varying) + 1):
        for axes in itertools.combinations(varying, count):
            table = {}
            if all(table.setdefault(tuple(choice[axis.name] for axis in axes), same(value)) == same(value)
                   for choice, value in variants):
                return axes, table
    raise ValueError("the same choice has two results")


def condition(variants, present):
    """The template's condition under which `present(value)` holds; empty where it always does."""
    if all(present(value) for _, value in variants):
        return ""
    axes, table = explaining(variants, present)
    chosen = [options for options, there in table.items() if there]
    others = [options for options, there in table.items() if not there]
    return product(axes, chosen, others, table) or negated_product(axes, chosen, others, table) or \
        "or " + " ".join(f"({product(axes, [options], [], table)})" for options in chosen)


def product(axes, chosen, others, table):
    """`and` of one condition for each axis, if that chooses exactly these options."""
    sets = [{options[i] for options in chosen} for i in range(len(axes))]
    if any(all(option in allowed for option, allowed in zip(options, sets)) for options in others):
        return ""
    seen = [{options[i] for options in table} for i in range(len(axes))]
    parts = [axis.condition(allowed) for axis, allowed, all_of in zip(axes, sets, seen) if allowed != all_of]
    return parts[0] if len(parts) == 1 else "and " + " ".join(bracket(part) for part in parts)


def negated_product(axes, chosen, others, table):
    found = product(axes, others, chosen, table)
    return negated(found) if found else ""


def bracket(text):
    return f"({text})" if " " in text else text


# --- Values ---------------------------------------------------------------------------------------


def escaped(text):
    """Text of a manifest that must not be read as code."""
    parts = MARK.split(text)
    return "".join(f"{{{{ {part} }}}}" if index % 2 else part.replace("{{", '{{ "{{" }}') for index, part in enumerate(parts))


def scalar(item):
    if isinstance(item, Code):
        return f"{{{{ {item.text} }}}}"
    if not isinstance(item, str):
        return json.dumps(item)
    if PLAIN.match(item) and item.lower() not in WORDS:
        return item
    if re.fullmatch("\x01[^\x02]*\x02-[a-z0-9-]*[a-z]", item):
        return escaped(item)  # a name, with a word at its end
    return escaped(re.sub(r"\\u000([12])", lambda match: chr(int(match[1])), json.dumps(item, ensure_ascii=False)))


def is_block(item):
    return isinstance(item, str) and "\n" in item.rstrip("\n") and not item.endswith("\n\n") and not item.startswith((" ", "\n")) \
        and not re.search(r"[ \t]$|\t", item, re.MULTILINE)


def guarded(lines, when):
    return [f"{{{{- if {when} }}}}", *lines, "{{- end }}"] if when else lines


def joined(parts):
    """The lines of [(condition, lines)], neighbours with one condition under one `if`."""
    for when, some in itertools.groupby(parts, key=lambda part: part[0]):
        yield from guarded([line for _, lines in some for line in lines], when)


def entry(key, variants, indent):
    """The lines of one field of a mapping."""
    first = variants[0][1]
    head = f"{indent}{key if PLAIN.match(key) and key.lower() not in WORDS else json.dumps(key)}:"
    if isinstance(first, Insert) and all(value == first for _, value in variants):
        return [f"{{{{- {first.text} | nindent {len(indent)} }}}}"]
    if isinstance(first, Optional):
        body = [f"{head} {{{{ . | {first.last} }}}}"] if first.last else \
            [head, f"{{{{- toYaml . | nindent {len(indent) + 2} }}}}"]
        return [f"{{{{- with {first.text} }}}}", *body, "{{- end }}"]
    if isinstance(first, Else):
        inner = mapping([(choice, value.default) for choice, value in variants], indent + "  ")
        return [head, f"{{{{- with {first.text} }}}}", f"{{{{- toYaml . | nindent {len(indent) + 2} }}}}", "{{- else }}", *inner,
                "{{- end }}"]
    if all(isinstance(value, dict) and value for _, value in variants):
        return [head, *mapping(variants, indent + "  ")]
    if all(isinstance(value, list) and value for _, value in variants):
        try:
            # Variables may be in any order in which one that uses another comes later.
            return [head, *sequence(variants, indent + "  ", key != "env")]
        except Conflict:
            return branches(variants, lambda some: entry(key, some, indent))
    if any(value != first for _, value in variants):
        return branches(variants, lambda some: entry(key, some, indent))
    if is_block(first):
        sign = "|" if first.endswith("\n") else "|-"
        return [f"{head} {sign}", *((f"{indent}  {line}" if line else "") for line in escaped(first.rstrip("\n")).split("\n"))]
    return [f"{head} {scalar(first)}"]


def branches(variants, write):
    """An if for each option of one axis that decides most."""
    axes, _ = explaining(variants, lambda value: repr(value))
    axis = axes[0]
    groups = {}
    for choice, value in variants:
        groups.setdefault(choice[axis.name], []).append((choice, value))
    by_lines = {}
    for option, some in groups.items():
        by_lines.setdefault(tuple(write(some)), set()).add(option)
    ordered = sorted(by_lines.items(), key=lambda one: len(one[1]))
    if len(ordered) == 1:
        return list(ordered[0][0])
    lines = []
    for number, (text, options) in enumerate(ordered):
        last = number == len(ordered) - 1
        lines.append("{{- else }}" if last else
                     f"{{{{- {'else ' if number else ''}if {BY_NAME[axis.name].condition(options)} }}}}")
        lines.extend(text)
    return [*lines, "{{- end }}"]


def merged(orders, strict):
    """One order for all. An element is put before the one that follows it in its own list; where that is no order for some list,
    it is a Conflict if strict."""
    result = []
    for order in orders:
        place = len(result)
        for item in reversed(order):
            if item in result:
                place = result.index(item)
            else:
                result.insert(place, item)
    if strict and any([item for item in result if item in order] != order for order in orders):
        raise Conflict
    return result


def mapping(variants, indent):
    keys = []
    for _, value in variants:
        keys += [key for key in value if key not in keys]
    parts = []
    for key in sorted(keys, key=lambda key: FIRST.index(key) if key in FIRST else len(FIRST)):
        some = [(choice, value[key]) for choice, value in variants if key in value]
        parts.append((condition(variants, lambda value, key=key: key in value), entry(key, some, indent)))
    return list(joined(parts))


def identity(item):
    """What makes elements of two lists the same one."""
    if isinstance(item, dict):
        for key in ("name", "mountPath", "alert", "topologyKey"):
            if isinstance(item.get(key), str):
                return key, item[key]
    return "", repr(item)


def sequence(variants, indent, strict):
    named = [(choice, {identity(item): item for item in value}) for choice, value in variants]
    if any(len(found) != len(value) for (_, value), (_, found) in zip(variants, named)):
        named = [(choice, {(index, repr(item)): item for index, item in enumerate(value)}) for choice, value in variants]
    parts = []
    for name in merged([list(found) for _, found in named], strict):
        some = [(choice, found[name]) for choice, found in named if name in found]
        parts.append((condition(named, lambda found, name=name: name in found), element(some, indent)))
    return list(joined(parts))


def element(variants, indent):
    first = variants[0][1]
    if not isinstance(first, dict):
        return [f"{indent}- {scalar(first)}"]
    # The first line, which gets the dash, must be there in each variant.
    always = sorted((key for key in first if all(value.get(key) == first[key] for _, value in variants)),
                    key=lambda key: FIRST.index(key) if key in FIRST else len(FIRST))
    if not always:
        raise Conflict
    ordered = [(choice, {always[0]: value[always[0]], **value}) for choice, value in variants]
    head, *rest = mapping(ordered, indent + "  ")
    if not head.startswith(indent + "  "):
        raise Conflict
    return [f"{indent}- {head[len(indent) + 2:]}", *rest]


def template(variants, choices, more):
    """variants: the object with each choice that has it, of all choices; more: a further condition, or empty."""
    there = [id(choice) for choice, _ in variants]
    when = condition([(choice, id(choice) in there) for choice in choices], bool)
    kind = variants[0][1]["kind"]
    check = '{{- include "synchub.check" . }}\n' if kind == "ServiceAccount" else ""
    lines = guarded(guarded(mapping(variants, ""), more), when)
    return HEADER + check + "\n".join(lines) + "\n"
