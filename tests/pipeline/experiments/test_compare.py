"""`runs compare` shows what differs between runs of any origin, and nothing else."""

import base64
import json
import re
import subprocess
import sys

import pytest

from pipeline.differences import code as code_differences
from settings import REPOSITORY
from tests.pipeline.conftest import parsed
from tests.pipeline.experiments.run_folders import SUMMARY, add_run, run_id
from tests.scratch_git import run_git

IMPORTED = {
    "code": {"commit": "unknown", "files": {}},
    "environment": {},
    "data": {},
    "hyperparameters": {"learning_rate": 0.5},
    "metrics": {},
    "model_type": {},
    "training": None,
}


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def compare(runs, cli):
    """Compare runs by their numbers, or by their names."""

    def call(*names, flags=()):
        ids = [run_id(name) if isinstance(name, int) else name for name in names]
        return cli("runs", "compare", *ids, "--runs", runs, *flags)

    return call


@pytest.fixture
def answer(compare):
    def call(*names):
        result = compare(*names, flags=["--json"])
        assert result.code == 0, result.err
        return parsed(result)

    return call


def records(**changes):
    return {"records": SUMMARY["records"] | changes}


def keep_curves(runs, number, curves):
    (runs / run_id(number) / "curves.json").write_text(json.dumps(curves))


def add_imported(runs, project, run, **changes):
    """Leave an imported run's folder; return its name."""
    folder = runs / "imported" / project / run
    folder.mkdir(parents=True)
    summary = SUMMARY | {"run": run, "records": IMPORTED, "imported": {"id": run}} | changes
    (folder / "summary.json").write_text(json.dumps(summary))
    return f"imported/{project}/{run}"


def test_equal_runs_differ_in_nothing(runs, compare):
    for number in (1, 2):
        add_run(runs, number)
        keep_curves(runs, number, {"loss": {"train": [[1, 0.5]]}})

    result = compare(1, 2)

    assert result.code == 0
    assert result.out == f"{run_id(1)} -> {run_id(2)}\nnothing differs\n"


def test_a_metric_has_its_change_and_each_interval(runs, compare):
    add_run(runs, 1, metrics={"auc": 0.75}, intervals={"all": {"auc": [0.7, 0.8]}})
    add_run(runs, 2, metrics={"auc": 0.875}, intervals={"all": {"auc": [0.8, 0.9]}})

    result = compare(1, 2)

    assert (
        "auc (all): 0.7500 (95 %: 0.7000 to 0.8000) -> "
        "0.8750 (+0.1250, 95 %: 0.8000 to 0.9000)\n" in result.out
    )


def test_several_runs_are_beside_the_first(runs, compare):
    for number, units in enumerate((8, 16, 32)):
        add_run(runs, number, hyperparameters={"units": units})

    result = compare(0, 1, 2)

    assert "hyperparameters: units 8 -> 16 | 32\n" in result.out


def test_small_hyperparameters_are_told_apart(runs, compare):
    for number, rate in enumerate((1e-5, 2e-5)):
        add_run(runs, number, hyperparameters={"learning_rate": rate})

    assert "learning_rate 1e-05 -> 2e-05" in compare(0, 1).out


def test_small_changes_of_a_metric_are_told_apart(runs, compare):
    for number, loss in enumerate((0.000011, 0.000012)):
        add_run(runs, number, metrics={"loss": loss})

    assert "loss (all): 1.1e-05 -> 1.2e-05 (+1e-06)" in compare(0, 1).out


def test_a_metric_that_is_no_number_is_a_dash(runs, compare):
    add_run(runs, 1, metrics={"loss": 0.5})
    add_run(runs, 2, metrics={"loss": float("nan")})

    assert "loss (all): 0.5000 -> –\n" in compare(1, 2).out


def test_runs_of_two_models_are_compared(runs, answer):
    add_run(runs, 1, metrics={"auc": 0.5})
    other = run_id(2, "couch")
    add_run(runs, 2, run=other, model="couch", metrics={"auc": 0.75})

    difference = answer(1, other)

    assert difference["models"] == ["seat", "couch"]
    assert difference["metrics"]["all"]["auc"]["changes"] == [0.25]


