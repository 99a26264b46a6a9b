"""Every command named in the runbook exists, with its flags."""

import re
import shlex

import pytest

from pipeline.__main__ import parser
from settings import REPOSITORY

VALUES = {"ENV": "dev", "MODEL": "cab", "SHA": "a" * 40, "\n": " "}
TEXT = (REPOSITORY / "docs/runbook.md").read_text()
MAKEFILE = (REPOSITORY / "Makefile").read_text()


def commands(begin: str) -> list[str]:
    """The runbook's commands with this beginning, values in place of its words."""
    texts = []
    for text in re.findall(rf"`({begin}[^`]*)`", TEXT):
        for word, value in VALUES.items():
            text = text.replace(word, value)
        texts.append(text)
    return sorted(set(texts))


VERBS = commands("python3 -m pipeline ")
TARGETS = commands("make ")


def test_the_runbook_names_commands_of_both_kinds():
    assert len(VERBS) > 4
    assert len(TARGETS) > 2


@pytest.mark.parametrize("command", VERBS)
def test_each_verb_takes_its_arguments(command):
    _, _, _, *arguments = shlex.split(command)

    options = parser().parse_args(arguments)

    assert options.verb == arguments[0]


@pytest.mark.parametrize("command", TARGETS)
def test_each_target_is_in_the_makefile(command):
    _, target, *variables = shlex.split(command)
    names = [variable.partition("=")[0] for variable in variables]

    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
    assert all(f"$({name})" in MAKEFILE for name in names)
