"""A run that is refused before its first node leaves no ref behind."""

import pytest

from pipeline.errors import RunError
from pipeline.local import runs
from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import copy_small
from tests.pipeline.delivery.conftest import Repository


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A checkout with a model and an edit that no commit holds."""
    repository = Repository(tmp_path / "repository")
    copy_small("cab", repository.path / "models")
    repository.commit({"Pipfile.lock": "{}\n", ".gitignore": "/runs/\n"})
    (repository.path / "Pipfile.lock").write_text("edited\n")
    monkeypatch.setattr(runs, "REPOSITORY", repository.path)
    return repository


def refused(repository, place):
    folder = ModelFolder(repository.path / "models/cab")
    with pytest.raises(RunError) as refusal:
        runs.run(folder, place, tracker=None)
    return str(refusal.value)


def test_rows_that_are_missing_leave_no_ref(repository):
    (repository.path / "models/cab/rows.csv").unlink()

    sentence = refused(repository, repository.path / "runs")

    assert "rows.csv: there is no such file" in sentence
    assert repository.git("for-each-ref", "refs/esteira") == ""


def test_a_log_that_cannot_be_made_leaves_no_ref(repository, monkeypatch):
    monkeypatch.setattr(runs, "new_run_id", lambda _: "20260101-000000-cab-abcdef")
    place = repository.path / "runs"
    place.mkdir()
    (place / "20260101-000000-cab-abcdef").write_text("a file in a folder's place")

    refused(repository, place)

    assert repository.git("for-each-ref", "refs/esteira") == ""
