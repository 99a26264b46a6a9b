"""docs/monitoring.md explains each verdict and each fault, and has its pictures."""

import ast
import re
from typing import get_args

import pytest

from pipeline.monitoring.look import LOOKS
from pipeline.monitoring.verdict import Kind
from settings import REPOSITORY

DOCS = REPOSITORY / "docs"
TEXT = (DOCS / "monitoring.md").read_text()
MODULES = sorted((REPOSITORY / "pipeline/monitoring").rglob("*.py"))
NAME = re.compile(r"[a-z]+( [a-z]+)?")  # of a fault


def explained(heading):
    """The names in the first column of the table below a heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def fault_names():
    """What the code names faults: by Finding(name=...), or the first argument of what makes one."""
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call):
                yield from names_of(node)


def names_of(call):
    function = ast.unparse(call.func)
    names = [keyword.value for keyword in call.keywords if keyword.arg == "name"]
    if function in ("fault", "_finding"):
        names += call.args[:1]
    if function in ("fault", "_finding", "Finding"):
        texts = [name.value for name in names if isinstance(name, ast.Constant)]
        yield from filter(NAME.fullmatch, texts)


def test_each_verdict_is_explained():
    assert sorted(explained("The verdicts")) == sorted(get_args(Kind))


def test_each_verdict_has_a_look():
    assert sorted(LOOKS) == sorted(get_args(Kind))


def test_each_fault_is_explained():
    assert sorted(explained("The faults")) == sorted(set(fault_names()))


@pytest.mark.parametrize("picture", re.findall(r"\]\(([\w-]+\.png)\)", TEXT))
def test_each_picture_is_there_and_small(picture):
    assert 0 < (DOCS / picture).stat().st_size < 100_000