def test_another_digest_of_the_rows_is_a_difference(runs, answer):
    add_run(runs, 1, **records(data={"rows": 100, "digest": "a"}))
    add_run(runs, 2, **records(data={"rows": 100, "digest": "b"}))

    difference = answer(1, 2)

    assert difference["data"]["records"] == {"digest": ["a", "b"]}


def test_statistics_that_are_gone_are_told(runs, answer):
    add_run(runs, 1, **records(data={"rows": 100}))
    add_run(runs, 2, **records(data={"rows": 200}))

    [sentence] = answer(1, 2)["unknown"]
    assert sentence.startswith(f"the columns of {run_id(2)}: ")


def test_what_one_run_does_not_record_is_unknown_and_no_difference(runs, answer):
    add_run(runs, 1)
    add_run(runs, 2, **records(data={}))

    difference = answer(1, 2)

    assert difference["data"] == {}
    assert difference["unknown"] == [f"the data of {run_id(2)}: not recorded"]


def test_a_run_without_listed_files_is_told(runs, answer):
    add_run(runs, 1)
    add_run(runs, 2, **records(code={"commit": "c" * 40}))

    difference = answer(1, 2)

    names = f"{run_id(1)} and {run_id(2)}"
    assert difference["unknown"] == [f"the code: the files of {names} are not listed"]


def test_an_imported_run_is_compared_and_its_code_is_unknown(runs, answer):
    add_run(runs, 1, metrics={"loss": 0.5})
    name = add_imported(runs, "p-1", "SAN-1", metrics={"loss": 0.25})

    difference = answer(1, "SAN-1")

    assert difference["runs"] == [run_id(1), name]
    assert difference["metrics"]["all"]["loss"]["changes"] == [-0.25]
    assert any("the code" in sentence for sentence in difference["unknown"])


def test_two_imported_runs_are_never_taken_for_equal_code(runs, compare):
    for run in ("SAN-1", "SAN-2"):
        add_imported(runs, "p-1", run)

    result = compare("SAN-1", "SAN-2")

    assert "not compared: the code" in result.out
    assert "not compared: the packages of imported/p-1/SAN-1: not recorded" in result.out
    assert "not compared: the data of imported/p-1/SAN-2: not recorded" in result.out
    assert result.out.endswith("nothing that could be compared differs\n")


def test_runs_of_one_id_in_two_projects_keep_their_projects(runs, answer):
    names = [add_imported(runs, project, "SAN-1") for project in ("p-1", "q-2")]

    assert answer(*names)["runs"] == names


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with two commits of a model, in the checkout's place; their hashes."""
    folder = tmp_path / "repository"
    folder.mkdir()
    run_git(folder, "init", "-q")
    commits = []
    for seed, version in ((5, "1.0"), (7, "2.0")):
        lock = {"pipeline": {"keras": {"version": f"=={version}"}, "numpy": {"version": "==1"}}}
        (folder / "Pipfile.lock").write_text(json.dumps(lock))
        lines = [f"LINE = {line * seed}\n" for line in range(200)]
        (folder / "model.py").write_text("".join(lines))
        run_git(folder, "add", "-A")
        run_git(folder, "commit", "-q", "-m", "a")
        commits.append(run_git(folder, "rev-parse", "HEAD").decode().strip())
    monkeypatch.setattr(code_differences, "REPOSITORY", folder)
    return commits


@pytest.fixture
def edited(runs, repository):
    """Two runs of a model whose code and lock were edited between them."""
    for number, commit in enumerate(repository):
        files = {"model.py": str(number), "Pipfile.lock": str(number)}
        add_run(runs, number, **records(code={"commit": commit, "files": files}))


def test_code_is_a_diff_and_packages_are_named(edited, answer):
    difference = answer(0, 1)

    [diff] = difference["code"]["diffs"]
    assert difference["code"]["files"] == [["Pipfile.lock", "model.py"]]
    assert "-LINE = 5\n" in diff
    assert difference["packages"] == {"keras": ["==1.0", "==2.0"]}


