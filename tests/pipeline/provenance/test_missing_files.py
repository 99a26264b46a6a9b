"""A file that trains and that git has not is told, and keeps the commit from claiming the model."""

import shutil

import pytest

from pipeline.model.folder import ModelFolder
from pipeline.provenance import capture, dependencies
from tests.team import MODELS

RUN = "20260101-000000-cab-abcdef"
LACK = "git ignores files that train, or has a link in their place: "


@pytest.fixture
def keep(repository, model):
    return lambda: capture.code(repository.path, model, RUN)


def test_an_ignored_file_that_trains_is_said_to_lack(repository, keep):
    (repository.path / "models/cab/words.secret").write_text("a\n")
    (repository.path / "pipeline/job/keys.secret").write_text("b\n")

    facts = keep()

    assert facts.not_kept == f"{LACK}models/cab/words.secret, pipeline/job/keys.secret"


def test_many_ignored_files_are_counted(repository, keep):
    for number in range(22):
        (repository.path / f"models/cab/{number:02}.secret").write_text("a\n")

    facts = keep()

    assert facts.not_kept.endswith("models/cab/19.secret and 2 more")


def test_a_dirty_checkout_lacks_an_ignored_file_too(repository, keep):
    (repository.path / "README.md").write_text("edited\n")
    (repository.path / "models/cab/words.secret").write_text("a\n")

    facts = keep()

    assert facts.kept == f"refs/esteira/runs/{RUN}"
    assert facts.not_kept == f"{LACK}models/cab/words.secret"


def test_a_model_in_an_ignored_folder_lacks_all_its_files(repository):
    folder = shutil.copytree(MODELS / "cab", repository.path / "runs/cab")

    facts = capture.code(repository.path, ModelFolder(folder), RUN)

    assert facts.not_kept.startswith(LACK)
    assert "runs/cab/model.py" in facts.not_kept


def test_ignored_rows_are_named_by_their_digest_alone(repository, model, keep):
    place = model.source.relative_to(repository.path)
    repository.git("rm", "--quiet", "--cached", str(place))
    repository.commit({".gitignore": f"{place}\n"})

    assert keep().not_kept is None


@pytest.mark.parametrize("is_folder", [False, True], ids=["file", "folder"])
def test_a_link_that_leads_out_of_the_repository_is_said_to_lack(
    repository, keep, tmp_path, is_folder
):
    (tmp_path / "words").mkdir()
    (tmp_path / "words/list.txt").write_text("a\n")
    target = tmp_path / "words" if is_folder else tmp_path / "words/list.txt"
    (repository.path / "models/cab/words").symlink_to(target)

    facts = keep()

    assert facts.not_kept == f"{LACK}models/cab/words"


@pytest.mark.parametrize("target", ["README.md", "pipeline/job"], ids=["file", "folder"])
def test_a_link_inside_the_repository_lacks_nothing(repository, keep, target):
    (repository.path / "models/cab/words").symlink_to(repository.path / target)

    assert keep().not_kept is None


def test_a_clean_checkout_s_statement_names_the_files_where_one_is_ignored(repository, keep):
    (repository.path / "models/cab/words.secret").write_text("a\n")

    descriptors = dependencies.of_code(keep(), capture.environment())

    names = [descriptor["name"] for descriptor in descriptors]
    assert "models/cab/words.secret" in names
    assert "models/cab/model.py" in names
