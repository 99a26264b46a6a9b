"""A run's files are kept by git, and what a person has there stays as it is."""

import contextlib
import os
import shutil
import subprocess
import tempfile

import pytest

from pipeline.errors import ConfigurationError
from pipeline.model.folder import ModelFolder
from pipeline.provenance import capture, kept_tree
from tests.pipeline.delivery.conftest import ISOLATED, Repository
from tests.pipeline.disk import mounted
from tests.team import MODELS

RUN = "20260101-000000-cab-abcdef"
REF = f"refs/esteira/runs/{RUN}"


@pytest.fixture
def keep(repository, model):
    return lambda: capture.code(repository.path, model, RUN)


@pytest.fixture
def edited(repository, model):
    """An edited, a removed, a new and an ignored file."""
    (repository.path / "models/cab/model.py").write_text("EDITED = 1\n")
    (repository.path / "README.md").unlink()
    (repository.path / "models/cab/new.py").write_text("NEW = 1\n")
    (repository.path / "a.secret").write_text("hidden\n")
    return repository


@contextlib.contextmanager
def bound(source, place):
    """Have `place` show the folder `source`; skipped where nothing can be mounted."""
    command = ["mount", "--bind", source, place]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@contextlib.contextmanager
def read_only(folder):
    with bound(folder, folder):
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield


def content(repository, place):
    return repository.git("show", f"{REF}:{place}")


def test_a_clean_checkout_needs_no_ref(repository, keep):
    facts = keep()

    assert facts.commit == repository.git("rev-parse", "HEAD")
    assert facts.tree == repository.git("rev-parse", "HEAD^{tree}")
    assert facts.kept is None
    assert repository.git("for-each-ref", "refs/esteira") == ""


def test_a_dirty_checkout_is_kept_as_it_is(edited, keep):
    facts = keep()

    assert facts.kept == REF
    assert facts.tree == edited.git("rev-parse", f"{REF}^{{tree}}")
    assert content(edited, "models/cab/model.py") == "EDITED = 1"
    assert content(edited, "models/cab/new.py") == "NEW = 1"
    names = edited.git("ls-tree", "-r", "--name-only", REF).splitlines()
    assert "README.md" not in names


def test_ignored_files_stay_out_and_untracked_ones_are_listed(edited, keep):
    facts = keep()

    names = edited.git("ls-tree", "-r", "--name-only", REF).splitlines()
    assert "a.secret" not in names
    assert facts.untracked_files == ["models/cab/new.py"]


def test_the_kept_commit_stands_on_the_checked_out_one(edited, keep):
    facts = keep()

    assert edited.git("rev-parse", f"{REF}^") == facts.commit


def test_the_person_s_index_stash_and_branch_stay(edited, keep):
    (edited.path / "pipeline/job/dag.py").write_text("STAGED = 1\n")
    edited.git("stash", "--include-untracked")
    edited.git("stash", "apply", "--index")
    edited.git("add", "pipeline/job/dag.py")
    index = edited.path / ".git/index"
    old_index, old_status = index.read_bytes(), edited.git("status", "--porcelain")
    old_head, old_stash = edited.git("rev-parse", "HEAD"), edited.git("stash", "list")

    keep()

    assert index.read_bytes() == old_index
    assert edited.git("status", "--porcelain") == old_status
    assert edited.git("rev-parse", "HEAD") == old_head
    assert edited.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert edited.git("stash", "list") == old_stash


def test_what_the_index_hides_is_kept_too(repository, keep):
    repository.git("update-index", "--assume-unchanged", "models/cab/model.py")
    (repository.path / "models/cab/model.py").write_text("HIDDEN = 1\n")

    keep()

    assert content(repository, "models/cab/model.py") == "HIDDEN = 1"


def test_no_hook_runs(edited, keep, tmp_path):
    hook = edited.path / ".git/hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)

    keep()

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("options", [(), ("--all",), ("--tags",), ("--all", "--follow-tags")])
def test_a_push_sends_no_kept_files(edited, keep, tmp_path, options):
    keep()
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "hub"], check=True)
    edited.git("remote", "add", "hub", str(tmp_path / "hub"))
    edited.git("config", "push.default", "current")
    edited.git("tag", "v1")

    edited.git("push", "--quiet", "hub", *options)

    assert "esteira" not in edited.git("ls-remote", "hub")


def test_too_large_files_are_refused_before_anything_is_kept(repository, keep, monkeypatch):
    monkeypatch.setattr(kept_tree, "LARGEST", 1000)
    (repository.path / "small.bin").write_bytes(b"x" * 600)
    (repository.path / "large.bin").write_bytes(b"x" * 700)

    with pytest.raises(ConfigurationError, match=r"the largest is large\.bin"):
        keep()

    assert repository.git("for-each-ref", "refs/esteira") == ""