def test_a_long_diff_is_whole_in_a_pipe(edited, compare):
    result = compare(0, 1)

    assert "+LINE = 1393" in result.out
    assert "-LINE = 5" in result.out


def test_a_long_diff_is_cut_for_a_terminal_with_the_way_to_its_end(edited, answer):
    from pipeline.experiments import compare

    text = compare.as_text(answer(0, 1), is_terminal=True)

    [line] = [line for line in text.splitlines() if "more lines" in line]
    assert re.fullmatch(r"and \d+ more lines, which a pipe \(\| less\) and --json show", line)
    assert len(text.splitlines()) < 100


@pytest.mark.parametrize("lock", ["{}", "[]", "{"])
def test_a_lock_without_the_pipeline_s_packages_is_told(runs, repository, answer, tmp_path, lock):
    folder = tmp_path / "repository"
    (folder / "Pipfile.lock").write_text(lock)
    run_git(folder, "commit", "-q", "-a", "-m", "an older layout")
    commit = run_git(folder, "rev-parse", "HEAD").decode().strip()
    for number, revision in enumerate([repository[0], commit]):
        files = {"Pipfile.lock": str(number)}
        add_run(runs, number, **records(code={"commit": revision, "files": files}))

    difference = answer(0, 1)

    [sentence] = difference["unknown"]
    assert sentence == f"the packages: Pipfile.lock of {commit} lists no package of the pipeline"


def test_a_revision_that_git_lacks_is_told(runs, repository, answer):
    for number in (0, 1):
        code = {"commit": f"{number}" * 40, "files": {"model.py": str(number)}}
        add_run(runs, number, **records(code=code))

    difference = answer(0, 1)

    [sentence] = difference["unknown"]
    assert difference["code"]["files"] == [["model.py"]]
    assert sentence.startswith("the files' lines: git diff failed")


def test_a_revision_is_never_read_as_an_option_of_git(runs, repository, answer, tmp_path):
    file = tmp_path / "written"
    for number in (0, 1):
        code = {"commit": f"--output={file}", "kept": None, "files": {"model.py": str(number)}}
        add_run(runs, number, **records(code=code))

    answer(0, 1)

    assert not file.exists()


def test_files_that_were_kept_nowhere_have_no_diff(runs, repository, answer):
    for number, commit in enumerate(repository):
        code = {"commit": commit, "files": {"model.py": str(number)}, "not_kept": "too large"}
        add_run(runs, number, **records(code=code))

    difference = answer(0, 1)

    assert difference["code"]["diffs"] == [""]
    lack = f"{run_id(0)} kept not all that trained (too large)"
    assert difference["unknown"] == [f"the files' lines: {lack}"]


def test_curves_of_all_runs_are_on_one_axis(runs, compare):
    for number, values in enumerate(([0.5, 0.25], [0.5, None, 0.125])):
        add_run(runs, number)
        points = [[step, value] for step, value in enumerate(values, start=1)]
        keep_curves(runs, number, {"loss": {"train": points}})

    result = compare(0, 1)

    assert f"A  {run_id(0)}\nB  {run_id(1)}\n" in result.out
    assert "loss, train\n" in result.out


def test_a_run_without_curves_is_told(runs, answer):
    add_run(runs, 0)
    add_run(runs, 1)
    keep_curves(runs, 1, {"loss": {"train": [[1, 0.5]]}})

    difference = answer(0, 1)

    assert difference["curves"] == {"loss": {"train": [None, [[1, 0.5]]]}}
    assert difference["unknown"] == [f"the curves of {run_id(0)}: there are none"]


