"""`runs prune` on the command line."""

import fcntl
import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from settings import REPOSITORY
from tests.pipeline.disk import mounted
from tests.pipeline.experiments.prune.old_runs import OldRuns, run_id


@pytest.fixture
def cab(tmp_path):
    return OldRuns(tmp_path / "runs")


@pytest.fixture
def prune(cab, cli):
    """Call the verb on folders that last changed in 2020."""

    def call(*arguments):
        long_ago = datetime(2020, 3, 1, tzinfo=UTC).timestamp()
        for folder in cab.root.glob("2*"):
            os.utime(folder, (long_ago, long_ago))
        return cli("runs", "prune", "--runs", cab.root, *arguments)

    return call


def test_without_yes_it_says_what_would_go_and_why_others_stay(cab, prune):
    run = cab.old(0)
    cab.old(1, tags=["keep"])
    cab.old(2)

    result = prune("--keep", "1")

    first, total, *spared, end = result.out.splitlines()
    name, size = first.split("\t")
    assert result.code == 0
    assert name == run
    assert size.endswith(" bytes")
    assert total == f"1 run would go, which frees {size}"
    assert spared == ["1 spared: tagged keep", "1 spared: newest"]
    assert end == "nothing is removed without --yes"
    assert (cab.root / run).exists()


def test_with_yes_it_removes_them(cab, prune):
    run = cab.old(0)
    cab.old(1)

    result = prune("--keep", "1", "--yes")

    assert result.code == 0
    assert "1 run went, which freed" in result.out
    assert not (cab.root / run).exists()


def test_twenty_are_spared_where_no_number_is_given(cab, prune):
    runs = [cab.old(number) for number in range(22)]

    document = json.loads(prune("--json").out)

    assert [each["run"] for each in document["runs"]] == runs[:2]


def test_json_names_each_run_with_its_reasons(cab, prune):
    run = cab.old(0)
    cab.old(1, tags=["keep"], blessed=1)
    cab.old(2)

    document = json.loads(prune("--keep", "1", "--json").out)

    [going] = document["runs"]
    assert document["removed"] is False
    assert going["run"] == run
    assert going["bytes"] == document["bytes"] > 0
    assert document["spared"] == [
        {"run": run_id(1), "reasons": ["tagged keep", "blessed"]},
        {"run": run_id(2), "reasons": ["newest"]},
    ]


def test_a_removal_that_stops_on_its_way_does_not_call_its_runs_spared(cab, prune):
    run = cab.old(0)
    last_run = cab.old(1)

    with mounted(cab.root / run / "mount"):
        result = prune("--keep", "1", "--yes", "--json")
        text = prune("--keep", "1").out

    document = json.loads(result.out)
    assert result.code == 1
    assert document["unfinished"] == [run]
    assert document["finished"] == []
    assert [each["run"] for each in document["spared"]] == [last_run]
    assert "a removal of 1 run has begun and is to be finished by --yes\n" in text


def test_no_younger_run_goes_whatever_is_asked(cab, cli):
    runs = [cab.old(number) for number in range(3)]  # whose folders changed just now

    cli("runs", "prune", "--runs", cab.root, "--keep", "1", "--yes")

    assert all((cab.root / run).exists() for run in runs)


def test_a_model_that_runs_now_fails_the_removal_after_the_others(cab, prune):
    cab.old(0)
    cab.old(1)
    bus = OldRuns(cab.root, "bus")
    bus_run = bus.old(0)
    bus.old(1)
    with (cab.store / ".lock").open("w") as lock:
        lock.write(str(os.getpid()))
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)

        look = prune("--keep", "1")
        removal = prune("--keep", "1", "--yes")

    assert look.code == 0
    assert "is running this model" in look.sentence
    assert removal.code == 1
    assert "is running this model" in removal.sentence
    assert not (cab.root / bus_run).exists()


@pytest.mark.parametrize("number", ["0", "-1"])
def test_a_number_below_one_is_refused(prune, number):
    result = prune(f"--keep={number}", "--yes")

    assert result.code == 2
    assert result.sentence.endswith(f"--keep is {number}, allowed are 1 and more")


def test_a_text_for_a_number_is_refused(prune):
    result = prune("--keep", "all")

    assert result.code == 2
    assert "invalid int value: 'all'" in result.sentence


def test_an_unknown_model_is_answered_with_the_nearest(cab, prune):
    cab.old(0)

    result = prune("--model", "cap", "--yes")

    assert result.code == 2
    assert result.sentence.endswith("--model is 'cap', which has no run here: the nearest are cab")


@pytest.mark.parametrize("flags", [(), ("--yes",)])
@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_without_a_run_it_says_so(cli, tmp_path, flags, folder):
    (tmp_path / "empty").mkdir()

    result = cli("runs", "prune", "--runs", tmp_path / folder, *flags)

    assert result.code == 0
    assert result.out == f"no run yet in {tmp_path / folder}\n"
    assert not (tmp_path / "missing").exists()


def test_neither_tensorflow_nor_tfx_nor_mlflow_is_imported(cab):
    heavy = "{'tensorflow', 'tfx', 'mlflow', 'pandas', 'matplotlib', 'ml_metadata'}"
    program = (
        "import sys; from pipeline.__main__ import main; "
        f"main(['runs', 'prune', '--runs', {str(cab.root)!r}]); "
        f"print(sorted({heavy} & set(sys.modules)), file=sys.stderr)"
    )
    variables = os.environ | {"ESTEIRA_ENVIRONMENT": "pipeline"}
    command = [sys.executable, "-c", program]

    process = subprocess.run(command, cwd=REPOSITORY, env=variables, capture_output=True, text=True)

    assert process.stderr == "[]\n"
