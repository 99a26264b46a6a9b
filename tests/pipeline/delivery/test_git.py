"""The route from git's history, on real repositories and incomplete clones."""

import subprocess
from pathlib import Path

import pytest

from pipeline.delivery import git
from pipeline.delivery.route import Change, Route, everything
from pipeline.errors import ConfigurationError, RunError
from tests.pipeline.delivery.conftest import BEGIN, Repository

MODEL = "models/cab/model.py"
CAB, VAN = frozenset({"cab"}), frozenset({"van"})
CAB_ALONE = Route(models=CAB)


def since(repository: Repository, base: str | None, head: str = "HEAD") -> Route:
    return git.routed(repository.path, base=base, head=head).route


def clone(repository: Repository, path: Path, depth: int) -> Path:
    """Clone only the last `depth` commits to this path."""
    url = repository.path.as_uri()
    command = ["git", "clone", "--quiet", f"--depth={depth}", url, path]
    subprocess.run(command, check=True)
    return path


def test_the_first_commit_is_everything_and_no_surprise(repository, first):
    route, notice = git.routed(repository.path, base=None, head=first)

    assert route == everything(CAB)
    assert notice is None


def test_docs_alone_deliver_nothing(repository, first):
    repository.commit({"README.md": "more", "docs/runbook.md": "new"})

    route = since(repository, first)

    assert route == Route()


def test_nothing_changed_delivers_nothing(repository, first):
    route = since(repository, first, first)

    assert route == Route()


def test_all_commits_since_the_base_count_and_what_was_undone_does_not(repository, first):
    repository.commit({"pipeline/job/dag.py": "broken"})
    repository.commit({MODEL: "better"})
    repository.commit({"pipeline/job/dag.py": BEGIN["pipeline/job/dag.py"]})

    route = since(repository, first)

    assert route == CAB_ALONE


def test_a_merge_commit_brings_what_its_branch_changed(repository, first):
    repository.git("switch", "--quiet", "--create=branch")
    repository.commit({MODEL: "better"})
    repository.git("switch", "--quiet", "main")
    on_main = repository.commit({"README.md": "more"})
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", "branch")

    route_since_main = since(repository, on_main)
    route_since_first = since(repository, first)

    assert route_since_main == CAB_ALONE
    assert route_since_first == CAB_ALONE


def test_a_renamed_model_folder_is_removed_and_new_even_where_git_is_told_to_find_renames(
    repository, first
):
    repository.git("config", "diff.renames", "copies")
    repository.git("mv", "models/cab", "models/van")
    repository.commit({})

    route = since(repository, first)

    assert route == Route(models=VAN, removed=CAB, infrastructure=True)


def test_a_folder_without_its_model_toml_is_no_model_any_more(repository, first):
    repository.commit({"models/cab/model.toml": None, MODEL: "better"})

    route = since(repository, first)

    assert route == Route(removed=CAB, infrastructure=True)


def test_names_come_out_of_git_as_they_went_in(repository, first):
    hostile = ["a b", "a\nb", "a\tb", '"', "é", "e\u0301", "..c", "-d", "\udcff", "\\"]
    paths = [f"models/cab/{name}" for name in hostile]
    contents = dict.fromkeys(paths, "x")
    additions = {Change(path, "added") for path in paths}
    head = repository.commit(contents)

    changes = git.changes(repository.path, first, head)

    assert set(changes) == additions


def test_what_happened_is_told_and_a_file_that_became_a_link_is_modified(repository, first):
    file = repository.path / "pipeline/job/dag.py"
    file.unlink()
    file.symlink_to("elsewhere")
    head = repository.commit({"README.md": None, "new": "x", MODEL: "better"})

    changes = git.changes(repository.path, first, head)

    kinds = {change.path: change.what for change in changes}
    modified = {"pipeline/job/dag.py": "modified", MODEL: "modified"}
    assert kinds == {"README.md": "deleted", "new": "added", **modified}


def test_a_force_push_is_compared_with_what_was_delivered(repository, first):
    delivered = repository.commit({MODEL: "worse"})
    repository.git("reset", "--quiet", "--hard", first)
    repository.commit({"README.md": "more"})

    route = since(repository, delivered)

    assert route == CAB_ALONE


def test_a_force_push_whose_base_is_gone_is_everything_and_says_so(repository, first):
    orphan = repository.commit({"README.md": "more"})
    repository.git("reset", "--quiet", "--hard", first)
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "--quiet", "--prune=now")

    route, notice = git.routed(repository.path, base=orphan, head="HEAD")

    assert route == everything(CAB)
    assert orphan in notice
    assert "as after a force push" in notice


def test_a_shallow_clone_without_the_base_is_everything_and_says_what_brings_it(
    repository, first, tmp_path
):
    head = repository.commit({"README.md": "more"})
    shallow = clone(repository, tmp_path / "shallow", depth=1)

    route, notice = git.routed(shallow, base=first, head=head)

    assert route == everything(CAB)
    assert first in notice
    assert "`git fetch --unshallow` brings the rest" in notice


def test_a_shallow_clone_that_holds_the_base_has_the_exact_route(repository, first, tmp_path):
    repository.commit({MODEL: "better"})
    shallow = clone(repository, tmp_path / "shallow", depth=2)

    route, notice = git.routed(shallow, base=first, head="HEAD")

    assert route == CAB_ALONE
    assert notice is None


def test_a_repository_inside_another_sees_its_own_paths(tmp_path):
    around = Repository(tmp_path / "around")
    contents = {f"ml/{name}": content for name, content in BEGIN.items()}
    base = around.commit(contents)
    around.commit({"pipeline/job/dag.py": "not ours", "ml/models/cab/model.py": "better"})

    route, notice = git.routed(around.path / "ml", base=base, head="HEAD")

    assert route == CAB_ALONE
    assert notice is None


@pytest.mark.parametrize(
    ("base", "head", "flag"),
    [
        (None, "mian", "--head is 'mian'"),
        ("mian", "HEAD", "--base is 'mian'"),
        ("", "HEAD", "--base is ''"),
    ],
)
def test_a_name_that_is_no_commit_is_refused(repository, first, base, head, flag):
    with pytest.raises(ConfigurationError, match=flag):
        since(repository, base, head)


@pytest.mark.parametrize("option", ["--all", "-x", "--path-format=relative"])
def test_a_revision_is_never_an_option_of_git(repository, first, option):
    with pytest.raises(ConfigurationError, match="--head is"):
        since(repository, None, option)


def test_a_folder_whose_name_no_model_may_have_is_refused(repository, first):
    repository.commit({"models/Taxi 2/model.toml": "x"})

    with pytest.raises(ConfigurationError, match=r"named 'Taxi 2', allowed is \[a-z\]"):
        since(repository, first)


def test_what_is_no_repository_is_refused_in_git_s_words(tmp_path):
    with pytest.raises(RunError, match="not a git repository"):
        git.routed(tmp_path, base=None, head="HEAD")


def test_a_machine_without_git_is_told_so(repository, first, monkeypatch):
    monkeypatch.setenv("PATH", "")

    with pytest.raises(RunError, match="there is no git on this machine"):
        since(repository, first)
