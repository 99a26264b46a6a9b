"""Git answers for the folder that was asked about, whatever a hook or a machine says."""

import os
import shutil
import subprocess
import sys

import pytest

from pipeline.delivery import git, git_process
from pipeline.errors import RunError
from settings import REPOSITORY
from tests.pipeline.delivery.conftest import Repository
from tests.scripts import loaded

NOBODY = 65534


@pytest.fixture
def other(tmp_path):
    repository = Repository(tmp_path / "other")
    repository.commit({"models/van/model.toml": "other"})
    return repository


@pytest.fixture
def unpacked(other):
    """A folder as a ZIP leaves it, inside another repository."""
    folder = other.path / "unpacked"
    folder.mkdir()
    (folder / "file").write_text("x")
    return folder


def test_the_variables_of_a_hook_point_nowhere_else(repository, first, other, monkeypatch):
    variables = {
        "GIT_DIR": other.path / ".git",
        "GIT_WORK_TREE": other.path,
        "GIT_INDEX_FILE": other.path / ".git/index",
        "GIT_OBJECT_DIRECTORY": other.path / ".git/objects",
        "GIT_COMMON_DIR": other.path / ".git",
        "GIT_NAMESPACE": "x",
        "GIT_PREFIX": "models/",
        "GIT_CEILING_DIRECTORIES": other.path,
        "GIT_CONFIG_PARAMETERS": "'core.bare'='true'",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))

    head = git.commit(repository.path, "HEAD")
    models = git.models(repository.path, first)
    changed_files = git.uncommitted(repository.path)

    assert head == first
    assert models == {"cab"}
    assert changed_files == []


def test_a_real_hook_routes_its_own_clone(repository, first, other, tmp_path):
    """The hook of one repository asks about another one."""
    program = (
        "from pathlib import Path; from pipeline.delivery import git; "
        f"print(git.commit(Path({str(repository.path)!r}), 'HEAD'))"
    )
    answer = tmp_path / "answer"
    hook = other.path / ".git/hooks/pre-commit"
    command = f'PYTHONPATH={REPOSITORY} {sys.executable} -c "{program}"'
    hook.write_text(f"#!/bin/sh\n{command} >{answer}\n")
    hook.chmod(0o755)

    other.commit({"file": "x"})

    assert answer.read_text().strip() == first


def test_where_git_s_configuration_lies_is_kept(repository, first, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "team.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "mill")

    name = git_process.answer(repository.path, "config", "team.name")

    assert name == "mill\n"


def test_an_unpacked_folder_takes_no_commit_of_the_repository_around_it(unpacked, other):
    with pytest.raises(RunError) as error:
        git.commit(unpacked, "HEAD")

    assert str(error.value) == (
        f"{unpacked} is no git checkout: it lies in the repository {other.path}, "
        "whose commit does not hold it"
    )


def test_a_folder_that_a_repository_holds_takes_its_commit(unpacked, other):
    head = other.commit({})

    assert git.commit(unpacked, "HEAD") == head


def test_what_another_account_owns_is_said_with_the_way_out(repository, first, monkeypatch):
    if os.geteuid() != 0:
        pytest.skip("root alone gives files away")
    for path in [repository.path, *repository.path.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.delenv("SUDO_UID", raising=False)

    with pytest.raises(RunError) as error:
        git.commit(repository.path, "HEAD")

    assert "another account owns (dubious ownership)" in str(error.value)
    assert f"`git config --global --add safe.directory {repository.path}`" in str(error.value)


def test_an_image_of_an_unpacked_folder_has_an_unknown_commit(unpacked, monkeypatch, capsys):
    script = loaded("image")
    monkeypatch.setattr(script, "REPOSITORY", unpacked)

    commit = script.commit()

    assert commit == "unknown"
    assert "whose commit does not hold it" in capsys.readouterr().err


def test_an_image_is_labelled_with_the_commit(repository, first, monkeypatch):
    script = loaded("image")
    monkeypatch.setattr(script, "REPOSITORY", repository.path)

    assert script.commit() == first


def test_a_replaced_commit_is_the_one_that_github_has(repository, first):
    second = repository.commit({"models/cab/model.py": "better"})
    repository.git("replace", second, first)

    changes = git.changes(repository.path, first, second)

    assert [change.path for change in changes] == ["models/cab/model.py"]


def test_a_question_takes_no_lock(repository, first):
    lock = repository.path / ".git/index.lock"
    lock.touch()
    (repository.path / "README.md").write_text("edited")

    assert git.uncommitted(repository.path) == ["README.md"]


def test_a_clone_of_a_clone_answers(repository, first, tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", repository.path, clone], check=True)
    tree = tmp_path / "tree"
    subprocess.run(
        ["git", "-C", clone, "worktree", "add", "--quiet", "--detach", tree],
        check=True,
        capture_output=True,
    )
    shutil.copytree(tree / "models", tree / "copy")

    assert git.commit(tree, "HEAD") == first
    assert git.uncommitted(tree) == ["copy/"]
