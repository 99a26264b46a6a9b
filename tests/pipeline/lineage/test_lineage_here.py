"""`lineage back` on this machine, and both directions as text and as a picture."""

import json
import xml.etree.ElementTree as ET

import pytest

from tests.pipeline.lineage.two_versions import (
    FIRST,
    FIRST_MODEL,
    FIRST_RUN,
    GOOD,
    SECOND,
    SECOND_COMMIT,
    SECOND_RUN,
)


@pytest.mark.parametrize(
    "what",
    ["cab", f"cab@{SECOND}", SECOND, SECOND_RUN, "20260301"],
)
def test_each_name_of_a_model_goes_back_to_its_rows_and_commit(ask, what):
    code, answer = ask("back", what)

    [origin] = answer["origins"]
    assert code == 0
    assert origin["version"] == SECOND
    assert origin["data"]["digest"] == GOOD
    assert origin["code"]["commit"] == SECOND_COMMIT


def test_who_pushed_a_version_is_told(runs, cli):
    result = cli("lineage", "back", "cab", "--runs", runs.root)

    [line] = [line for line in result.out.splitlines() if line.strip().startswith("pushed")]
    assert line.split() == ["pushed", "by", "us@here"]


def test_a_name_that_holds_control_characters_moves_no_cursor(runs, cli):
    file = runs.root / f"{SECOND_RUN}/summary.json"
    summary = json.loads(file.read_text())
    summary["records"]["hyperparameters"] = {"units": "\x1b[2J8\n9"}
    file.write_text(json.dumps(summary))

    result = cli("lineage", "back", "cab", "--runs", runs.root)

    assert "units ?[2J8?9" in result.out


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"changed_files": None}, ", and nobody knows which files differed"),
        ({"changed_files": [], "not_kept": "ignored"}, ", not all that trained is kept"),
    ],
    ids=["unknown", "not kept"],
)
def test_a_commit_is_not_said_to_have_made_what_it_may_not_have(runs, cli, facts, words):
    file = runs.root / f"{SECOND_RUN}/summary.json"
    summary = json.loads(file.read_text())
    summary["records"]["code"] |= facts
    file.write_text(json.dumps(summary))

    result = cli("lineage", "back", "cab", "--runs", runs.root)

    assert f"{'2' * 12}{words}" in result.out


def test_the_version_that_answered_at_a_time_is_told(ask):
    _, answer = ask("back", "cab", "--at", "2023-11-14T22:30:00")

    assert [origin["version"] for origin in answer["origins"]] == [FIRST]


def test_a_judge_is_told_with_what_it_compared(ask):
    _, answer = ask("back", "cab")

    [verdict] = answer["origins"][0]["verdicts"]
    assert verdict["blessed"] is True
    assert verdict["against"] == FIRST_MODEL
    assert verdict["against_run"] == FIRST_RUN


@pytest.mark.parametrize("arguments", [("back", "cab"), ("forward", "--data", GOOD)])
def test_the_picture_holds_the_model_and_what_is_said_of_it(cli, runs, tmp_path, arguments):
    file = tmp_path / "lineage.svg"

    cli("lineage", *arguments, "--svg", file, "--runs", runs.root)

    texts = [element.text for element in ET.parse(file).iter() if element.text]
    assert "b2b2b2b2b2b2" in texts
    assert any(SECOND in text for text in texts)


def test_the_picture_tells_figures_and_who_pushed(cli, runs, tmp_path):
    file = tmp_path / "lineage.svg"

    cli("lineage", "back", "cab", "--svg", file, "--runs", runs.root)

    texts = [element.text for element in ET.parse(file).iter() if element.text]
    assert "auc 0.8125" in texts
    assert "pushed by us@here" in texts


def test_a_metric_that_became_nan_has_no_number(cli, runs):
    file = runs.root / SECOND_RUN / "summary.json"
    summary = json.loads(file.read_text())
    summary["records"]["metrics"]["auc"] = None
    file.write_text(json.dumps(summary))

    result = cli("lineage", "back", "cab", "--runs", runs.root)

    lines = [line.split() for line in result.out.splitlines()]
    assert ["measured", "auc", "no", "number"] in lines


def test_the_text_names_rows_commit_and_parameters(cli, runs):
    result = cli("lineage", "back", "cab", "--runs", runs.root)

    lines = result.out.splitlines()
    assert lines[0] == f"cab version {SECOND}, b2b2b2b2b2b2"
    assert any("1,500 rows, 222222222222" in line for line in lines)
    assert any(line.split() == ["measured", "auc", "0.8125"] for line in lines)
    assert any("commit" in line and "2" * 12 in line for line in lines)
