"""`runs` on the command line."""

import json
import os
import pty
import subprocess
import sys

import pytest

from settings import REPOSITORY
from tests.pipeline.experiments.run_folders import add_run, run_id


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    for number in range(60):
        auc = 0.5 + number / 200
        add_run(folder, number, metrics={"auc": auc}, tags=["x"] * (number % 2))
    return folder


def listed(runs, *arguments):
    command = [sys.executable, "-m", "pipeline", "runs", "--runs", str(runs), *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)


def first_column(process):
    return [line.split("\t")[0] for line in process.stdout.splitlines()]


def test_the_newest_fifty_are_shown_in_plain_lines_for_a_pipe(runs):
    process = listed(runs)

    heading, *names = first_column(process)
    assert heading == "run"
    assert names == [run_id(number) for number in range(59, 9, -1)]
    assert process.stderr == "10 more: --limit 0 shows all\n"


def test_filter_order_and_limit_go_together(runs):
    process = listed(runs, "--where", "auc > 0.7 and tag = x", "--sort", "-auc", "--limit", "2")

    assert first_column(process) == ["run", run_id(59), run_id(57)]
    headings, best, _ = process.stdout.splitlines()
    assert headings.split("\t")[:3] == ["run", "tags", "auc"]
    assert best.split("\t")[:3] == [run_id(59), "x", "0.795"]


def test_each_of_several_filters_holds(runs):
    process = listed(runs, "--where", "auc > 0.78", "--where", "tag = x")

    assert first_column(process) == ["run", run_id(59), run_id(57)]


def test_json_has_every_row_that_is_asked_for(runs):
    process = listed(runs, "--json", "--limit", "0", "--sort", "auc")

    rows = json.loads(process.stdout)
    assert [row["run"] for row in rows] == [run_id(number) for number in range(60)]
    assert rows[3]["metrics"] == {"auc": 0.515}


def test_json_has_no_word_for_what_is_no_number(runs):
    add_run(runs, 99, metrics={"auc": float("nan"), "loss": float("inf")})

    process = listed(runs, "--json", "--limit", "1")

    [row] = json.loads(process.stdout, parse_constant=pytest.fail)
    assert row["metrics"] == {"auc": None, "loss": None}


def test_none_that_meets_the_condition_is_told(runs):
    process = listed(runs, "--where", "auc > 2")

    assert process.stdout == "none of 60 runs meets 'auc > 2'\n"
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--where", "aux > 1"], "--where names 'aux', which no run has: the nearest are auc"),
        (["--sort", "-aux"], "--sort names 'aux', which no run has: the nearest are auc"),
        (["--where", "auc > 1", "prune"], "--where stands before `runs prune`"),
        (["--sort", "auc", "tag", run_id(1), "x"], "--sort stands before `runs tag`"),
        (["--limit", "-1"], "--limit is -1, allowed are 0 and more"),
        (["tag", "2026", "x"], "the run '2026' is ambiguous, allowed is one of 20260301-120000"),
        (["tag", "nothing", "x"], "there is no run 'nothing'"),
        (["tag", run_id(1), " "], "--tag is ' '"),
        (["tag", run_id(1), "y", "--remove"], "has no tag 'y', allowed are x"),
    ],
)
def test_a_wrong_call_ends_with_a_sentence(runs, arguments, words):
    process = listed(runs, *arguments)

    assert process.returncode == 2
    assert words in process.stderr
    assert "Traceback" not in process.stderr


def test_a_tag_is_added_and_taken_away(runs):
    added = listed(runs, "tag", run_id(0), "keep", "x")
    removed = listed(runs, "tag", run_id(0), "keep", "--remove", "--json")

    assert added.stdout == f"{run_id(0)}: keep, x\n"
    assert json.loads(removed.stdout) == {"run": run_id(0), "tags": ["x"]}


def test_flags_may_stand_before_the_action_and_after_it(runs):
    command = [sys.executable, "-m", "pipeline", "runs", "tag", run_id(0), "x"]
    process = subprocess.run(
        [*command, "--runs", str(runs), "--json"], cwd=REPOSITORY, capture_output=True, text=True
    )

    assert json.loads(process.stdout)["tags"] == ["x"]


def shown_in_a_terminal(runs, *, columns):
    """What a terminal of so many columns shows of the newest run."""
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "pipeline", "runs", "--runs", str(runs), "--limit", "1"]
    variables = os.environ | {"COLUMNS": str(columns)}
    with os.fdopen(writer, "w") as terminal, os.fdopen(reader, "rb", 0) as output:
        subprocess.run(command, cwd=REPOSITORY, env=variables, stdout=terminal, check=True)
        return output.read(1 << 16).decode()


def test_a_narrow_terminal_loses_no_value(runs):
    text = shown_in_a_terminal(runs, columns=45)

    cells = [run_id(59), "x", "succeeded", "yes", "auc 0.7950", "12.5", "published: it is good"]
    assert "\t".join(cells) in text


def test_a_terminal_gets_a_table(runs):
    text = shown_in_a_terminal(runs, columns=200)

    assert "gate's metric" in text
    assert "auc 0.7950" in text
    assert "\t" not in text


def test_the_list_imports_no_library_of_training(runs):
    program = (
        "import json, sys; from pipeline.__main__ import main; "
        "main(['runs', '--runs', sys.argv[1], '--sort', '-auc']); "
        "heavy = {'tensorflow', 'tfx', 'mlflow', 'pandas', 'rich', 'matplotlib'}; "
        "print(json.dumps(sorted(heavy & set(sys.modules))))"
    )
    command = [sys.executable, "-c", program, str(runs)]
    process = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)

    assert json.loads(process.stdout.splitlines()[-1]) == []


def test_the_order_may_name_what_no_selected_run_has(runs):
    add_run(runs, 99, model="row", metrics={"mse": 0.1})

    selected = listed(runs, "--where", "model = seat", "--sort", "mse", "--limit", "1")
    none = listed(runs, "--where", "auc > 2", "--sort", "-auc")

    assert first_column(selected) == ["run", run_id(59)]
    assert none.stdout == "none of 61 runs meets 'auc > 2'\n"


@pytest.mark.parametrize("character", ["\x1b", "\ud800", "\x9b"])
def test_what_no_terminal_can_show_is_a_question_mark(runs, character):
    decision = {"blessed": None, "published": None, "reason": f"not{character}good"}
    add_run(runs, 99, decision=decision)

    process = listed(runs, "--limit", "1")

    assert process.returncode == 0
    assert "not?good" in process.stdout


def test_a_closed_standard_output_is_no_failure(runs):
    command = f"{sys.executable} -m pipeline runs --runs {runs} >&-"
    process = subprocess.run(command, shell=True, cwd=REPOSITORY, capture_output=True, text=True)

    assert process.returncode == 0
    assert process.stderr == "10 more: --limit 0 shows all\n"
