"""A model is the same to git's tree, to the file system and to a path: plain files, or refused."""

import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.delivery import git
from pipeline.errors import ConfigurationError
from pipeline.model.folder import ModelFolder
from settings import REPOSITORY, Settings, SettingsError, model_names, models
from tests.models import conftest
from tests.scratch_git import run_git
from tests.team import MODELS

LINK = "models/van is a link, allowed are plain files and folders"


@pytest.fixture
def clone(tmp_path):
    """A git repository with one model, cab."""
    shutil.copytree(MODELS / "cab", tmp_path / "models/cab")
    run_git(tmp_path, "init", "--quiet")
    return tmp_path


def commit(clone):
    run_git(clone, "add", "--all")
    run_git(clone, "commit", "--quiet", "--allow-empty", "--message=change")


def refusals(clone):
    """The sentence of each reader of the clone's models, by reader."""
    commit(clone)
    with pytest.raises(models.ModelError) as of_folder:
        model_names(clone / "models")
    with pytest.raises(ConfigurationError) as of_commit:
        git.models(clone, "HEAD")
    return str(of_folder.value), str(of_commit.value)


def link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("models/van", "cab"),
        ("models/van", "nowhere"),
        ("models/cab/model.toml", "../other.toml"),
        ("models/cab/preprocessing.py", "../../common.py"),
        ("models/cab/query.sql", "/dev/null"),
        ("models/cab/hyperparameters", "../cab"),
        ("models/cab/hyperparameters/best.json", "../model.toml"),
        ("models", "elsewhere"),
    ],
)
def test_a_link_is_refused_alike_by_folder_and_commit(clone, path, target):
    link(clone / path, target)

    of_folder, of_commit = refusals(clone)

    assert of_folder.startswith(f"{path} is a link, allowed are plain files and folders")
    assert of_commit == of_folder


@pytest.mark.parametrize("is_fetched", [True, False])
def test_a_submodule_is_refused_alike_fetched_or_not(clone, tmp_path_factory, is_fetched):
    van = tmp_path_factory.mktemp("van")
    shutil.copytree(MODELS / "cab", van, dirs_exist_ok=True)
    run_git(van, "init", "--quiet")
    commit(van)
    allowed = ("-c", "protocol.file.allow=always")
    run_git(clone, *allowed, "submodule", "--quiet", "add", str(van), "models/van")
    if not is_fetched:
        shutil.rmtree(clone / "models/van")
        (clone / "models/van").mkdir()

    of_folder, of_commit = refusals(clone)

    assert of_folder.startswith("models/van is a submodule, allowed are plain files and folders")
    assert of_commit == of_folder


@pytest.mark.parametrize(
    "path", ["models/cab/rows.csv", "models/notes/query.sql", "models/cab/.#model.toml"]
)
def test_a_link_that_is_no_file_of_a_model_is_nobody_s_business(clone, path):
    link(clone / path, "elsewhere")
    commit(clone)

    assert model_names(clone / "models") == ["cab"]
    assert git.models(clone, "HEAD") == {"cab"}


def test_a_folder_named_model_toml_makes_no_model(clone):
    folder = clone / "models/van/model.toml"
    folder.mkdir(parents=True)
    (folder / "file").touch()
    commit(clone)

    assert model_names(clone / "models") == ["cab"]
    assert git.models(clone, "HEAD") == {"cab"}


def test_a_folder_without_models_has_none(tmp_path):
    assert model_names(tmp_path / "models") == []


@pytest.mark.parametrize("path", ["", "model.py", "hyperparameters/best.json"])
def test_a_model_that_is_named_by_its_path_is_refused_for_a_link_too(tmp_path, path):
    folder = tmp_path / "cab"
    shutil.copytree(MODELS / "cab", tmp_path / "plain")
    shutil.copytree(MODELS / "cab", folder)
    link(folder / path, tmp_path / "plain" / path)

    with pytest.raises(ConfigurationError) as error:
        ModelFolder.load(str(folder))

    assert f"{folder / path} is a link" in str(error.value)


def test_a_model_in_a_repository_of_its_own_is_trained_by_its_path(clone):
    folder = clone / "models/cab"
    run_git(folder, "init", "--quiet")

    model = ModelFolder.load(str(folder))

    assert model.name == "cab"


def test_a_path_whose_parents_are_links_is_the_folder_s_own(clone, tmp_path_factory):
    place = tmp_path_factory.mktemp("place") / "linked"
    place.symlink_to(clone)

    model = ModelFolder.load(f"{place}/models/cab")

    assert model.path == clone / "models/cab"


def test_a_stage_is_refused_for_a_link_among_the_models(clone, monkeypatch):
    from environments import ENVIRONMENTS

    link(clone / "models/van", "cab")
    monkeypatch.setattr("settings.model_names", lambda: model_names(clone / "models"))
    dev = ENVIRONMENTS["dev"]

    with pytest.raises(SettingsError, match=LINK):
        Settings(**vars(dev))


def test_route_and_compile_tell_it_in_one_sentence_and_exit_2(clone):
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("pipeline", "settings"):
        shutil.copytree(REPOSITORY / name, clone / name, ignore=ignored)
    shutil.copy(MODELS.parent / "environments.py", clone)
    link(clone / "models/van", "cab")
    commit(clone)

    for verb in (("route",), ("run", "cab"), ("compile", "cab", "--env", "dev")):
        process = verb_of(clone, *verb)
        [line] = process.stderr.strip().splitlines()
        assert process.returncode == 2
        assert LINK in line


def test_the_contract_tells_it_in_one_sentence(clone, monkeypatch):
    link(clone / "models/van", "cab")
    monkeypatch.setattr(conftest, "TEAMS", clone / "models")

    with pytest.raises(pytest.UsageError, match=LINK):
        conftest.chosen_models("all")


def verb_of(clone, *arguments):
    command = [sys.executable, "-m", "pipeline", *arguments]
    variables = {**os.environ, "PYTHONPATH": str(clone), "ESTEIRA_ENVIRONMENT": "pipeline"}
    return subprocess.run(command, cwd=clone, env=variables, capture_output=True, text=True)


FOLDERS = st.sampled_from(["cab", "van", "notes"])
PLACES = st.sampled_from([*models.PLACES, "rows.csv", "README.md"])
TARGETS = st.sampled_from([None, "nowhere", "../van", ".", "/dev/null"])
TREES = st.dictionaries(st.tuples(FOLDERS, PLACES), TARGETS, max_size=8)


@settings(max_examples=25)
@given(tree=TREES)
def test_folder_and_commit_agree_on_any_tree(tree, tmp_path_factory):
    place = tmp_path_factory.mktemp("tree")
    run_git(place, "init", "--quiet")
    for (folder, name), target in tree.items():
        plant(place / "models" / folder / name, target)
    commit(place)

    of_folder = judged(lambda: set(model_names(place / "models")))
    of_commit = judged(lambda: set(git.models(place, "HEAD")))
    assert of_folder == of_commit


def plant(path, target):
    """A file, or a link to the target, where nothing lies yet."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if target is None:
            path.write_text("x")
        else:
            path.symlink_to(target)
    except OSError:
        return


def judged(names):
    try:
        return names()
    except (models.ModelError, ConfigurationError) as error:
        return str(error)
