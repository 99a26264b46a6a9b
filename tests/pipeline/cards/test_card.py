import json
import shutil

import pytest


@pytest.fixture
def runs(trained, tmp_path):
    """What the shared training left, to be changed."""
    return shutil.copytree(trained.runs, tmp_path / "runs", symlinks=True)


@pytest.fixture
def card_file(trained, runs):
    """The card of the shared training's run."""
    run_folder = runs / trained.summary["run"]
    return run_folder / "card/card.json"


@pytest.fixture
def card(card_file):
    return json.loads(card_file.read_text())


@pytest.fixture
def drawn(trained, runs, cab, cli):
    """Draw the run's card again."""
    run = trained.summary["run"]
    return lambda *options: cli("card", cab, "--runs", runs, "--run", run, *options)


def test_a_run_leaves_its_card_with_its_own_figures(trained, card):
    recorded_metrics = trained.summary["metrics"]
    recorded_data = trained.summary["records"]["data"]

    figures = {metric["name"]: metric["value"] for metric in card["metrics"]}
    rows = {"example_count": card["rows"]["all"]}
    assert figures | rows == recorded_metrics
    assert card["data"]["digest"] == recorded_data["digest"]


def test_an_interval_holds_its_figure(card):
    [auc] = [metric for metric in card["metrics"] if metric["name"] == "auc"]
    assert auc["low"] < auc["value"] < auc["high"]


def test_a_published_version_has_its_card_beside_it(trained):
    [version] = [path for path in trained.published.iterdir() if path.name.isdigit()]

    folder = trained.runs / "store/cab/cards" / version.name
    names = {path.name for path in folder.iterdir()}
    assert names == {"README.md", "card.html", "card.json", "model.cdx.json"}


def test_the_verb_writes_the_newest_version_s_card(trained, runs, cab, cli, tmp_path):
    (cab / "card.md").write_text("Written later.")

    result = cli("card", cab, "--runs", runs, "--output", tmp_path / "out", "--json")

    assert result.code == 0, result.err
    answer = json.loads(result.out)
    assert answer["run"] == trained.summary["run"]
    readme = tmp_path / "out/README.md"
    assert readme.read_text().endswith("Written later.")


def test_an_unknown_run_is_refused_with_those_that_there_are(trained, runs, cab, cli):
    result = cli("card", cab, "--runs", runs, "--run", "nosuch")

    assert result.code == 2
    assert "--run is 'nosuch', which left no card of cab" in result.sentence
    assert "the newest that did are 20" in result.sentence


@pytest.mark.parametrize("option", ["--run", "--env"])
def test_an_empty_name_is_refused(cab, runs, cli, option):
    result = cli("card", cab, "--runs", runs, option, "")

    assert result.code == 2
    assert f"{option} is ''" in result.sentence


def test_a_run_of_another_model_is_refused(drawn, card_file, card):
    card_file.write_text(json.dumps({**card, "model": "ferry"}))

    result = drawn()

    assert result.code == 2
    assert "which made ferry: allowed is a run of cab" in result.sentence


def test_a_readme_that_is_no_card_s_is_kept(drawn, tmp_path):
    folder = tmp_path / "checkout"
    folder.mkdir()
    readme = folder / "README.md"
    readme.write_text("Of the project.")

    result = drawn("--output", folder)

    assert result.code == 2
    assert "whose README.md is no card's" in result.sentence
    assert readme.read_text() == "Of the project."


def test_a_card_is_written_again_over_itself(drawn, tmp_path):
    drawn("--output", tmp_path / "out")

    result = drawn("--output", tmp_path / "out")

    assert result.code == 0, result.err


def test_a_damaged_card_is_named(drawn, card_file):
    text = card_file.read_text()
    card_file.write_text(text[:100])

    result = drawn()

    assert result.code == 1
    assert "card.json is no card" in result.sentence


def test_a_newer_card_is_named(drawn, card_file, card):
    card_file.write_text(json.dumps({**card, "version": 2}))

    result = drawn()

    assert result.code == 1
    assert "is of version 2, allowed is 1" in result.sentence


def test_a_run_and_a_stage_exclude_each_other(drawn):
    result = drawn("--env", "nosuch")

    assert result.code == 2
    assert "--run and --env exclude each other" in result.sentence


def test_a_model_that_was_never_published_has_none(cab, cli, tmp_path):
    result = cli("card", cab, "--runs", tmp_path / "none")

    assert result.code == 1
    assert "there is no published version of cab" in result.sentence


def test_wrong_words_of_the_owner_are_refused_before_anything_runs(cab, cli, tmp_path):
    (cab / "card.md").write_text("---\nlicence: mit\n---\n")

    result = cli("run", cab, "--runs", tmp_path / "runs")

    assert result.code == 2
    assert "the key 'licence' is unknown" in result.sentence
