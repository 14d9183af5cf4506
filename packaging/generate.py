#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generates manual pages and completions from a program's --describe.

    generate.py manual|bash|zsh|settings DESCRIPTION.json [PAGE.8.in] >OUTPUT
"""

import json
import os
import re
import sys
import time


# --- Manual pages -------------------------------------------------------------------------------


def roff(text):
    """Text escaped for troff."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return re.sub(r"^\.", "\\&.", text, flags=re.MULTILINE)


def bold(text):
    return f"\\fB{roff(text)}\\fR"


def usage(text):
    """A synopsis: literal words in bold, placeholders in italics."""
    def word(match):
        return f"\\fI{match[0]}\\fR" if match[0].isupper() else bold(match[0])
    return re.sub(r"[-\w]+", word, text.replace("...", "…")).replace("…", "...")


def sentence(text):
    return roff(text[0].upper() + text[1:] + ".")


def manual_options(description):
    for option in description["options"]:
        yield f".TP\n{bold(option['name'])}\n{sentence(option['help'])}"


def manual_commands(description):
    for command in description["commands"]:
        yield f".TP\n{usage(command['usage'])}\n{sentence(command['help'])}"


def details(setting):
    values = setting["values"]
    if values and not setting["list"]:
        yield "Values: " + ", ".join(bold(value) for value in values) + "."
    if "min" in setting:
        yield f"A number from {setting['min']} to {setting['max']}."
    if setting["default"]:
        yield f"Default: {bold(setting['default'])}."
    if setting["alias"]:
        yield f"Also named {bold(setting['alias'])}."
    if setting["credential"]:
        yield f"Credential: {bold(setting['credential'])}."


def manual_settings(description):
    for setting in description["settings"]:
        yield f".TP\n{bold(setting['name'])}\n{sentence(setting['help'])}"
        yield from details(setting)


def manual(description, page):
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    parts = {
        "DATE": time.strftime("%Y-%m-%d", time.gmtime(epoch)),
        "VERSION": description["version"],
        "SUMMARY": roff(description["summary"]),
        "FOLDER": roff(description["folder"]),
        "OPTIONS": "\n".join(manual_options(description)),
        "COMMANDS": "\n".join(manual_commands(description)),
        "SETTINGS": "\n".join(manual_settings(description)),
    }
    return re.sub(r"@([A-Z]+)@", lambda match: parts[match[1]], page)


# --- Completions --------------------------------------------------------------------------------


def flags(command):
    """The options in a subcommand's usage."""
    return sorted(set(re.findall(r"--[a-z][a-z-]*", command["usage"])))


def first_words(description):
    return sorted({command["name"].split()[0] for command in description["commands"]} | {"help"})


def second_words(description, first):
    if first == "help":
        return [word for word in first_words(description) if word != "help"]
    return sorted({command["name"].split()[1] for command in description["commands"]
                   if command["name"].split()[0] == first and " " in command["name"]})


def third_words(description):
    """The third words of subcommands that have one, by the two before them."""
    found = {}
    for command in description["commands"]:
        words = command["name"].split()
        if len(words) == 3:
            found.setdefault(tuple(words[:2]), []).append(words[2])
    return sorted(found.items())


def bash(description):
    name = description["name"]
    options = [option["name"] for option in description["options"]]
    lines = [
        f"# Completion of {name} for bash; made from {name} --describe.",
        f"_{name.replace('-', '_')}()",
        "{",
        "    local words=",
        '    case "$COMP_CWORD ${COMP_WORDS[1]-} ${COMP_WORDS[2]-} ${COMP_WORDS[3]-}" in',
        f"    '1 '*) words='{' '.join(options + first_words(description))}' ;;",
    ]
    for first in first_words(description):
        seconds = second_words(description, first)
        if seconds:
            lines.append(f"    '2 {first} '*) words='{' '.join(seconds)}' ;;")
        for words, thirds in third_words(description):
            if words[0] == first:
                lines.append(f"    '3 {' '.join(words)} '*) words='{' '.join(thirds)}' ;;")
        for command in description["commands"]:
            words = command["name"].split()
            if words[0] == first and flags(command):
                pattern = " ".join(words) + (" " if len(words) == 1 else "")
                lines.append(f"    *' {pattern}'*) words='{' '.join(flags(command))}' ;;")
    lines += [
        "    esac",
        '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")',
        "}",
        f"complete -F _{name.replace('-', '_')} {name}",
    ]
    return "\n".join(lines) + "\n"


