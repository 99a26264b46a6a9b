"""A run is made again from what it was made of; nothing stays, and what is gone is named.

The model is trained from files that no commit holds, then taken from the cache. Changed files, a
changed row and a changed flag make a third run.
"""

import json
import signal
import time

import pytest

PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def dirty(scratch):
    """The summary of a run from a checkout that differs from its commit."""
    with (scratch.path / "models/cab/model.py").open("a") as module:
        module.write("\n# an edit that no commit has\n")
    return scratch.train()


@pytest.fixture(scope="module")
def cached(scratch, dirty):
    """The summary of a run that took all of it from the cache, from edited files."""
    return scratch.train()


@pytest.fixture(scope="module")
def made(scratch, cached):
    """The cached run made again, with all that was there before and is there after it."""
    before = scratch.traces()
    process = scratch.call("reproduce", cached["run"], "--json")
    assert process.returncode in (0, 3), process.stderr[-3000:]
    return process, before, scratch.traces()


def test_a_cached_run_of_a_dirty_tree_is_bit_equal_when_it_is_made_again(made):
    process, _, _ = made

    document = json.loads(process.stdout)
    stages = {stage["name"]: stage["verdict"] for stage in document["stages"]}
    assert set(stages.values()) == {"bit-equal"}
    assert document["verdict"] == "bit-equal"
    assert process.returncode == 0


def test_it_is_made_of_the_files_of_the_run_that_trained(made, dirty):
    process, _, _ = made

    document = json.loads(process.stdout)
    assert document["code"] == f"refs/esteira/runs/{dirty['run']}"
    assert f"{dirty['run']} had trained it" in document["notes"][-1]


def test_its_progress_is_told_meanwhile(made):
    process, _, _ = made

    assert "Trainer ..." in process.stderr


def test_nothing_of_it_stays(made):
    _, before, after = made

    assert after == before


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_nothing_of_a_stopped_one_stays(scratch, made, sign):
    before = scratch.traces()
    process = scratch.start("reproduce", "cab")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not list(scratch.path.parent.glob("temporary/repro*/runs/store")):
        assert time.monotonic() < deadline, "it has not begun"
        time.sleep(0.1)

    process.send_signal(sign)
    process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode != 0
    assert scratch.traces() == before


@pytest.fixture(scope="module")
def changed(scratch, made):
    """The verdict on a run with one row, one line and one flag changed; they stay as they are."""
    cached = made[0]
    run = json.loads(cached.stdout)["run"]
    rows = scratch.path / "models/cab/rows.csv"
    module = scratch.path / "models/cab/preprocessing.py"
    originals = {file: file.read_text() for file in (rows, module)}
    header, first, *others = originals[rows].splitlines()
    values = first.split(",")
    column = header.split(",").index("fare")
    values[column] = "77.25"
    rows.write_text("\n".join([header, ",".join(values), *others]) + "\n")
    module.write_text(originals[module].replace("tf.math.log1p", "tf.math.sqrt"))
    summary = scratch.train(TF_ENABLE_ONEDNN_OPTS="0")
    for file, content in originals.items():
        file.write_text(content)
    process = scratch.call("reproduce", run, "--against", summary["run"], "--json")
    assert process.returncode == 3, process.stderr
    return json.loads(process.stdout)


def difference(document, name):
    [stage] = [stage for stage in document["stages"] if stage["name"] == name]
    assert stage["verdict"] == "different"
    return stage["difference"]


def test_a_changed_row_is_named(changed):
    assert "fare was" in difference(changed, "rows")
    assert "77.25" in difference(changed, "rows")
    assert changed["first_difference"] == "rows"


def test_a_changed_line_is_told_by_the_graph(changed):
    assert "graph" in difference(changed, "transform") or "variable" in difference(
        changed, "transform"
    )


def test_a_changed_flag_is_named(changed):
    [note] = [note for note in changed["notes"] if "flags" in note]

    assert note == "another environment: flags was {}, is {'TF_ENABLE_ONEDNN_OPTS': '0'}"


def test_all_that_is_gone_is_named_at_once_and_soon(scratch, made, dirty):
    rows = scratch.path / "models/cab/rows.csv"
    ref = f"refs/esteira/runs/{dirty['run']}"
    commit = scratch.repository.git("rev-parse", ref)
    model = scratch.oldest_model()
    content = rows.read_text()
    aside = model.with_name("aside")
    scratch.repository.git("update-ref", "-d", ref)
    rows.write_text(content + content.splitlines()[-1] + "\n")
    model.rename(aside)

    start = time.monotonic()
    process = scratch.call("reproduce", dirty["run"])
    seconds = time.monotonic() - start

    aside.rename(model)
    rows.write_text(content)
    scratch.repository.git("update-ref", ref, commit)
    assert process.returncode == 1
    [sentence] = process.stderr.strip().splitlines()
    assert f"{ref} is not in" in sentence
    assert f"the data {rows} has changed" in sentence
    assert f"the Trainer's {model} is gone" in sentence
    assert seconds < 3  # an idle machine takes one


def test_an_unknown_name_is_wrong_usage(scratch, made):
    process = scratch.call("reproduce", "cob")

    assert process.returncode == 2
    assert "there is no run 'cob'" in process.stderr


def test_an_ambiguous_name_is_wrong_usage_that_names_all(scratch, made, dirty, cached):
    process = scratch.call("reproduce", dirty["run"][:4])

    assert process.returncode == 2
    assert dirty["run"] in process.stderr
    assert cached["run"] in process.stderr