def test_damaged_curves_are_told_and_the_others_compared(runs, answer):
    for number in (0, 1):
        add_run(runs, number, metrics={"auc": number / 2})
    (runs / run_id(0) / "curves.json").write_text("{")

    difference = answer(0, 1)

    assert difference["metrics"]["all"]["auc"]["values"] == [0.0, 0.5]
    [sentence] = difference["unknown"]
    assert "curves.json: no curves" in sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": [0.5]},
        {"metrics": {"auc": "good"}},
        {"metrics": {"auc": 10**400}},
        {"records": {"code": None}},
        {"records": []},
        {"intervals": {"all": {"auc": [0.1]}}},
        {"slices": [1]},
        {"version": 99},
    ],
)
def test_a_damaged_summary_is_one_sentence(runs, compare, changes):
    add_run(runs, 0)
    add_run(runs, 1, **changes)

    result = compare(0, 1)

    assert result.code == 1
    assert run_id(1) in result.sentence
    assert len(result.error_lines) == 1


def test_a_run_without_a_summary_is_one_sentence(runs, compare):
    add_run(runs, 0)
    (runs / run_id(1)).mkdir()

    result = compare(0, 1)

    assert result.code == 1
    assert "has no summary: it runs now, or was killed" in result.sentence


def test_a_single_run_is_wrong_usage(runs, compare):
    add_run(runs, 0)

    assert compare(0).code == 2


def test_an_ambiguous_beginning_names_all(runs, compare):
    for number in (0, 1):
        add_run(runs, number)

    result = compare("20260301", "20260301")

    assert result.code == 2
    assert run_id(0) in result.sentence
    assert run_id(1) in result.sentence


def test_control_characters_of_a_run_do_not_reach_the_terminal(runs, compare):
    add_run(runs, 0, hyperparameters={"note": "a"}, metrics={})
    hostile = {"note": "\x1b[2J", "\x1b[2J\ud800": 1}
    add_run(runs, 1, hyperparameters=hostile, metrics={"\x1b[2J\ud800": 1})

    result = compare(0, 1)

    assert result.code == 0
    assert "\x1b" not in result.out
    assert result.out.count("?[2J?") == 2


@pytest.fixture
def page(edited, runs, compare, tmp_path):
    """The page of two runs that differ, with their curves."""
    for number, value in enumerate((0.5, None)):
        points = [[1, value], [2.5, number]]
        keep_curves(runs, number, {"loss": {"train": points, "validation": points}})
    file = tmp_path / "page.html"
    result = compare(0, 1, flags=["--html", file])
    assert result.code == 0, result.err
    return file.read_text()


def test_the_page_needs_nothing_else(page):
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    assert page.count("data:image/svg+xml;base64,") == 1


def test_the_page_has_the_whole_diff(page):
    assert page.count("LINE = ") >= 4
    assert '<span class="new">+LINE = 1393</span>' in page


def test_the_picture_names_each_run_s_curve(page):
    [content] = re.findall(r"base64,([^\"]+)", page)

    svg = base64.b64decode(content).decode()
    assert "A train" in svg


def test_a_hostile_run_is_only_text_on_the_page(runs, compare, tmp_path):
    add_run(runs, 0, hyperparameters={"<script>x</script>": 1})
    add_run(runs, 1)
    file = tmp_path / "page.html"

    compare(0, 1, flags=["--html", file])

    assert "<script" not in file.read_text()


def test_a_page_in_no_folder_is_refused(runs, compare, tmp_path):
    for number in (0, 1):
        add_run(runs, number)

    result = compare(0, 1, flags=["--html", tmp_path / "none/page.html"])

    assert result.code == 2
    assert "--html" in result.sentence


PROGRAM = """
import sys
from pipeline.__main__ import main
code = main(sys.argv[1:])
heavy = {"tensorflow", "tfx", "mlflow", "matplotlib", "pandas", "scipy", "pyarrow"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_a_comparison_imports_nothing_heavy(runs):
    for number in (0, 1):
        add_run(runs, number, metrics={"auc": number / 2})
        keep_curves(runs, number, {"loss": {"train": [[1, number]]}})
    arguments = ["runs", "compare", run_id(0), run_id(1), "--runs", str(runs)]

    command = [sys.executable, "-c", PROGRAM, *arguments]
    process = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)

    assert process.returncode == 0, process.stderr
