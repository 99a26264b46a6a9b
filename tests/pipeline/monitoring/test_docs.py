"""docs/monitoring.md explains each verdict and each fault, and has its pictures."""

import ast
import re
from typing import get_args

import pytest

from pipeline.monitoring.pages.look import LOOKS
from pipeline.monitoring.verdict import Kind
from settings import REPOSITORY

DOCS = REPOSITORY / "docs"
TEXT = (DOCS / "monitoring.md").read_text()
MODULES = sorted((REPOSITORY / "pipeline/monitoring").rglob("*.py"))


def explained(heading):
    """The names in the first column of the table below a heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def fault_names():
    """The first argument of each call of what makes a named Finding."""
    nodes = [node for module in MODULES for node in ast.walk(ast.parse(module.read_text()))]
    makers = {node.name for node in nodes if makes_a_fault(node)}
    calls = [node for node in nodes if isinstance(node, ast.Call) and node.args]
    names = [call.args[0] for call in calls if ast.unparse(call.func) in makers]
    return {name.value for name in names if isinstance(name, ast.Constant)}


def makes_a_fault(node):
    """A function that returns a Finding and is given its name first."""
    if not isinstance(node, ast.FunctionDef) or not node.args.args or node.returns is None:
        return False
    return ast.unparse(node.returns) == "Finding" and node.args.args[0].arg == "name"


def test_each_verdict_is_explained():
    assert sorted(explained("The verdicts")) == sorted(get_args(Kind))


def test_each_verdict_has_a_look():
    assert sorted(LOOKS) == sorted(get_args(Kind))


def test_a_look_links_a_heading_of_the_runbook():
    runbook = (DOCS / "runbook.md").read_text()
    headings = set(re.findall(r"^## (.+)$", runbook, re.MULTILINE))

    linked = {look.heading for look in LOOKS.values() if look.heading}

    assert "Drift" in linked
    assert linked <= headings


def test_each_fault_is_explained():
    assert sorted(explained("The faults")) == sorted(fault_names())


@pytest.mark.parametrize("picture", re.findall(r"\]\(([\w-]+\.png)\)", TEXT))
def test_each_picture_is_there_and_small(picture):
    assert 0 < (DOCS / picture).stat().st_size < 100_000
