"""What a run is made of is captured before its first node, and looked at again after its last."""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.provenance import capture

RUN = "20260101-000000-cab-abcdef"


def unreadable(file):
    """A file whose content is refused to every account, root's too."""
    file.symlink_to("/proc/self/mem")


@pytest.fixture
def code(repository, model):
    return capture.code(repository.path, model, RUN)


@pytest.fixture
def changes(repository, model, code):
    return lambda: capture.changes(repository.path, code, model)


def test_the_files_that_train_are_named_by_their_content(repository, code):
    content = (repository.path / "models/cab/model.py").read_bytes()

    assert code.files["models/cab/model.py"] == hashlib.sha256(content).hexdigest()


def test_files_that_train_nothing_are_not_among_them(code):
    assert "pipeline/job/dag.py" in code.files
    assert "Pipfile.lock" in code.files
    assert "pipeline/cli/run.py" not in code.files
    assert "README.md" not in code.files


def test_an_untouched_checkout_has_no_change(changes):
    assert changes() == []


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("models/cab/model.py", ["models/cab/model.py"]),
        ("models/cab/new.py", ["models/cab/new.py"]),
        ("pipeline/job/dag.py", ["pipeline/job/dag.py"]),
        ("README.md", []),
        ("models/cab/card.md", []),
    ],
)
def test_an_edit_during_the_run_is_named_if_it_trains(repository, changes, place, expected):
    (repository.path / place).write_text("LATER = 1\n")

    assert changes() == expected


def test_a_commit_during_the_run_is_named(repository, changes):
    commit = repository.commit({"README.md": "later"})

    assert changes() == [f"the commit, now {commit}"]


def test_a_switched_branch_is_named(repository, changes):
    repository.git("checkout", "--quiet", "-b", "other")
    commit = repository.commit({"models/cab/model.py": "OTHER = 1\n"})

    assert changes() == ["models/cab/model.py", f"the commit, now {commit}"]


def test_a_removed_file_is_named(repository, changes):
    (repository.path / "pipeline/job/dag.py").unlink()

    assert changes() == ["pipeline/job/dag.py"]


def test_line_ends_of_a_clone_are_no_change(repository, changes):
    file = repository.path / "pipeline/job/dag.py"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    assert changes() == []


def test_a_file_that_cannot_be_read_is_refused(repository, model):
    unreadable(repository.path / "models/cab/notes.txt")

    with pytest.raises(ConfigurationError, match=r"models/cab/notes\.txt: it can't be read"):
        capture.code(repository.path, model, RUN)


def test_a_file_that_can_no_longer_be_read_is_a_change(repository, changes):
    unreadable(repository.path / "models/cab/notes.txt")

    [sentence] = changes()
    assert "models/cab/notes.txt: it can't be read" in sentence


def test_a_zip_without_git_says_so_and_has_its_files(model, tmp_path):
    (tmp_path / "zip/pipeline/job").mkdir(parents=True)
    (tmp_path / "zip/pipeline/job/dag.py").write_text("DAG = 1\n")
    (tmp_path / "zip/Pipfile.lock").write_text("{}\n")

    facts = capture.code(tmp_path / "zip", model, RUN)

    assert facts.commit == "unknown"
    assert "git rev-parse failed" in facts.reason
    assert "pipeline/job/dag.py" in facts.files


def test_a_zip_inside_another_repository_is_not_that_one_s(repository, model):
    unpacked = repository.path / "unpacked"
    unpacked.mkdir()
    (unpacked / "Pipfile.lock").write_text("{}\n")

    facts = capture.code(unpacked, model, RUN)

    assert facts.commit == "unknown"
    assert "whose commit does not hold it" in facts.reason
    assert repository.git("for-each-ref", "refs/esteira") == ""


def test_a_machine_without_git_says_so(repository, model, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    facts = capture.code(repository.path, model, RUN)

    assert facts.commit == "unknown"
    assert "there is no git on this machine" in facts.reason


def test_a_configuration_of_git_hides_no_file(repository, model):
    (repository.path / "new").write_text("x")
    repository.git("config", "status.showUntrackedFiles", "no")

    facts = capture.code(repository.path, model, RUN)

    assert facts.changed_files == ["new"]


def test_a_name_that_is_not_utf_8_is_one_that_a_document_takes(repository, model):
    for place in ("", "models/cab/"):
        file = os.fsencode(repository.path / place) + b"/caf\xe9.py"
        Path(os.fsdecode(file)).write_text("x = 1\n", encoding="utf-8")

    facts = capture.code(repository.path, model, RUN)

    text = json.dumps(asdict(facts), ensure_ascii=False)
    names = [r"caf\udce9.py", r"models/cab/caf\udce9.py"]
    assert text.encode()
    assert facts.untracked_files == names
    assert facts.changed_files == names
    assert names[1] in facts.files


def test_files_of_which_git_says_nothing_are_unknown(repository, model):
    repository.git("config", "status.submoduleSummary", "maybe")

    facts = capture.code(repository.path, model, RUN)

    assert facts.commit == repository.git("rev-parse", "HEAD")
    assert facts.changed_files is None
    assert "git status failed" in facts.not_kept


def test_files_without_git_are_unknown(model, tmp_path):
    (tmp_path / "Pipfile.lock").write_text("{}\n")

    facts = capture.code(tmp_path, model, RUN)

    assert facts.changed_files is None
    assert facts.untracked_files is None


def test_a_name_that_is_no_utf_8_is_escaped_wherever_it_is_told(repository, model):
    name = os.fsdecode(b"u\xff.py")
    (repository.path / ".gitignore").write_text("ignored*\n")
    (model.path / name).touch()
    (model.path / f"ignored-{name}").touch()

    facts = capture.code(repository.path, model, RUN)

    escaped_name = "models/cab/u\\udcff.py"
    assert facts.untracked_files == [escaped_name]
    assert escaped_name in facts.changed_files
    assert escaped_name in facts.files
    assert "models/cab/ignored-u\\udcff.py" in facts.not_kept
    assert json.dumps(asdict(facts), ensure_ascii=False).encode()


def test_a_delivered_commit_has_no_changed_file(repository, model):
    commit = repository.git("rev-parse", "HEAD")

    facts = capture.of_commit(repository.path, commit, model)

    assert facts.changed_files == []


def test_the_environment_names_the_packages_that_train():
    environment = capture.environment()

    assert environment.packages["tfx"]
    assert environment.packages["tensorflow-transform"]
    assert len(environment.pipfile_lock_sha256) == 64
    assert environment.image is None
