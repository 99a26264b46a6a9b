"""The route from git's history, on real repositories and incomplete clones."""

import subprocess

import pytest

from pipeline.delivery import git
from pipeline.delivery.route import Change, Route, everything
from pipeline.errors import ConfigurationError, RunError
from tests.pipeline.delivery.conftest import BEGIN, Repository

CAB = frozenset({"cab"})


def since(repository: Repository, base: str | None, head: str = "HEAD") -> Route:
    return git.routed(repository.path, base=base, head=head).route


def test_the_first_commit_is_everything_and_no_surprise(repository, first):
    assert git.routed(repository.path, base=None, head=first) == (everything(CAB), None)


def test_docs_alone_deliver_nothing(repository, first):
    repository.commit({"README.md": "more", "docs/runbook.md": "new"})

    assert since(repository, first) == Route()


def test_nothing_changed_delivers_nothing(repository, first):
    assert since(repository, first, first) == Route()


def test_all_commits_since_the_base_count_and_what_was_undone_does_not(repository, first):
    repository.commit({"pipeline/job/dag.py": "broken"})
    repository.commit({"models/cab/model.py": "better"})
    repository.commit({"pipeline/job/dag.py": BEGIN["pipeline/job/dag.py"]})

    assert since(repository, first) == Route(models=CAB)


def test_a_merge_commit_brings_what_its_branch_changed(repository, first):
    repository.git("switch", "--quiet", "--create=branch")
    repository.commit({"models/cab/model.py": "better"})
    repository.git("switch", "--quiet", "main")
    on_main = repository.commit({"README.md": "more"})
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", "branch")

    assert since(repository, on_main) == Route(models=CAB)
    assert since(repository, first) == Route(models=CAB)


def test_a_renamed_model_folder_is_removed_and_new_even_where_git_is_told_to_find_renames(
    repository, first
):
    repository.git("config", "diff.renames", "copies")
    repository.git("mv", "models/cab", "models/van")
    repository.commit({})

    assert since(repository, first) == Route(
        models=frozenset({"van"}), removed=CAB, infrastructure=True
    )


def test_a_folder_without_its_model_toml_is_no_model_any_more(repository, first):
    repository.commit({"models/cab/model.toml": None, "models/cab/model.py": "better"})

    assert since(repository, first) == Route(removed=CAB, infrastructure=True)


def test_names_come_out_of_git_as_they_went_in(repository, first):
    hostile = ["a b", "a\nb", "a\tb", '"', "é", "e\u0301", "..c", "-d", "\udcff", "\\"]
    head = repository.commit({f"models/cab/{name}": "x" for name in hostile})

    changes = git.changes(repository.path, first, head)

    assert set(changes) == {Change(f"models/cab/{name}", "added") for name in hostile}


def test_what_happened_is_told_and_a_file_that_became_a_link_is_modified(repository, first):
    (repository.path / "pipeline/job/dag.py").unlink()
    (repository.path / "pipeline/job/dag.py").symlink_to("elsewhere")
    head = repository.commit({"README.md": None, "new": "x", "models/cab/model.py": "better"})

    kinds = {change.path: change.what for change in git.changes(repository.path, first, head)}

    modified = {"pipeline/job/dag.py": "modified", "models/cab/model.py": "modified"}
    assert kinds == {"README.md": "deleted", "new": "added", **modified}


def test_a_force_push_is_compared_with_what_was_delivered(repository, first):
    delivered = repository.commit({"models/cab/model.py": "worse"})
    repository.git("reset", "--quiet", "--hard", first)
    repository.commit({"README.md": "more"})

    assert since(repository, delivered) == Route(models=CAB)


def test_a_force_push_whose_base_is_gone_is_everything_and_says_so(repository, first):
    orphan = repository.commit({"README.md": "more"})
    repository.git("reset", "--quiet", "--hard", first)
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "--quiet", "--prune=now")

    route, notice = git.routed(repository.path, base=orphan, head="HEAD")

    assert route == everything(CAB)
    assert orphan in notice and "as after a force push" in notice


def test_a_shallow_clone_without_the_base_is_everything_and_says_what_brings_it(
    repository, first, tmp_path
):
    head = repository.commit({"README.md": "more"})
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", repository.path.as_uri(), tmp_path / "shallow"],
        check=True,
    )

    route, notice = git.routed(tmp_path / "shallow", base=first, head=head)

    assert route == everything(CAB)
    assert first in notice and "`git fetch --unshallow` brings the rest" in notice


def test_a_shallow_clone_that_holds_the_base_has_the_exact_route(repository, first, tmp_path):
    repository.commit({"models/cab/model.py": "better"})
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=2", repository.path.as_uri(), tmp_path / "shallow"],
        check=True,
    )
    repository.path = tmp_path / "shallow"

    assert since(repository, first) == Route(models=CAB)


def test_a_repository_inside_another_sees_its_own_paths(tmp_path):
    around = Repository(tmp_path / "around")
    base = around.commit({f"ml/{name}": content for name, content in BEGIN.items()})
    around.commit({"pipeline/job/dag.py": "not ours", "ml/models/cab/model.py": "better"})

    assert git.routed(tmp_path / "around/ml", base=base, head="HEAD") == (Route(models=CAB), None)


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