def test_a_person_without_a_name_keeps_files_too(edited, keep, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert keep().kept == REF


def test_a_shallow_clone_keeps_files(edited, tmp_path, model):
    shallow = tmp_path / "shallow"
    url = edited.path.as_uri()
    subprocess.run(["git", "clone", "--quiet", "--depth=1", url, shallow], check=True)
    (shallow / "README.md").write_text("shallow\n")

    facts = capture.code(shallow, ModelFolder(shallow / "models/cab"), RUN)

    assert facts.kept == REF


def test_a_repository_without_a_commit_keeps_files(tmp_path, model):
    repository = Repository(tmp_path / "empty")
    (repository.path / "Pipfile.lock").write_text("first\n")

    folder = shutil.copytree(model.path, repository.path / "models/cab")

    facts = capture.code(repository.path, ModelFolder(folder), RUN)

    assert facts.commit == "unknown"
    assert facts.reason == f"{repository.path} has no commit yet"
    assert content(repository, "Pipfile.lock") == "first"


def test_a_repository_that_cannot_be_written_is_told(edited, keep):
    (edited.path / ".git/refs/esteira").write_text("a file in a folder's place")

    facts = keep()

    assert facts.kept is None
    assert "git update-ref failed" in facts.not_kept


def test_a_repository_that_is_read_only_is_told(edited, model):
    with read_only(edited.path):
        facts = capture.code(edited.path, model, RUN)

    assert facts.commit == edited.git("rev-parse", "HEAD")
    assert facts.kept is None
    assert "Read-only file system" in facts.not_kept


def test_a_full_disk_is_told(edited, keep, tmp_path):
    with mounted(tmp_path / "disk", "size=2m") as disk:
        shutil.copytree(edited.path / ".git/objects", disk, dirs_exist_ok=True)
        with contextlib.suppress(OSError):
            (disk / "filler").write_bytes(b"x" * 10**7)
        with bound(disk, edited.path / ".git/objects"):
            facts = keep()

    assert facts.kept is None
    assert "No space left on device" in facts.not_kept


def test_no_temporary_folder_is_told(edited, keep, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/proc/none")

    facts = keep()

    assert facts.kept is None
    assert "no temporary folder can be made" in facts.not_kept


def test_the_files_of_a_repository_inside_are_said_to_lack(repository, keep):
    inner = Repository(repository.path / "models/inner")
    inner.commit({"model.py": "INNER = 1\n"})

    facts = keep()

    assert facts.kept == REF
    assert facts.not_kept == "git keeps no files of a repository inside another: models/inner"


def test_a_submodule_without_a_folder_is_none(repository, keep):
    inner = Repository(repository.path / "models/inner")
    inner.commit({"model.py": "INNER = 1\n"})
    (repository.path / ".gitmodules").write_text('[submodule "inner"]\n\tpath\n')

    assert keep().not_kept.endswith("inside another: models/inner")


@pytest.mark.parametrize(("edit", "expected"), [("INNER = 1\n", None), ("EDITED = 1\n", "shared")])
def test_a_submodule_lacks_what_is_edited_in_it(repository, keep, tmp_path, edit, expected):
    shared = Repository(tmp_path / "shared")
    shared.commit({"shared.py": "INNER = 1\n"})
    add = ("submodule", "--quiet", "add", str(shared.path), "shared")
    repository.git("-c", "protocol.file.allow=always", *add)
    repository.git("commit", "--quiet", "--message", "Add shared")
    (repository.path / "shared/shared.py").write_text(edit)

    facts = keep()

    sentence = f"git keeps no files of a repository inside another: {expected}"
    assert facts.not_kept == (sentence if expected else None)


def test_a_filter_that_is_not_installed_is_told(edited, keep):
    (edited.path / ".gitattributes").write_text("*.py filter=lfs\n")
    edited.git("config", "filter.lfs.clean", "no-such-program")
    edited.git("config", "filter.lfs.required", "true")

    facts = keep()

    assert facts.commit == edited.git("rev-parse", "HEAD")
    assert facts.kept is None
    assert "no-such-program" in facts.not_kept


def test_two_runs_keep_two_trees(edited, model):
    first = capture.code(edited.path, model, "first")
    (edited.path / "models/cab/new.py").write_text("LATER = 1\n")

    second = capture.code(edited.path, model, "second")

    assert first.tree != second.tree
    assert edited.git("show", "refs/esteira/runs/first:models/cab/new.py") == "NEW = 1"
    assert edited.git("show", "refs/esteira/runs/second:models/cab/new.py") == "LATER = 1"


def test_a_model_outside_of_the_repository_is_not_kept(edited, model, tmp_path):
    folder = shutil.copytree(MODELS / "cab", tmp_path / "elsewhere/cab")

    facts = capture.code(edited.path, ModelFolder(folder), RUN)

    assert facts.kept is None
    assert "lies outside of" in facts.not_kept
    assert edited.git("for-each-ref", "refs/esteira") == ""


def test_the_author_is_no_person(edited, keep):
    keep()

    environment = os.environ | ISOLATED
    command = ["git", "-C", edited.path, "log", "-1", "--format=%an <%ae>", REF]
    process = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert process.stdout.strip() == "Esteira <esteira@localhost>"