def zsh_quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def described(name, text):
    return zsh_quote(name.replace(":", "\\:") + ":" + text)


def first_word_help(description, first):
    if first == "help":
        return "describe a subcommand"
    for command in description["commands"]:
        if command["name"] == first:
            return command["help"]
    start = f"{first} "
    return ", ".join(sorted({command["name"].removeprefix(start).split()[0]
                             for command in description["commands"]
                             if command["name"].startswith(start)}))


def second_word_help(description, first, second):
    if first == "help":
        return first_word_help(description, second)
    return first_word_help(description, f"{first} {second}")


def zsh_choices(choices):
    return ["    choices=(", *(f"        {described(*choice)}" for choice in choices), "    )"]


def zsh(description):
    name = description["name"]
    first = [(option["name"], option["help"]) for option in description["options"]]
    first += [(word, first_word_help(description, word)) for word in first_words(description)]
    lines = [f"#compdef {name}", f"# Made from {name} --describe.", "local -a choices",
             "if (( CURRENT == 2 )); then", *zsh_choices(first)]
    for word in first_words(description):
        seconds = second_words(description, word)
        if seconds:
            lines += [f"elif (( CURRENT == 3 )) && [[ $words[2] == {word} ]]; then",
                      *zsh_choices((second, second_word_help(description, word, second))
                                   for second in seconds)]
    for (word, second), thirds in third_words(description):
        lines += [f"elif (( CURRENT == 4 )) && [[ $words[2] == {word} && $words[3] == {second} ]]; then",
                  *zsh_choices((third, first_word_help(description, f"{word} {second} {third}"))
                               for third in thirds)]
    for command in description["commands"]:
        words = command["name"].split()
        if flags(command):
            test = " && ".join(f"$words[{i + 2}] == {word}" for i, word in enumerate(words))
            lines += [f"elif [[ {test} ]]; then",
                      f"    choices=({' '.join(zsh_quote(flag) for flag in flags(command))})"]
    return "\n".join([*lines, "fi", "_describe -V argument choices"]) + "\n"


# --- The table of settings ----------------------------------------------------------------------


def settings(descriptions):
    """All programs' settings as one table, for docs/settings.md."""
    rows = {}
    for description in descriptions:
        program = description["name"].removeprefix("synchub-")
        for setting in description["settings"]:
            key = (setting["name"], setting["default"], setting["help"])
            rows.setdefault(key, (setting, []))[1].append(program)
    yield "| setting | program | default | meaning |"
    yield "|---|---|---|---|"
    for (name, default, help_text), (setting, programs) in sorted(
            rows.items(), key=lambda row: row[0][0].lower()):
        names = f"`{name}`" + (f" (`{setting['alias']}`)" if setting["alias"] else "")
        values = ", ".join(f"`{value}`" for value in setting["values"])
        if "min" in setting:
            values = f"{setting['min']} to {setting['max']}"
        text = help_text.replace("|", "\\|") + (f" ({values})" if values else "")
        who = "all" if len(programs) == len(descriptions) else ", ".join(programs)
        shown = f"`{default}`" if default else "none"
        yield f"| {names} | {who} | {shown} | {text} |"


def main():
    kind, *files = sys.argv[1:]
    descriptions = [json.load(open(name, encoding="utf-8"))
                    for name in files if name.endswith(".json")]
    if kind == "manual":
        with open(files[1], encoding="utf-8") as page:
            text = manual(descriptions[0], page.read())
    elif kind == "settings":
        text = "\n".join(settings(descriptions)) + "\n"
    else:
        text = {"bash": bash, "zsh": zsh}[kind](descriptions[0])
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(text)


main()
